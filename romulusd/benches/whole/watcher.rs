//! Sees keys arrive in etcd.

use std::time::{Duration, Instant};

use etcd_client::{Client, EventType, WatchOptions};
use tokio::sync::mpsc;

/// A watch of vulcand's keys and of the records.
pub(crate) struct Watcher {
    events: mpsc::UnboundedReceiver<Seen>,
}

/// A change of one key.
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) key: String,
    pub(crate) is_put: bool,
}

impl Watcher {
    /// Watches keys that begin with this from now on.
    pub(crate) async fn start(endpoint: &str, prefix: &str) -> Self {
        let mut client = Client::connect([endpoint], None)
            .await
            .expect("etcd answers");
        let options = WatchOptions::new().with_prefix();
        let mut stream = client.watch(prefix, Some(options)).await.expect("a watch");
        let (sender, events) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(response)) = stream.message().await {
                let at = Instant::now();
                for event in response.events() {
                    let Some(kv) = event.kv() else { continue };
                    let key = String::from_utf8_lossy(kv.key()).into_owned();
                    let is_put = event.event_type() == EventType::Put;
                    if sender.send(Seen { at, key, is_put }).is_err() {
                        return;
                    }
                }
            }
        });
        Self { events }
    }

    /// The next change; `None` when there is none for so long.
    pub(crate) async fn within(&mut self, time: Duration) -> Option<Seen> {
        tokio::time::timeout(time, self.events.recv()).await.ok()?
    }

    /// Waits for a change of this key.
    pub(crate) async fn sees(&mut self, key: &str, is_put: bool) -> Instant {
        loop {
            let seen = self
                .within(Duration::from_secs(60))
                .await
                .unwrap_or_else(|| panic!("{key} never changed"));
            if seen.key == key && seen.is_put == is_put {
                return seen.at;
            }
        }
    }

    /// How many changes have come that nobody asked for yet.
    pub(crate) fn drain(&mut self) -> usize {
        let mut count = 0;
        while self.events.try_recv().is_ok() {
            count += 1;
        }
        count
    }
}
