//! A watch that survives what a watch of etcd does not: broken connections, endpoints that went
//! away, compaction, a store restored from a backup.

use std::sync::Arc;
use std::time::Duration;

use backon::BackoffBuilder as _;
use etcd_client::proto::{PbEvent, PbWatchResponse};
use etcd_client::{Error, EventType, WatchOptions, WatchRequestSender, WatchResponseStream};
use romulus_core::stored::KeyChange;
use tokio::time::{Instant, sleep_until, timeout};
use tonic::Status;
use tracing::{debug, info, warn};

use super::EtcdStore;
use super::endpoints::{Endpoint, Kind};
use super::load::entry;
use super::request::Request;
use super::verdict::is_stale;
use crate::{StoreError, Watch, WatchEvent, WatchFeed};

/// How often progress is asked for. The answers are also how a dead connection is noticed.
const TICK: Duration = Duration::from_secs(1);
/// How far apart two answers must be for the first to be believed.
///
/// etcd before 3.4.25 and 3.5.8 answers a request for progress with the revision of the store, even
/// while events up to it are still queued for the watch, or the watch is still catching up (a loop
/// that runs every 100ms). By the next answer they have arrived.
const CONFIRMED: Duration = Duration::from_millis(250);
/// How often progress is asked for while somebody waits for it: two answers of these are far enough
/// apart.
const SOON: Duration = Duration::from_millis(300);
/// The id under which etcd answers requests for progress: of the stream, not of a watch.
const OF_STREAM: i64 = -1;
/// Bytes of a response that are decoded at most. etcd splits larger ones, but not single events.
const DECODE_BYTES: usize = 64 << 20;

/// A stream that lived so long was no failure: the next one is opened soon.
const LASTING: Duration = Duration::from_secs(10);
const ENDED: &str = "the stream ended";

/// One open stream of etcd with one watch on it.
struct Open {
    endpoint: Arc<Endpoint>,
    /// The response to the creation of the watch.
    created: PbWatchResponse,
    requests: WatchRequestSender,
    responses: WatchResponseStream,
}

/// Why a stream ended.
enum End {
    /// Nobody reads the watch any more.
    Closed,
    /// It may be resumed where it was.
    Broken(String),
    /// Changes were missed: everything must be read again.
    Missed(String),
}

struct Follower {
    store: EtcdStore,
    prefix: String,
    feed: WatchFeed,
    /// Everything up to this revision was delivered, for certain: resuming starts after it.
    delivered: i64,
    /// The progress told last.
    told: i64,
    /// The cluster the revisions are of; 0 is not known.
    cluster: u64,
    /// How many times the store had gone back when the revisions were taken.
    turns: u64,
}

impl EtcdStore {
    /// Opens the first stream before it returns, so that a mistake shows at once.
    pub(super) async fn follow(&self, prefix: &str, after: i64) -> Result<Watch, StoreError> {
        let (feed, watch) = Watch::channel();
        let follower = Follower {
            store: self.clone(),
            prefix: prefix.to_owned(),
            feed,
            delivered: after,
            told: after,
            cluster: self.history.cluster(),
            turns: self.history.turns(),
        };
        let open = follower.open().await?;
        tokio::spawn(follower.run(open));
        Ok(watch)
    }
}

impl Follower {
    async fn run(mut self, open: Open) {
        let mut open = Some(open);
        let backoff = backon::ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .without_max_times()
            .with_jitter();
        let mut pauses = backoff.build();
        loop {
            let (delivered, opened) = (self.delivered, Instant::now());
            let end = match open.take() {
                Some(stream) => {
                    let endpoint = stream.endpoint.clone();
                    let end = self.read(stream).await;
                    if matches!(end, End::Broken(_)) {
                        self.store.endpoints.leave(&endpoint).await;
                    }
                    end
                }
                None => End::Broken("it could not be opened".to_owned()),
            };
            if self.delivered != delivered || opened.elapsed() > LASTING {
                pauses = backoff.build();
            }
            let (prefix, after) = (self.prefix.as_str(), self.delivered);
            let missed = match end {
                End::Closed => return,
                End::Broken(why) => {
                    info!(prefix, after, why, "resuming a watch");
                    false
                }
                End::Missed(why) => {
                    warn!(
                        prefix,
                        after, why, "a watch missed changes: reading all again"
                    );
                    true
                }
            };
            // Also before reading all, which must not become a habit: a reader may be too slow for
            // ever, or the endpoints be of two clusters.
            if !self.pause(pauses.next()).await {
                return;
            }
            if missed && !self.reload(&mut pauses).await {
                return;
            }
            open = tokio::select! {
                () = self.feed.closed() => return,
                opened = self.open() => opened
                    .inspect_err(|error| warn!(prefix = self.prefix, %error, "a watch is down"))
                    .ok(),
            };
        }
    }

