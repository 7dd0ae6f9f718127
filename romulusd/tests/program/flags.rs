//! Flags and environment variables, before anything is connected.

use romulus_kube::testing::service;
use serde_json::json;

use crate::cluster::{Setting, WEB};
use crate::daemon::{Daemon, Finished};

async fn refused(variables: &[(&str, &str)], args: &[&str]) -> Finished {
    let finished = Daemon::start_with(variables, args).finish().await.exited(2);
    assert_eq!(finished.stdout, "");
    finished
}

#[tokio::test]
async fn what_can_not_be_used_is_refused_with_the_way_out() {
    let table: [&[&str]; 12] = [
        &["--etcd-timeout", "nonsense"],
        &["--etcd-timeout", "0s"],
        &["--kube-api", "v2"],
        &["--vulcan-key", "romulus/x"],
        &["--vulcan-key", "rom"],
        &["--svc-selector", "type in (external"],
        &["--owner-id", "a/b"],
        &["--max-delete-percent", "101"],
        &["--settle=-1s"],
        &["--lease-ttl", "15"],
        &["--log-level", "loud"],
        &["--vulcan-keys", "x"],
    ];
    let mut told = String::new();
    for args in table {
        told += &format!(
            "$ romulusd {}\n{}\n",
            args.join(" "),
            refused(&[], args).await.stderr
        );
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn variables_are_refused_as_flags_are() {
    for (variable, value, expected) in [
        ("VULCAND_KEY", "romulus/x", "'--vulcan-key <ROOT>'"),
        ("ETCD_TIMEOUT", "nonsense", "'--etcd-timeout <DURATION>'"),
        ("KUBE_API_VER", "v1beta3", "'--kube-api <VERSION>'"),
        (
            "SVC_SELECTOR",
            "type in (external",
            "'--svc-selector <SELECTOR>'",
        ),
        ("LOG_LEVEL", "loud", "'--log-level <LEVEL>'"),
    ] {
        refused(&[(variable, value)], &[])
            .await
            .logged(&[value, expected]);
    }
}

#[tokio::test]
async fn the_help_names_flags_and_variables_of_the_original_and_shows_no_password() {
    let variables = [
        ("KUBE_PASS", "open sesame"),
        ("ETCD_PEERS", "http://root:hunter2@127.0.0.1:1"),
    ];
    let help = Daemon::start_with(&variables, &["--help"])
        .finish()
        .await
        .exited(0)
        .stdout;
    for flag in [
        "--vulcan-key <ROOT>",
        "-e, --etcd <URLS>",
        "-t, --etcd-timeout <DURATION>",
        "-k, --kube <URL>",
        "-U, --kube-user <NAME>",
        "-P, --kube-pass <PASSWORD>",
        "--kube-api <VERSION>",
        "-C, --kubecfg <FILE>",
        "-s, --svc-selector <SELECTOR>",
        "-d, --debug",
        "-l, --log-level <LEVEL>",
        "--debug-etcd",
    ] {
        assert!(help.contains(flag), "no {flag} in {help}");
    }
    for variable in [
        "[env: VULCAND_KEY=]",
        "[env: ETCD_PEERS]",
        "[env: ETCD_TIMEOUT=]",
        "[env: KUBE_MASTER=]",
        "[env: KUBE_USER=]",
        "[env: KUBE_PASS]",
        "[env: KUBE_API_VER=]",
        "[env: SVC_SELECTOR=]",
        "[env: LOG_LEVEL=]",
    ] {
        assert!(help.contains(variable), "no {variable} in {help}");
    }
    assert!(
        !help.contains("sesame") && !help.contains("hunter2"),
        "{help}"
    );
}

#[tokio::test]
async fn the_variables_of_the_original_are_honoured() {
    let setting = Setting::with_web().await;
    let mut internal = service(
        "shop",
        "internal",
        &json!({"romulus/host": "internal.example.com"}),
    );
    internal["metadata"]["labels"] = json!({"romulus/type": "internal"});
    setting.api.apply(&internal);
    // u:open sesame
    setting
        .api
        .require_authorization(Some("Basic dTpvcGVuIHNlc2FtZQ=="));
    let variables = [
        ("VULCAND_KEY", "proxies/one"),
        ("ETCD_PEERS", setting.etcd.endpoint()),
        ("ETCD_TIMEOUT", "30s"),
        ("KUBE_MASTER", &setting.server.url()),
        ("KUBE_USER", "u"),
        ("KUBE_PASS", "open sesame"),
        ("KUBE_API_VER", "v1"),
        ("SVC_SELECTOR", "type=external"),
        ("LOG_LEVEL", "debug"),
    ];
    let finished = Daemon::start_with(&variables, &["--once"])
        .finish()
        .await
        .exited(0);
    let finished = finished.logged(&[
        "DEBUG",
        "root=proxies/one",
        "selector=romulus/type=external",
    ]);
    assert!(!finished.stderr.contains("sesame"), "{}", finished.stderr);
    assert_eq!(
        setting.keys.tree().await,
        WEB.replace("vulcand/", "proxies/one/")
    );
}

#[tokio::test]
async fn at_level_fatal_nothing_is_logged_but_what_ends_it() {
    let setting = Setting::with_web().await;
    setting.publish("broken", &json!({"romulus/host": "::"}), &[]);
    let quiet = [("LOG_LEVEL", "fatal")];
    let (kube, etcd) = (setting.server.url(), setting.etcd.endpoint());
    let behind = Daemon::start_with(&quiet, &["--once", "--kube", &kube, "--etcd", etcd]);
    assert_eq!(behind.finish().await.exited(1).stderr, "");
    let refused = Daemon::start_with(&quiet, &["--once", "--kube", "ftp://h", "--etcd", etcd]);
    let refused = refused
        .finish()
        .await
        .exited(2)
        .logged(&["ERROR", "ftp://h"]);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
}
