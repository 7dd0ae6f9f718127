use std::collections::{BTreeMap, BTreeSet};

use crate::vulcand::{BackendSettings, Frontend, Middleware, ServerUrl};

use super::{Servers, Vulcand};

/// What a vulcand does with requests: two with equal states can't be told apart, now or after the
/// next event.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Settings and servers by name, by the backend's id.
    pub backends: BTreeMap<String, (BackendSettings, BTreeMap<String, ServerUrl>)>,
    /// Frontends by id.
    pub frontends: BTreeMap<String, FrontendState>,
    /// Which frontend answers for a route text.
    pub routes: BTreeMap<String, String>,
}

/// What a frontend does with requests.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontendState {
    /// What is in force.
    pub value: Frontend,
    /// Where its requests go.
    pub servers: BTreeSet<ServerUrl>,
    /// It takes part in changes of its backend's servers.
    pub follows: bool,
    /// What stands before the servers.
    pub middlewares: BTreeMap<String, Middleware>,
}

impl Vulcand {
    /// The present state.
    pub fn state(&self) -> State {
        let backends = self.backends.iter().map(|(id, backend)| {
            (
                id.clone(),
                (backend.settings.clone(), backend.servers.clone()),
            )
        });
        let frontends = self.frontends.iter().map(|(id, frontend)| {
            let state = FrontendState {
                value: frontend.head.value.clone(),
                servers: self.servers(frontend),
                follows: matches!(frontend.servers, Servers::Of(_)),
                middlewares: frontend.middlewares.clone(),
            };
            (id.clone(), state)
        });
        State {
            backends: backends.collect(),
            frontends: frontends.collect(),
            routes: self.routes.clone(),
        }
    }
}

impl State {
    /// The frontends that answer some request, if their route can match one.
    pub fn answering(&self) -> impl Iterator<Item = (&str, &FrontendState)> {
        self.routes.values().filter_map(|id| {
            let (id, frontend) = self.frontends.get_key_value(id)?;
            Some((id.as_str(), frontend))
        })
    }
}
