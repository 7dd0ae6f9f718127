//! Reading keys, page by page, at one revision.

use etcd_client::GetOptions;
use etcd_client::proto::{PbKeyValue, PbRangeResponse};
use romulus_core::stored::{Entry, Snapshot};

use super::endpoints::Kind;
use super::request::Request;
use super::{EtcdStore, verdict};
use crate::StoreError;

/// Bytes of keys and values we aim at in one page.
const PAGE_BYTES: usize = 3 << 20;
/// Keys of the first page, while it is not known how large values are. Later pages are as large as
/// they may be: for each page, etcd 3.4 walks over all keys that are left.
const FIRST_PAGE: usize = 1000;
/// Bytes that are decoded at most: a page whose values turn out larger than those before is read
/// again with fewer keys.
const DECODE_BYTES: usize = 16 << 20;
/// Times a load starts over because the revision it reads at was compacted.
const RESTARTS: usize = 5;

/// The keys under a prefix, as etcd wants to hear it: from, and up to but not including. An empty
/// prefix is every key.
pub(crate) fn range(prefix: &str) -> (Vec<u8>, Vec<u8>) {
    let mut end = prefix.as_bytes().to_vec();
    // UTF-8 has no byte 0xff: the last byte can always be raised.
    match end.last_mut() {
        Some(last) => *last += 1,
        None => return (vec![0], vec![0]),
    }
    (prefix.as_bytes().to_vec(), end)
}

pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// A key as the rest of romulus knows it.
pub(super) fn entry(kv: PbKeyValue) -> (String, Entry) {
    let entry = Entry {
        value: text(kv.value),
        revision: kv.mod_revision,
        lease: kv.lease,
    };
    (text(kv.key), entry)
}

enum Page {
    Got(PbRangeResponse),
    Compacted,
    TooLarge,
}

impl EtcdStore {
    pub(super) async fn load_all(&self, prefixes: &[String]) -> Result<Snapshot, StoreError> {
        for _ in 0..RESTARTS {
            if let Some(snapshot) = self.load_once(prefixes).await? {
                return Ok(snapshot);
            }
        }
        Err(StoreError::Unavailable {
            endpoint: self.endpoints.names(),
            call: "reading keys",
            problem: format!(
                "the revision read was compacted {RESTARTS} times in a row before all keys were \
                 read; let etcd keep its history longer (--auto-compaction-retention)"
            ),
            cause: None,
        })
    }

    /// The present revision, agreed by a majority of the cluster.
    pub(super) async fn present(&self) -> Result<i64, StoreError> {
        let least = self.history.newest();
        // No such key exists; whoever may write romulus's records may ask for it.
        let page = self.page(b"romulus/", b"", 0, 1).await?;
        let Page::Got(response) = page else {
            return Ok(0);
        };
        let revision = response.header.map_or(0, |header| header.revision);
        self.history.agreed(least, revision);
        Ok(revision)
    }

    /// None where the revision was compacted meanwhile.
    async fn load_once(&self, prefixes: &[String]) -> Result<Option<Snapshot>, StoreError> {
        // Also where there is nothing to read, and fixes the revision before the first page.
        let mut snapshot = Snapshot {
            revision: self.present().await?,
            ..Snapshot::default()
        };
        let max = self.endpoints.options().page_keys;
        let mut limit = max.min(FIRST_PAGE);
        for prefix in prefixes {
            let (mut from, end) = range(prefix);
            loop {
                let mut page = match self.page(&from, &end, snapshot.revision, limit).await? {
                    Page::Got(page) => page,
                    Page::Compacted => return Ok(None),
                    Page::TooLarge if limit > 1 => {
                        limit = (limit / 4).max(1);
                        continue;
                    }
                    Page::TooLarge => return Err(self.too_large(&from)),
                };
                let more = page.more;
                let bytes: usize = page
                    .kvs
                    .iter()
                    .map(|kv| kv.key.len() + kv.value.len())
                    .sum();
                if let Some(last) = page.kvs.last() {
                    let each = (bytes / page.kvs.len()).max(1);
                    limit = (PAGE_BYTES / each).clamp(1, max);
                    from.clone_from(&last.key);
                    from.push(0);
                }
                snapshot.entries.extend(page.kvs.drain(..).map(entry));
                if !more {
                    break;
                }
            }
        }
        Ok(Some(snapshot))
    }

    async fn page(
        &self,
        key: &[u8],
        end: &[u8],
        revision: i64,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let request = Request::Get {
            key,
            end,
            limit,
            revision,
        };
        let options = GetOptions::new()
            .with_range(end)
            .with_revision(revision)
            .with_limit(i64::try_from(limit).unwrap_or(i64::MAX));
        let get = |client: etcd_client::Client| {
            let options = options.clone();
            async move {
                let mut kv = client.kv_client().max_decoding_message_size(DECODE_BYTES);
                match kv.get(key, Some(options)).await {
                    Ok(response) => Ok(Page::Got(response.0)),
                    Err(error) if verdict::is_compacted(&error) => Ok(Page::Compacted),
                    Err(error) if verdict::is_too_large(&error) => Ok(Page::TooLarge),
                    Err(error) => Err(error),
                }
            }
        };
        let page = self
            .endpoints
            .call(request, Kind::Idempotent, get)
            .await?
            .value;
        if let Page::Got(response) = &page
            && let Some(header) = &response.header
        {
            self.history.answered_by(header.cluster_id);
        }
        Ok(page)
    }

    fn too_large(&self, key: &[u8]) -> StoreError {
        StoreError::Rejected {
            endpoint: self.endpoints.names(),
            call: "reading keys",
            problem: format!(
                "the value of the first key from {:?} on is larger than {DECODE_BYTES} bytes; \
                 romulus and vulcand write nothing like it, delete it",
                String::from_utf8_lossy(key),
            ),
            cause: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_a_prefix() {
        assert_eq!(
            range("vulcand/"),
            (b"vulcand/".to_vec(), b"vulcand0".to_vec())
        );
        assert_eq!(range(""), (vec![0], vec![0]));
        // The last byte of any UTF-8 text is below 0xf5.
        assert_eq!(
            range("\u{10ffff}"),
            (vec![244, 143, 191, 191], vec![244, 143, 191, 192])
        );
    }
}
