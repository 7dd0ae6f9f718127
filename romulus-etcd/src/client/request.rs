//! Requests as `etcdctl` commands, for `--debug-etcd`.

use std::fmt::{self, Write as _};

use romulus_core::plan::{Guard, Op, Revision, Transaction};
use romulus_core::secret::mask;

use crate::Fence;

/// The `tracing` target under which requests are logged, at debug level.
pub const REQUESTS_TARGET: &str = "romulus_etcd::requests";

/// A request to etcd. [`Display`](fmt::Display) is the arguments of the `etcdctl` command that
/// does the same, quoted for a shell, with secrets masked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    Get {
        key: &'a [u8],
        end: &'a [u8],
        limit: usize,
        revision: i64,
    },
    NextKey {
        from: &'a str,
    },
    Status,
    Txn {
        transaction: &'a Transaction,
        fence: Option<&'a Fence>,
    },
    Watch {
        prefix: &'a str,
        revision: i64,
    },
    Grant {
        ttl: i64,
    },
    Campaign {
        fence: &'a Fence,
        lease: i64,
    },
    KeepAlive {
        lease: i64,
    },
    Revoke {
        lease: i64,
    },
}

impl Request<'_> {
    /// What errors call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Get { .. } | Self::NextKey { .. } => "reading keys",
            Self::Status => "its status",
            Self::Txn { .. } => "a transaction",
            Self::Watch { .. } => "a watch",
            Self::Grant { .. } => "granting a lease",
            Self::Campaign { .. } => "taking the leadership",
            Self::KeepAlive { .. } => "keeping a lease alive",
            Self::Revoke { .. } => "revoking a lease",
        }
    }
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get {
                key,
                end,
                limit,
                revision,
            } => {
                write!(f, "get --limit={limit}")?;
                if *revision != 0 {
                    write!(f, " --rev={revision}")?;
                }
                if *end == b"\0" {
                    return f.write_str(" --from-key -- ''");
                }
                f.write_str(" -- ")?;
                shell(f, &String::from_utf8_lossy(key))?;
                if !end.is_empty() {
                    f.write_char(' ')?;
                    shell(f, &String::from_utf8_lossy(end))?;
                }
                Ok(())
            }
            Self::NextKey { from: "\0" } => {
                f.write_str("get --limit=1 --keys-only --from-key -- ''")
            }
            Self::NextKey { from } => {
                f.write_str("get --limit=1 --keys-only --from-key -- ")?;
                shell(f, from)
            }
            Self::Status => f.write_str("endpoint status"),
            Self::Txn { transaction, fence } => txn(f, transaction, *fence),
            Self::Watch { prefix, revision } => {
                write!(f, "watch --prefix --rev={revision} -- ")?;
                shell(f, prefix)
            }
            Self::Grant { ttl } => write!(f, "lease grant {ttl}"),
            Self::Campaign { fence, lease } => {
                let (key, value) = (Go(&fence.key), Go(&fence.value));
                f.write_str("txn <<'EOF'\n")?;
                write!(
                    f,
                    "create({key}) = \"0\"\n\nput --lease={lease:x} {key} {value}\n\n"
                )?;
                write!(f, "get {key}\n\nEOF")
            }
            Self::KeepAlive { lease } => write!(f, "lease keep-alive {lease:x}"),
            Self::Revoke { lease } => write!(f, "lease revoke {lease:x}"),
        }
    }
}

