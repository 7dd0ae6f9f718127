use std::path::Path;

use super::*;

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n";
const SLICE: &str = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: web-1\n  \
                     namespace: shop\n  labels: {kubernetes.io/service-name: web}\naddressType: IPv4\n\
                     endpoints: [{addresses: [10.0.0.1]}]\nports: [{port: 80}]\n";
const ENDPOINTS: &str = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web, namespace: shop}\n\
                         subsets: [{addresses: [{ip: 10.0.0.2}], ports: [{port: 80}]}]\n";

/// Loads files from a folder; names in problems are then relative to it.
fn load_files(files: &[(&str, &str)], selection: &Selection) -> (Vec<String>, Vec<String>, bool) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    summary(&load(&[folder.path().to_owned()], selection), folder.path())
}

/// Names of the objects, texts of the problems, and whether the lists are complete.
fn summary(loaded: &Loaded, folder: &Path) -> (Vec<String>, Vec<String>, bool) {
    let named = loaded.changes.iter().filter_map(|change| match change {
        ClusterChange::Apply(object) => Some(format!("{:?} {}", object.kind(), object.name())),
        _ => None,
    });
    let complete: Vec<bool> = loaded
        .changes
        .iter()
        .filter_map(|change| match change {
            ClusterChange::ListEnd { complete, .. } => Some(*complete),
            _ => None,
        })
        .collect();
    assert!(
        complete == [true, true] || complete == [false, false],
        "{complete:?}"
    );
    let folder = format!("{}/", folder.display());
    let problems = loaded.problems.iter().map(|problem| {
        let text = problem.to_string().replace(&folder, "");
        text.replace(
            " (left out; nothing is deleted because of it)",
            " (left out)",
        )
    });
    (named.collect(), problems.collect(), complete[0])
}

