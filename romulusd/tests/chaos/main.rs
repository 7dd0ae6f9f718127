//! Everything fails at random, and at the end everything is right.
//!
//! Two romulusds, three members of etcd behind proxies, an API server; each round changes the
//! cluster and breaks something. `CHAOS_ROUNDS` and `CHAOS_SEED` say how much and which; the seed
//! decides what happens, not when it meets what the programs do.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and tells its seed"
)]

mod cluster;
mod observer;
mod replica;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use romulus_etcd::testing::{EtcdProcess, Fault, FaultProxy};
use romulus_etcd::{EtcdOptions, EtcdStore};

use cluster::Cluster;
use observer::Observer;
use replica::Replica;

/// How many rounds pass between two looks at the whole.
const LOOK_EVERY: usize = 5;

fn setting(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok().filter(|text| !text.is_empty());
    given.map_or(default, |text| text.parse().expect("a number"))
}

struct Chaos {
    random: StdRng,
    cluster: Cluster,
    members: [EtcdProcess; 3],
    proxies: Vec<FaultProxy>,
    replicas: Vec<Replica>,
    faults: std::collections::BTreeMap<&'static str, usize>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_the_end_is_right() {
    let (rounds, seed) = (
        setting("CHAOS_ROUNDS", 10) as usize,
        setting("CHAOS_SEED", 2015),
    );
    println!("CHAOS_ROUNDS={rounds} CHAOS_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let members = EtcdProcess::start_cluster().await;
    let mut proxies = Vec::new();
    for member in &members {
        proxies.push(FaultProxy::start(member.endpoint(), random.random()).await);
    }
    let endpoints: Vec<&str> = members.iter().map(EtcdProcess::endpoint).collect();
    let store = EtcdStore::new(EtcdOptions::new(endpoints).expect("they are endpoints"));
    let mut observer = Observer::start(store).await;
    let cluster = Cluster::start().await;
    let proxied: Vec<String> = proxies.iter().map(FaultProxy::url).collect();
    let flags = |n: usize| Replica::start(&cluster.url(), &proxied.join(","), n);
    let replicas = vec![flags(0), flags(1)];
    let mut chaos = Chaos {
        random,
        cluster,
        members,
        proxies,
        replicas,
        faults: Default::default(),
    };
    for round in 1..=rounds {
        let fault = chaos.round().await;
        println!("round {round}: {fault}");
        if round % LOOK_EVERY == 0 || round == rounds {
            chaos.heal();
            let report = observer.settle(&chaos.cluster, &chaos.replicas).await;
            println!("  in step: {report}");
        }
    }
    println!("faults: {:?}", chaos.faults);
    observer.verdict();
}

impl Chaos {
    /// Changes the cluster and breaks something; returns what.
    async fn round(&mut self) -> &'static str {
        for _ in 0..self.random.random_range(1..8) {
            self.cluster.change(&mut self.random);
        }
        let fault = *FAULTS.choose(&mut self.random).expect("there are some");
        *self.faults.entry(fault).or_default() += 1;
        let pause = Duration::from_millis(self.random.random_range(0..1_500));
        match fault {
            "kill a romulusd" => {
                let one = self.random.random_range(0..self.replicas.len());
                self.wait(300).await;
                self.replicas[one].kill();
                tokio::time::sleep(pause).await;
                self.replicas[one].restart();
            }
            "stop a romulusd beyond its lease" => {
                let one = self.random.random_range(0..self.replicas.len());
                self.replicas[one].signal("-STOP");
                tokio::time::sleep(pause + Duration::from_secs(2)).await;
                self.replicas[one].signal("-CONT");
            }
            "kill a member" => {
                let one = self.random.random_range(0..self.members.len());
                self.wait(300).await;
                self.members[one].stop();
                tokio::time::sleep(pause).await;
                self.members[one].restart().await;
            }
            "kill all members" => {
                self.members.iter_mut().for_each(EtcdProcess::stop);
                tokio::time::sleep(pause).await;
                // None of them is ready alone.
                let [a, b, c] = &mut self.members;
                tokio::join!(a.restart(), b.restart(), c.restart());
            }
            "cut etcd" => self.proxies.iter().for_each(FaultProxy::cut_all),
            "blackhole a member" => self.proxy(Fault::Blackhole, pause).await,
            "mute a member" => self.proxy(Fault::Mute, pause).await,
            "delay a member" => {
                self.proxy(Fault::Delay(Duration::from_millis(300)), pause)
                    .await
            }
            "half-close a member" => self.proxy(Fault::HalfClose, pause).await,
            "break the API server" => self.cluster.fault(&mut self.random),
            _ => {}
        }
        self.wait(500).await;
        fault
    }

    /// Lets the programs get to some point or other.
    async fn wait(&mut self, longest: u64) {
        let pause = self.random.random_range(0..longest);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    async fn proxy(&mut self, fault: Fault, pause: Duration) {
        let one = self.random.random_range(0..self.proxies.len());
        self.proxies[one].set(fault);
        tokio::time::sleep(pause).await;
        self.proxies[one].set(Fault::Pass);
    }

    fn heal(&self) {
        self.cluster.heal();
        self.proxies.iter().for_each(|proxy| proxy.set(Fault::Pass));
    }
}

const FAULTS: [&str; 11] = [
    "nothing",
    "kill a romulusd",
    "stop a romulusd beyond its lease",
    "kill a member",
    "kill all members",
    "cut etcd",
    "blackhole a member",
    "mute a member",
    "delay a member",
    "half-close a member",
    "break the API server",
];
