//! TLS settings of backends and listeners.

use super::decode::{At, Decoder, Field, Slice};
use super::json::Value;

/// A TLS version vulcand can name; it has no name for newer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// `VersionTLS10`, what vulcand takes for the lowest version where none is set.
    Tls10,
    /// `VersionTLS11`
    Tls11,
    /// `VersionTLS12`, what vulcand takes for the highest version where none is set.
    Tls12,
}

/// The TLS settings vulcand understands, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether the server's order of cipher suites counts.
    pub prefer_server_cipher_suites: bool,
    /// Whether certificates of backend servers go unchecked.
    pub insecure_skip_verify: bool,
    /// The lowest version spoken.
    pub min_version: TlsVersion,
    /// The highest version spoken.
    pub max_version: TlsVersion,
    /// Whether sessions can't be resumed.
    pub session_tickets_disabled: bool,
    /// How many sessions are kept for resumption; `None` where they are not.
    pub session_cache_capacity: Option<u64>,
    /// The cipher suites in order of preference, by their Go names.
    pub cipher_suites: Vec<&'static str>,
}

/// The suites vulcand has names for. (Those with AES 256 GCM are not among them.)
const CIPHER_SUITES: [&str; 13] = [
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
];

/// What vulcand uses where no suite is named.
const DEFAULT_CIPHER_SUITES: [&str; 8] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
];

/// The capacity of a session cache that is not configured at all, and of one that is without it.
const UNSET_CACHE_CAPACITY: u64 = 64;
const DEFAULT_CACHE_CAPACITY: u64 = 1024;

/// TLS settings as they are written; what is checked is checked by [`RawTls::judge`].
#[derive(Debug, Default)]
pub(super) struct RawTls {
    prefer_server_cipher_suites: bool,
    insecure_skip_verify: bool,
    min_version: At<String>,
    max_version: At<String>,
    session_tickets_disabled: bool,
    session_cache: At<SessionCache>,
    cipher_suites: Slice<At<String>>,
}

#[derive(Debug, Default)]
struct SessionCache {
    kind: String,
    settings: Option<CacheSettings>,
}

#[derive(Debug, Default)]
struct CacheSettings {
    capacity: i64,
}

impl<'a> Field<'a> for RawTls {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        const FIELDS: &[&str] = &[
            "PreferServerCipherSuites",
            "InsecureSkipVerify",
            "MinVersion",
            "MaxVersion",
            "SessionTicketsDisabled",
            "SessionCache",
            "CipherSuites",
        ];
        decoder.object(value, FIELDS, |field, value, d| match field {
            "PreferServerCipherSuites" => self.prefer_server_cipher_suites.decode(value, d),
            "InsecureSkipVerify" => self.insecure_skip_verify.decode(value, d),
            "MinVersion" => self.min_version.decode(value, d),
            "MaxVersion" => self.max_version.decode(value, d),
            "SessionTicketsDisabled" => self.session_tickets_disabled.decode(value, d),
            "SessionCache" => self.session_cache.decode(value, d),
            _ => self.cipher_suites.decode(value, d),
        });
    }
}

impl<'a> Field<'a> for SessionCache {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        decoder.object(value, &["Type", "Settings"], |field, value, d| {
            if field == "Type" {
                self.kind.decode(value, d)
            } else {
                self.settings.decode(value, d)
            }
        });
    }
}

impl<'a> Field<'a> for CacheSettings {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        decoder.object(value, &["Capacity"], |_, value, d| {
            self.capacity.decode(value, d)
        });
    }
}

impl RawTls {
    /// What vulcand makes of the settings; problems go to the decoder.
    pub(super) fn judge(&self, decoder: &mut Decoder) -> TlsSettings {
        let min_version = decoder
            .within("MinVersion", |d| version(&self.min_version, d))
            .unwrap_or(TlsVersion::Tls10);
        let max_version = decoder
            .within("MaxVersion", |d| version(&self.max_version, d))
            .unwrap_or(TlsVersion::Tls12);
        if min_version > max_version {
            decoder.within("MinVersion", |d| {
                d.take_down(
                    self.min_version.span.clone(),
                    "the lowest TLS version is above the highest: no connection can be made",
                    "raise MaxVersion or lower MinVersion",
                );
            });
        }
        TlsSettings {
            prefer_server_cipher_suites: self.prefer_server_cipher_suites,
            insecure_skip_verify: self.insecure_skip_verify,
            min_version,
            max_version,
            session_tickets_disabled: self.session_tickets_disabled,
            // Without tickets the cache is not even looked at.
            session_cache_capacity: (!self.session_tickets_disabled)
                .then(|| decoder.within("SessionCache", |d| capacity(&self.session_cache, d))),
            cipher_suites: decoder
                .within("CipherSuites", |d| suites(self.cipher_suites.as_slice(), d)),
        }
    }
}

fn version(name: &At<String>, decoder: &mut Decoder) -> Option<TlsVersion> {
    match &*name.value {
        "" => None,
        "VersionTLS10" => Some(TlsVersion::Tls10),
        "VersionTLS11" => Some(TlsVersion::Tls11),
        "VersionTLS12" => Some(TlsVersion::Tls12),
        unknown => {
            decoder.reject(
                name.span.clone(),
                format!("vulcand knows no TLS version `{unknown}`"),
                "use VersionTLS10, VersionTLS11 or VersionTLS12",
            );
            None
        }
    }
}

fn suites(names: &[At<String>], decoder: &mut Decoder) -> Vec<&'static str> {
    if names.is_empty() {
        return DEFAULT_CIPHER_SUITES.to_vec();
    }
    let mut suites = Vec::with_capacity(names.len());
    for name in names {
        match CIPHER_SUITES.into_iter().find(|suite| *suite == name.value) {
            Some(suite) => suites.push(suite),
            None => decoder.reject(
                name.span.clone(),
                format!("vulcand knows no cipher suite `{}`", name.value),
                format!("use some of {}", CIPHER_SUITES.join(", ")),
            ),
        }
    }
    suites
}

fn capacity(cache: &At<SessionCache>, decoder: &mut Decoder) -> u64 {
    let At { value: cache, span } = cache;
    if !matches!(&*cache.kind, "" | "LRU") {
        decoder.reject(
            span.clone(),
            format!("vulcand knows no session cache `{}`", cache.kind),
            "set its Type to LRU or leave it out",
        );
    }
    match &cache.settings {
        None => UNSET_CACHE_CAPACITY,
        Some(CacheSettings { capacity: 0 }) => DEFAULT_CACHE_CAPACITY,
        Some(CacheSettings { capacity }) => u64::try_from(*capacity).unwrap_or_else(|_| {
            decoder.reject(
                span.clone(),
                format!("a session cache can't hold {capacity} sessions"),
                "set its Capacity to 1 or more, or leave it out",
            );
            DEFAULT_CACHE_CAPACITY
        }),
    }
}
