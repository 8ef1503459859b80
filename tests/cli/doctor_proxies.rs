//! The doctor behind a proxy: through it when it is to be used, and directly when the host is exempt.

use crate::doctor::{dated, doctor, message, only_heads, states};
use support::certificates::Authority;
use support::proxy::{Proxy, Tunnel};
use support::server::Server;
use support::socks::{Socks, SocksProxy};

const HOST: &str = "example-corp.console.ves.volterra.io";

#[test]
fn probes_go_through_the_proxy() {
    let authority = Authority::new();
    let server = dated(Server::https(authority.server_named(&[HOST])), 0).start();
    let proxy = Proxy::start_for("user", "s3cret", Tunnel::To(server.address()));
    let port = proxy.port();
    doctor(&["--json", "--tenant", "example-corp", "--cacert", "ca.pem", "--proxy"])
        .arg(format!("http://user:s3cret@127.0.0.1:{port}"))
        .file("ca.pem", authority.pem())
        .stdout_lacks("s3cret")
        .stderr_contains("ok       proxy ")
        .stderr_lacks("s3cret")
        .stdout_json(move |document| {
            states(document, "oowooooooo");
            let opened = format!("http://***@127.0.0.1:{port} (--proxy) opened a tunnel to {HOST}:443");
            assert_eq!(message(document, "proxy"), opened);
        })
        .run();
    only_heads(&server, 1);
    for asked in proxy.asked() {
        assert_eq!(asked.method, "CONNECT");
        assert_eq!(asked.path, format!("{HOST}:443"));
    }
}

#[test]
fn a_host_that_is_exempt_is_reached_directly() {
    let authority = Authority::new();
    let server = dated(Server::https(authority.server_named(&[HOST])), 0).start();
    let proxy = Proxy::start(Tunnel::Open).uncalled();
    doctor(&["--json", "-q", "--cacert", "ca.pem", "--noproxy", HOST])
        .args(["--proxy", &proxy.url(), "--resolve"])
        .arg(format!("{HOST}:{}:127.0.0.1", server.port()))
        .arg(format!("--base-url=https://{HOST}:{}", server.port()))
        .file("ca.pem", authority.pem())
        .stdout_json(|document| {
            states(document, "oowooooooo");
            assert!(message(document, "proxy").ends_with("is not used: the host is exempt"));
        })
        .run();
    only_heads(&server, 1);
}

#[test]
fn a_socks_proxy_is_checked_step_by_step_like_any_other() {
    let authority = Authority::new();
    let server = dated(Server::https(authority.server_named(&[HOST])), 0).start();
    let with = |proxy: &SocksProxy| {
        doctor(&["--json", "-q", "--tenant", "example-corp", "--cacert", "ca.pem", "--timeout", "2s", "--proxy"])
            .arg(format!("socks5h://{}", proxy.address()))
            .file("ca.pem", authority.pem())
    };
    let open = SocksProxy::start(Socks::To(server.address()));
    let opened = format!("socks5h://{} (--proxy) opened a tunnel to {HOST}:443", open.address());
    with(&open)
        .stdout_json(move |document| {
            states(document, "oowooooooo");
            assert_eq!(message(document, "proxy"), opened);
            assert!(message(document, "tls").starts_with("TLS 1.3, a certificate by "));
        })
        .run();
    only_heads(&server, 1);
    for (script, code, expected) in
        [(Socks::Refuse(2), 97, "oowooofsss"), (Socks::Close, 97, "oowooofsss"), (Socks::Hang, 28, "oowoosfsss")]
    {
        with(&SocksProxy::start(script)).code(code).stdout_json(move |document| states(document, expected)).run();
    }
    only_heads(&server, 1);
}
