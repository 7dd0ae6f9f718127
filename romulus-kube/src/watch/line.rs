//! The lines of a watch: one JSON document each.
use bytes::BytesMut;
use romulus_core::cluster::{ClusterChange, Kind, ObjectName};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Resource;
use super::list::Unreadable;
use super::request::{ApiError, excerpt, status_event};
use super::resource::{DecodeError, Identity};

/// More than any object can be (etcd takes at most 1.5 MiB; JSON may be larger).
const MAX_LINE: usize = 32 << 20;

/// What one line of a watch says.
#[derive(Debug)]
pub(crate) enum Event {
    /// An object was added or changed, or is gone.
    Change(ClusterChange),
    /// An object was added or changed to something that could not be decoded.
    Unreadable(Unreadable),
    /// Only time went on.
    Bookmark,
}

#[derive(Deserialize)]
struct LineJson<'a> {
    #[serde(rename = "type")]
    event: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Decodes a line to its event and the version of the cluster it brings.
pub(crate) fn decode(resource: Resource, line: &[u8]) -> Result<(Option<String>, Event), ApiError> {
    let LineJson { event, object } = serde_json::from_slice(line).map_err(|error| {
        ApiError::Unreadable(format!("no watch event ({error}): {}", excerpt(line)))
    })?;
    let identity = Identity::of(object.get());
    let version = identity.resource_version().map(str::to_owned);
    let event = match event {
        "ADDED" | "MODIFIED" => match resource.decode(object.get()) {
            Ok(object) => Event::Change(ClusterChange::Apply(object)),
            Err(error) => Event::Unreadable(Unreadable {
                name: identity.name(),
                error,
            }),
        },
        "DELETED" => match identity.name() {
            // Of what is gone only the name matters.
            Some(name) => Event::Change(delete(resource.kind(), name)),
            None => {
                let field = Some("metadata.name".to_owned());
                let error = DecodeError {
                    field,
                    reason: "it has no name".to_owned(),
                };
                Event::Unreadable(Unreadable { name: None, error })
            }
        },
        "BOOKMARK" => Event::Bookmark,
        "ERROR" => return Err(status_event(object.get())),
        other => {
            return Err(ApiError::Unreadable(format!(
                "a watch event of unknown type {other:?}"
            )));
        }
    };
    Ok((version, event))
}

fn delete(kind: Kind, name: ObjectName) -> ClusterChange {
    ClusterChange::Delete(kind, name)
}

/// Cuts a stream into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    buffer: BytesMut,
    searched: usize,
}

impl Lines {
    pub(crate) fn push(&mut self, data: &[u8]) -> Result<(), ApiError> {
        if self.buffer.len() + data.len() > MAX_LINE {
            return Err(ApiError::Unreadable(format!(
                "a line longer than {MAX_LINE} bytes"
            )));
        }
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    /// The next whole line that is not blank, without its end.
    pub(crate) fn next_line(&mut self) -> Option<BytesMut> {
        loop {
            let rest = self.buffer.get(self.searched..)?;
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                return None;
            };
            let line = self.buffer.split_to(self.searched + end + 1);
            self.searched = 0;
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_stream_was_cut(
            text in "[a\n]{0,40}",
            cuts in proptest::collection::vec(0usize..8, 1..60),
        ) {
            let (mut lines, mut rest, mut seen) = (Lines::default(), text.as_bytes(), Vec::new());
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                rest = after;
                lines.push(chunk).unwrap();
                while let Some(line) = lines.next_line() {
                    seen.push(String::from_utf8(line.to_vec()).unwrap());
                }
            }
            let done = &text[..text.len() - rest.len()];
            let whole = done.rfind('\n').map_or("", |end| &done[..=end]);
            let expected: Vec<String> = whole
                .split_inclusive('\n')
                .filter(|line| *line != "\n")
                .map(str::to_owned)
                .collect();
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_line_that_never_ends_is_given_up() {
        let mut lines = Lines::default();
        let chunk = vec![b'x'; 1 << 20];
        let pushed: Result<Vec<()>, ApiError> = (0..40).map(|_| lines.push(&chunk)).collect();
        assert_eq!(
            pushed.unwrap_err().to_string(),
            "the answer is a line longer than 33554432 bytes"
        );
    }

    #[test]
    fn a_recorded_refusal_is_an_error_that_no_new_list_cures() {
        let line = include_str!("../../tests/data/kube/watchlist-refused.jsonl");
        let error = decode(Resource::Services, line.as_bytes()).unwrap_err();
        assert!(!error.is_expired());
        assert_eq!(
            error.to_string(),
            "the API server answered 500: a watch stream was requested by the client but the \
             required storage feature RequestWatchProgress is disabled"
        );
    }

    #[test]
    fn an_unknown_event_and_a_non_event_are_refused() {
        let refused = |line: &str| decode(Resource::Services, line.as_bytes()).unwrap_err();
        assert_eq!(
            refused(r#"{"type":"SYNC","object":{}}"#).to_string(),
            "the answer is a watch event of unknown type \"SYNC\""
        );
        assert!(refused("<html>").to_string().ends_with(": \"<html>\""));
        assert!(refused(r#"{"type":"ERROR","object":{"code":410,"message":"m"}}"#).is_expired());
    }
}
