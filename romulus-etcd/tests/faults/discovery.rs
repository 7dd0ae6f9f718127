//! Endpoints that the DNS names.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData, Record};
use romulus_etcd::testing::{Certificates, EtcdProcess};
use romulus_etcd::{Discovery, EtcdOptions, EtcdStore, Store as _, WatchEvent};
use tokio::net::UdpSocket;

use crate::support::{PATIENCE, TIMEOUT, next, nobody, put, soon, write};

/// A name server that knows the SRV records of one service.
struct NameServer {
    address: SocketAddr,
    records: Arc<Mutex<(String, Vec<String>)>>,
}

impl NameServer {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let records: Arc<Mutex<(String, Vec<String>)>> = Arc::default();
        let known = records.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                let (read, from) = socket.recv_from(&mut buffer).await.unwrap();
                let answer = answer(&buffer[..read], &known.lock().unwrap());
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        Self { address, records }
    }

    /// From now on the service is at these URLs.
    fn tell(&self, service: &str, urls: &[&str]) {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        *self.records.lock().unwrap() = (service.to_owned(), urls);
    }

    fn store(&self) -> EtcdStore {
        let discovery = Discovery::new("example.org").with_server(self.address);
        EtcdStore::new(EtcdOptions::discover(discovery).with_timeout(TIMEOUT))
    }
}

fn answer(question: &[u8], (service, urls): &(String, Vec<String>)) -> Vec<u8> {
    let question = Message::from_vec(question).unwrap();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    let query = question.queries[0].clone();
    let name = query.name().clone();
    answer.add_query(query);
    if name.to_utf8() == *service {
        for url in urls {
            let (_, port) = url.rsplit_once(':').unwrap();
            let target = Name::from_utf8("localhost.").unwrap();
            let srv = SRV::new(0, 0, port.parse().unwrap(), target);
            answer.add_answer(Record::from_rdata(name.clone(), 300, RData::SRV(srv)));
        }
    } else {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
    answer.to_vec().unwrap()
}

const PLAIN: &str = "_etcd-client._tcp.example.org.";

#[tokio::test]
async fn records_that_change_swap_the_endpoints_without_a_restart() {
    let dns = NameServer::start().await;
    let mut first = EtcdProcess::start().await;
    dns.tell(PLAIN, &[first.endpoint(), &nobody().await]);
    let store = dns.store();
    write(&store, &put("a", "first")).await;
    let loaded = store.load(&[String::new()]).await.unwrap();
    assert_eq!(loaded.entries["a"].value, "first");
    let mut watch = store.watch("", loaded.revision).await.unwrap();

    let second = EtcdProcess::start().await;
    write(&second.store(), &put("b", "second")).await;
    dns.tell(PLAIN, &[second.endpoint()]);
    first.stop();
    // Somebody has to find out that nobody answers any more.
    let read = async {
        loop {
            if let Ok(loaded) = store.load(&[String::new()]).await {
                return loaded;
            }
        }
    };
    assert_eq!(soon(read).await.entries["b"].value, "second");
    match next(&mut watch).await {
        WatchEvent::Reloaded(snapshot) => assert_eq!(snapshot.entries["b"].value, "second"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_that_lead_nowhere_are_an_error_that_says_which() {
    let dns = NameServer::start().await;
    let store = dns.store();
    let error = store.load(&[String::new()]).await.unwrap_err();
    assert!(error.is_retryable());
    let text = error.to_string();
    for part in [
        "etcd at example.org",
        "_etcd-client-ssl._tcp.example.org.",
        PLAIN,
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let etcd = EtcdProcess::start().await;
    dns.tell(PLAIN, &[etcd.endpoint()]);
    store
        .load(&[String::new()])
        .await
        .expect("they are looked up again");
}

/// A certificate names a host without the final dot that names in the DNS end with.
#[tokio::test]
async fn encrypted_endpoints_are_found_and_their_certificates_checked() {
    let certificates = Certificates::new();
    let etcd = EtcdProcess::start_tls(&certificates, &[]).await;
    let dns = NameServer::start().await;
    dns.tell("_etcd-client-ssl._tcp.example.org.", &[etcd.endpoint()]);
    let discovery = Discovery::new("example.org").with_server(dns.address);
    let read = |file| std::fs::read(file).unwrap();
    let options = EtcdOptions::discover(discovery)
        .with_timeout(TIMEOUT)
        .with_identity(read(certificates.cert()), read(certificates.key()));
    let store = EtcdStore::new(options.clone().with_ca(read(certificates.ca())));
    write(&store, &put("a", "x")).await;

    let stranger = read(Certificates::new().ca());
    let store = EtcdStore::new(options.with_ca(stranger));
    let error = store.load(&[]).await.unwrap_err().to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn who_cares_for_certificates_is_not_led_to_plain_endpoints() {
    let dns = NameServer::start().await;
    let etcd = EtcdProcess::start().await;
    dns.tell(PLAIN, &[etcd.endpoint()]);
    let discovery = Discovery::new("example.org.").with_server(dns.address);
    let options = EtcdOptions::discover(discovery).with_ca("no certificate");
    let store = EtcdStore::new(options.with_timeout(TIMEOUT));
    let text = store.load(&[String::new()]).await.unwrap_err().to_string();
    assert!(
        !text.contains(PLAIN) && text.contains("_etcd-client-ssl"),
        "{text}"
    );
}

#[tokio::test]
async fn one_of_several_has_its_name_and_a_silent_name_server_a_deadline() {
    let dns = NameServer::start().await;
    let etcd = EtcdProcess::start().await;
    dns.tell("_etcd-client-edge._tcp.example.org.", &[etcd.endpoint()]);
    let discovery = Discovery::new("example.org")
        .with_server(dns.address)
        .with_name("edge");
    let store = EtcdStore::new(EtcdOptions::discover(discovery).with_timeout(TIMEOUT));
    store.load(&[String::new()]).await.expect("it is found");

    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let discovery = Discovery::new("example.org").with_server(silent.local_addr().unwrap());
    let store = EtcdStore::new(EtcdOptions::discover(discovery).with_timeout(TIMEOUT));
    let ended = tokio::time::timeout(PATIENCE, store.load(&[String::new()])).await;
    let text = ended.expect("it ends").unwrap_err().to_string();
    assert!(text.contains("the name server does not answer"), "{text}");
}