    /// False when nobody reads the watch any more.
    async fn pause(&self, pause: Option<Duration>) -> bool {
        tokio::select! {
            () = self.feed.closed() => false,
            () = tokio::time::sleep(pause.unwrap_or(TICK)) => true,
        }
    }

    async fn open(&self) -> Result<Open, StoreError> {
        let revision = self.delivered + 1;
        let prefix = self.prefix.as_str();
        let options = WatchOptions::new()
            .with_prefix()
            .with_start_revision(revision)
            .with_progress_notify()
            .with_fragment();
        let request = Request::Watch { prefix, revision };
        let watch = |client: etcd_client::Client| {
            let options = options.clone();
            async move {
                let mut watch = client
                    .watch_client()
                    .max_decoding_message_size(DECODE_BYTES);
                let (requests, mut responses) = watch.watch(prefix, Some(options)).await?.split();
                let created = responses.message().await?;
                let created = created
                    .ok_or_else(|| Error::WatchError(ENDED.to_owned()))?
                    .0;
                if created.canceled && created.compact_revision == 0 {
                    return Err(refusal(&created.cancel_reason));
                }
                Ok((created, requests, responses))
            }
        };
        let answer = self
            .store
            .endpoints
            .call(request, Kind::Idempotent, watch)
            .await?;
        let (created, requests, responses) = answer.value;
        Ok(Open {
            endpoint: answer.endpoint,
            created,
            requests,
            responses,
        })
    }

    /// Reads everything again; false when nobody reads the watch any more.
    async fn reload(&mut self, pauses: &mut impl Iterator<Item = Duration>) -> bool {
        let prefixes = [self.prefix.clone()];
        loop {
            let loaded = tokio::select! {
                () = self.feed.closed() => return false,
                loaded = self.store.load_all(&prefixes) => loaded,
            };
            match loaded {
                Ok(snapshot) => {
                    self.delivered = snapshot.revision;
                    self.told = snapshot.revision;
                    self.cluster = self.store.history.cluster();
                    self.turns = self.store.history.turns();
                    return self.feed.send(WatchEvent::Reloaded(snapshot)).await;
                }
                Err(error) => {
                    warn!(prefix = self.prefix, %error, "a watch can't read its keys again");
                    if !self.pause(pauses.next()).await {
                        return false;
                    }
                }
            }
        }
    }