/// Compares, then operations, then what is read where a compare fails; each part ends with an empty
/// line.
fn txn(
    f: &mut fmt::Formatter<'_>,
    transaction: &Transaction,
    fence: Option<&Fence>,
) -> fmt::Result {
    f.write_str("txn <<'EOF'\n")?;
    if let Some(fence) = fence {
        writeln!(f, "value({}) = {}", Go(&fence.key), Go(&fence.value))?;
    }
    for guard in &transaction.guards {
        match guard {
            Guard::Absent { key } => writeln!(f, "create({}) = \"0\"", Go(key))?,
            Guard::Unchanged {
                key,
                revision: Revision::Known(revision),
            } => {
                writeln!(f, "mod({}) = \"{revision}\"", Go(key))?;
            }
            // Refused before it is sent.
            Guard::Unchanged {
                key,
                revision: Revision::OfStep(_),
            } => {
                writeln!(f, "mod({}) = \"?\"", Go(key))?;
            }
        }
    }
    f.write_char('\n')?;
    for op in &transaction.ops {
        match op {
            Op::Put { key, value } => writeln!(f, "put {} {}", Go(key), Go(&mask(value)))?,
            Op::Delete { key } => writeln!(f, "del {}", Go(key))?,
        }
    }
    f.write_char('\n')?;
    let guarded = transaction.guards.iter().map(Guard::key);
    for key in fence
        .map(|fence| fence.key.as_str())
        .into_iter()
        .chain(guarded)
    {
        writeln!(f, "get {}", Go(key))?;
    }
    f.write_str("\nEOF")
}

/// Quotes for a POSIX shell.
pub(super) fn shell(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    write!(f, "'{}'", text.replace('\'', r"'\''"))
}

/// A string literal as Go's `%q` reads it, which is what `etcdctl txn` does.
struct Go<'a>(&'a str);

impl fmt::Display for Go<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_do_the_same() {
        let fence = Fence {
            key: "l".to_owned(),
            value: "0a".to_owned(),
        };
        let table = [
            (
                Request::Get {
                    key: b"vulcand/",
                    end: b"vulcand0",
                    limit: 256,
                    revision: 7,
                },
                "get --limit=256 --rev=7 -- 'vulcand/' 'vulcand0'",
            ),
            (
                Request::Get {
                    key: b"it's",
                    end: b"",
                    limit: 1,
                    revision: 0,
                },
                r"get --limit=1 -- 'it'\''s'",
            ),
            (
                Request::Get {
                    key: b"\0",
                    end: b"\0",
                    limit: 256,
                    revision: 7,
                },
                "get --limit=256 --rev=7 --from-key -- ''",
            ),
            (
                Request::Watch {
                    prefix: "vulcand/",
                    revision: 8,
                },
                "watch --prefix --rev=8 -- 'vulcand/'",
            ),
            (
                Request::NextKey { from: "vulcand0" },
                "get --limit=1 --keys-only --from-key -- 'vulcand0'",
            ),
            (
                Request::NextKey { from: "\0" },
                "get --limit=1 --keys-only --from-key -- ''",
            ),
            (Request::Status, "endpoint status"),
            (Request::Grant { ttl: 10 }, "lease grant 10"),
            (Request::KeepAlive { lease: 0x1f }, "lease keep-alive 1f"),
            (Request::Revoke { lease: 0x1f }, "lease revoke 1f"),
            (
                Request::Campaign {
                    fence: &fence,
                    lease: 0x1f,
                },
                "txn <<'EOF'\ncreate(\"l\") = \"0\"\n\nput --lease=1f \"l\" \"0a\"\n\nget \
                 \"l\"\n\nEOF",
            ),
        ];
        for (request, expected) in table {
            assert_eq!(request.to_string(), expected);
        }
    }

    #[test]
    fn a_transaction_as_a_here_document() {
        let fence = Fence {
            key: "l".to_owned(),
            value: "0a".to_owned(),
        };
        let transaction = Transaction {
            guards: vec![
                Guard::Absent {
                    key: "a".to_owned(),
                },
                Guard::Unchanged {
                    key: "b".to_owned(),
                    revision: Revision::Known(5),
                },
            ],
            ops: vec![
                Op::Put {
                    key: "a".to_owned(),
                    value: r#"{"Route":"Path(`/é`)"}"#.to_owned(),
                },
                Op::Delete {
                    key: "b".to_owned(),
                },
            ],
        };
        let request = Request::Txn {
            transaction: &transaction,
            fence: Some(&fence),
        };
        let expected = r#"txn <<'EOF'
value("l") = "0a"
create("a") = "0"
mod("b") = "5"

put "a" "{\"Route\":\"Path(`/é`)\"}"
del "b"

get "l"
get "a"
get "b"

EOF"#;
        assert_eq!(request.to_string(), expected);
    }
}
