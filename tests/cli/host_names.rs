//! Host names that cannot exist are refused before any DNS query: 2 from a flag, 78 from elsewhere.

use support::harness::Vescli;

fn send() -> Vescli {
    Vescli::new().args(["send", "--email", "a@b.co", "--cname", "c", "--retries", "0"])
}

/// Hosts and their messages.
fn hosts() -> Vec<(String, &'static str)> {
    let label = "a".repeat(64);
    let long = format!("{}.example", "a.".repeat(130));
    vec![
        ("a..example".to_owned(), "has an empty label"),
        (".example".to_owned(), "has an empty label"),
        ("a.example..".to_owned(), "has an empty label"),
        (format!("{label}.example"), "has a label of more than 63 characters"),
        (long, "is longer than 253 characters"),
        ("-a.example".to_owned(), "has a label that begins or ends with a hyphen"),
        ("a-.example".to_owned(), "has a label that begins or ends with a hyphen"),
        ("a!b.example".to_owned(), "has a character that host names do not have"),
    ]
}

#[test]
fn a_base_url_with_such_a_host_is_refused() {
    for (host, why) in hosts() {
        let url = format!("https://{host}:8443/x");
        let message = format!("`{host}` {why}");
        send()
            .args(["--base-url", &url])
            .code(2)
            .stderr_contains("error: --base-url: ")
            .stderr_contains(&message)
            .run();
        send()
            .env("VESCLI_BASE_URL", &url)
            .arg("--json")
            .code(78)
            .stdout_json(|document| assert_eq!(document["outcome"], "not_sent"))
            .stderr_contains(&message)
            .run();
        send().config(&format!("[profiles.a]\nbase_url = \"{url}\"\n")).code(78).stderr_contains(&message).run();
        Vescli::new().args(["doctor", "--base-url", &url]).code(2).stdout_contains(&message).run();
    }
}

#[test]
fn a_proxy_with_such_a_host_is_refused() {
    for (host, why) in hosts() {
        for scheme in ["http", "https", "socks5h"] {
            let proxy = format!("{scheme}://{host}:3128");
            let message = format!("`{host}` {why}");
            send()
                .args(["--base-url", "https://service.invalid", "--proxy", &proxy])
                .code(2)
                .stderr_contains("error: --proxy: ")
                .stderr_contains(&message)
                .run();
            send()
                .args(["--base-url", "https://service.invalid"])
                .env("HTTPS_PROXY", &proxy)
                .code(78)
                .stderr_contains(&message)
                .run();
        }
    }
}

/// The checks above can fail: names of every other kind are looked up.
#[test]
fn names_that_may_exist_are_looked_up() {
    for host in ["a-b.invalid", "_a.invalid", "xn--bcher-kva.invalid", "0.invalid", "a.invalid."] {
        send().args(["--base-url", &format!("https://{host}")]).code(6).stderr_contains("was not found").run();
    }
}
