//! Help, completions and man pages, under both names.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by a panic"
)]

mod common;

use std::process::{Command, Output, Stdio};

use clap::CommandFactory as _;
use common::{Folder, command, run, text};

#[tokio::test]
async fn every_command_has_its_purpose_and_examples() {
    let folder = Folder::with(&[]);
    let help = run(&folder, &["--help"]).await;
    insta::assert_snapshot!(help);
    let nothing = command(folder.path(), &[]).output().await.unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(help.contains("Usage: romulusctl <COMMAND>") && text(nothing.stderr).contains("Usage"));
    for command in romulusctl::Args::command().get_subcommands() {
        let name = command.get_name();
        assert!(command.get_about().is_some(), "{name} has a purpose");
        let examples = command.get_after_help().map(ToString::to_string);
        let examples = examples.unwrap_or_default();
        assert!(
            examples.contains("Examples:\n  ") && examples.contains(&format!("romulusctl {name}")),
            "{name} has examples: {examples}"
        );
        let told = run(&folder, &[name, "--help"]).await;
        assert!(told.ends_with("=> 0\n\n"), "{told}");
    }
}

#[tokio::test]
async fn what_is_no_command_is_told() {
    let folder = Folder::with(&[]);
    let mut told = String::new();
    for args in [
        &["rout"][..],
        &["completions"],
        &["completions", "tcsh"],
        &["--version"],
    ] {
        told += &run(&folder, args).await;
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn linked_as_a_plugin_it_speaks_of_kubectl() {
    let folder = Folder::with(&[]);
    let link = folder.path().join("kubectl-romulus");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_romulusctl"), &link).unwrap();
    let plugin = |args: &[&str]| -> Output {
        let mut command = Command::new(&link);
        command.args(args).env_clear().stdin(Stdio::null());
        command.output().unwrap()
    };
    let help = plugin(&["route", "--help"]);
    let help = text(help.stdout);
    assert!(
        help.contains("Usage: kubectl romulus route [OPTIONS] <URL>"),
        "{help}"
    );
    assert!(help.contains("\n  kubectl romulus route http://"), "{help}");
    assert!(!help.contains("  romulusctl"), "{help}");
    let wrong = plugin(&["route"]);
    assert_eq!(wrong.status.code(), Some(2));
    let wrong = text(wrong.stderr);
    assert!(
        wrong.contains("Usage: kubectl romulus route <URL>"),
        "{wrong}"
    );
    let answer = plugin(&["route", "/x"]);
    assert_eq!(answer.status.code(), Some(2));
}

#[tokio::test]
async fn completions_are_for_every_shell() {
    let folder = Folder::with(&[]);
    for (shell, sign) in [
        ("bash", "complete -F _romulusctl"),
        ("zsh", "#compdef romulusctl"),
        ("fish", "complete -c romulusctl"),
        ("elvish", "edit:completion:arg-completer[romulusctl]"),
        (
            "powershell",
            "Register-ArgumentCompleter -Native -CommandName 'romulusctl'",
        ),
    ] {
        let told = run(&folder, &["completions", shell]).await;
        assert!(
            told.contains(sign) && told.contains("route"),
            "{shell}: {told}"
        );
    }
    // The shell itself takes them.
    let script = command(folder.path(), &["completions", "bash"])
        .output()
        .await
        .unwrap();
    let check = "source /dev/stdin; COMP_WORDS=(romulusctl rou); COMP_CWORD=1; \
                 _romulusctl romulusctl rou romulusctl; echo ${COMPREPLY[@]}";
    let mut bash = tokio::process::Command::new("bash")
        .args(["-c", check])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = bash.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, &script.stdout)
        .await
        .unwrap();
    drop(input);
    let output = bash.wait_with_output().await.unwrap();
    assert_eq!(
        (text(output.stdout), text(output.stderr)),
        ("route\n".to_owned(), String::new())
    );
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::with(&[]);
    for args in [&["completions", "zsh"][..], &["man"], &["route", "--help"]] {
        let mut child = command(folder.path(), args).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        let ended = (output.status.code(), text(output.stderr));
        assert_eq!(ended, (Some(0), String::new()), "{args:?}");
    }
}

#[tokio::test]
async fn every_command_has_a_man_page() {
    let folder = Folder::with(&[("file", "")]);
    let told = run(&folder, &["man"]).await;
    assert!(
        told.contains(".TH romulusctl 1") && told.contains("romulusctl\\-route(1)"),
        "{told}"
    );
    let told = run(&folder, &["man", "pages/man1"]).await;
    assert_eq!(
        told,
        "$ romulusctl man pages/man1\n2> man pages are in pages/man1; see them with `man -l`\n=> 0\n\n"
    );
    for command in romulusctl::Args::command().get_subcommands() {
        let name = command.get_name();
        let page = folder
            .path()
            .join(format!("pages/man1/romulusctl-{name}.1"));
        let page = std::fs::read_to_string(&page).unwrap();
        assert!(
            page.contains(".SH SYNOPSIS") && page.contains("Examples:"),
            "{page}"
        );
    }
    let told = run(&folder, &["man", "file/man1"]).await;
    assert_eq!(
        told,
        "$ romulusctl man file/man1\n2> error: man pages can't be written to file/man1: Not a \
         directory (os error 20)\n=> 2\n\n"
    );
}
