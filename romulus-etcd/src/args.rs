//! The flags of a store, the same for every program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use romulus_core::vulcand::GoDuration;

use crate::{Discovery, EtcdOptions, EtcdStore, MemoryStore, Store, StoreError};

/// Where the keys are. Flatten it into the arguments of a program.
///
/// ```
/// use clap::Parser;
/// use romulus_etcd::EtcdArgs;
///
/// #[derive(Parser)]
/// struct Args {
///     #[command(flatten)]
///     etcd: EtcdArgs,
/// }
///
/// let args = Args::parse_from(["romulusd", "--etcd", "memory"]);
/// assert!(args.etcd.is_memory());
/// let store = args.etcd.store()?;
/// # Ok::<(), romulus_etcd::StoreError>(())
/// ```
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "etcd")]
pub struct EtcdArgs {
    /// etcd's endpoints, separated by commas; `memory` keeps the keys in this process alone
    #[arg(
        short = 'e',
        long = "etcd",
        value_name = "URLS",
        env = "ETCD_PEERS",
        default_value = DEFAULT,
        value_delimiter = ',',
        // Its errors must not repeat a password that was put into a URL.
        hide_env_values = true
    )]
    pub etcd: Vec<String>,

    /// Look up etcd's endpoints in the SRV records of this domain, instead of --etcd
    #[arg(long, value_name = "DOMAIN", env = "ETCD_DISCOVERY_SRV")]
    pub etcd_discovery_srv: Option<String>,

    /// Which of several etcds of that domain: _etcd-client-NAME instead of _etcd-client
    #[arg(long, value_name = "NAME", requires = "etcd_discovery_srv")]
    pub etcd_discovery_srv_name: Option<String>,

    /// How long a request to etcd may take, as in 5s or 1m30s
    #[arg(
        short = 't',
        long,
        value_name = "DURATION",
        env = "ETCD_TIMEOUT",
        default_value = "5s",
        value_parser = timeout
    )]
    pub etcd_timeout: Duration,

    /// Log each request to etcd as the etcdctl command that does the same
    #[arg(long)]
    pub debug_etcd: bool,

    /// Certificates (PEM) that sign those of https:// endpoints, instead of the system's
    #[arg(long, value_name = "FILE", env = "ETCD_CA_FILE")]
    pub etcd_ca_file: Option<PathBuf>,

    /// Certificate (PEM) to show to etcd
    #[arg(
        long,
        value_name = "FILE",
        env = "ETCD_CERT_FILE",
        requires = "etcd_key_file"
    )]
    pub etcd_cert_file: Option<PathBuf>,

    /// Key (PEM) of that certificate
    #[arg(
        long,
        value_name = "FILE",
        env = "ETCD_KEY_FILE",
        requires = "etcd_cert_file"
    )]
    pub etcd_key_file: Option<PathBuf>,

    /// User of etcd's own authentication
    #[arg(
        long,
        value_name = "NAME",
        env = "ETCD_USER",
        requires = "etcd_pass_file"
    )]
    pub etcd_user: Option<String>,

    /// File with that user's password
    #[arg(
        long,
        value_name = "FILE",
        env = "ETCD_PASS_FILE",
        requires = "etcd_user"
    )]
    pub etcd_pass_file: Option<PathBuf>,
}

/// Where etcd is unless a flag says otherwise.
const DEFAULT: &str = "http://127.0.0.1:2379";

/// The endpoint that means a store in memory.
const MEMORY: &str = "memory";

fn timeout(text: &str) -> Result<Duration, String> {
    let parsed: GoDuration = text.parse().map_err(|error| format!("{error}"))?;
    let negative = || format!("`{text}` is negative; give a time like 5s");
    match parsed.to_std().ok_or_else(negative)? {
        Duration::ZERO => Err("0 leaves no time for any request; give a time like 5s".to_owned()),
        timeout => Ok(timeout),
    }
}

impl EtcdArgs {
    /// Whether the store is this process's own, and empty at its start.
    pub fn is_memory(&self) -> bool {
        self.etcd.iter().any(|endpoint| endpoint.trim() == MEMORY)
    }

    /// The store the flags name. It connects when first used.
    ///
    /// # Errors
    /// A flag that can't be used, with its way out.
    pub fn store(&self) -> Result<Arc<dyn Store>, StoreError> {
        if self.is_memory() {
            if let Some(other) = self.etcd.iter().find(|endpoint| endpoint.trim() != MEMORY) {
                return Err(StoreError::Configuration {
                    option: "--etcd",
                    value: other.clone(),
                    reason: "a store is either in memory or in etcd, not both".to_owned(),
                });
            }
            return Ok(Arc::new(MemoryStore::new()));
        }
        Ok(Arc::new(EtcdStore::new(self.options()?)))
    }

    /// The options of an etcd store that the flags name.
    ///
    /// # Errors
    /// A flag that can't be used, with its way out.
    pub fn options(&self) -> Result<EtcdOptions, StoreError> {
        let mut options = self
            .endpoints()?
            .with_timeout(self.etcd_timeout)
            .with_logged_requests(self.debug_etcd);
        if let Some(file) = &self.etcd_ca_file {
            self.https_only(&options, "--etcd-ca-file", file)?;
            options = options.with_ca(read("--etcd-ca-file", file)?);
        }
        if let (Some(cert), Some(key)) = (&self.etcd_cert_file, &self.etcd_key_file) {
            self.https_only(&options, "--etcd-cert-file", cert)?;
            options = options.with_identity(
                read("--etcd-cert-file", cert)?,
                read("--etcd-key-file", key)?,
            );
        }
        if let (Some(name), Some(file)) = (&self.etcd_user, &self.etcd_pass_file) {
            let password = String::from_utf8(read("--etcd-pass-file", file)?)
                .map_err(|_| wrong("--etcd-pass-file", file, "it is not UTF-8"))?;
            // Editors and `echo` end files with a newline.
            options = options.with_user(name, password.trim_end_matches(['\n', '\r']));
        }
        Ok(options)
    }

