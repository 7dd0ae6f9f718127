//! What a vulcand does with every plan of every history, event by event.
//!
//! A model of vulcand has caught up when a plan begins, lags freely within it, and at a settle
//! pause no longer than the pause. Keys of others are valid and harmless, and states that others
//! made are left out until the plan that follows them has been carried out.
//!
//! `PROPTEST_CASES` sets how many histories are tried.

#![allow(
    clippy::expect_used,
    reason = "helpers of tests fail their test by panicking"
)]

mod checks;
mod watch;

use proptest::collection::vec;
use proptest::prelude::*;
use romulus_core::testing::vulcand::Vulcand;
use romulus_core::testing::worlds::{self, History, Play, Schedule, WorldOptions};

use watch::Oracle;

/// How many events a vulcand handles after each transaction, over and over.
fn lags() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let random = vec(vec(0..6usize, 1..5), 2);
    random.prop_map(|mut lags| {
        // One that keeps up, and one that handles nothing before it has to.
        lags.extend([vec![usize::MAX], vec![0]]);
        lags
    })
}

fn watch(
    history: &History,
    lags: Vec<Vec<usize>>,
    start: usize,
) -> Result<(Play, Oracle), TestCaseError> {
    let mut play = Play::new(history);
    let mut oracle = Oracle::new(lags, start);
    play.settle(&Schedule::default(), &mut oracle);
    oracle.verdict()?;
    for round in &history.rounds {
        play.round(round, &mut oracle);
        oracle.verdict()?;
    }
    Ok((play, oracle))
}

/// Everything, but that a delete of ours under a longer root takes an object of others with the
/// same id out of a vulcand that reads the shorter one: it is not ours to write again.
fn histories() -> impl Strategy<Value = History> {
    let apart = WorldOptions {
        sibling_roots: false,
        ..WorldOptions::default()
    };
    // An object whose record others delete is one of others, too.
    let alone = WorldOptions {
        foreign: false,
        disowning: false,
        ..WorldOptions::default()
    };
    prop_oneof![worlds::history(apart), worlds::history(alone)]
}

proptest! {
    #[test]
    fn every_plan_is_safe_whatever_the_lag(
        history in histories(),
        lags in lags(),
        start in 0..12usize,
    ) {
        watch(&history, lags, start)?;
    }

    /// What others did to our keys is repaired, as far as it can be: a vulcand that saw it all
    /// ends as one that has just started.
    #[test]
    fn what_others_broke_is_repaired(
        history in worlds::history(WorldOptions {
            invalid: false,
            foreign: false,
            disowning: false,
            ..WorldOptions::default()
        }),
        lags in lags(),
        start in 0..12usize,
    ) {
        let (play, mut oracle) = watch(&history, lags, start)?;
        for vulcand in oracle.caught_up(&play.harness.store) {
            let fresh = Vulcand::start(vulcand.root(), &play.harness.store);
            prop_assert!(fresh.is_ok(), "{:?}\n{}", fresh, play.harness.store.tree());
            let (mut live, fresh) = (vulcand.state(), fresh.expect("it was looked at").state());
            // A server that somebody puts without a head makes a backend that no delete takes away
            // from a running vulcand. Nothing refers to it.
            live.backends
                .retain(|id, (_, servers)| !servers.is_empty() || fresh.backends.contains_key(id));
            prop_assert_eq!(fresh, live);
        }
    }
}
