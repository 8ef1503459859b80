//! Which proxy is used, and for which hosts none is; and what curl is told of it.

use crate::certificates::Authority;
use crate::harness::Vescli;
use crate::proxies::{ACCEPTED, HOST, PASSWORD, send, service};
use crate::proxy::{Proxy, Tunnel};
use crate::server::Server;

#[test]
fn the_usual_variables_are_read_in_order_and_hosts_go_past() {
    let authority = Authority::new();
    let server = service(&authority).start();
    let proxy = Proxy::start(Tunnel::To(server.address()));
    let wrong = "http://127.0.0.1:1";
    let send = || send(&authority).stdout(ACCEPTED);
    for (name, other) in [
        ("VESCLI_PROXY", "https_proxy"),
        ("https_proxy", "HTTPS_PROXY"),
        ("HTTPS_PROXY", "all_proxy"),
        ("all_proxy", "ALL_PROXY"),
        ("ALL_PROXY", "HTTP_PROXY"),
    ] {
        send()
            .env(name, proxy.url())
            .env(other, wrong)
            .stderr_contains(format!("({name})\n"))
            .run();
    }
    assert_eq!(server.count(), 5);
    // Past the proxy the name has to be known, so an override stands in for DNS.
    let resolve = format!("{HOST}:{}:127.0.0.1", server.port());
    let past = || {
        send()
            .env("HTTPS_PROXY", wrong)
            .env("VESCLI_BASE_URL", server.url_for(HOST))
            .args(["--resolve", &resolve])
            .stderr_lacks("* proxy")
    };
    past()
        .env("NO_PROXY", "other.example, .invalid")
        .stderr_contains("* trust")
        .run();
    past()
        .env("no_proxy", HOST)
        .env("NO_PROXY", "x")
        .stderr_contains("* trust")
        .run();
    past()
        .args(["--noproxy", "*"])
        .env("NO_PROXY", "x")
        .stderr_contains("* trust")
        .run();
    past()
        .args(["--proxy", ""])
        .stderr_contains("* trust")
        .run();
    assert_eq!(server.count(), 9);
}

#[test]
fn a_loopback_address_is_never_reached_through_a_proxy() {
    let server = Server::http().start();
    let proxy = Proxy::start(Tunnel::Open).uncalled();
    for url in [server.url(), server.url_for("localhost")] {
        Vescli::new()
            .args([
                "send",
                "--email",
                "a@b.co",
                "--tenant",
                "t",
                "--base-url",
                &url,
            ])
            .args(["--proxy", &proxy.url()])
            .stdout(ACCEPTED)
            .run();
    }
    assert_eq!(server.count(), 2);
}

#[test]
fn the_curl_command_names_the_variable_and_never_the_password() {
    let authority = Authority::new();
    let url = format!("http://ada:{PASSWORD}@proxy.invalid:3128");
    let base = || {
        Vescli::new()
            .args(["send", "--email", "a@b.co", "--tenant", "t", "--show-curl"])
            .stdout_lacks(PASSWORD)
    };
    drop(authority);
    base()
        .env("HTTPS_PROXY", &url)
        .stdout_contains("printf 'proxy = \"%s\"\\n' \"$(printf %s \"$HTTPS_PROXY\" | sed ")
        .stdout_contains("  --config - \\\n")
        .stdout_lacks("***")
        .run();
    base()
        .env("VESCLI_PROXY", &url)
        .stdout_contains("printf %s \"$VESCLI_PROXY\" | sed ")
        .run();
    base()
        .args(["--proxy", &url])
        .stderr("warning: put the proxy's user and password in the place of *** before you run the command\n")
        .stdout_contains("curl --disable ")
        .stdout_contains("  --proxy 'http://***@proxy.invalid:3128' \\\n")
        .run();
    base()
        .env("HTTPS_PROXY", &url)
        .args(["--noproxy", "console.ves.volterra.io"])
        .stdout_contains("  --noproxy '*' \\\n")
        .stdout_lacks("--proxy ")
        .run();
}
