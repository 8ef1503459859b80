//! Proxies with a password and without, and every way in which they fail. The name of the
//! service exists nowhere, so a send that comes through had it looked up by the proxy.

use std::time::Duration;

use support::certificates::Authority;
use support::harness::Vescli;
use support::proxy::{Proxy, Tunnel};
use support::server::{Behaviour, Server, Setup};
use support::sockets::closed_port;
use support::socks::{Socks, SocksProxy};

/// A name that cannot be resolved (RFC 6761, section 6.4).
pub(crate) const HOST: &str = "console.invalid";
pub(crate) const ACCEPTED: &str = "accepted: password email for a@b.co (tenant t, cname t, N ms)\n";
/// What must never be seen: a proxy's password and a token.
pub(crate) const PASSWORD: &str = "hunter2-of-the-proxy";
const TOKEN: &str = "canary-of-the-token";

pub(crate) fn service(authority: &Authority) -> Setup {
    Server::https(authority.server_named(&[HOST]))
}

/// A send to a name that does not exist, at `-vv`, which may show neither password nor token.
pub(crate) fn send(authority: &Authority) -> Vescli {
    Vescli::new()
        .file("ca.pem", authority.pem())
        .args(["send", "--email", "a@b.co", "--tenant", "t", "-vv"])
        .args(["--cacert", "ca.pem", "--retries", "0"])
        .env("VESCLI_BASE_URL", format!("https://{HOST}"))
        .env("VESCLI_TOKEN", TOKEN)
        .stdout_lacks(PASSWORD)
        .stderr_lacks(PASSWORD)
        .stdout_lacks(TOKEN)
        .stderr_lacks(TOKEN)
        .limit(Duration::from_secs(30))
}

/// A send that fails for a cause, with its exit code, and is not sent.
pub(crate) fn fails(authority: &Authority, proxy: &str, code: u8, cause: &str) {
    send(authority)
        .args(["--proxy", proxy, "--timeout", "3s"])
        .code(code)
        .stderr_contains(format!("\n  cause: {cause}"))
        .stderr_contains("\n  not sent\n")
        .run();
}

#[test]
fn a_tunnel_is_opened_and_the_service_verified_behind_it() {
    let authority = Authority::new();
    let server = service(&authority).start();
    let proxy = Proxy::start(Tunnel::To(server.address()));
    send(&authority)
        .args(["--proxy", &proxy.url()])
        .stdout(ACCEPTED)
        .stderr_contains(format!("* proxy: {} (--proxy)\n", proxy.url()))
        .run();
    assert_eq!(proxy.asked()[0].path, format!("{HOST}:443"));
    assert_eq!(proxy.asked()[0].header("Authorization"), None);
    assert_eq!(server.request().header("Authorization"), Some("APIToken canary-of-the-token"));
}

#[test]
fn a_user_and_password_come_from_the_url() {
    let authority = Authority::new();
    let server = service(&authority).start();
    let proxy = Proxy::start_for("ada", PASSWORD, Tunnel::To(server.address()));
    let url = |pair: &str| format!("http://{pair}127.0.0.1:{}", proxy.port());
    // The same with an escape in it, which the proxy gets resolved.
    let escaped = PASSWORD.replace("hunter", "h%75nter");
    for pair in [format!("ada:{PASSWORD}@"), format!("ada:{escaped}@")] {
        send(&authority)
            .env("HTTPS_PROXY", url(&pair))
            .stdout(ACCEPTED)
            .stderr_contains(format!("* proxy: {} (HTTPS_PROXY)\n", url("***@")))
            .stderr_lacks(&escaped)
            .run();
    }
    assert_eq!(server.count(), 2);
    for pair in ["", "ada:wrong-password@"] {
        let shown = url(if pair.is_empty() { "" } else { "***@" });
        fails(
            &authority,
            &url(pair),
            97,
            &format!("the proxy {shown} refused the user and password, or requires them (407)\n"),
        );
    }
    assert_eq!(server.count(), 2);
}

#[test]
fn a_proxy_refuses_in_every_way() {
    let authority = Authority::new();
    for (tunnel, words) in [
        (Tunnel::Deny(403), "refused to open a tunnel to console.invalid:443"),
        (Tunnel::Deny(503), "refused to open a tunnel to console.invalid:443"),
        (
            Tunnel::Say(b"garbage\r\n\r\n".to_vec()),
            "refused to open a tunnel to console.invalid:443, or is not an HTTP proxy",
        ),
        (Tunnel::Close, "closed the connection when it was asked for console.invalid:443"),
    ] {
        let proxy = Proxy::start(tunnel);
        let cause = format!("the proxy {} {words}", proxy.url());
        fails(&authority, &proxy.url(), 97, &cause);
    }
}

#[test]
fn an_unreachable_proxy_is_distinguished_from_the_service() {
    let authority = Authority::new();
    for scheme in ["http", "https", "socks5h"] {
        fails(
            &authority,
            &format!("{scheme}://proxy.invalid:3128"),
            6,
            "the proxy's name proxy.invalid was not found: ",
        );
        let closed = closed_port();
        let url = format!("{scheme}://127.0.0.1:{}", closed.port);
        fails(&authority, &url, 7, &format!("no connection to the proxy {url} could be made"));
    }
}

#[test]
fn a_proxy_that_hangs_is_out_of_time_and_nothing_is_sent() {
    let authority = Authority::new();
    let proxy = Proxy::start(Tunnel::Hang);
    let cause = "out of time before the proxy http://127.0.0.1:";
    fails(&authority, &proxy.url(), 28, cause);
    let proxy = SocksProxy::start(Socks::Hang);
    let cause = "out of time before the proxy socks5h://127.0.0.1:";
    fails(&authority, &format!("socks5h://{}", proxy.address()), 28, cause);
}

#[test]
fn a_service_that_fails_behind_the_proxy_is_not_the_proxys_fault() {
    let authority = Authority::new();
    let cases = [
        (Server::https(authority.expired()), 60, "the server's certificate expired on "),
        (service(&authority).behaviours([Behaviour::Close]), 35, "the server ended the TLS handshake: "),
        (service(&authority).behaviours([Behaviour::plain_http()]), 35, "the server does not speak TLS at this port"),
    ];
    for (setup, code, cause) in cases {
        let server = setup.start();
        let proxy = Proxy::start(Tunnel::To(server.address()));
        fails(&authority, &proxy.url(), code, cause);
        let socks = SocksProxy::start(Socks::To(server.address()));
        fails(&authority, &format!("socks5h://{}", socks.address()), code, cause);
        assert_eq!((server.count(), server.bytes_received()), (0, 0), "{cause}");
    }
}

#[test]
fn a_proxy_with_an_invalid_certificate_gets_no_request() {
    let authority = Authority::new();
    let cases = [
        (authority.expired(), "the proxy's certificate expired on 2020-01-01"),
        (authority.server_named(&["other.example"]), "the proxy's certificate is for other.example, not for 127.0.0.1"),
        (Authority::new().server(), "the proxy's certificate was signed by another "),
    ];
    for (identity, cause) in cases {
        let proxy = Server::https(identity).start();
        fails(&authority, &proxy.url(), 60, cause);
        assert_eq!((proxy.count(), proxy.bytes_received()), (0, 0), "{cause}");
    }
}
