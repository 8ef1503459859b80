//! Plain http stays on this machine, and an address that was meant for a request is not ignored silently.

use support::harness::Vescli;

fn send(arguments: &[&str]) -> Vescli {
    Vescli::new().args(["send", "--tenant", "t", "-e", "hello@example.com"]).args(arguments)
}

#[test]
fn no_override_leads_plain_http_to_another_machine() {
    // An address of documentation (RFC 5737): without the check, the dry run would succeed.
    for (arguments, address) in [
        (["http://localhost:8080", "localhost:8080"], "192.0.2.1"),
        (["http://localhost", "LOCALHOST:80"], "192.0.2.1"),
        (["http://localhost:1", "localhost:1"], "2001:db8::1"),
    ] {
        let [base, host] = arguments;
        let resolve = format!("{host}:{address}");
        send(&["-n", "--base-url", base, "--resolve", &resolve])
            .code(2)
            .stderr_contains(format!("error: --resolve: {address} is another machine, and `"))
            .stderr_contains("` would reach it unencrypted: use https://\n")
            .run();
    }
    send(&["-n", "--base-url", "http://localhost:8080"])
        .config("[profiles.p]\nresolve = [\"localhost:8080:192.0.2.1\"]\n")
        .code(78)
        .stderr_contains("config.toml:2:1 [profiles.p]: 192.0.2.1 is another machine")
        .run();
}

#[test]
fn overrides_to_loopback_or_for_tls_or_for_another_port_are_accepted() {
    for (base, resolve) in [
        ("http://localhost:8080", "localhost:8080:127.0.0.2"),
        ("http://localhost:8080", "localhost:8080:::1"),
        ("https://localhost:8443", "localhost:8443:192.0.2.1"),
        ("https://h.example", "h.example:443:192.0.2.1"),
    ] {
        send(&["-n", "--base-url", base, "--resolve", resolve]).stdout_contains(format!("POST {base}/no_auth/")).run();
    }
}

#[test]
fn an_override_for_an_address_is_refused() {
    let base = "https://192.0.2.1:8443";
    let given = |address: &str| send(&["-n", "--base-url", base, "--resolve", &format!("192.0.2.1:8443:{address}")]);
    given("127.0.0.1")
        .code(2)
        .stderr_contains("error: --resolve: 192.0.2.1 is an address already, and is not looked up: name 127.0.0.1 in the base URL instead")
        .run();
    given("192.0.2.1").stdout_contains("POST https://192.0.2.1:8443/no_auth/").run();
    given("127.0.0.1").args(["--proxy", "http://127.0.0.1:9"]).stdout_contains("POST https://192.0.2.1:8443/").run();
}

#[test]
fn an_override_for_another_host_is_a_warning() {
    let warning =
        "warning: --resolve names another host or port than t.console.ves.volterra.io:443, and was not used\n";
    for resolve in ["t.console.ves.voltera.io:443:127.0.0.1", "t.console.ves.volterra.io:8443:127.0.0.1"] {
        send(&["-n", "--resolve", resolve])
            .stdout_contains("POST https://t.console.ves.volterra.io/")
            .stderr(warning)
            .run();
    }
    // A file may contain the addresses of hosts that other profiles need.
    send(&["-n"])
        .config("[defaults]\nresolve = [\"other.example:443:127.0.0.1\"]\n")
        .stdout_contains("POST https://t.console.ves.volterra.io/")
        .run();
}
