//! A source on an API server that misbehaves in every way known. Time is paused: the stub is called
//! in process, so what takes hours takes none.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, which stop at once"
)]

mod common;

use std::time::Duration;

use common::{Follower, shop};
use romulus_core::cluster::{Kind, ObjectName};
use romulus_kube::testing::{ApiStub, Fault, On, service};
use romulus_kube::{Outcome, Resource, Selection, WatchSettings};
use serde_json::json;
use tokio::time::Instant;

const ALWAYS: usize = usize::MAX;
const SERVICES: Resource = Resource::Services;

fn starts_of_watches(stub: &ApiStub) -> usize {
    let requests = stub.requests();
    requests
        .iter()
        .filter(|request| request.is_watch() && request.is_for(SERVICES))
        .count()
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_while_the_watch_was_down_is_gone_after_the_list() {
    let stub = shop(&["a", "b"]);
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    stub.fail(On::Watch(SERVICES), Fault::Status(500), 3);
    stub.cut_watches();
    stub.delete(SERVICES, "shop", "b");
    stub.compact();
    follower.until("b is gone", |f| f.services() == ["a"]).await;
    assert_eq!(follower.list_count(Kind::Service), 2);
}

#[tokio::test(start_paused = true)]
async fn a_watch_cut_without_compaction_goes_on_where_it_was() {
    let stub = shop(&["a"]);
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    stub.cut_watches();
    stub.apply(&service("shop", "b", &json!({})));
    follower
        .until("b is there", |f| f.services() == ["a", "b"])
        .await;
    assert_eq!(follower.list_count(Kind::Service), 1);
}

#[tokio::test(start_paused = true)]
async fn a_watch_begins_where_the_last_one_ended() {
    let last_start = |stub: &ApiStub| {
        let requests = stub.requests();
        let watch = requests
            .iter()
            .rfind(|r| r.is_watch() && r.is_for(SERVICES))
            .unwrap();
        watch
            .parameter("resourceVersion")
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let stub = shop(&["a"]);
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    stub.apply(&service("shop", "b", &json!({})));
    let after_b = stub.revision();
    follower
        .until("b is there", |f| f.services() == ["a", "b"])
        .await;
    stub.cut_watches();
    follower.for_(Duration::from_secs(2)).await;
    assert_eq!(last_start(&stub), after_b, "the version of the last event");

    // Where nothing of the watch's own changes, bookmarks tell how far it is.
    stub.delete(Resource::EndpointSlices, "shop", "a-1");
    stub.bookmark(SERVICES);
    follower.for_(Duration::from_secs(2)).await;
    stub.cut_watches();
    follower.for_(Duration::from_secs(2)).await;
    assert_eq!(
        last_start(&stub),
        after_b + 1,
        "the version of the bookmark"
    );
}

#[tokio::test(start_paused = true)]
async fn gone_at_the_start_of_a_watch_leads_to_a_list_at_once() {
    let stub = shop(&["a"]);
    stub.fail(On::Watch(SERVICES), Fault::Status(410), 1);
    let mut follower = Follower::of(&stub);
    let begun = Instant::now();
    follower
        .until("listed again", |f| f.list_count(Kind::Service) == 2)
        .await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(follower.problems, []);
}

#[tokio::test(start_paused = true)]
async fn gone_after_every_list_does_not_become_a_loop() {
    for fault in [
        Fault::Status(410),
        Fault::ErrorEvent(410),
        Fault::BookmarkThenErrorEvent(410),
    ] {
        let stub = shop(&["a"]);
        stub.fail(On::Watch(SERVICES), fault.clone(), ALWAYS);
        let mut follower = Follower::of(&stub);
        follower.for_(Duration::from_secs(300)).await;
        let lists = follower.list_count(Kind::Service);
        assert!(
            (8..20).contains(&lists),
            "{lists} lists in 5 minutes: {fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn gone_within_a_watch_leads_to_a_list() {
    let stub = shop(&["a"]);
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    stub.expire_watches(SERVICES);
    follower
        .until("listed again", |f| f.list_count(Kind::Service) == 2)
        .await;
    assert_eq!(follower.services(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn gone_on_the_third_page_begins_the_list_anew() {
    let stub = shop(&["a", "b", "c", "d", "e"]);
    stub.fail(On::Page(SERVICES, 3), Fault::Status(410), 1);
    let settings = WatchSettings {
        page_size: 2,
        ..WatchSettings::default()
    };
    let mut follower = Follower::with(&stub, &Selection::default(), &settings);
    follower.until_listed().await;
    assert_eq!(follower.services(), ["a", "b", "c", "d", "e"]);
    assert_eq!(
        follower.list_count(Kind::Service),
        1,
        "the list that broke off is not told"
    );
    let requests = stub.requests();
    let pages = requests
        .iter()
        .filter(|r| r.is_for(SERVICES) && !r.is_watch())
        .count();
    assert_eq!((pages, follower.problems.len()), (6, 0));
}

#[tokio::test(start_paused = true)]
async fn compaction_between_pages_begins_the_list_anew() {
    let stub = shop(&["a", "b", "c"]);
    stub.fail(On::Page(SERVICES, 2), Fault::Hang, 1);
    let settings = WatchSettings {
        page_size: 1,
        ..WatchSettings::default()
    };
    let mut follower = Follower::with(&stub, &Selection::default(), &settings);
    // The second page times out; meanwhile the cluster changes and forgets.
    follower
        .until("the page timed out", |f| !f.problems.is_empty())
        .await;
    stub.delete(SERVICES, "shop", "a");
    stub.compact();
    follower.until_listed().await;
    assert_eq!(follower.services(), ["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn watches_that_end_at_once_start_at_most_once_a_second() {
    let stub = shop(&["a"]);
    stub.fail(On::Watch(SERVICES), Fault::EndAtOnce, ALWAYS);
    let mut follower = Follower::of(&stub);
    follower.for_(Duration::from_secs(60)).await;
    let starts = starts_of_watches(&stub);
    assert!((50..=61).contains(&starts), "{starts} starts in a minute");
    assert_eq!(follower.list_count(Kind::Service), 1);
}

#[tokio::test(start_paused = true)]
async fn failing_lists_are_retried_at_growing_intervals() {
    let stub = shop(&["a"]);
    stub.fail(On::List(SERVICES), Fault::Status(500), ALWAYS);
    let mut follower = Follower::of(&stub);
    follower.for_(Duration::from_secs(600)).await;
    let requests = stub.requests();
    let lists: Vec<_> = requests
        .iter()
        .filter(|r| r.is_for(SERVICES))
        .map(|r| r.at)
        .collect();
    let delays: Vec<_> = lists.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(delays[0] < Duration::from_secs(2), "{delays:?}");
    assert!(
        delays[7..]
            .iter()
            .all(|delay| *delay >= Duration::from_secs(30)),
        "{delays:?}"
    );
    assert!(
        delays.iter().all(|delay| *delay <= Duration::from_secs(61)),
        "{delays:?}"
    );
    stub.heal();
    follower.until_listed().await;
    assert_eq!(follower.services(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_or_watch_that_hangs_is_noticed_in_time() {
    let settings = WatchSettings::default();
    let request = settings.request_timeout + Duration::from_secs(1);
    let watch = settings.watch_timeout + settings.watch_grace + Duration::from_secs(1);
    for (on, fault, bound) in [
        (On::List(SERVICES), Fault::Hang, request),
        (On::List(SERVICES), Fault::HangAfterHeaders, request),
        (On::Watch(SERVICES), Fault::Hang, request),
        (On::Watch(SERVICES), Fault::HangAfterHeaders, watch),
    ] {
        let stub = shop(&["a"]);
        stub.fail(on, fault.clone(), 1);
        let begun = Instant::now();
        let mut follower = Follower::of(&stub);
        follower
            .until("it is noticed", |f| !f.problems.is_empty())
            .await;
        assert!(
            begun.elapsed() < bound,
            "{on:?} {fault:?}: {:?}",
            begun.elapsed()
        );
        assert!(
            follower.problem_texts()[0].contains("no answer within"),
            "{:?}",
            follower.problems
        );
        stub.apply(&service("shop", "b", &json!({})));
        follower
            .until("it goes on", |f| f.services() == ["a", "b"])
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_may_take_long_as_long_as_something_comes() {
    let stub = shop(&["a", "b", "c"]);
    let settings = WatchSettings {
        page_size: 1,
        ..WatchSettings::default()
    };
    let pause = settings.request_timeout - Duration::from_secs(5);
    stub.fail(On::List(SERVICES), Fault::Slow(pause), ALWAYS);
    let begun = Instant::now();
    let mut follower = Follower::with(&stub, &Selection::default(), &settings);
    follower.patience = Duration::from_secs(3600);
    follower.until_listed().await;
    assert_eq!(follower.services(), ["a", "b", "c"]);
    assert_eq!(follower.problem_texts(), [""; 0]);
    assert!(begun.elapsed() >= 12 * pause, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn versions_that_go_back_are_noticed_by_a_bookmark() {
    let stub = shop(&["a"]);
    let before = stub.revision();
    stub.apply(&service("shop", "b", &json!({})));
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    stub.roll_back(before);
    let begun = Instant::now();
    stub.bookmark(SERVICES);
    follower.until("b is gone", |f| f.services() == ["a"]).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    let texts = follower.problem_texts();
    assert!(
        texts[0].contains("resource versions went back from 103 to 102"),
        "{texts:?}"
    );
    assert_eq!(follower.problems[0].outcome, Outcome::Noted);
}

#[tokio::test(start_paused = true)]
async fn versions_that_go_back_silently_are_noticed_by_the_next_list_that_is_due() {
    let stub = shop(&["a"]);
    let before = stub.revision();
    stub.apply(&service("shop", "b", &json!({})));
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    stub.silence_watches(true);
    stub.roll_back(before);
    let begun = Instant::now();
    follower.until("b is gone", |f| f.services() == ["a"]).await;
    assert!(
        begun.elapsed() <= WatchSettings::default().relist_every,
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn without_relists_nothing_is_listed_twice() {
    let stub = shop(&["a"]);
    let settings = WatchSettings {
        relist_every: Duration::ZERO,
        ..WatchSettings::default()
    };
    let mut follower = Follower::with(&stub, &Selection::default(), &settings);
    follower.for_(Duration::from_secs(24 * 3600)).await;
    assert_eq!(follower.list_count(Kind::Service), 1);
    assert_eq!(follower.problem_texts(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn retry_after_of_an_hour_does_not_stall() {
    let stub = shop(&["a"]);
    stub.fail(On::List(SERVICES), Fault::TooManyRequests(3600), 2);
    let begun = Instant::now();
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    assert!(
        begun.elapsed() >= Duration::from_secs(60),
        "it is honoured: {:?}",
        begun.elapsed()
    );
    assert!(
        begun.elapsed() < Duration::from_secs(130),
        "up to a cap: {:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn every_bad_answer_is_a_clear_problem_and_deletes_nothing() {
    let (fatal, passing) = (true, false);
    let table = [
        (
            Fault::Status(401),
            fatal,
            "the API server answered 401: made to fail; check the token",
        ),
        (
            Fault::Status(403),
            fatal,
            "the API server answered 403: made to fail; grant the account",
        ),
        (
            Fault::Status(404),
            fatal,
            "the API server answered 404: made to fail; check that --kube",
        ),
        (
            Fault::Status(500),
            passing,
            "the API server answered 500: made to fail; see the API",
        ),
        (
            Fault::Html,
            passing,
            "\"<!DOCTYPE html><html><head><title>Sign in</title></head></html>\"; check that --kube is the API server itself and no login page",
        ),
        (
            Fault::HalfALine,
            passing,
            "no list of services (EOF while parsing",
        ),
        (Fault::Reset, passing, "connection reset"),
    ];
    for (fault, is_fatal, expected) in table {
        let stub = shop(&["a", "b"]);
        let mut follower = Follower::of(&stub);
        follower.until_listed().await;
        stub.fail(On::List(SERVICES), fault.clone(), 3);
        stub.expire_watches(SERVICES);
        follower
            .until("three problems", |f| f.problems.len() == 3)
            .await;
        for problem in &follower.problems {
            let text = problem.to_string();
            assert!(text.starts_with("GET /api/v1/services: "), "{text}");
            assert!(text.contains(expected), "{fault:?}: {text}");
            assert_eq!(problem.is_fatal(), is_fatal, "{text}");
        }
        assert_eq!(
            (follower.services().len(), follower.gone.len()),
            (2, 0),
            "{fault:?}"
        );
        follower
            .until("listed again", |f| f.list_count(Kind::Service) == 2)
            .await;
        assert_eq!(follower.gone, []);
    }
}

#[tokio::test(start_paused = true)]
async fn bad_answers_to_a_watch_lose_nothing() {
    for fault in [
        Fault::Status(500),
        Fault::Status(504),
        Fault::TooManyRequests(5),
        Fault::Html,
        Fault::HalfALine,
        Fault::Reset,
        Fault::EndAtOnce,
        Fault::ErrorEvent(500),
    ] {
        let stub = shop(&["a"]);
        let mut follower = Follower::of(&stub);
        follower.until_listed().await;
        stub.fail(On::Watch(SERVICES), fault.clone(), 2);
        stub.cut_watches();
        stub.apply(&service("shop", "b", &json!({})));
        stub.delete(SERVICES, "shop", "a");
        follower
            .until("it went on", |f| f.services() == ["b"])
            .await;
        assert_eq!(follower.list_count(Kind::Service), 1, "{fault:?}");
        assert_eq!(follower.gone, [ObjectName::new("shop", "a")], "{fault:?}");
    }
}
