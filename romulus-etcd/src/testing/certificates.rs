use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// An authority, and a certificate of it for 127.0.0.1 and localhost that serves both ends, as
/// files in PEM.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Certificates {
    /// Makes new ones, which nobody else trusts.
    ///
    /// # Panics
    /// When they can't be written.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = || KeyPair::generate().expect("a key");
        let ca = CertifiedIssuer::self_signed(params, key()).expect("a certificate");
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let params = CertificateParams::new(names).expect("they are names");
        let key = key();
        let cert = params.signed_by(&key, &ca).expect("a certificate");
        let write = |name, text: String| {
            std::fs::write(folder.path().join(name), text).expect("the folder is ours");
        };
        write("ca", ca.pem());
        write("cert", cert.pem());
        write("key", key.serialize_pem());
        Self { folder }
    }

    /// The authority's certificate.
    pub fn ca(&self) -> PathBuf {
        self.path("ca")
    }

    /// The certificate.
    pub fn cert(&self) -> PathBuf {
        self.path("cert")
    }

    /// Its key.
    pub fn key(&self) -> PathBuf {
        self.path("key")
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    /// The flags that name the authority, and where asked for the certificate to show.
    pub fn flags(&self, is_shown: bool) -> Vec<String> {
        let mut flags = vec![("--etcd-ca-file", self.ca())];
        if is_shown {
            flags.push(("--etcd-cert-file", self.cert()));
            flags.push(("--etcd-key-file", self.key()));
        }
        let words = flags
            .into_iter()
            .flat_map(|(flag, file)| [flag.to_owned(), file.display().to_string()]);
        words.collect()
    }
}
