//! What a cluster says about itself, and a way through its keys that reads no values.

use std::time::Duration;

use etcd_client::GetOptions;

use super::EtcdStore;
use super::endpoints::Kind;
use super::load::text;
use super::request::Request;
use crate::StoreError;

/// What one endpoint says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberStatus {
    /// etcd's version, as in `3.5.17`.
    pub version: String,
    /// Which cluster it is a member of.
    pub cluster: u64,
    /// Whether it knows who leads that cluster; without a leader nothing can be read or written.
    pub has_leader: bool,
    /// What it complains of: alarms, such as a database that is full.
    pub complaints: Vec<String>,
}

/// An endpoint, and how it answered.
pub type EndpointStatus = (String, Result<MemberStatus, StoreError>);

/// How long one endpoint may take to tell its status, at most: it has nothing to look up.
const PATIENCE: Duration = Duration::from_secs(2);

impl EtcdStore {
    /// Asks every endpoint about itself, all at once.
    ///
    /// ```no_run
    /// # async fn example(store: romulus_etcd::EtcdStore) -> Result<(), romulus_etcd::StoreError> {
    /// for (endpoint, status) in store.status().await? {
    ///     println!("{endpoint}: {}", status?.version);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The endpoints can't be looked up. That one does not answer is no error of the whole.
    pub async fn status(&self) -> Result<Vec<EndpointStatus>, StoreError> {
        let patience = self.endpoints.options().timeout.min(PATIENCE);
        let ask = |mut client: etcd_client::Client| async move {
            let answer = client.status().await?;
            Ok(MemberStatus {
                version: answer.version().to_owned(),
                cluster: answer.header().map_or(0, |header| header.cluster_id()),
                has_leader: answer.leader() != 0,
                complaints: answer.errors().to_vec(),
            })
        };
        self.endpoints.each(Request::Status, patience, ask).await
    }

    /// The first key that is `from` or comes after it, in the order of bytes.
    ///
    /// # Errors
    /// etcd does not answer, or refuses to.
    pub async fn next_key(&self, from: &str) -> Result<Option<String>, StoreError> {
        let from = if from.is_empty() { "\0" } else { from };
        let options = GetOptions::new()
            .with_from_key()
            .with_keys_only()
            .with_limit(1);
        let get = |client: etcd_client::Client| {
            let options = options.clone();
            async move { client.kv_client().get(from, Some(options)).await }
        };
        let request = Request::NextKey { from };
        let answer = self.endpoints.call(request, Kind::Idempotent, get).await?;
        let found = answer.value.0.kvs.into_iter().next();
        Ok(found.map(|kv| text(kv.key)))
    }
}