    fn endpoints(&self) -> Result<EtcdOptions, StoreError> {
        let Some(domain) = &self.etcd_discovery_srv else {
            return EtcdOptions::new(&self.etcd);
        };
        if self.etcd != [DEFAULT] {
            return Err(StoreError::Configuration {
                option: "--etcd-discovery-srv",
                value: domain.clone(),
                reason: format!(
                    "--etcd names {} already; give one of the two",
                    self.etcd.join(",")
                ),
            });
        }
        let discovery = Discovery::new(domain);
        Ok(EtcdOptions::discover(match &self.etcd_discovery_srv_name {
            Some(name) => discovery.with_name(name),
            None => discovery,
        }))
    }

    /// A certificate for an endpoint without TLS is a mistake that would go unnoticed.
    fn https_only(
        &self,
        options: &EtcdOptions,
        option: &'static str,
        file: &Path,
    ) -> Result<(), StoreError> {
        match options
            .endpoints()
            .iter()
            .find(|endpoint| !endpoint.starts_with("https://"))
        {
            None => Ok(()),
            Some(plain) => {
                let reason = format!("--etcd names {plain}, which is not encrypted; use https://");
                Err(wrong(option, file, &reason))
            }
        }
    }
}

fn wrong(option: &'static str, file: &Path, reason: &str) -> StoreError {
    StoreError::Configuration {
        option,
        value: file.display().to_string(),
        reason: reason.to_owned(),
    }
}

fn read(option: &'static str, file: &Path) -> Result<Vec<u8>, StoreError> {
    std::fs::read(file).map_err(|error| wrong(option, file, &format!("can't be read: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        etcd: EtcdArgs,
    }

    fn parse(args: &[&str]) -> EtcdArgs {
        Program::try_parse_from([&["romulusd"], args].concat())
            .unwrap()
            .etcd
    }

    fn refused(args: &[&str]) -> String {
        match Program::try_parse_from([&["romulusd"], args].concat()) {
            Err(error) => error.to_string(),
            Ok(program) => match program.etcd.store() {
                Err(error) => error.to_string(),
                Ok(_) => "nothing refused".to_owned(),
            },
        }
    }

    #[test]
    fn flags_of_the_original() {
        let args = parse(&["-e", "http://a:1,b:2", "-t", "1m30s"]);
        let options = args.options().unwrap();
        assert_eq!(options.endpoints(), ["http://a:1", "http://b:2"]);
        assert_eq!(args.etcd_timeout, Duration::from_secs(90));
        assert!(!args.debug_etcd && !args.is_memory());
    }

    #[test]
    fn the_store_in_memory() {
        let args = parse(&["--etcd", "memory"]);
        assert!(args.is_memory());
        assert!(args.store().is_ok());
    }

    #[test]
    fn what_can_not_be_used_is_named_with_its_way_out() {
        let table: [(&[&str], &str); 8] = [
            (
                &["-t", "5"],
                "`5` is not a Go duration: a unit is missing; write it as in 5s (ns, us, ms, s, m, h)",
            ),
            (
                &["-t", "0"],
                "0 leaves no time for any request; give a time like 5s",
            ),
            (&["-t=-5s"], "`-5s` is negative; give a time like 5s"),
            (
                &["-e", "memory,h:1"],
                "--etcd \"h:1\": a store is either in memory or in etcd",
            ),
            (
                &["-e", "ftp://h"],
                "--etcd \"ftp://h\": etcd speaks http:// and https:// only",
            ),
            (
                &["-e", "https://h", "--etcd-ca-file", "/nowhere/ca"],
                "--etcd-ca-file \"/nowhere/ca\": can't be read: No such file or directory",
            ),
            (
                &["-e", "http://h", "--etcd-ca-file", "/nowhere/ca"],
                "--etcd names http://h, which is not encrypted; use https://",
            ),
            (&["--etcd-user", "root"], "--etcd-pass-file <FILE>"),
        ];
        for (args, expected) in table {
            let found = refused(args);
            assert!(found.contains(expected), "{args:?}: {found}");
        }
    }

    #[test]
    fn a_password_is_read_without_its_newline() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "hunter 2\r\n").unwrap();
        let file = file.to_str().unwrap();
        let args = parse(&["--etcd-user", "root", "--etcd-pass-file", file]);
        let options = args.options().unwrap();
        assert_eq!(
            options.user,
            Some(("root".to_owned(), "hunter 2".to_owned()))
        );
    }

    #[test]
    fn endpoints_are_named_or_looked_up_and_not_both() {
        let discovered = ["--etcd-discovery-srv", "example.org"];
        assert!(parse(&discovered).options().unwrap().endpoints().is_empty());
        let both = parse(&[&discovered[..], &["--etcd", "http://10.0.0.1:2379"]].concat());
        assert_eq!(
            both.options().unwrap_err().to_string(),
            r#"--etcd-discovery-srv "example.org": --etcd names http://10.0.0.1:2379 already; give one of the two"#
        );
    }
}
