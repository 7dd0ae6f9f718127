//! Writes the first inputs of every fuzz target: `romulus-fuzz-seeds <corpus folder>`.
//!
//! Most come from what a running vulcand was asked (`romulus-core/tests/data/vectors.json`),
//! manifests from the examples and the recorded cluster. Inputs that the fuzzer found stay.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_json::Value;

/// The inputs of each target.
type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

fn main() -> io::Result<()> {
    let corpus = env::args_os().nth(1).map(PathBuf::from);
    let corpus =
        corpus.ok_or_else(|| io::Error::other("usage: romulus-fuzz-seeds <corpus folder>"))?;
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let vectors = fs::read(repository.join("romulus-core/tests/data/vectors.json"))?;
    let vectors: Value = serde_json::from_slice(&vectors)?;
    let mut seeds = Seeds::new();
    routes(&vectors, &mut seeds);
    predicates(&vectors, &mut seeds);
    values(&vectors, &mut seeds);
    annotations(&vectors, &mut seeds);
    manifests(&repository, &mut seeds)?;
    histories(&mut seeds);
    for (target, inputs) in seeds {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), input)?;
        }
    }
    Ok(())
}

fn add(seeds: &mut Seeds, target: &'static str, input: impl Into<Vec<u8>>) {
    seeds.entry(target).or_default().push(input.into());
}

/// The vectors of one kind.
fn of<'v>(vectors: &'v Value, kind: &str) -> &'v [Value] {
    vectors[kind].as_array().map_or(&[], Vec::as_slice)
}

/// The values of the vectors of one kind.
fn texts<'v>(vectors: &'v Value, kind: &str) -> impl Iterator<Item = &'v str> {
    of(vectors, kind)
        .iter()
        .filter_map(|vector| vector["value"].as_str())
}

fn request(vector: &Value) -> String {
    let request = &vector["request"];
    let field = |name: &str| request[name].as_str().unwrap_or_default();
    let line = format!("{} {} {}", field("method"), field("host"), field("path"));
    match request["headers"]
        .as_object()
        .and_then(|headers| headers.iter().next())
    {
        Some((name, value)) => format!("{line} {name} {}", value.as_str().unwrap_or_default()),
        None => line,
    }
}

fn routes(vectors: &Value, seeds: &mut Seeds) {
    for route in texts(vectors, "routes") {
        add(seeds, "routes", route);
    }
    for vector in of(vectors, "matches") {
        let route = vector["route"].as_str().unwrap_or_default();
        add(seeds, "routes", format!("{route}\0{}", request(vector)));
    }
    for vector in of(vectors, "precedence") {
        let mut fields: Vec<String> = of(vector, "routes")
            .iter()
            .filter_map(|route| route.as_str().map(str::to_owned))
            .collect();
        fields.push(request(vector));
        add(seeds, "routes", fields.join("\0"));
    }
}

fn predicates(vectors: &Value, seeds: &mut Seeds) {
    for predicate in texts(vectors, "predicates") {
        add(seeds, "predicates", predicate);
    }
    for vector in texts(vectors, "middlewares") {
        let middleware: Value = serde_json::from_str(vector).unwrap_or_default();
        if let Some(condition) = middleware["Middleware"]["Condition"].as_str() {
            add(seeds, "predicates", condition);
        }
    }
}

const KINDS: [&str; 6] = [
    "backends",
    "frontends",
    "servers",
    "middlewares",
    "hosts",
    "listeners",
];

fn values(vectors: &Value, seeds: &mut Seeds) {
    for kind in KINDS {
        for text in texts(vectors, kind) {
            add(seeds, "json_settings", text);
            // Settings alone, as annotations give them.
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            if value["Settings"].is_object() {
                add(seeds, "json_settings", value["Settings"].to_string());
            }
        }
    }
}

fn annotations(vectors: &Value, seeds: &mut Seeds) {
    let mut one = |option: &str, value: &str| {
        add(
            seeds,
            "annotations",
            format!("web,api\0{option}={value}\0host.api=a.test"),
        );
    };
    for text in texts(vectors, "middlewares") {
        one("middleware.web.first", text);
    }
    for (kind, option) in [
        ("frontends", "frontendSettings"),
        ("backends", "backendSettings"),
    ] {
        for text in texts(vectors, kind) {
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            if value["Settings"].is_object() {
                one(option, &value["Settings"].to_string());
            }
        }
    }
    for text in texts(vectors, "predicates") {
        one("failoverPredicate", text);
    }
    for text in texts(vectors, "durations") {
        one("readTimeout.web", text);
    }
    for text in texts(vectors, "routes") {
        for (name, value) in parts(text) {
            one(&name, &value);
        }
    }
    let rest = [
        "\0host=a.test\0path=/x/<id>\0method=get\0header=X-Stage: canary\0priority=300",
        "web\0hostRegexp=^[a-z]+\\.test$\0prefix=/p\0methods=GET,post\0headerRegexp=X-Stage: ^c",
        "\0host=a.test\0scheme=https\0backend=api:web\0redirectToSsl=true\0maintenance=https://m.test/",
        "\0host=a.test\0passHostHeader=true\0trustForwardHeader=false\0maxBodyBytes=9",
        "\0path_regexp=/old\0maxMemBodyBytes=8\0maxIdleConnsPerHost=7\0dialTimeout=5s",
    ];
    for text in rest {
        add(seeds, "annotations", text);
    }
}

/// The matchers of a route that has no escapes, as the options they would come from.
fn parts(route: &str) -> Vec<(String, String)> {
    let terms = route.split("&&").filter_map(|term| {
        let (name, arguments) = term.trim().split_once('(')?;
        let values: Vec<&str> = arguments.split(['"', '`']).skip(1).step_by(2).collect();
        let mut name = name.to_owned();
        name.get_mut(..1)?.make_ascii_lowercase();
        Some((name, values.join(": ")))
    });
    terms.collect()
}

fn manifests(repository: &Path, seeds: &mut Seeds) -> io::Result<()> {
    for folder in [
        "docs/examples",
        "romulus-core/tests/data/readme",
        "romulus-core/tests/data/kube",
    ] {
        let entries = fs::read_dir(repository.join(folder))?;
        let mut paths = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            if path
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "json")
            {
                add(seeds, "manifests", fs::read(&path)?);
            }
        }
    }
    Ok(())
}

/// Histories have no text form: any bytes are one, the longer the more happens.
fn histories(seeds: &mut Seeds) {
    let mut state = 0u64;
    for number in 1..=64 {
        let bytes = std::iter::repeat_with(|| splitmix(&mut state)).take(number * 2);
        add(
            seeds,
            "plan_laws",
            bytes.flat_map(u64::to_le_bytes).collect::<Vec<u8>>(),
        );
    }
}

/// The next number of a sequence that looks random and is always the same (SplitMix64).
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
