use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a [`FaultProxy`] does to what passes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Pass,
    /// Each piece waits, up to so long.
    Delay(Duration),
    /// Connections stay open, and nothing passes until the fault is over.
    Blackhole,
    /// Answers are swallowed: requests arrive, and nobody hears what became of them. A connection
    /// that lost a part of an answer stays silent for good: no network leaves a hole in the middle.
    Mute,
    /// The other end says that it will send nothing more, and still listens.
    HalfClose,
    /// Connections are cut, and new ones too.
    Cut,
}

#[derive(Debug, Clone, Copy)]
struct State {
    fault: Fault,
    /// How many times everything was cut.
    cuts: u64,
}

/// A TCP proxy on the loopback interface that can make a connection fail in the ways that networks
/// do. What it chooses at random follows from its seed.
pub struct FaultProxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FaultProxy {
    /// Stands in front of an address like `127.0.0.1:2379`; a URL's scheme is passed over.
    ///
    /// # Panics
    /// When there is no port to listen on.
    pub async fn start(upstream: &str, seed: u64) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = watch::Sender::new(State {
            fault: Fault::Pass,
            cuts: 0,
        });
        let states = state.clone();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let task = tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            while let Ok((client, _)) = listener.accept().await {
                let (upstream, states) = (upstream.clone(), states.subscribe());
                let counter = counter.clone();
                let seeds = [random.random(), random.random()];
                tokio::spawn(connection(client, upstream, states, counter, seeds));
            }
        });
        Self {
            address,
            state,
            asked,
            task,
        }
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many bytes clients have sent.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// From now on this happens, to open connections too.
    pub fn set(&self, fault: Fault) {
        self.state.send_modify(|state| state.fault = fault);
    }

    /// Cuts every open connection; new ones pass.
    pub fn cut_all(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

async fn connection(
    client: TcpStream,
    upstream: String,
    mut states: watch::Receiver<State>,
    asked: Arc<AtomicUsize>,
    seeds: [u64; 2],
) {
    let cuts = states.borrow().cuts;
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = pass(
        from_client,
        to_server,
        states.clone(),
        Some(&asked),
        seeds[0],
    );
    let answers = pass(from_server, to_client, states.clone(), None, seeds[1]);
    tokio::select! {
        ((), ()) = async { tokio::join!(requests, answers) } => {}
        _ = states.wait_for(|state| state.fault == Fault::Cut || state.cuts != cuts) => {}
    }
}

/// Passes on one direction until its end: requests, which are counted, or answers.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut states: watch::Receiver<State>,
    asked: Option<&AtomicUsize>,
    seed: u64,
) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut buffer = [0; 16 * 1024];
    let mut is_mute = false;
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            () = until(&mut states, Fault::HalfClose), if asked.is_none() => {
                let _ = to.shutdown().await;
                return std::future::pending().await;
            }
        };
        let Ok(read @ 1..) = read else {
            let _ = to.shutdown().await;
            return;
        };
        if let Some(asked) = asked {
            asked.fetch_add(read, Ordering::Relaxed);
        }
        let passes = states.wait_for(|state| state.fault != Fault::Blackhole);
        let Ok(fault) = passes.await.map(|state| state.fault) else {
            return;
        };
        if let Fault::Delay(longest) = fault {
            tokio::time::sleep(longest.mul_f64(random.random())).await;
        }
        is_mute |= asked.is_none() && fault == Fault::Mute;
        if !is_mute && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

async fn until(states: &mut watch::Receiver<State>, fault: Fault) {
    if states.wait_for(|state| state.fault == fault).await.is_err() {
        std::future::pending().await
    }
}
