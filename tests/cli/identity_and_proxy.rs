//! Who is shown a client certificate when a proxy is in between: the service, and never the proxy.
#![cfg(feature = "p12")]

use crate::client_certificates::{ACCEPTED, gate, send, shown};
use support::certificates::Authority;
use support::proxy::{Proxy, Tunnel};
use support::server::Server;

#[test]
fn a_proxy_that_asks_does_not_get_the_client_certificate() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let target = gate(&authority).uncalled().start();
    // A proxy behind TLS that wants a certificate: the handshake is all there is of it.
    let proxy = gate(&authority).start();
    send(&authority)
        .file("ada.pem", ada.pem_with_key())
        .args(["--cert", "ada.pem", "--base-url", "https://console.invalid"])
        .args(["--proxy", &format!("https://localhost:{}", proxy.port())])
        .code(58)
        .stderr_contains("cause: the proxy asked for a client certificate, which vescli sends only to the service, and ended the connection with the alert ")
        .stderr_contains("\n  not sent\n")
        .run();
    assert_eq!(proxy.count(), 0);
    drop(target);
}

#[test]
fn the_service_behind_a_proxy_gets_the_client_certificate() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = Server::https(authority.server_named(&["console.invalid"])).clients_of(&authority).start();
    let proxy = Proxy::start(Tunnel::To(server.address()));
    send(&authority)
        .file("ada.pem", ada.pem_with_key())
        .args(["--cert", "ada.pem", "--base-url", "https://console.invalid"])
        .args(["--proxy", &proxy.url()])
        .stdout(ACCEPTED)
        .run();
    assert_eq!(shown(&server), ada.chain()[0].to_vec());
}