    /// Delivers what a stream says, until it ends.
    async fn read(&mut self, open: Open) -> End {
        let Open {
            created,
            mut requests,
            mut responses,
            ..
        } = open;
        if let Some(end) = self.judge(&created).await {
            return end;
        }
        let patience = self.store.endpoints.options().timeout + TICK;
        debug!(
            prefix = self.prefix,
            after = self.delivered,
            "a watch is open"
        );
        let mut heard = Instant::now();
        let mut next_request = heard;
        // A revision that the stream claims to have reached, when, and whether somebody asked.
        let mut claimed: Option<(i64, Instant)> = None;
        let mut asked = false;
        let mut partial = Vec::new();
        loop {
            let response = tokio::select! {
                () = self.feed.closed() => return End::Closed,
                () = self.feed.asked() => {
                    (asked, claimed, next_request) = (true, None, Instant::now());
                    continue;
                }
                () = sleep_until(next_request) => {
                    next_request = Instant::now() + if asked { SOON } else { TICK };
                    match timeout(patience, requests.request_progress()).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => return End::Broken(error.to_string()),
                        Err(_) => return End::Broken(silence(patience)),
                    }
                }
                () = sleep_until(heard + patience) => return End::Broken(silence(patience)),
                response = responses.message() => match response {
                    Ok(Some(response)) => response.0,
                    Ok(None) => return End::Broken(ENDED.to_owned()),
                    Err(error) => return End::Broken(error.to_string()),
                },
            };
            if let Some(end) = self.judge(&response).await {
                return end;
            }
            let revision = response.header.map_or(0, |header| header.revision);
            if !response.events.is_empty() {
                partial.extend(response.events.into_iter().filter_map(change));
                let finished = finished(&mut partial, response.fragment);
                if let Some(last) = finished.last().map(KeyChange::revision) {
                    if !self.feed.send(WatchEvent::Changes(finished)).await {
                        return End::Closed;
                    }
                    self.delivered = last;
                    self.store.history.heard(last);
                }
            } else if response.watch_id != OF_STREAM {
                // Told by the watch itself, in order with its events.
                self.delivered = self.delivered.max(revision);
            } else if let Some((reached, since)) = claimed {
                if since.elapsed() >= CONFIRMED {
                    let due = asked || reached > self.told;
                    (asked, claimed) = (false, Some((revision, Instant::now())));
                    self.told = self.told.max(reached);
                    let progress = WatchEvent::Progress {
                        revision: self.told,
                    };
                    if due && !self.feed.send(progress).await {
                        return End::Closed;
                    }
                }
            } else {
                claimed = Some((revision, Instant::now()));
            }
            // After a slow reader too: while it was waited for, nobody listened.
            heard = Instant::now();
        }
    }

    /// Looks for what ends a stream: etcd leaves it open and silent after a cancel.
    async fn judge(&mut self, response: &PbWatchResponse) -> Option<End> {
        if response.compact_revision > 0 {
            let compacted = response.compact_revision;
            return Some(End::Missed(format!(
                "the history before {compacted} is compacted"
            )));
        }
        if response.canceled {
            return Some(End::Broken(format!(
                "canceled by etcd: {}",
                response.cancel_reason
            )));
        }
        let header = response.header.as_ref()?;
        if self.cluster == 0 {
            self.cluster = header.cluster_id;
        }
        if self.cluster != header.cluster_id {
            let (was, is) = (self.cluster, header.cluster_id);
            return Some(End::Missed(format!("this is cluster {is:x}, not {was:x}")));
        }
        if !response.created {
            return None;
        }
        let history = &self.store.history;
        if header.revision < self.delivered.max(history.newest()) {
            // The member may only lag behind; the whole cluster can't.
            match self.store.present().await {
                Ok(present) if present < self.delivered => {
                    return Some(End::Missed(format!(
                        "the store is at revision {present} and was at {}",
                        self.delivered
                    )));
                }
                Ok(_) => {}
                Err(error) => return Some(End::Broken(error.to_string())),
            }
        }
        if history.turns() != self.turns {
            return Some(End::Missed("the store went back".to_owned()));
        }
        None
    }
}

/// Why a watch was not created, as the status that other calls get for it.
///
/// For a token that it does not know any more, etcd 3.4 says here that permission is denied.
fn refusal(reason: &str) -> Error {
    Error::GRpcStatus(
        if is_stale(reason) || reason.contains("permission denied") {
            Status::unauthenticated(reason)
        } else {
            Status::unavailable(reason)
        },
    )
}

fn silence(patience: Duration) -> String {
    format!("etcd was silent for {patience:?}")
}

/// Takes the changes whose revision is complete. With more fragments to come, those of the last
/// revision may not be.
fn finished(partial: &mut Vec<KeyChange>, more: bool) -> Vec<KeyChange> {
    if !more {
        return std::mem::take(partial);
    }
    let last = partial.last().map_or(0, KeyChange::revision);
    let complete = partial.partition_point(|change| change.revision() < last);
    let rest = partial.split_off(complete);
    std::mem::replace(partial, rest)
}

fn change(event: PbEvent) -> Option<KeyChange> {
    let deleted = event.r#type == EventType::Delete as i32;
    let (key, entry) = entry(event.kv?);
    Some(if deleted {
        KeyChange::Delete {
            key,
            revision: entry.revision,
        }
    } else {
        KeyChange::Put { key, entry }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deletes(revisions: &[i64]) -> Vec<KeyChange> {
        let delete = |&revision| KeyChange::Delete {
            key: "k".to_owned(),
            revision,
        };
        revisions.iter().map(delete).collect()
    }

    #[test]
    fn only_complete_revisions_leave_a_fragmented_response() {
        type Case<'a> = (&'a [i64], bool, [&'a [i64]; 2]);
        let table: [Case<'_>; 5] = [
            (&[3, 3, 4], false, [&[3, 3, 4], &[]]),
            (&[3, 3, 4], true, [&[3, 3], &[4]]),
            (&[3, 3], true, [&[], &[3, 3]]),
            (&[], true, [&[], &[]]),
            (&[], false, [&[], &[]]),
        ];
        for (given, more, [leave, stay]) in table {
            let mut partial = deletes(given);
            assert_eq!(
                finished(&mut partial, more),
                deletes(leave),
                "{given:?} {more}"
            );
            assert_eq!(partial, deletes(stay), "{given:?} {more}");
        }
    }
}
