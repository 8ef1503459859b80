//! Which proxy is used, and for which hosts none is; and the curl command for it.

use crate::proxies::{ACCEPTED, HOST, PASSWORD, send, service};
use support::certificates::Authority;
use support::harness::Vescli;
use support::proxy::{Proxy, Tunnel};
use support::server::Server;

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
        send().env(name, proxy.url()).env(other, wrong).stderr_contains(format!("({name})\n")).run();
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
    past().env("NO_PROXY", "other.example, .invalid").stderr_contains("* trust").run();
    past().env("no_proxy", HOST).env("NO_PROXY", "x").stderr_contains("* trust").run();
    past().args(["--noproxy", "*"]).env("NO_PROXY", "x").stderr_contains("* trust").run();
    past().args(["--proxy", ""]).stderr_contains("* trust").run();
    assert_eq!(server.count(), 9);
}

/// A send to a server on this machine.
fn send_here(url: &str) -> Vescli {
    Vescli::new().args(["send", "--email", "a@b.co", "--tenant", "t"]).args(["--retries", "0", "--base-url", url])
}

#[test]
fn a_proxy_of_the_environment_is_never_used_for_this_machine() {
    let server = Server::http().start();
    let proxy = Proxy::start(Tunnel::Open).uncalled();
    for url in [server.url(), server.url_for("localhost")] {
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            send_here(&url).env(name, proxy.url()).stdout(ACCEPTED).run();
        }
    }
    assert_eq!(server.count(), 8);
}

#[test]
fn a_proxy_that_a_flag_variable_or_profile_names_is_used_for_this_machine_too() {
    let authority = Authority::new();
    let server = Server::https(authority.server()).start();
    let proxy = Proxy::start(Tunnel::Open);
    let file = format!("[profiles.lab]\nproxy = \"{}\"\n", proxy.url());
    let https =
        || send_here(&server.url()).file("ca.pem", authority.pem()).args(["--cacert", "ca.pem"]).stdout(ACCEPTED);
    https().args(["--proxy", &proxy.url()]).run();
    https().env("VESCLI_PROXY", proxy.url()).run();
    https().config(&file).run();
    assert_eq!(proxy.asked().len(), 3);
    // An exempt host is reached without it.
    https().config(&file).args(["--noproxy", "127.0.0.1"]).run();
    assert_eq!(proxy.asked().len(), 3);
    assert_eq!(server.count(), 4);
}

#[test]
fn a_named_proxy_gets_no_request_in_plain_http() {
    let server = Server::http().start();
    let proxy = Proxy::start(Tunnel::Open).uncalled();
    let file = format!("[profiles.lab]\nproxy = \"{}\"\n", proxy.url());
    let refused = |code| {
        send_here(&server.url()).code(code).stderr_contains(
            "is not used for plain http, which stays on this machine: exempt the host with --noproxy 127.0.0.1",
        )
    };
    refused(2).args(["--proxy", &proxy.url()]).run();
    refused(78).env("VESCLI_PROXY", proxy.url()).run();
    refused(78).config(&file).run();
    for command in [&["doctor"][..], &["send", "-e", "a@b.co", "--show-curl"]] {
        Vescli::new()
            .args(command)
            .args(["--tenant", "t", "--base-url", &server.url()])
            .args(["--proxy", &proxy.url()])
            .code(2)
            .stdout_contains("")
            .stderr_contains("")
            .run();
    }
    assert_eq!(server.count(), 0);
    send_here(&server.url()).config(&file).env("VESCLI_NOPROXY", "127.0.0.1").stdout(ACCEPTED).run();
}

#[test]
fn the_curl_command_names_the_variable_and_never_the_password() {
    let authority = Authority::new();
    let url = format!("http://ada:{PASSWORD}@proxy.invalid:3128");
    let base =
        || Vescli::new().args(["send", "--email", "a@b.co", "--tenant", "t", "--show-curl"]).stdout_lacks(PASSWORD);
    drop(authority);
    base()
        .env("HTTPS_PROXY", &url)
        .stdout_contains("printf 'proxy = \"%s\"\\n' \"$(printf %s \"$HTTPS_PROXY\" | sed ")
        .stdout_contains("  --config - \\\n")
        .stdout_lacks("***")
        .run();
    base().env("VESCLI_PROXY", &url).stdout_contains("printf %s \"$VESCLI_PROXY\" | sed ").run();
    base()
        .args(["--proxy", &url])
        .stderr("warning: replace *** by the proxy's user and password before you run the command\n")
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
