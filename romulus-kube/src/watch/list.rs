//! Listing one resource whole, page by page.
use kube::api::ListParams;
use romulus_core::cluster::{Object, ObjectName};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::{ApiError, excerpt, read_body, send};
use super::resource::{DecodeError, Identity};
use super::{Resource, WatchSettings};

/// One complete list.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// The version of the cluster that it shows, where a watch goes on.
    pub(crate) version: String,
    pub(crate) objects: Vec<Object>,
    /// What could not be decoded.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// An object that could not be decoded.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Its name, if at least that could be read.
    pub(crate) name: Option<ObjectName>,
    pub(crate) error: DecodeError,
}

#[derive(Deserialize)]
struct Page<'a> {
    metadata: PageMetadata,
    // Each item is decoded by itself: a bad one is no reason to lose the others.
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    resource_version: String,
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

/// Reads all pages of a list, and tells none of it before the last one is there: so a slow
/// consumer can't make the server's continue token expire, and a list that breaks off on its way
/// leaves no trace.
pub(crate) async fn list(
    client: &kube::Client,
    resource: Resource,
    path: &str,
    selector: Option<&str>,
    settings: &WatchSettings,
) -> Result<List, ApiError> {
    let mut list = List::default();
    let mut parameters = ListParams {
        label_selector: selector.map(str::to_owned),
        limit: Some(settings.page_size),
        ..ListParams::default()
    };
    loop {
        let request = kube::core::Request::new(path).list(&parameters);
        let request = request.map_err(|error| ApiError::Request(error.to_string()))?;
        let response = send(client, request, settings.request_timeout).await?;
        let body = read_body(response.into_body(), settings.request_timeout).await?;
        let page: Page<'_> = serde_json::from_slice(&body).map_err(|error| {
            ApiError::Unreadable(format!(
                "no list of {} ({error}): {}",
                resource.plural(),
                excerpt(&body)
            ))
        })?;
        for item in page.items.unwrap_or_default() {
            match resource.decode(item.get()) {
                Ok(object) => list.objects.push(object),
                Err(error) => {
                    let name = Identity::of(item.get()).name();
                    list.unreadable.push(Unreadable { name, error });
                }
            }
        }
        list.version = page.metadata.resource_version;
        parameters.continue_token = page.metadata.next.filter(|token| !token.is_empty());
        if parameters.continue_token.is_none() {
            return Ok(list);
        }
    }
}
