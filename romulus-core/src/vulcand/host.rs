//! Hosts: the certificates of HTTPS listeners.

use std::fmt;

use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, Nonce, XSalsa20Poly1305};

use super::check::Checked;
use super::decode::{At, Bytes, Decoder, Field, Slice};
use super::duration::GoDuration;
use super::environment::{Environment, SealKey};
use super::json::Value;

/// A host as its key describes it. Its `Name` is ignored: the key decides.
///
/// Equal hosts have the same content, however it is sealed: writing one over the other would only
/// make vulcand rebuild its HTTPS listeners and drop connections.
///
/// ```
/// use romulus_core::vulcand::{Environment, Host};
/// let text = r#"{"Settings": {"KeyPair": "e30="}}"#;
/// let checked = Host::parse(text, &Environment::default());
/// assert_eq!(checked.problems[0].path, "Settings.KeyPair");
/// assert_eq!(checked.problems[0].message, "vulcand has no seal key to open the key pair with");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Host {
    /// Whether its certificate is served to clients that name no host, or an unknown one.
    pub default: bool,
    /// Its certificate and key.
    pub key_pair: Option<KeyPair>,
    /// OCSP stapling.
    pub ocsp: Ocsp,
}

/// A certificate with its chain and its private key, both PEM.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct KeyPair {
    /// The certificate and those that vouch for it.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

/// The key is a secret: it is not printed.
impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").finish_non_exhaustive()
    }
}

/// OCSP stapling of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ocsp {
    /// Whether answers of the certificate's responder are stapled.
    pub enabled: bool,
    /// How often they are fetched; `None` for every hour.
    pub period: Option<GoDuration>,
    /// Responders to ask instead of the certificate's.
    pub responders: Vec<String>,
    /// Whether their signatures go unchecked.
    pub skip_signature_check: bool,
}

#[derive(Default)]
struct RawHost {
    default: At<bool>,
    key_pair: At<Bytes>,
    ocsp: RawOcsp,
}

#[derive(Default)]
struct RawOcsp {
    enabled: bool,
    period: At<String>,
    responders: Slice<String>,
    skip_signature_check: bool,
}

impl Host {
    /// Judges the value of a `host` key.
    pub fn parse(text: &str, environment: &Environment) -> Checked<Self> {
        let mut decoder = Decoder::default();
        let Some(value) = decoder.read(text) else {
            return decoder.finish(None);
        };
        if value.is_null() {
            decoder.harm(
                value.span.clone(),
                "JSON null as a host makes a vulcand on etcd v2 panic",
                "write a JSON object",
            );
        }
        let mut raw = RawHost::default();
        decoder.object(&value, &["Name", "Settings"], |field, value, d| {
            if field == "Name" {
                String::new().decode(value, d)
            } else {
                raw.decode(value, d)
            }
        });
        if decoder.is_rejected() {
            return decoder.finish(None);
        }
        let host = decoder.within("Settings", |d| raw.judge(environment, d));
        decoder.finish(host)
    }
}

impl<'a> Field<'a> for RawHost {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        decoder.object(
            value,
            &["Default", "KeyPair", "OCSP"],
            |field, value, d| match field {
                "Default" => self.default.decode(value, d),
                "KeyPair" => self.key_pair.decode(value, d),
                _ => self.ocsp.decode(value, d),
            },
        );
    }
}

impl<'a> Field<'a> for RawOcsp {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        let fields = &["Enabled", "Period", "Responders", "SkipSignatureCheck"];
        decoder.object(value, fields, |field, value, d| match field {
            "Enabled" => self.enabled.decode(value, d),
            "Period" => self.period.decode(value, d),
            "Responders" => self.responders.decode(value, d),
            _ => self.skip_signature_check.decode(value, d),
        });
    }
}

impl RawHost {
    fn judge(self, environment: &Environment, decoder: &mut Decoder) -> Option<Host> {
        let At {
            value: Bytes(sealed),
            span,
        } = self.key_pair;
        let key_pair = if sealed.is_empty() {
            None
        } else {
            decoder.within("KeyPair", |d| {
                match open(&sealed, environment.seal_key.as_ref()) {
                    Ok(key_pair) => {
                        if let Some(reason) = key_pair.as_ref().and_then(KeyPair::useless) {
                            d.harm(
                                span,
                                reason,
                                "seal a PEM certificate and its PEM private key",
                            );
                        }
                        Some(key_pair)
                    }
                    Err(reason) => {
                        let help = "seal the pair with the key vulcand runs with: `vctl secret \
                                seal_keypair`";
                        d.reject(span, reason, help);
                        None
                    }
                }
            })?
        };
        let usable = key_pair
            .as_ref()
            .is_some_and(|pair| pair.useless().is_none());
        if self.default.value && !usable {
            decoder.within("Default", |d| {
                d.take_down(
                    self.default.span,
                    "a default host without a usable key pair keeps a vulcand with an HTTPS \
                     listener from starting",
                    "give it a key pair, or leave Default out",
                );
            });
        }
        let ocsp = decoder.within("OCSP", |d| self.ocsp.judge(d));
        Some(Host {
            default: self.default.value,
            key_pair,
            ocsp,
        })
    }
}

