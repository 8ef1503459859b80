//! What is particular to SOCKS: the proxy looks the name up, and has its own ways to refuse.

use crate::proxies::{ACCEPTED, HOST, PASSWORD, fails, send, service};
use support::certificates::Authority;
use support::socks::{Asked, Socks, SocksProxy};

#[test]
fn socks_lets_the_proxy_resolve_the_name() {
    let authority = Authority::new();
    let server = service(&authority).start();
    let proxy = SocksProxy::start(Socks::To(server.address()));
    send(&authority)
        .args(["--proxy", &format!("socks5h://{}", proxy.address())])
        .stdout(ACCEPTED)
        .stderr_contains("* proxy: socks5h://127.0.0.1:")
        .run();
    let (kind, host, port) = (3, HOST.to_owned(), 443);
    assert_eq!(proxy.asked(), [Asked { kind, host, port }]);
    assert_eq!(server.count(), 1);
}

#[test]
fn socks_accepts_a_password_or_refuses() {
    let authority = Authority::new();
    let server = service(&authority).start();
    let proxy = SocksProxy::start_for("ada", PASSWORD, Socks::To(server.address()));
    let url = |pair: &str| format!("socks5h://{pair}127.0.0.1:{}", proxy.port());
    send(&authority)
        .env("ALL_PROXY", url(&format!("ada:{PASSWORD}@")))
        .stdout(ACCEPTED)
        .stderr_contains("(ALL_PROXY)\n")
        .run();
    let cause = format!("the proxy {} did not accept the user and password", url("***@"));
    fails(&authority, &url("ada:wrong-password@"), 97, &cause);
    let cause = format!("the proxy {} does not offer the kind of authentication", url(""));
    fails(&authority, &url(""), 97, &cause);
    assert_eq!(server.count(), 1);
}

#[test]
fn socks_refuses_in_every_way() {
    let authority = Authority::new();
    for script in [
        Socks::Refuse(1),
        Socks::Refuse(2),
        Socks::Refuse(4),
        Socks::Refuse(5),
        Socks::NoMethod,
        Socks::Garbage,
        Socks::Close,
    ] {
        let proxy = SocksProxy::start(script);
        let url = format!("socks5h://{}", proxy.address());
        fails(&authority, &url, 97, &format!("the proxy {url} d"));
    }
}
