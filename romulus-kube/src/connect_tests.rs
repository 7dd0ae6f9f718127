use super::*;
use crate::testing::ApiStub;

fn with_kube(url: &str) -> KubeArgs {
    KubeArgs {
        kube: Some(url.to_owned()),
        ..KubeArgs::default()
    }
}

async fn origin(args: &KubeArgs, environment: &Environment) -> (String, &'static str) {
    let (config, origin) = args.config(environment).await.unwrap();
    (config.cluster_url.to_string(), origin)
}

fn kubeconfig_file(folder: &Path, server: &str, user: &str) -> PathBuf {
    let path = folder.join(format!("{}.yaml", server.len()));
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         contexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
         clusters: [{{name: k, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: u, user: {user}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn the_server_is_looked_for_in_the_documented_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = kubeconfig_file(folder.path(), "http://file:1", "{}");
    let variable = kubeconfig_file(folder.path(), "http://variable:1", "{}");
    let environment = Environment {
        kubeconfig: Some(variable.into()),
        ..Environment::default()
    };
    let mut args = KubeArgs {
        kubecfg: Some(file),
        ..with_kube("http://flag:1")
    };
    assert_eq!(
        origin(&args, &environment).await,
        ("http://flag:1/".to_owned(), "--kube")
    );
    args.kube = Some(String::new());
    assert_eq!(
        origin(&args, &environment).await,
        ("http://file:1/".to_owned(), "--kubecfg")
    );
    args.kubecfg = None;
    assert_eq!(
        origin(&args, &environment).await,
        ("http://variable:1/".to_owned(), "KUBECONFIG")
    );
    let nothing = Environment::default();
    let expected = ("http://127.0.0.1:8080/".to_owned(), "the default");
    assert_eq!(origin(&args, &nothing).await, expected);
    let pod = Environment {
        in_cluster: true,
        ..Environment::default()
    };
    let error = args.config(&pod).await.unwrap_err().to_string();
    assert!(error.starts_with("this seems to be a pod"), "{error}");
}

#[test]
fn addresses_are_checked() {
    for (text, expected) in [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("https://[::1]:6443/prefix", "https://[::1]:6443/prefix"),
    ] {
        assert_eq!(server_url(text).unwrap().to_string(), expected);
    }
    for (text, expected) in [
        (
            "ftp://x",
            "--kube \"ftp://x\": the scheme \"ftp\" is unknown; a URL such as",
        ),
        ("http://", "--kube \"http://\": "),
        (
            "http://u:p@x",
            "credentials go to --kube-user and --kube-pass",
        ),
        ("http://x?y", "there is a query in it"),
    ] {
        let error = server_url(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("u:p"), "{error}");
    }
}

#[tokio::test]
async fn plain_http_needs_no_authorities_and_nothing_retries_behind_our_back() {
    let (config, _) = with_kube("http://x")
        .config(&Environment::default())
        .await
        .unwrap();
    assert_eq!(config.root_cert, Some(Vec::new()));
    assert!(!config.default_retry);
    let (config, _) = with_kube("https://x")
        .config(&Environment::default())
        .await
        .unwrap();
    assert_eq!(
        config.root_cert, None,
        "https is verified with the system's authorities"
    );
}

#[tokio::test]
async fn no_proxy_is_matched_with_the_server() {
    let environment = |no_proxy: &str| Environment {
        https_proxy: "http://user:pass@proxy:3128".to_owned(),
        no_proxy: no_proxy.to_owned(),
        ..Environment::default()
    };
    let proxy = Some("http://user:pass@proxy:3128/");
    for (server, no_proxy, expected) in [
        ("https://api.example.com", "", proxy),
        ("https://api.example.com", "other.com,10.0.0.0/8", proxy),
        ("https://api.example.com", "example.com", None),
        ("https://api.example.com", "other.com, .example.com", None),
        ("https://10.1.2.3:6443", "10.0.0.0/8", None),
        ("https://11.1.2.3:6443", "10.0.0.0/8", proxy),
        ("https://api.example.com", "*", None),
        ("https://127.0.0.1:6443", "", None),
        ("https://[::1]:6443", "", None),
        ("https://localhost:6443", "", None),
        ("http://api.example.com", "", None),
    ] {
        let (config, _) = with_kube(server)
            .config(&environment(no_proxy))
            .await
            .unwrap();
        let url = config.proxy_url.map(|url| url.to_string());
        assert_eq!(
            url.as_deref(),
            expected,
            "{server} with NO_PROXY={no_proxy}"
        );
    }
}

#[tokio::test]
async fn a_kubeconfig_s_own_proxy_is_used_whatever_the_environment_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let text = "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n\
                clusters: [{name: k, cluster: {server: 'https://x', proxy-url: 'http://own:1'}}]\n";
    std::fs::write(&path, text).unwrap();
    let args = KubeArgs {
        kubecfg: Some(path),
        ..KubeArgs::default()
    };
    let environment = Environment {
        https_proxy: "http://env:1".to_owned(),
        no_proxy: "*".to_owned(),
        ..Environment::default()
    };
    let (config, _) = args.config(&environment).await.unwrap();
    assert_eq!(config.proxy_url.unwrap().to_string(), "http://own:1/");
}

async fn version(connection: &Connection) -> Result<bytes::Bytes, crate::watch::ApiError> {
    crate::watch::get(&connection.client, "/version", Duration::from_secs(30)).await
}

#[tokio::test]
async fn basic_authentication_by_flag_and_by_file() {
    let stub = ApiStub::new();
    stub.require_authorization(Some("Basic dTpw"));
    let server = stub.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pass");
    std::fs::write(&file, "p\n").unwrap();
    let user = KubeArgs {
        kube_user: Some("u".to_owned()),
        ..with_kube(&server.url())
    };
    for args in [
        KubeArgs {
            kube_pass: Some("p".into()),
            ..user.clone()
        },
        KubeArgs {
            kube_pass_file: Some(file),
            ..user.clone()
        },
    ] {
        version(&args.connect().await.unwrap()).await.unwrap();
    }
    let args = KubeArgs {
        kube_pass: Some("wrong".into()),
        ..user.clone()
    };
    let error = version(&args.connect().await.unwrap()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the API server answered 401: Unauthorized"
    );
    let error = user.connect().await.unwrap_err().to_string();
    assert_eq!(error, "--kube-user needs --kube-pass or --kube-pass-file");
    let args = KubeArgs {
        kube_pass: Some("p".into()),
        ..with_kube("http://x")
    };
    assert_eq!(
        args.connect().await.unwrap_err().to_string(),
        "--kube-pass needs --kube-user"
    );
}

#[tokio::test]
async fn a_token_file_may_end_with_a_newline_and_may_be_replaced() {
    let stub = ApiStub::new();
    stub.require_authorization(Some("Bearer first"));
    let server = stub.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "first\n").unwrap();
    let user = format!("{{tokenFile: \"{}\"}}", token.display());
    let kubecfg = Some(kubeconfig_file(folder.path(), &server.url(), &user));
    let args = KubeArgs {
        kubecfg,
        ..KubeArgs::default()
    };
    let connection = args.connect().await.unwrap();
    version(&connection).await.unwrap();

    std::fs::write(&token, "second\n").unwrap();
    stub.require_authorization(Some("Bearer second"));
    version(&connection).await.unwrap();

    std::fs::remove_file(&token).unwrap();
    version(&connection)
        .await
        .expect("the last token is still good");
    let error = args.connect().await.unwrap_err().to_string();
    assert!(error.starts_with("the token file "), "{error}");
}

#[tokio::test]
async fn a_token_within_the_kubeconfig_may_have_blanks_around_it() {
    let stub = ApiStub::new();
    stub.require_authorization(Some("Bearer inline"));
    let server = stub.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let kubecfg = Some(kubeconfig_file(
        folder.path(),
        &server.url(),
        "{token: \"inline\\n\"}",
    ));
    let args = KubeArgs {
        kubecfg,
        ..KubeArgs::default()
    };
    version(&args.connect().await.unwrap()).await.unwrap();
    let kubecfg = Some(kubeconfig_file(
        folder.path(),
        &server.url(),
        "{token: \"in\\nline\"}",
    ));
    let args = KubeArgs {
        kubecfg,
        ..KubeArgs::default()
    };
    let error = args.connect().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the token of the kubeconfig has characters that no token has"
    );
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let args = KubeArgs {
        kubecfg: Some(missing.clone()),
        ..KubeArgs::default()
    };
    let error = args.connect().await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("--kubecfg {}: ", missing.display())),
        "{error}"
    );
    let args = KubeArgs {
        kube_ca_file: Some(missing.clone()),
        ..with_kube("https://x")
    };
    let error = args.connect().await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("--kube-ca-file {}: ", missing.display())),
        "{error}"
    );
    std::fs::write(&missing, "no PEM").unwrap();
    let error = args.connect().await.unwrap_err().to_string();
    assert!(
        error.ends_with("there is no certificate (PEM) in it"),
        "{error}"
    );
}

/// A plugin that prints the token of a file.
#[tokio::test]
async fn an_exec_plugin_gives_the_token_and_its_failure_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let stub = ApiStub::new();
    stub.require_authorization(Some("Bearer from-the-plugin"));
    let server = stub.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let plugin = |name: &str, script: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let user = format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: \"{}\", \
             interactiveMode: Never}}}}",
            path.display()
        );
        let folder = folder.path().join(format!("of-{name}"));
        std::fs::create_dir(&folder).unwrap();
        KubeArgs {
            kubecfg: Some(kubeconfig_file(&folder, &server.url(), &user)),
            ..KubeArgs::default()
        }
    };
    let good = plugin(
        "good",
        r#"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-the-plugin"}}'"#,
    );
    version(&good.connect().await.unwrap()).await.unwrap();

    let bad = plugin("bad", "echo secret-of-the-plugin; exit 3");
    let error = match bad.connect().await {
        Err(error) => error.to_string(),
        Ok(connection) => version(&connection).await.unwrap_err().to_string(),
    };
    assert!(error.contains("bad"), "the plugin is named: {error}");
    assert!(!error.contains("secret-of-the-plugin"), "{error}");
}
