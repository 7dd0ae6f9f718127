//! What a large cluster costs.

use romulus_etcd::Store as _;
use romulus_kube::Resource;
use romulus_kube::testing::{service, slice};
use serde_json::{Value, json};

use crate::cluster::Setting;
use crate::daemon::eventually;

const SERVICES: usize = 10_000;
/// Of each Service.
const ENDPOINTS: usize = 10;
/// How much memory it may take at most, in MiB. An unoptimised build took 103 when this was written.
const PEAK: usize = 160;

fn list(kind: &str, items: &[Value]) -> Value {
    json!({"kind": format!("{kind}List"), "items": items})
}

/// 10,000 Services with 100,000 endpoints are synced and listed anew, both kinds at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_cluster_stays_small_even_while_it_is_listed_anew() {
    let setting = Setting::new().await;
    let host = |n| json!({"romulus/host": format!("h{n}.example.com")});
    let services: Vec<_> = (0..SERVICES)
        .map(|n| service("shop", &format!("s{n}"), &host(n)))
        .collect();
    let endpoints = |n| {
        let addresses: [String; ENDPOINTS] =
            std::array::from_fn(|m| format!("10.{m}.{}.{}", n / 250, n % 250));
        let addresses = addresses.each_ref().map(String::as_str);
        slice("shop", &format!("s{n}-1"), &format!("s{n}"), &addresses, 80)
    };
    let slices: Vec<_> = (0..SERVICES).map(endpoints).collect();
    setting.api.load_list(&list("Service", &services));
    setting.api.load_list(&list("EndpointSlice", &slices));

    let daemon = setting.romulusd(&["--heartbeat", "0s"]);
    // A backend, a frontend and their records each, and the servers.
    let keys = SERVICES * (4 + ENDPOINTS);
    let (objects, said) = (2 * SERVICES, "backends and frontends");
    daemon
        .logs(&format!("in step: {objects} {said}; {keys} keys put"))
        .await;
    let revision = async || setting.keys.0.load(&[]).await.expect("it answers").revision;
    let before = revision().await;

    let lists = |resource: Resource| {
        let requests = setting.api.requests();
        let pages = requests
            .iter()
            .filter(|request| request.is_for(resource) && !request.is_watch());
        pages.count()
    };
    let resources = [Resource::Services, Resource::EndpointSlices];
    let first = resources.map(lists);
    setting.api.compact();
    for resource in resources {
        setting.api.expire_watches(resource);
    }
    eventually("both lists", async || match resources.map(lists) {
        again if again == first.map(|pages| 2 * pages) => Ok(()),
        again => Err(format!("{again:?} pages, {first:?} before")),
    })
    .await;
    // What comes after the lists is taken in after them.
    setting.publish("last", &json!({}), &["10.0.0.1"]);
    let last = "vulcand/backends/last.shop/servers/10.0.0.1".to_owned();
    eventually("what came last", async || {
        let loaded = setting.keys.0.load(std::slice::from_ref(&last)).await;
        match loaded.is_ok_and(|loaded| loaded.entries.contains_key(&last)) {
            true => Ok(()),
            false => Err(daemon.log()),
        }
    })
    .await;
    assert!(
        revision().await <= before + 2,
        "what did not change was written again"
    );
    let (now, peak) = daemon.memory();
    println!("{} MiB, {} MiB at most", now / 1024, peak / 1024);
    assert!(peak < PEAK * 1024, "{peak} KiB");
    daemon.stop().await;
}
