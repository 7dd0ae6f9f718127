//! What changed settings of a frontend mean, and when a running vulcand notices.

use romulus_core::vulcand::{Frontend, FrontendSettings, Predicate, json};

/// What the settings come to, a sentence for each that differs.
pub(crate) fn words(id: &str, old: &FrontendSettings, new: &FrontendSettings) -> Vec<String> {
    let mut told = Vec::new();
    if old.pass_host_header != new.pass_host_header {
        told.push(if new.pass_host_header {
            format!("passes the client's Host header to the servers of {id}")
        } else {
            format!(
                "no longer passes the client's Host header: {id} puts the server's address there"
            )
        });
    }
    if old.stream != new.stream {
        told.push(if new.stream {
            format!("streams the bodies of {id}: no limits, no second tries")
        } else {
            format!("no longer streams the bodies of {id}: limits and second tries count again")
        });
    }
    if old.stream_flush_interval_ns != new.stream_flush_interval_ns {
        told.push(match new.stream_flush_interval_ns {
            0 => format!("flushes streams of {id} as vulcand does by default"),
            interval => format!("flushes streams of {id} every {interval} ns"),
        });
    }
    if predicate(old) != predicate(new) {
        told.push(match &new.failover_predicate {
            Some(predicate) => format!("tries requests of {id} again when {predicate}"),
            None => format!("tries requests of {id} again as vulcand does by default"),
        });
    }
    if old.max_body_bytes != new.max_body_bytes {
        told.push(match new.max_body_bytes {
            0 => format!("lifts the limit on bodies of {id}"),
            limit => format!("limits bodies of {id} to {limit} bytes"),
        });
    }
    if old.max_mem_body_bytes != new.max_mem_body_bytes {
        told.push(match new.max_mem_body_bytes {
            0 => {
                format!("keeps as much of the bodies of {id} in memory as vulcand does by default")
            }
            limit => format!("keeps at most {limit} bytes of the bodies of {id} in memory"),
        });
    }
    if old.trust_forward_header != new.trust_forward_header {
        let verb = if new.trust_forward_header {
            "believes"
        } else {
            "no longer believes"
        };
        told.push(format!(
            "{verb} X-Forwarded headers that clients send to {id}"
        ));
    }
    if old.hostname != new.hostname {
        told.push(match new.hostname.as_str() {
            "" => format!("names the machine in forwarding headers of {id}"),
            name => format!("names `{name}` in forwarding headers of {id}"),
        });
    }
    told
}

/// The predicate in force.
fn predicate(settings: &FrontendSettings) -> Option<&Predicate> {
    let predicate = settings.failover_predicate.as_ref();
    predicate.filter(|predicate| !predicate.is_default())
}

/// What a running vulcand makes of a change of settings that it does not look at: it waits for a
/// restart, unless something else changes that vulcand does look at. Each frontend comes with its
/// value.
pub(crate) fn restart(
    id: &str,
    (old, old_text): (&Frontend, &str),
    (new, new_text): (&Frontend, &str),
) -> Option<String> {
    let unnoticed = |frontend: &Frontend| {
        let settings = &frontend.settings;
        (
            settings.pass_host_header,
            settings.stream,
            settings.stream_flush_interval_ns,
        )
    };
    let noticed = |frontend: &Frontend| {
        let settings = &frontend.settings;
        (
            (frontend.backend_id.clone(), frontend.route.clone()),
            (settings.max_body_bytes, settings.max_mem_body_bytes),
            (settings.hostname.clone(), settings.trust_forward_header),
        )
    };
    if unnoticed(old) == unnoticed(new) || noticed(old) != noticed(new) {
        return None;
    }
    let is_spelled_anew = predicate_text(old_text) != predicate_text(new_text);
    if !is_spelled_anew {
        return Some(format!(
            "waits for a vulcand restart: a running one does not notice the change of {id}"
        ));
    }
    let is_blank = predicate(&old.settings) == predicate(&new.settings);
    is_blank.then(|| {
        "takes effect at once: FailoverPredicate is spelled differently and means the same".into()
    })
}

fn predicate_text(frontend: &str) -> Option<String> {
    let value = json::parse(frontend).ok()?;
    match &value.member("Settings")?.member("FailoverPredicate")?.node {
        json::Node::String(text) if !text.is_empty() => Some(text.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use romulus_core::vulcand::Environment;

    use super::*;

    fn told(old: &str, new: &str) -> Vec<String> {
        let value = |settings: &str| {
            let head = r#""Type":"http","BackendId":"b","Route":"Host(`h`)""#;
            format!("{{{head},\"Settings\":{{{settings}}}}}")
        };
        let (old, new) = (value(old), value(new));
        let parse = |text: &str| {
            Frontend::parse(text, &Environment::default())
                .value
                .unwrap()
        };
        let (old, new) = ((parse(&old), old.as_str()), (parse(&new), new.as_str()));
        let mut told = words("f", &old.0.settings, &new.0.settings);
        told.extend(restart("f", (&old.0, old.1), (&new.0, new.1)));
        told
    }

    #[test]
    fn what_a_running_vulcand_does_not_notice() {
        let passes = "passes the client's Host header to the servers of f";
        let waits = "waits for a vulcand restart: a running one does not notice the change of f";
        assert_eq!(told("", r#""PassHostHeader":true"#), [passes, waits]);
        let streams = "streams the bodies of f: no limits, no second tries";
        assert_eq!(told("", r#""Stream":true"#), [streams, waits]);
        assert_eq!(
            told("", r#""PassHostHeader":true,"Limits":{"MaxBodyBytes":9}"#),
            [passes, "limits bodies of f to 9 bytes"],
            "the limit makes vulcand look"
        );
        let predicate = r#""FailoverPredicate":"Attempts() < 3""#;
        assert_eq!(
            told(
                predicate,
                r#""FailoverPredicate":"Attempts() < 3 ","PassHostHeader":true"#
            ),
            [
                passes,
                "takes effect at once: FailoverPredicate is spelled differently and means the same"
            ]
        );
        assert_eq!(
            told(
                predicate,
                r#""FailoverPredicate":"Attempts() < 4","PassHostHeader":true"#
            ),
            [passes, "tries requests of f again when Attempts() < 4"]
        );
    }

    #[test]
    fn each_setting_has_its_words() {
        let new = r#""Limits":{"MaxMemBodyBytes":5},"TrustForwardHeader":true,"Hostname":"h"#;
        let new = format!("{new}\",\"StreamFlushIntervalNanoSecs\":7");
        assert_eq!(
            told("", &new),
            [
                "flushes streams of f every 7 ns",
                "keeps at most 5 bytes of the bodies of f in memory",
                "believes X-Forwarded headers that clients send to f",
                "names `h` in forwarding headers of f",
            ]
        );
        assert_eq!(
            told(&new, ""),
            [
                "flushes streams of f as vulcand does by default",
                "keeps as much of the bodies of f in memory as vulcand does by default",
                "no longer believes X-Forwarded headers that clients send to f",
                "names the machine in forwarding headers of f",
            ]
        );
        assert_eq!(told("", r#""Hostname":"""#), Vec::<String>::new());
    }
}
