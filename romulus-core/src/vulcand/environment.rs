//! What the verdict on a value depends on besides the value.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Facts about the vulcand that will read a value.
///
/// The default is a stock vulcand about which nothing more is known: no middleware types of its
/// own, no seal key, no syslog on its machine; backends and addresses are not judged.
///
/// ```
/// use romulus_core::vulcand::{Environment, Middleware};
/// let auth = r#"{"Type": "auth", "Middleware": {"User": "a"}}"#;
/// let mut environment = Environment::default();
/// assert!(!Middleware::parse(auth, &environment).is_accepted());
/// environment.middleware_types.insert("auth".into());
/// assert!(Middleware::parse(auth, &environment).is_accepted());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Middleware types a custom vulcand knows besides the stock ones.
    pub middleware_types: BTreeSet<String>,
    /// What vulcand's `-sealKey` says.
    pub seal_key: Option<SealKey>,
    /// Whether the local syslog (a socket such as `/dev/log`) answers on vulcand's machine.
    pub local_syslog: bool,
    /// The unix datagram sockets on vulcand's machine that a syslog listens on.
    pub syslog_sockets: BTreeSet<String>,
    /// The ids of the backends in the tree; `None` where they are not to be judged.
    pub backends: Option<BTreeSet<String>>,
    /// The host names vulcand's machine can look up; `None` where they are not known.
    pub host_names: Option<BTreeSet<String>>,
    /// The addresses of vulcand's machine; `None` where they are not known.
    pub addresses: Option<BTreeSet<IpAddr>>,
    /// The addresses that are taken on vulcand's machine: by its other listeners, the default one
    /// included, or by other processes.
    pub taken: BTreeSet<SocketAddr>,
}

impl Environment {
    /// Whether a host can be told to be unknown to vulcand's machine.
    pub(crate) fn is_unknown(&self, host: &str) -> bool {
        let address = host
            .split('%')
            .next()
            .unwrap_or(host)
            .parse::<IpAddr>()
            .is_ok();
        !address
            && self
                .host_names
                .as_ref()
                .is_some_and(|names| !names.contains(host))
    }
}

/// The key that vulcand opens sealed key pairs with.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey([u8; 32]);

/// Why a text is not a seal key. The text is a secret and not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a seal key has 64 hex digits (`vctl secret new_key` makes one)")]
pub struct SealKeyError;

impl SealKey {
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for SealKey {
    type Err = SealKeyError;

    fn from_str(text: &str) -> Result<Self, SealKeyError> {
        let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
        let bytes = digits
            .filter(|digits| digits.len() == 64)
            .and_then(|digits| {
                digits
                    .chunks_exact(2)
                    .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok())
                    .collect()
            });
        let bytes: Vec<u8> = bytes.ok_or(SealKeyError)?;
        bytes.try_into().map(Self).map_err(|_| SealKeyError)
    }
}

/// The key is a secret: it is not printed.
impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_key_has_64_hex_digits_and_is_not_shown() {
        let key: SealKey = "0A".repeat(32).parse().unwrap();
        assert_eq!(key.bytes(), &[10; 32]);
        assert_eq!(format!("{key:?}"), "SealKey(..)");
        for text in [
            String::new(),
            "0a".repeat(31),
            "0a".repeat(33),
            "0g".repeat(32),
            "é".repeat(32),
        ] {
            assert_eq!(text.parse::<SealKey>(), Err(SealKeyError), "{text}");
        }
    }
}