impl RawOcsp {
    /// A period that is none only stops the stapling.
    fn judge(self, decoder: &mut Decoder) -> Ocsp {
        let At { value: text, span } = self.period;
        let period = if text.is_empty() {
            None
        } else {
            Some(text.parse::<GoDuration>())
        };
        if let (Some(Err(error)), true) = (&period, self.enabled) {
            decoder.within("Period", |d| {
                let message = format!("{error}: nothing is stapled");
                d.harm(span, message, "write a Go duration such as 1h");
            });
        }
        Ocsp {
            enabled: self.enabled,
            period: period.and_then(Result::ok),
            responders: self.responders.into_vec(),
            skip_signature_check: self.skip_signature_check,
        }
    }
}

impl KeyPair {
    /// Why vulcand can't serve the pair. (That the key belongs to the certificate is not judged.)
    fn useless(&self) -> Option<&'static str> {
        // Labels differ (`RSA PRIVATE KEY`, `TRUSTED CERTIFICATE`): their ends don't.
        let has = |pem: &[u8], label: &str| {
            let pem = String::from_utf8_lossy(pem);
            pem.lines()
                .any(|l| l.starts_with("-----BEGIN ") && l.trim_end().ends_with(label))
        };
        if !has(&self.certificate, "CERTIFICATE-----") {
            Some("there is no PEM certificate in the key pair: it is not served")
        } else if !has(&self.key, "PRIVATE KEY-----") {
            Some("there is no PEM private key in the key pair: it is not served")
        } else {
            None
        }
    }
}

/// Opens a sealed key pair; a pair that is sealed JSON null is none.
fn open(sealed: &[u8], seal_key: Option<&SealKey>) -> Result<Option<KeyPair>, String> {
    let Some(seal_key) = seal_key else {
        return Err("vulcand has no seal key to open the key pair with".to_owned());
    };
    let (value, nonce) = sealed_value(sealed)?;
    let nonce: [u8; 24] = nonce
        .try_into()
        .map_err(|nonce: Vec<u8>| format!("the nonce has {} bytes, not 24", nonce.len()))?;
    let plaintext = XSalsa20Poly1305::new(seal_key.bytes().into())
        .decrypt(&Nonce::from(nonce), &*value)
        .map_err(|_| "the key pair is sealed with another key, or damaged".to_owned())?;
    read_json("sealed key pair", &plaintext, |value, decoder| {
        if value.is_null() {
            return None;
        }
        let (mut key, mut certificate) = (Bytes::default(), Bytes::default());
        decoder.object(value, &["Key", "Cert"], |field, value, d| {
            if field == "Key" {
                key.decode(value, d)
            } else {
                certificate.decode(value, d)
            }
        });
        Some(KeyPair {
            certificate: certificate.0,
            key: key.0,
        })
    })
}

fn sealed_value(sealed: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let (encryption, parts) = read_json("key pair", sealed, |value, decoder| {
        let mut encryption = String::new();
        let (mut val, mut nonce) = (Bytes::default(), Bytes::default());
        decoder.object(value, &["Encryption", "Value"], |field, value, d| {
            if field == "Encryption" {
                encryption.decode(value, d);
            } else {
                d.object(value, &["Val", "Nonce"], |field, value, d| {
                    if field == "Val" {
                        val.decode(value, d)
                    } else {
                        nonce.decode(value, d)
                    }
                });
            }
        });
        (encryption, (!value.is_null()).then_some((val.0, nonce.0)))
    })?;
    match parts {
        None => Err("a key pair that is JSON null makes vulcand panic".to_owned()),
        Some(parts) if encryption == "secretbox.v1" => Ok(parts),
        Some(_) => Err(format!(
            "the key pair is not sealed: its Encryption is `{encryption}`"
        )),
    }
}

/// Reads JSON inside a value. Go reads bytes that are no UTF-8 as U+FFFD, and so does this.
fn read_json<T>(
    what: &str,
    bytes: &[u8],
    read: impl FnOnce(&Value, &mut Decoder) -> T,
) -> Result<T, String> {
    let mut decoder = Decoder::default();
    let value = decoder.read(&String::from_utf8_lossy(bytes));
    let judged = value.map(|value| read(&value, &mut decoder));
    let checked = decoder.finish(judged);
    checked.value.ok_or_else(|| {
        let reason = checked
            .problems
            .first()
            .map_or("", |problem| &problem.message);
        format!("in the {what}: {reason}")
    })
}
