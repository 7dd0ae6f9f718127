//! The defects of vulcand, each shown on the model as it was found on a running one.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail their test by panicking"
)]

use romulus_core::key::Root;
use romulus_core::testing::MapStore;
use romulus_core::testing::vulcand::{Ignored, Reaction, Refused, Vulcand};
use romulus_core::vulcand::route::Request;

/// A store, and a vulcand that handles each event at once.
struct Live {
    store: MapStore,
    vulcand: Vulcand,
    reactions: Vec<Reaction>,
}

fn root() -> Root {
    "vulcand".parse().unwrap()
}

impl Live {
    fn new() -> Self {
        let store = MapStore::default();
        let vulcand = Vulcand::start(&root(), &store).unwrap();
        Self {
            store,
            vulcand,
            reactions: Vec::new(),
        }
    }

    fn with(keys: &[(&str, &str)]) -> Self {
        let mut live = Self::new();
        for (key, value) in keys {
            live.put(key, value);
        }
        live
    }

    fn put(&mut self, key: &str, value: &str) -> Reaction {
        self.store.put(key, value);
        self.react()
    }

    fn delete(&mut self, key: &str) -> Reaction {
        self.store.delete(key);
        self.react()
    }

    fn react(&mut self) -> Reaction {
        let event = self.store.log().last().unwrap();
        let reaction = self.vulcand.handle(event, &self.store);
        self.reactions.push(reaction);
        reaction
    }

    fn fresh(&self) -> Result<Vulcand, Refused> {
        Vulcand::start(&root(), &self.store)
    }

    /// Which frontend answers, with how many servers.
    fn answer(&self, path: &str) -> Option<(String, usize)> {
        let answer = self.vulcand.answer(&Request::new("GET", "a.test", path));
        answer.map(|(id, servers)| (id.to_owned(), servers.len()))
    }

    fn agrees_with_a_start(&self) -> bool {
        self.fresh().unwrap().state() == self.vulcand.state()
    }
}

