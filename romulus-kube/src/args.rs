//! The flags that say which cluster is read, and what of it; flattened into both binaries.
use std::convert::Infallible;
use std::path::PathBuf;

use clap::Args;
use romulus_core::selector::Selector;
use secrecy::SecretString;

use crate::selection::{EndpointsSource, Selection};

/// Which Kubernetes API server, and what is read of it.
///
/// The server is the one of `--kube`, else of `--kubecfg`, else of the KUBECONFIG environment
/// variable, else the cluster romulus runs in, else `http://127.0.0.1:8080`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Kubernetes")]
pub struct KubeArgs {
    /// URL of the API server, such as http://127.0.0.1:8080
    #[arg(short = 'k', long, value_name = "URL", env = "KUBE_MASTER")]
    pub kube: Option<String>,

    /// User name for basic authentication
    #[arg(short = 'U', long, value_name = "NAME", env = "KUBE_USER")]
    pub kube_user: Option<String>,

    /// Password for basic authentication; better --kube-pass-file, since every user of a machine
    /// can see the arguments of its processes
    #[arg(
        short = 'P',
        long,
        value_name = "PASSWORD",
        env = "KUBE_PASS",
        hide_env_values = true, value_parser = secret)]
    pub kube_pass: Option<SecretString>,

    /// File with the password for basic authentication
    #[arg(long, value_name = "FILE", conflicts_with = "kube_pass")]
    pub kube_pass_file: Option<PathBuf>,

    /// Version of the Kubernetes API; only v1 has Services
    #[arg(long, value_name = "VERSION", env = "KUBE_API_VER", default_value = "v1",
          value_parser = api_version)]
    pub kube_api: String,

    /// Kubeconfig file; its current context is used
    #[arg(short = 'C', long, value_name = "FILE")]
    pub kubecfg: Option<PathBuf>,

    /// Which Services, by their labels: type=external is the label romulus/type=external;
    /// all of them if empty
    #[arg(
        short = 's',
        long,
        value_name = "SELECTOR",
        env = "SVC_SELECTOR",
        default_value = ""
    )]
    pub svc_selector: Selector,

    /// File with the certificates (PEM) of the authorities the API server is verified with
    #[arg(long, value_name = "FILE")]
    pub kube_ca_file: Option<PathBuf>,

    /// Don't verify the API server's certificate: whoever is on the way can answer for it
    #[arg(long)]
    pub kube_insecure: bool,

    /// Only this namespace; may be given several times
    #[arg(long, value_name = "NAME", value_parser = namespace)]
    pub namespace: Vec<String>,

    /// What endpoints are read from
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    pub endpoints_source: EndpointsSource,
}

impl KubeArgs {
    /// What of the cluster, or of manifests, is read.
    pub fn selection(&self) -> Selection {
        Selection {
            selector: self.svc_selector.clone(),
            namespaces: self.namespace.clone(),
            endpoints: self.endpoints_source,
        }
    }
}

fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text))
}

fn api_version(text: &str) -> Result<String, String> {
    match text {
        "v1" | "" => Ok("v1".to_owned()),
        _ => Err("Kubernetes has Services in API version v1 only; leave the option out".to_owned()),
    }
}

fn namespace(text: &str) -> Result<String, String> {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let valid = (1..=63).contains(&text.len())
        && text.bytes().all(inside)
        && !text.starts_with('-')
        && !text.ends_with('-');
    if valid {
        return Ok(text.to_owned());
    }
    Err(
        "a namespace has up to 63 lower-case letters, digits and '-', beginning and ending with a \
         letter or digit"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        kube: KubeArgs,
    }

    fn parse(arguments: &[&str]) -> Result<KubeArgs, String> {
        Cli::try_parse_from(["test"].iter().chain(arguments))
            .map(|cli| cli.kube)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_original_flags_have_their_names_and_defaults() {
        let arguments = [
            "-k",
            "http://k:1",
            "-U",
            "u",
            "-P",
            "p",
            "-C",
            "c",
            "-s",
            "type=external",
        ];
        let args = parse(&arguments).unwrap();
        assert_eq!(args.kube.as_deref(), Some("http://k:1"));
        assert_eq!(args.kube_user.as_deref(), Some("u"));
        assert_eq!(
            args.kube_pass.as_ref().map(ExposeSecret::expose_secret),
            Some("p")
        );
        assert!(
            !format!("{args:?}").contains("\"p\""),
            "the password is in no log"
        );
        assert_eq!(args.kubecfg, Some("c".into()));
        assert_eq!(
            args.selection().selector.to_string(),
            "romulus/type=external"
        );
        let args = parse(&[]).unwrap();
        assert_eq!(args.kube_api, "v1");
        assert!(args.selection().selector.is_everything());
        assert_eq!(args.endpoints_source, EndpointsSource::Auto);
    }

    #[test]
    fn every_flag_of_the_original_has_its_environment_variable() {
        let command = <Cli as clap::CommandFactory>::command();
        let environment: Vec<_> = command
            .get_arguments()
            .filter_map(|argument| Some((argument.get_long()?, argument.get_env()?.to_str()?)))
            .collect();
        assert_eq!(
            environment,
            [
                ("kube", "KUBE_MASTER"),
                ("kube-user", "KUBE_USER"),
                ("kube-pass", "KUBE_PASS"),
                ("kube-api", "KUBE_API_VER"),
                ("svc-selector", "SVC_SELECTOR"),
            ]
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        let table: [(&[&str], &str); 4] = [
            (
                &["--kube-api", "v1beta3"],
                "Services in API version v1 only",
            ),
            (
                &["-s", "type=a b"],
                "column 8: expected a comma or the end, not 'b'",
            ),
            (&["--namespace", "Shop"], "lower-case letters"),
            (&["-P", "x", "--kube-pass-file", "y"], "cannot be used with"),
        ];
        for (arguments, expected) in table {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }
}
