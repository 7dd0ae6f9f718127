//! What an error of etcd-client means for the call it ended.

use std::error::Error as StdError;

use etcd_client::Error;
use tonic::{Code, ConnectError, Status};

/// What to do about a failed call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not applied; another endpoint may do better.
    Elsewhere(String),
    /// Not applied, on no endpoint; it may work later.
    Later(String),
    /// Not applied: the token is not valid any more. Authenticate again.
    Stale(String),
    /// The answer got lost: a write may have been applied.
    Lost(String),
    /// Not applied; asking again does not help.
    Never(String),
}

/// Reads an error. etcd's gRPC errors carry their meaning in the text as much as in the code
/// (`api/v3rpc/rpctypes/error.go` of etcd).
pub(super) fn judge(error: &Error, has_user: bool) -> Verdict {
    match error {
        Error::GRpcStatus(status) => judge_status(status, has_user),
        Error::TransportError(error) => Verdict::Elsewhere(format!("can't connect: {error}")),
        Error::IoError(_) | Error::WatchError(_) | Error::LeaseKeepAliveError(_) => {
            Verdict::Lost(error.to_string())
        }
        _ => Verdict::Never(error.to_string()),
    }
}

fn judge_status(status: &Status, has_user: bool) -> Verdict {
    let said = status.message();
    if let Some(why) = never_connected(status) {
        return Verdict::Elsewhere(format!(
            "can't connect ({why}); check that etcd runs and that --etcd names it"
        ));
    }
    match status.code() {
        Code::Unavailable if said == "etcdserver: no leader" => {
            Verdict::Elsewhere("the cluster has no leader".to_owned())
        }
        Code::ResourceExhausted if said.contains("too many requests") => {
            Verdict::Elsewhere("it has too many requests".to_owned())
        }
        Code::ResourceExhausted if said.contains("space exceeded") => Verdict::Later(
            "its database is full; compact and defragment it, then `etcdctl alarm disarm`"
                .to_owned(),
        ),
        Code::Unauthenticated => stale(said, has_user),
        Code::InvalidArgument if is_stale(said) => stale(said, has_user),
        Code::PermissionDenied => Verdict::Never(format!("{said}; grant the user these keys")),
        Code::Unimplemented => Verdict::Never(format!("{said}; this is not an etcd v3")),
        Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::NotFound
        | Code::AlreadyExists
        | Code::ResourceExhausted => Verdict::Never(said.to_owned()),
        // Not etcd's words: the connection is gone. We cancel nothing ourselves.
        code if code == Code::Cancelled || status.source().is_some() => Verdict::Lost(format!(
            "the connection was closed ({}); does etcd want https:// or a client certificate?",
            root(status).unwrap_or_else(|| said.to_owned()),
        )),
        code => Verdict::Lost(format!("{code}: {said}")),
    }
}

fn stale(said: &str, has_user: bool) -> Verdict {
    if has_user {
        Verdict::Stale(format!("{said}; check what the user of --etcd-user may do"))
    } else {
        Verdict::Never("it wants a user; give --etcd-user".to_owned())
    }
}

/// Whether etcd's words mean that the token must be renewed. Its Go client does so too.
pub(super) fn is_stale(said: &str) -> bool {
    [
        "revision of auth store is old",
        "user name is empty",
        "invalid auth token",
    ]
    .iter()
    .any(|text| said.contains(text))
}

/// Why no connection could be made, if so: then the request never left.
fn never_connected(status: &Status) -> Option<String> {
    sources(status).find(|error| error.is::<ConnectError>())?;
    root(status)
}

/// What the error comes down to.
fn root(status: &Status) -> Option<String> {
    sources(status).last().map(ToString::to_string)
}

fn sources(status: &Status) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(status.source(), |&error| error.source())
}

/// The history that a read or a watch asks for is gone.
pub(super) fn is_compacted(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status)
        if status.code() == Code::OutOfRange && status.message().contains("compacted"))
}

/// The answer is larger than what we decode.
pub(super) fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status)
        if status.code() == Code::OutOfRange && status.message().contains("length too large"))
}

/// The lease has expired or was revoked.
pub(super) fn is_lease_gone(error: &Error) -> bool {
    match error {
        Error::GRpcStatus(status) => status.code() == Code::NotFound,
        Error::LeaseKeepAliveError(text) => text == "lease not found",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_etcd_says_and_what_it_means() {
        let never = |text: &str| Verdict::Never(text.to_owned());
        let elsewhere = |text: &str| Verdict::Elsewhere(text.to_owned());
        let table = [
            (
                Code::Unavailable,
                "etcdserver: no leader",
                elsewhere("the cluster has no leader"),
            ),
            (
                Code::Unavailable,
                "etcdserver: request timed out",
                Verdict::Lost(format!(
                    "{}: etcdserver: request timed out",
                    Code::Unavailable
                )),
            ),
            (
                Code::ResourceExhausted,
                "etcdserver: too many requests",
                elsewhere("it has too many requests"),
            ),
            (
                Code::ResourceExhausted,
                "etcdserver: mvcc: database space exceeded",
                Verdict::Later(
                    "its database is full; compact and defragment it, then `etcdctl alarm disarm`"
                        .to_owned(),
                ),
            ),
            (
                Code::Unauthenticated,
                "etcdserver: invalid auth token",
                stale("etcdserver: invalid auth token", true),
            ),
            (
                Code::InvalidArgument,
                "etcdserver: revision of auth store is old",
                stale("etcdserver: revision of auth store is old", true),
            ),
            (
                Code::InvalidArgument,
                "etcdserver: request is too large",
                never("etcdserver: request is too large"),
            ),
            (
                Code::PermissionDenied,
                "etcdserver: permission denied",
                never("etcdserver: permission denied; grant the user these keys"),
            ),
            (
                Code::Unimplemented,
                "unknown service",
                never("unknown service; this is not an etcd v3"),
            ),
        ];
        for (code, said, expected) in table {
            assert_eq!(
                judge(&Error::GRpcStatus(Status::new(code, said)), true),
                expected
            );
        }
    }

    #[test]
    fn without_a_user_there_is_nothing_to_refresh() {
        let status = Status::invalid_argument("etcdserver: user name is empty");
        let expected = Verdict::Never("it wants a user; give --etcd-user".to_owned());
        assert_eq!(judge(&Error::GRpcStatus(status), false), expected);
    }
}