fn everything(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>, bool) {
    load_files(files, &Selection::default())
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn files_folders_documents_and_lists_are_read() {
    let json = "{\n\t\"kind\": \"ServiceList\", \"apiVersion\": \"v1\",\n\t\"items\": [\
                {\"metadata\": {\"name\": \"from-json\"}}]\n}\n";
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - \
                apiVersion: v1\n    kind: Service\n    metadata: {name: nested}\n- apiVersion: v1\n  \
                kind: Pod\n  metadata: {name: other}\n";
    let several = format!(
        "---\n{SERVICE}---\n# nothing\n---\n{SLICE}---\napiVersion: apps/v1\nkind: Deployment\n\
         spec: {{replicas: x}}\n---\napiVersion: serving.knative.dev/v1\nkind: Service\n\
         metadata: {{name: knative}}\n...\n"
    );
    let files = [
        ("a.json", json),
        ("b.yml", list),
        ("deep/er/c.YAML", several.as_str()),
        ("notes.txt", "no manifest"),
        (".hidden.yaml", "no: manifest"),
        ("..data/x.yaml", "no: manifest"),
        ("empty.yaml", ""),
    ];
    let expected = strings(&[
        "Service default/from-json",
        "Service default/nested",
        "Service shop/web",
        "Endpoints shop/web-1",
    ]);
    assert_eq!(everything(&files), (expected, Vec::new(), true));
}

#[test]
fn bad_input_is_named_with_its_place_and_the_rest_is_read() {
    let annotations = format!(
        "{SERVICE}---\napiVersion: v1\nkind: Service\nmetadata:\n  name: api\n  annotations:\n    \
         romulus/priority: 100\n---\nkind: Service\nmetadata: {{name: bool, annotations: \
         {{romulus/maintenance: yes}}}}\n"
    );
    let table: [(&str, &[&str], &[&str]); 9] = [
        (
            &annotations,
            &["Service shop/web"],
            &[
                "x.yaml:10:23: Service default/api: metadata.annotations.romulus/priority: invalid \
                 type: integer `100`, expected a string; put the value into quotes (left out)",
                "x.yaml:13:59: Service default/bool: metadata.annotations.romulus/maintenance: \
                 invalid type: boolean `true`, expected a string; put the value into quotes (left \
                 out)",
            ],
        ),
        (
            "kind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - port: 70000\n",
            &[],
            &[
                "x.yaml:5:11: Service default/web: spec.ports[0].port: invalid value: integer \
               `70000`, expected u16; correct it (left out)",
            ],
        ),
        (
            "just text\n",
            &[],
            &[
                "x.yaml:1:1: no Kubernetes object: a mapping with apiVersion, kind and metadata is \
               expected; correct it (left out)",
            ],
        ),
        (
            "metadata: {name: web}\n",
            &[],
            &["x.yaml:1:1: kind: it has no kind; say which kind of object it is (left out)"],
        ),
        (
            "kind: Service\nmetadata: {}\n",
            &[],
            &["x.yaml:2:11: metadata.name: it has no name; correct it (left out)"],
        ),
        (
            "kind: ServiceList\nitems: {}\n",
            &[],
            &["x.yaml:2:8: items: a sequence of objects is expected; correct it (left out)"],
        ),
        (
            "apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\nmetadata: {name: a}\n",
            &[],
            &[
                "x.yaml:1:13: EndpointSlice default/a: apiVersion: \"discovery.k8s.io/v1beta1\" is \
               not read, \"discovery.k8s.io/v1\" is; convert the object (left out)",
            ],
        ),
        ("kind: PodList\nitems: 7\n", &[], &[]),
        (
            "kind: Service\nmetadata: {name: 5}\n",
            &[],
            &["x.yaml:2:18: metadata.name: invalid type: \
          integer `5`, expected a string; put the value into quotes (left out)"],
        ),
    ];
    for (text, objects, problems) in table {
        let complete = problems.is_empty();
        let expected = (strings(objects), strings(problems), complete);
        assert_eq!(everything(&[("x.yaml", text)]), expected, "{text}");
    }
}

#[test]
fn what_is_no_yaml_is_said_with_line_and_column() {
    for text in [
        "a: [1, 2\nb: 3\n",
        "a: b: c\n",
        "{{ .Values.x }}: y\n",
        "a: 1\na: 2\n",
        "\u{0}",
    ] {
        let file = format!("{SERVICE}---\n{text}");
        let files = [("bad.yaml", file.as_str()), ("good.yaml", SLICE)];
        let (objects, problems, complete) = everything(&files);
        assert_eq!(problems.len(), 1, "{text:?}: {problems:?}");
        assert!(problems[0].starts_with("bad.yaml:"), "{problems:?}");
        assert!(problems[0].contains(": no YAML: "), "{problems:?}");
        let (_, in_json, _) = everything(&[("bad.json", text)]);
        assert!(in_json[0].contains(": no JSON: "), "{in_json:?}");
        let line = problems[0]
            .split(':')
            .nth(1)
            .and_then(|line| line.parse::<u64>().ok());
        assert!(line.is_some_and(|line| line >= 5), "{text:?}: {problems:?}");
        assert!(
            objects.contains(&"Endpoints shop/web-1".to_owned()),
            "{objects:?}"
        );
        assert!(!complete);
    }
}

#[test]
fn a_path_that_is_not_there_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = load(&[folder.path().join("missing.yaml")], &Selection::default());
    let (objects, problems, complete) = summary(&loaded, folder.path());
    assert_eq!((objects, complete), (Vec::new(), false));
    assert!(
        problems[0].starts_with("missing.yaml: cannot be read: No such file"),
        "{problems:?}"
    );
}

#[test]
fn of_one_identity_twice_the_last_counts_and_both_places_are_named() {
    let second = format!("# a comment\n{SERVICE}spec: {{ports: [{{port: 81}}]}}\n");
    let (objects, problems, complete) = everything(&[("a.yaml", SERVICE), ("b.yaml", &second)]);
    assert_eq!(objects, ["Service shop/web"]);
    assert_eq!(
        problems,
        [
            "b.yaml:2:1: Service shop/web: it is also at a.yaml:1:1; this one counts; remove one of \
          the two (left out)"
        ]
    );
    assert!(!complete);
}

#[test]
fn one_form_of_endpoints_is_read_and_never_both() {
    let files = [
        ("s.yaml", SERVICE),
        ("slice.yaml", SLICE),
        ("endpoints.yaml", ENDPOINTS),
    ];
    for (endpoints, expected) in [
        (EndpointsSource::Auto, "Endpoints shop/web-1"),
        (EndpointsSource::Slices, "Endpoints shop/web-1"),
        (EndpointsSource::Endpoints, "Endpoints shop/web"),
    ] {
        let selection = Selection {
            endpoints,
            ..Selection::default()
        };
        let expected = (strings(&["Service shop/web", expected]), Vec::new(), true);
        assert_eq!(load_files(&files, &selection), expected, "{endpoints:?}");
    }
    let only = [("s.yaml", SERVICE), ("endpoints.yaml", ENDPOINTS)];
    let expected = strings(&["Service shop/web", "Endpoints shop/web"]);
    assert_eq!(everything(&only), (expected, Vec::new(), true));
}

