//! The head of a backend: how vulcand connects to its servers.

use super::check::Checked;
use super::decode::{At, Decoder, Field};
use super::duration::{DurationError, GoDuration};
use super::json::Value;
use super::stats::Stats;
use super::tls::{RawTls, TlsSettings};

/// A backend as its key describes it. Its `Id` is ignored: the key decides.
///
/// ```
/// use romulus_core::vulcand::Backend;
/// let checked = Backend::parse(r#"{"Type": "http", "Settings": {"Timeouts": {"Read": "5"}}}"#);
/// assert!(!checked.is_accepted());
/// assert_eq!(checked.problems[0].path, "Settings.Timeouts.Read");
/// assert!(checked.problems[0].message.starts_with("`5` is not a Go duration: a unit is missing"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backend {
    /// How vulcand connects to the servers.
    pub settings: BackendSettings,
}

/// How vulcand connects to the servers of a backend; zero durations mean vulcand's own flags.
///
/// Equal settings make vulcand do the same, however they are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackendSettings {
    /// The longest wait for the headers of an answer.
    pub read_timeout: GoDuration,
    /// The longest wait for a connection.
    pub dial_timeout: GoDuration,
    /// The longest wait for a TLS handshake.
    pub tls_handshake_timeout: GoDuration,
    /// How often keep-alive probes go out.
    pub keep_alive_period: GoDuration,
    /// How many idle connections are kept per server.
    pub max_idle_conns_per_host: i64,
    /// TLS settings, where there are any.
    pub tls: Option<TlsSettings>,
}

impl Backend {
    /// Judges the value of a `backend` key.
    pub fn parse(text: &str) -> Checked<Self> {
        let mut decoder = Decoder::default();
        let Some(value) = read_value(text, &mut decoder) else {
            return decoder.finish(None);
        };
        let mut kind = At::<String>::default();
        let mut settings = None;
        decoder.object(
            &value,
            &["Id", "Type", "Settings", "Stats"],
            |field, value, d| match field {
                "Id" => String::new().decode(value, d),
                "Type" => kind.decode(value, d),
                "Settings" => settings.decode(value, d),
                _ => None::<Stats>.decode(value, d),
            },
        );
        check_type(&kind, &mut decoder);
        let settings = settings.map(|value| {
            decoder.within("Settings", |decoder| BackendSettings::judge(value, decoder))
        });
        decoder.finish(Some(Self {
            settings: settings.unwrap_or_default(),
        }))
    }
}

/// Reads the text of a value. JSON `null` as a whole kills vulcand where it meets it.
pub(super) fn read_value(text: &str, decoder: &mut Decoder) -> Option<Value> {
    let value = decoder.read(text)?;
    if value.is_null() {
        decoder.reject(
            value.span.clone(),
            "JSON null as a whole value makes vulcand panic",
            "write a JSON object",
        );
        return None;
    }
    Some(value)
}

/// Backends and frontends have a `Type`, and there is only one.
pub(super) fn check_type(kind: &At<String>, decoder: &mut Decoder) {
    if kind.value != "http" {
        decoder.within("Type", |d| {
            d.reject(
                kind.span.clone(),
                format!("vulcand knows no type `{}`", kind.value),
                "set Type to http (WebSockets work on it as well)",
            );
        });
    }
}

#[derive(Default)]
struct RawSettings {
    read: At<String>,
    dial: At<String>,
    tls_handshake: At<String>,
    period: At<String>,
    max_idle_conns_per_host: i64,
    tls: Option<RawTls>,
}

impl BackendSettings {
    /// Judges the `Settings` of a backend.
    pub fn from_json(value: &Value) -> Checked<Self> {
        let mut decoder = Decoder::of(value);
        let settings = Self::judge(value, &mut decoder);
        decoder.finish(Some(settings))
    }

    fn judge(value: &Value, decoder: &mut Decoder) -> Self {
        let mut raw = RawSettings::default();
        raw.decode(value, decoder);
        let [read_timeout, dial_timeout, tls_handshake_timeout] = [
            ("Read", &raw.read, Negative::Unlimited),
            ("Dial", &raw.dial, Negative::Fails),
            ("TLSHandshake", &raw.tls_handshake, Negative::Fails),
        ]
        .map(|(field, written, negative)| {
            decoder.within("Timeouts", |d| {
                d.within(field, |d| timeout(written, negative, d))
            })
        });
        let keep_alive_period = decoder.within("KeepAlive", |d| {
            d.within("Period", |d| duration(&raw.period, d))
        });
        let tls = raw
            .tls
            .map(|tls| decoder.within("TLS", |decoder| tls.judge(decoder)));
        Self {
            read_timeout,
            dial_timeout,
            tls_handshake_timeout,
            keep_alive_period,
            max_idle_conns_per_host: raw.max_idle_conns_per_host,
            tls,
        }
    }
}

impl<'a> Field<'a> for RawSettings {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        decoder.object(
            value,
            &["Timeouts", "KeepAlive", "TLS"],
            |group, value, d| match group {
                "Timeouts" => d.object(
                    value,
                    &["Read", "Dial", "TLSHandshake"],
                    |field, value, d| match field {
                        "Read" => self.read.decode(value, d),
                        "Dial" => self.dial.decode(value, d),
                        _ => self.tls_handshake.decode(value, d),
                    },
                ),
                "KeepAlive" => d.object(
                    value,
                    &["Period", "MaxIdleConnsPerHost"],
                    |field, value, d| {
                        if field == "Period" {
                            self.period.decode(value, d);
                        } else {
                            self.max_idle_conns_per_host.decode(value, d);
                        }
                    },
                ),
                _ => self.tls.decode(value, d),
            },
        );
    }
}

/// What a negative timeout does.
#[derive(Clone, Copy)]
enum Negative {
    Unlimited,
    Fails,
}

/// A time this short is over before a packet has been to another machine and back.
const TOO_SHORT: i64 = 1_000_000;

fn timeout(written: &At<String>, negative: Negative, decoder: &mut Decoder) -> GoDuration {
    let help = "write a duration of some seconds, or leave it out for vulcand's default";
    let timeout = duration(written, decoder);
    let At { value: text, span } = written;
    let nanoseconds = timeout.nanoseconds();
    if nanoseconds < 0 {
        match negative {
            Negative::Fails => {
                let message = format!("with the negative timeout `{text}` every connection fails");
                decoder.take_down(span.clone(), message, help);
            }
            Negative::Unlimited => {
                let message = format!("the negative timeout `{text}` means no timeout at all");
                decoder.harm(span.clone(), message, help);
            }
        }
    } else if nanoseconds > 0 && nanoseconds < TOO_SHORT {
        let message = format!("`{text}` is too short for any server to answer in");
        decoder.take_down(span.clone(), message, help);
    }
    timeout
}

/// A duration; the empty text is zero.
fn duration(written: &At<String>, decoder: &mut Decoder) -> GoDuration {
    if written.value.is_empty() {
        return GoDuration::default();
    }
    written
        .value
        .parse()
        .unwrap_or_else(|error: DurationError| {
            let help = "write a Go duration such as 5s, 1m30s or 100ms";
            decoder.reject(written.span.clone(), error.to_string(), help);
            GoDuration::default()
        })
}