const B: (&str, &str) = ("vulcand/backends/b/backend", r#"{"Type":"http"}"#);
const S: (&str, &str) = (
    "vulcand/backends/b/servers/s",
    r#"{"URL":"http://10.0.0.1:80"}"#,
);
const F: (&str, &str) = (
    "vulcand/frontends/f/frontend",
    r#"{"Type":"http","BackendId":"b","Route":"Path(`/`)"}"#,
);
const G: (&str, &str) = (
    "vulcand/frontends/g/frontend",
    r#"{"Type":"http","BackendId":"b","Route":"Path(`/`)"}"#,
);
const M: (&str, &str) = (
    "vulcand/frontends/f/middlewares/m",
    r#"{"Type":"connlimit","Middleware":{"Connections":1,"Variable":"client.ip"}}"#,
);

#[test]
fn early_puts_are_lost() {
    let live = Live::with(&[F, M, B, S]);
    let expected = [
        Reaction::Ignored(Ignored::NoBackend),
        Reaction::Ignored(Ignored::NoFrontend),
        Reaction::Applied,
        Reaction::Applied,
    ];
    assert_eq!(live.reactions, expected);
    assert_eq!(live.answer("/"), None);
    assert!(!live.agrees_with_a_start());
    assert!(Live::with(&[S, B, F, M]).agrees_with_a_start());
}

#[test]
fn handlers_read_the_present_value() {
    let mut live = Live::new();
    for (key, value) in [B, S, F] {
        live.store.put(key, value);
    }
    live.store.delete(S.0);
    let events = live.store.log().to_vec();
    let reactions = events
        .iter()
        .map(|event| live.vulcand.handle(event, &live.store));
    let expected = [
        Reaction::Applied,
        Reaction::Ignored(Ignored::Gone),
        Reaction::Applied,
        Reaction::Ignored(Ignored::Unknown),
    ];
    assert_eq!(reactions.collect::<Vec<_>>(), expected);
}

#[test]
fn frontends_with_one_route_share_an_entry() {
    // Live the last put has it, at a start the greatest id.
    let mut live = Live::with(&[B, S, G, F]);
    assert_eq!(live.answer("/"), Some(("f".into(), 1)));
    assert!(!live.agrees_with_a_start());
    // Deleting either gives 404, and putting the survivor again does not help.
    live.delete(G.0);
    assert_eq!(live.answer("/"), None);
    live.put(F.0, F.1);
    assert_eq!(live.answer("/"), None);
    // Another text does.
    live.put(F.0, &F.1.replace("Path(`/`)", "Path(`/`) "));
    assert_eq!(live.answer("/"), Some(("f".into(), 1)));
}

#[test]
fn a_frontend_outlives_its_backend_and_does_not_follow_the_next() {
    let mut live = Live::with(&[B, S, F]);
    live.delete(S.0);
    live.put(S.0, S.1);
    live.delete(B.0);
    assert_eq!(live.answer("/"), Some(("f".into(), 1)));
    live.put(B.0, B.1);
    live.put(S.0, S.1);
    live.put(
        "vulcand/backends/b/servers/t",
        r#"{"URL":"http://10.0.0.2:80"}"#,
    );
    assert_eq!(live.answer("/"), Some(("f".into(), 1)));
    assert!(!live.agrees_with_a_start());
    // A put copies once.
    live.put(F.0, F.1);
    assert_eq!(live.answer("/"), Some(("f".into(), 2)));
    live.delete(S.0);
    assert_eq!(live.answer("/"), Some(("f".into(), 2)));
    // Another backend and back, and it follows.
    live.put("vulcand/backends/c/backend", B.1);
    live.put(F.0, &F.1.replace(r#""b""#, r#""c""#));
    live.put(F.0, F.1);
    assert_eq!(live.answer("/"), Some(("f".into(), 1)));
    assert!(live.agrees_with_a_start());
}

#[test]
fn some_changes_are_not_noticed_alone() {
    let with = |settings: &str| {
        F.1.replace(r#""Route""#, &format!(r#""Settings":{settings},"Route""#))
    };
    for (first, second, noticed) in [
        ("{}", r#"{"PassHostHeader":true}"#, false),
        ("{}", r#"{"Stream":true}"#, false),
        ("{}", r#"{"StreamFlushIntervalNanoSecs":5}"#, false),
        (
            "{}",
            r#"{"PassHostHeader":true,"TrustForwardHeader":true}"#,
            true,
        ),
        ("{}", r#"{"PassHostHeader":true,"Hostname":"h"}"#, true),
        (
            r#"{"FailoverPredicate":"IsNetworkError()"}"#,
            r#"{"FailoverPredicate":"IsNetworkError() ","PassHostHeader":true}"#,
            true,
        ),
    ] {
        let mut live = Live::with(&[B, (F.0, &with(first))]);
        live.put(F.0, &with(second));
        assert_eq!(live.agrees_with_a_start(), noticed, "{first} to {second}");
    }
}

#[test]
fn deletions_under_a_longer_root_are_taken_for_its_own() {
    let longer = |key: &str| key.replace("vulcand/", "vulcand-test/");
    let mut live = Live::with(&[B, S, F, M]);
    live.put(&longer(F.0), "{}");
    assert!(live.agrees_with_a_start());
    live.delete(&longer(F.0));
    assert_eq!(live.answer("/"), None);
    assert!(live.fresh().unwrap().state().frontends.contains_key("f"));
    // A root that is no prefix is nobody's.
    let mut live = Live::with(&[B]);
    live.store.put("edge/backends/b/backend", B.1);
    assert_eq!(
        live.delete("edge/backends/b/backend"),
        Reaction::Ignored(Ignored::Unrelated)
    );
}

#[test]
fn starts_are_refused() {
    let dangling = Refused::Dangling {
        frontend: "f".into(),
        backend: "b".into(),
    };
    assert_eq!(Live::with(&[F]).fresh().unwrap_err(), dangling);
    // Servers alone do not make a backend.
    assert_eq!(Live::with(&[S, F]).fresh().unwrap_err(), dangling);
    let servers = Live::with(&[("vulcand/backends/servers/backend", B.1)]);
    assert_eq!(servers.fresh().unwrap_err(), Refused::Servers);
    for (key, _) in [B, S, F, M] {
        let mut live = Live::with(&[B, S, F, M]);
        let before = live.vulcand.state();
        assert_eq!(
            live.put(key, "{"),
            Reaction::Ignored(Ignored::Invalid),
            "{key}"
        );
        assert_eq!(live.vulcand.state(), before, "{key}: what was there stays");
        let Err(Refused::Invalid(refused, _)) = live.fresh() else {
            panic!("{key}")
        };
        assert_eq!(refused, key);
    }
}

#[test]
fn equal_urls_of_a_backend_count_once() {
    let live = Live::with(&[B, S, ("vulcand/backends/b/servers/t", S.1), F]);
    assert_eq!(live.answer("/"), Some(("f".into(), 1)));
}