#[test]
fn endpoints_that_would_be_lost_by_the_choice_are_a_problem() {
    let other = ENDPOINTS.replace("name: web", "name: other");
    let files = [("endpoints.yaml", other.as_str()), ("slice.yaml", SLICE)];
    let slices = Selection {
        endpoints: EndpointsSource::Slices,
        ..Selection::default()
    };
    let (objects, problems, complete) = load_files(&files, &slices);
    assert_eq!(
        (objects, complete),
        (strings(&["Endpoints shop/web-1"]), false)
    );
    assert_eq!(
        problems,
        [
            "endpoints.yaml:1:1: Endpoints shop/other: Endpoints objects are not read here, and its \
          Service has no endpoints of the other form; let --endpoints-source auto choose for each \
          Service (left out)"
        ]
    );
    // Left to itself, each Service gets the form that it has.
    let both = strings(&["Endpoints shop/other", "Endpoints shop/web-1"]);
    assert_eq!(everything(&files), (both, Vec::new(), true));
}

#[test]
fn selector_and_namespaces_choose_as_on_the_server() {
    let labelled = SERVICE.replace(
        "name: web,",
        "name: ours, labels: {romulus/type: external},",
    );
    let elsewhere = labelled.replace("shop", "blog");
    let files = [
        ("a.yaml", SERVICE),
        ("b.yaml", labelled.as_str()),
        ("c.yaml", elsewhere.as_str()),
        ("d.yaml", SLICE),
    ];
    let selection = Selection {
        selector: "type=external".parse().unwrap(),
        namespaces: vec!["shop".to_owned()],
        ..Selection::default()
    };
    let expected = strings(&["Service shop/ours", "Endpoints shop/web-1"]);
    assert_eq!(load_files(&files, &selection), (expected, Vec::new(), true));
}

#[test]
fn links_that_lead_back_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), SERVICE).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    let loaded = load(&[folder.path().to_owned()], &Selection::default());
    let expected = (strings(&["Service shop/web"]), Vec::new(), true);
    assert_eq!(summary(&loaded, folder.path()), expected);
}

#[test]
fn a_big_cluster_fits_one_file() {
    // More documents and more values than the YAML reader takes unless it is told to.
    let many = vec!["0"; 260_000].join(",");
    let mut text = format!("kind: ConfigMap\ndata: [{many}]\n");
    for i in 0..1_100 {
        text.push_str(&format!("---\nkind: Service\nmetadata: {{name: s{i}}}\n"));
    }
    let (objects, problems, complete) = everything(&[("big.yaml", &text)]);
    assert_eq!(
        (objects.len(), problems, complete),
        (1_100, Vec::new(), true)
    );
}

#[test]
fn recorded_lists_are_manifests_too() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kube");
    let paths = ["services", "endpointslices"].map(|n| data.join(format!("3-pods-ready-{n}.json")));
    let (objects, problems, complete) = summary(&load(&paths, &Selection::default()), &data);
    assert_eq!((problems, complete), (Vec::new(), true));
    assert_eq!(
        objects
            .iter()
            .filter(|name| name.starts_with("Service "))
            .count(),
        8
    );
    assert!(
        objects.contains(&"Endpoints shop/multi-qzs79".to_owned()),
        "{objects:?}"
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_a_panic_and_nothing_is_lost_silently(
        text in "(kind|metadata|name|items|Service|List|apiVersion|v1|[-a: {}\\[\\],&*!|>\"'#%\n\t]){0,40}",
    ) {
        let loaded = parse([("x.yaml".into(), text.clone().into_bytes())], &Selection::default());
        let (_, problems, complete) = summary(&loaded, Path::new(""));
        proptest::prop_assert_eq!(complete, problems.is_empty());
    }

    #[test]
    fn what_is_written_is_read(
        names in proptest::collection::btree_set("[a-z]{1,8}", 0..8),
        host in "\\PC{0,20}",
    ) {
        let documents: Vec<String> = names
            .iter()
            .map(|name| {
                let annotations = serde_json::json!({"romulus/host": host});
                crate::testing::service("shop", name, &annotations).to_string()
            })
            .collect();
        let text = documents.join("\n---\n");
        let loaded = parse([("x.json".into(), text.into_bytes())], &Selection::default());
        proptest::prop_assert_eq!(&loaded.problems, &[]);
        let mut read = 0;
        for change in &loaded.changes {
            if let ClusterChange::Apply(Object::Service(service)) = change {
                proptest::prop_assert_eq!(service.annotations.get("romulus/host"), Some(&host));
                read += 1;
            }
        }
        proptest::prop_assert_eq!(read, names.len());
    }
}
