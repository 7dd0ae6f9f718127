//! What holds for every world and every history.

use proptest::prelude::*;
use romulus_core::testing::worlds::{self, Play, Unwatched, WorldOptions};

proptest! {
    #[test]
    fn a_fresh_start_has_nothing_to_write(history in worlds::history(WorldOptions::default())) {
        let mut play = Play::new(&history);
        play.settle(&Default::default(), &mut Unwatched);
        for round in &history.rounds {
            play.round(round, &mut Unwatched);
        }
        play.restart();
        let plan = play.harness.plan();
        prop_assert_eq!(plan.groups, []);
    }
}
