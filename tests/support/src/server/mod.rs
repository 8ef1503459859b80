//! A real server on a loopback port that follows a script and can misbehave in every way we know.
//! It is strict: a server without a request fails the test, and so does a request to one that expects none.

mod alert;
mod answer;
mod conversation;
mod gzip;
mod recording;
mod transport;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

pub use answer::{Answer, End, Moment};
pub use conversation::Behaviour;
pub use recording::{Connected, Handshake, Recorded};

use crate::certificates::{Authority, Identity};
use crate::loopback::Loopback;
use conversation::{Answers, Plan};
use recording::Recording;

/// How long a test waits for a connection before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that is not running yet.
#[must_use]
pub struct Setup {
    address: IpAddr,
    tls: Option<Tls>,
    behaviours: Vec<Behaviour>,
    answers: Answers,
    uncalled: bool,
}

struct Tls {
    identity: Identity,
    versions: Vec<&'static SupportedProtocolVersion>,
    clients: Option<RootCertStore>,
    /// Whether clients that show no certificate are let in.
    lets_others_in: bool,
    alpn: Vec<Vec<u8>>,
}

impl Setup {
    fn new(tls: Option<Tls>) -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            tls,
            behaviours: vec![Behaviour::Speak],
            answers: Answers::Listed(vec![Answer::accepted()]),
            uncalled: false,
        }
    }

    /// One answer for every request. Without any, everything is accepted.
    pub fn answer(self, answer: Answer) -> Self {
        self.answers([answer])
    }

    /// One answer per request, in the order in which requests arrive; the last one repeats.
    pub fn answers(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers = Answers::Listed(answers.into_iter().collect());
        self
    }

    /// Chooses each answer by the request, which is read in full before.
    pub fn choose(mut self, script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) -> Self {
        self.answers = Answers::Chosen(Box::new(script));
        self
    }

    /// One per connection, in the order in which they are accepted; the last one repeats.
    pub fn behaviours(mut self, behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        self.behaviours = behaviours.into_iter().collect();
        self
    }

    /// Listens on `::1` in place of 127.0.0.1.
    pub fn ipv6(mut self) -> Self {
        self.address = Ipv6Addr::LOCALHOST.into();
        self
    }

    pub fn tls12_only(self) -> Self {
        self.with_tls(|tls| tls.versions = vec![&TLS12])
    }

    pub fn tls13_only(self) -> Self {
        self.with_tls(|tls| tls.versions = vec![&TLS13])
    }

    /// Refuses clients that do not show a certificate of this authority.
    pub fn clients_of(self, authority: &Authority) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der()).unwrap();
        self.with_tls(|tls| tls.clients = Some(roots))
    }

    /// Asks for a certificate of this authority, and lets clients in that show none.
    pub fn asks_clients_of(self, authority: &Authority) -> Self {
        let setup = self.clients_of(authority);
        setup.with_tls(|tls| tls.lets_others_in = true)
    }

    /// The protocols that are offered, such as `h2`; none unless this says so.
    pub fn alpn(self, protocols: &[&str]) -> Self {
        let names = protocols.iter().map(|name| name.as_bytes().to_vec());
        self.with_tls(|tls| tls.alpn = names.collect())
    }

    /// Turns the strictness round: a single connection fails the test.
    pub fn uncalled(mut self) -> Self {
        self.uncalled = true;
        self
    }

    fn with_tls(mut self, change: impl FnOnce(&mut Tls)) -> Self {
        change(self.tls.as_mut().expect("only a server with TLS can be set like that"));
        self
    }

    pub fn start(self) -> Server {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let recording = Arc::new(Recording::default());
        let plan = Plan {
            tls: self.tls.map(Tls::config),
            behaviours: self.behaviours,
            answers: self.answers,
            recording: Arc::clone(&recording),
        };
        Server {
            loopback: Loopback::start(self.address, move |connection| plan.serve(connection)),
            recording,
            scheme,
            uncalled: self.uncalled,
        }
    }
}

impl Tls {
    fn config(self) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&self.versions).unwrap();
        let builder = match self.clients {
            None => builder.with_no_client_auth(),
            Some(roots) => {
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = if self.lets_others_in { verifier.allow_unauthenticated() } else { verifier };
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder.with_single_cert(self.identity.chain(), self.identity.key()).unwrap();
        config.alpn_protocols = self.alpn;
        // For alerts that rustls itself would not send.
        config.enable_secret_extraction = true;
        Arc::new(config)
    }
}

/// A running server. All of its threads end when it is dropped.
pub struct Server {
    loopback: Loopback,
    recording: Arc<Recording>,
    scheme: &'static str,
    uncalled: bool,
}

impl Server {
    pub fn http() -> Setup {
        Setup::new(None)
    }

    pub fn https(identity: Identity) -> Setup {
        Setup::new(Some(Tls {
            identity,
            versions: vec![&TLS13, &TLS12],
            clients: None,
            lets_others_in: false,
            alpn: Vec::new(),
        }))
    }

    pub fn address(&self) -> SocketAddr {
        self.loopback.address()
    }

    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// Scheme, address and port, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address())
    }

    /// The same under another name, such as `localhost`.
    pub fn url_for(&self, name: &str) -> String {
        format!("{}://{name}:{}", self.scheme, self.port())
    }

    /// Every request of which a byte arrived. It waits first for what is still on its way.
    pub fn requests(&self) -> Vec<Recorded> {
        self.loopback.settle();
        self.recording.requests()
    }

    /// The one request that came; none, or a second one, is a failure.
    pub fn request(&self) -> Recorded {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "not one request: {requests:#?}");
        requests.remove(0)
    }

    /// How many requests began to arrive. It waits first for what is still on its way.
    pub fn count(&self) -> usize {
        self.loopback.settle();
        self.recording.count()
    }

    /// The same without waiting, for a look while a client is at work.
    pub fn count_so_far(&self) -> usize {
        self.recording.count()
    }

    pub fn connections(&self) -> Vec<Connected> {
        self.loopback.settle();
        self.recording.connections()
    }

    /// Bytes of HTTP that were read on all connections.
    pub fn bytes_received(&self) -> u64 {
        self.connections().iter().map(|seen| seen.bytes).sum()
    }

    /// Bytes that TCP delivered on all connections, those of TLS included.
    pub fn raw_bytes_received(&self) -> u64 {
        self.connections().iter().map(|seen| seen.raw_bytes).sum()
    }

    /// Waits until N connections were accepted.
    pub fn wait_for_connections(&self, connections: usize) {
        let start = Instant::now();
        while self.loopback.accepted() < connections {
            assert!(start.elapsed() < PATIENCE, "no one connects");
            // Asks again; there is no event to wait for.
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until N requests were read and are being answered; gives up after 30 s.
    pub fn wait_for(&self, requests: usize) {
        self.recording.wait_for(requests);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let panicked = self.loopback.stop();
        if thread::panicking() {
            return;
        }
        assert!(!panicked, "a thread of the server panicked, see above");
        let called = self.loopback.accepted();
        if self.uncalled {
            assert_eq!(called, 0, "the server was called, and was not to be");
        } else {
            assert!(called > 0, "no one called the server");
        }
    }
}
