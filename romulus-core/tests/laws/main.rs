//! What holds for every world and every history, tried on random ones.
//!
//! `PROPTEST_CASES` sets how many of each are tried.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests fail their test by panicking"
)]

mod brake;
mod held;
mod limits;
mod revisions;
mod spec;

use std::collections::BTreeMap;

use proptest::prelude::*;
use romulus_core::cluster::{ClusterChange, Kind, Scope};
use romulus_core::plan::Op;
use romulus_core::testing::worlds::{self, History, Play, Schedule, Unwatched, WorldOptions};
use romulus_core::testing::{Harness, MapStore};
use romulus_core::world::Plan;

use revisions::Revisions;

fn histories() -> impl Strategy<Value = History> {
    worlds::history(WorldOptions::default())
}

/// Carries a history out, looking at every revision that a plan makes.
fn carry_out(history: &History) -> Result<Play, TestCaseError> {
    let mut play = Play::new(history);
    let mut revisions = Revisions::default();
    play.settle(&Schedule::default(), &mut revisions);
    revisions.verdict()?;
    for round in &history.rounds {
        play.round(round, &mut revisions);
        revisions.verdict()?;
        for (key, value) in &play.foreign {
            let stored = play.harness.store.get(key).map(|entry| &entry.value);
            prop_assert_eq!(stored, Some(value), "the foreign key {} was touched", key);
        }
    }
    Ok(play)
}

proptest! {
    /// The orders, at every revision; and that others' keys survive.
    #[test]
    fn every_prefix_of_every_plan_keeps_the_rules(history in histories()) {
        carry_out(&history)?;
    }

    #[test]
    fn after_any_history_a_fresh_start_has_nothing_to_write(history in histories()) {
        let mut play = carry_out(&history)?;
        play.restart();
        prop_assert_eq!(play.harness.plan().groups, []);
    }

    /// Objects whose plan was whole are not looked at again once it is through.
    #[test]
    fn after_any_history_another_look_at_everything_finds_nothing(history in histories()) {
        let mut play = carry_out(&history)?;
        let store = play.harness.store.clone();
        play.harness.restore(store);
        prop_assert_eq!(play.harness.plan(), Plan::default());
    }

    /// Whatever was stored before: once no two Services want the same and everything validates,
    /// the store says what the Services say, and nothing else.
    #[test]
    fn applying_plans_reaches_desired(
        history in worlds::history(WorldOptions { foreign: false, ..WorldOptions::default() }),
    ) {
        let mut play = carry_out(&history)?;
        if play.disowned {
            // What is nobody's now stays: somebody has to clear it away.
            for key in play.harness.keys() {
                let own = play.owned().iter().any(|(object, _)| spec::belongs(&key, object));
                if !own {
                    play.harness.store.delete(&key);
                }
            }
        }
        let services: Vec<_> = play.services.values().cloned().collect();
        for service in services {
            play.event(&worlds::Event::ApplyService(spec::unambiguous(service)));
        }
        play.settle(&Schedule::default(), &mut Unwatched);
        let stored = play.harness.store.contents();
        let desired =
            spec::desired(&stored, &play.services, &play.endpoints, play.harness.world.config());
        prop_assert!(spec::mixed_up(&stored).is_empty(), "{:?}", spec::mixed_up(&stored));
        prop_assert_eq!(
            spec::meaning(&stored),
            spec::meaning(&desired),
        );
    }

    /// From nothing, byte for byte, and with every conflict: nothing is stored that would decide
    /// one in another way.
    #[test]
    fn a_first_plan_reaches_desired(
        history in worlds::history(WorldOptions { foreign: false, ..WorldOptions::default() }),
    ) {
        let mut play = Play::new(&history);
        let plans = play.settle(&Schedule::default(), &mut Unwatched);
        let (nothing, config) = (BTreeMap::new(), play.harness.world.config());
        let desired = spec::desired(&nothing, &play.services, &play.endpoints, config);
        prop_assert_eq!(play.harness.store.contents(), desired);
        prop_assert!(plans <= 1, "it took {} plans", plans);
    }

    #[test]
    fn the_order_of_the_input_is_irrelevant(
        (history, shuffled) in histories().prop_flat_map(|history| {
            let objects = Play::new(&history).objects();
            (Just(history), Just(objects).prop_shuffle())
        }),
    ) {
        let mut sorted = Play::new(&history);
        let mut harness = Harness::with(history.options.config(), MapStore::default());
        harness.store = sorted.harness.store.clone();
        let scopes = [Scope::all(Kind::Service), Scope::all(Kind::Endpoints)];
        harness.world.apply(scopes.clone().map(ClusterChange::ListStart));
        for object in shuffled {
            harness.world.apply([ClusterChange::Apply(object)]);
        }
        harness.world.apply(scopes.map(|scope| ClusterChange::ListEnd { scope, complete: true }));
        prop_assert_eq!(harness.plan(), sorted.harness.plan());
    }

    /// What a watch tells one by one leads to the same as a list of the result, where no earlier
    /// state of the store decides between Services.
    #[test]
    fn changes_of_a_cluster_equal_a_list_of_the_result(history in histories()) {
        let mut told = Play::new(&history);
        for event in history.rounds.iter().flat_map(|round| &round.events) {
            if !matches!(event, worlds::Event::Foreign(_) | worlds::Event::Drift(..)) {
                told.event(event);
            }
        }
        let mut listed = told.harness.restart();
        listed.list_objects(&told.objects());
        let ops = |plan: Plan| {
            let steps = plan.groups.into_iter().flat_map(|group| group.steps);
            let mut ops: Vec<Op> = steps.flat_map(|step| step.transaction.ops).collect();
            ops.sort_by(|a, b| a.key().cmp(b.key()));
            ops
        };
        prop_assert_eq!(ops(told.harness.plan()), ops(listed.plan()));
    }
}

/// The laws say nothing if the worlds they are tried on are dull.
#[test]
fn random_histories_get_into_everything() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = revisions::Coverage::default();
    for _ in 0..300 {
        let history = histories()
            .new_tree(&mut runner)
            .expect("a history")
            .current();
        let mut play = Play::new(&history);
        play.settle(&Schedule::default(), &mut seen);
        for round in &history.rounds {
            play.round(round, &mut seen);
            seen.codes.extend(
                play.harness
                    .world
                    .diagnostics()
                    .map(|found| found.code.to_string()),
            );
        }
    }
    assert_eq!(seen.missing(), [""; 0], "{seen:#?}");
}

#[test]
fn an_object_of_a_kind_that_is_not_listed_yet_is_waited_for() {
    let mut harness = Harness::new("vulcand");
    let scope = Scope::all(Kind::Service);
    harness.world.apply([
        ClusterChange::ListStart(scope.clone()),
        ClusterChange::ListEnd {
            scope,
            complete: true,
        },
    ]);
    harness.store.put("vulcand/backends/a/backend", "{}");
    assert!(!harness.world.is_ready());
    assert_eq!(harness.plan().groups, []);
}
