//! Holds the certificates, and the server's TLS, to their promises with a client of our own.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use support::certificates::{Authority, Identity};
use support::server::{Answer, Behaviour, End, Handshake, Moment, Server, Setup};

const GET: &[u8] = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n";

fn client(authority: &Authority, identity: Option<&Identity>, alpn: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let certificate = identity.certificate_pem().as_bytes();
            let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
            let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// Connects under the name localhost, and tells what came back or went wrong.
fn exchange(server: &Server, config: Arc<ClientConfig>) -> io::Result<Vec<u8>> {
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(config, name).unwrap();
    let socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(session, socket);
    stream.write_all(GET)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn refused(authority: &Authority, setup: Setup) -> String {
    let server = setup.start();
    let error = exchange(&server, client(authority, None, &[])).unwrap_err();
    assert_eq!((server.count(), server.bytes_received()), (0, 0));
    format!("{:?}: {error}", error.kind())
}

fn handshake(server: &Server) -> Handshake {
    server.connections()[0].handshake.clone().unwrap().unwrap()
}

#[test]
fn a_good_certificate_is_accepted() {
    let authority = Authority::new();
    let server = Server::https(authority.server()).start();
    let answer = exchange(&server, client(&authority, None, &[])).unwrap();
    assert!(answer.ends_with(b"\r\n\r\n{}"));
    assert_eq!(server.request().head, GET);
    assert_eq!(server.bytes_received(), GET.len() as u64);
    assert!(server.raw_bytes_received() > GET.len() as u64);
    assert!(server.url().starts_with("https://127.0.0.1:"));
    let expected = Handshake {
        resumed: false,
        version: "TLSv1_3".to_owned(),
        server_name: Some("localhost".to_owned()),
        alpn: None,
        client_certificate: None,
    };
    assert_eq!(handshake(&server), expected);
}

#[test]
fn bad_certificates_are_refused_for_what_is_wrong() {
    let authority = Authority::new();
    let refused = |identity| refused(&authority, Server::https(identity));
    assert!(refused(Identity::self_signed()).contains("UnknownIssuer"));
    assert!(refused(Authority::new().server()).contains("invalid peer certificate"));
    assert!(refused(authority.expired()).contains("expired"));
    assert!(refused(authority.not_yet_valid()).contains("not valid yet"));
    assert!(refused(authority.server_named(&["other.example"])).contains("not valid for name"));
    assert!(refused(authority.authority_as_server()).contains("CaUsedAsEndEntity"));
    assert!(refused(authority.server_without_its_intermediate()).contains("UnknownIssuer"));
    let wrong_kind = refused(authority.client("somebody"));
    assert!(wrong_kind.contains("extended key usage"), "{wrong_kind}");
}

#[test]
fn a_refusal_is_written_down() {
    let server = Server::https(Identity::self_signed()).start();
    exchange(&server, client(&Authority::new(), None, &[])).unwrap_err();
    let error = server.connections()[0].handshake.clone().unwrap().unwrap_err();
    assert!(error.contains("UnknownCA"), "{error}");
}

#[test]
fn versions_and_protocols_are_chosen() {
    let authority = Authority::new();
    for (setup, version) in [
        (Server::https(authority.server()).tls12_only(), "TLSv1_2"),
        (Server::https(authority.server()).tls13_only(), "TLSv1_3"),
    ] {
        let server = setup.alpn(&["h2", "http/1.1"]).start();
        exchange(&server, client(&authority, None, &["http/1.1"])).unwrap();
        let handshake = handshake(&server);
        assert_eq!(handshake.version, version);
        assert_eq!(handshake.alpn.as_deref(), Some("http/1.1"));
    }
    let only_h2 = Server::https(authority.server()).alpn(&["h2"]).start();
    exchange(&only_h2, client(&authority, None, &["http/1.1"])).unwrap_err();
}

#[test]
fn a_client_shows_its_certificate_or_is_refused() {
    let authority = Authority::new();
    let identity = authority.client("somebody");
    let stranger = Authority::new().client("stranger");
    let versions: [fn(Setup) -> Setup; 2] = [Setup::tls12_only, Setup::tls13_only];
    for version in versions {
        let server = version(Server::https(authority.server()).clients_of(&authority)).start();
        exchange(&server, client(&authority, Some(&identity), &[])).unwrap();
        let shown = handshake(&server).client_certificate.unwrap();
        assert_eq!(shown, identity.chain()[0].to_vec());
        for other in [None, Some(&stranger)] {
            // The alert is read, and not lost to a reset.
            let error = exchange(&server, client(&authority, other, &[])).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        }
        assert_eq!(server.count(), 1);
    }
}

#[test]
fn handshakes_go_wrong_in_every_way() {
    let authority = Authority::new();
    let refused = |behaviour| {
        let setup = Server::https(authority.server());
        refused(&authority, setup.behaviours([behaviour]))
    };
    assert!(refused(Behaviour::alert(40)).contains("HandshakeFailure"));
    assert!(refused(Behaviour::alert(70)).contains("ProtocolVersion"));
    assert!(refused(Behaviour::plain_http()).contains("InvalidContentType"));
    let closed = refused(Behaviour::Close);
    assert!(closed.contains("UnexpectedEof"), "{closed}");
    for behaviour in [Behaviour::Reset, Behaviour::ReadThenReset] {
        let reset = refused(behaviour);
        assert!(reset.contains("ConnectionReset"), "{reset}");
    }
}

#[test]
fn a_handshake_may_be_all_there_is() {
    let authority = Authority::new();
    let behaviours = [Behaviour::HandshakeThenClose, Behaviour::HandshakeThenReset];
    let server = Server::https(authority.server()).behaviours(behaviours).start();
    assert_eq!(exchange(&server, client(&authority, None, &[])).unwrap(), b"");
    exchange(&server, client(&authority, None, &[])).unwrap_err();
    assert_eq!((server.connections().len(), server.count()), (2, 0));
}

#[test]
fn answers_misbehave_within_tls_as_well() {
    let authority = Authority::new();
    let config = client(&authority, None, &[]);
    for moment in [Moment::FirstByte, Moment::Head, Moment::Whole] {
        let answers = [Answer::close(moment), Answer::reset(moment), Answer::accepted().cut_after(0, End::Reset)];
        let server = Server::https(authority.server()).answers(answers).start();
        assert_eq!(exchange(&server, Arc::clone(&config)).unwrap(), b"");
        exchange(&server, Arc::clone(&config)).unwrap_err();
        exchange(&server, Arc::clone(&config)).unwrap_err();
        assert_eq!(server.count(), 3);
    }
}

#[test]
#[should_panic(expected = "only a server with TLS")]
fn plain_http_has_no_versions() {
    let _ = Server::http().tls12_only();
}
