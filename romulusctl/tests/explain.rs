//! `romulusctl explain` as a person asks it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

mod common;

use common::{Folder, run};
use romulus_core::annotation::OPTIONS;
use romulus_core::diagnostic::Code;

async fn explain(args: &[&str]) -> String {
    let folder = Folder::with(&[]);
    run(&folder, &[&["explain"][..], args].concat()).await
}

#[tokio::test]
async fn a_list_an_option_and_a_code() {
    let mut told = explain(&[]).await;
    for name in [
        "prefix",
        "romulus/middleware.auth",
        "vulcanKey",
        "invalid-json",
        "foreign-object",
    ] {
        told += &explain(&[name]).await;
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn names_as_they_stand_in_manifests_and_messages() {
    for (asked, first) in [
        ("romulus/path.web", "romulus/path: "),
        ("PATH_REGEXP", "romulus/pathRegexp: "),
        ("path_regexp", "romulus/pathRegexp: "),
        ("pathregexp", "romulus/pathRegexp: "),
        ("error[invalid-json]:", "error[invalid-json]: "),
        ("Invalid-JSON", "error[invalid-json]: "),
    ] {
        let told = explain(&[asked]).await;
        let line = told.lines().nth(1).unwrap();
        assert!(line.starts_with(first), "{asked}: {line}");
    }
    let mut told = String::new();
    for name in ["hots", "romulus/hots", "invalid-jsn", "nothing-like-it", ""] {
        told += &explain(&[name]).await;
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn lint_says_of_every_example_what_it_is_an_example_of() {
    for code in Code::ALL {
        let told = explain(&[code.as_str()]).await;
        let said = format!("\n{}[{code}]: ", code.severity());
        // Once as the title, once by lint.
        let times = 1 + usize::from(code.example().is_some());
        assert_eq!(told.matches(&said).count(), times, "{told}");
        assert!(told.ends_with("=> 0\n\n"), "{told}");
    }
    for option in OPTIONS {
        assert!(explain(&[option.name]).await.contains(option.becomes));
    }
}
