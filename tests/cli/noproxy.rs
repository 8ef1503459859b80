//! Which hosts are reached past the proxy: every form of `NO_PROXY` works or is named as not understood.

use support::harness::Vescli;

const PROXY: &str = "http://proxy.example:3128";

/// A rehearsal of a send to this URL, with a proxy from the environment.
fn send(url: &str) -> Vescli {
    Vescli::new()
        .args(["send", "--email", "a@b.co", "--cname", "c", "--no-auth"])
        .args(["--dry-run", "--json", "--base-url", url])
        .env("HTTPS_PROXY", PROXY)
}

/// Whether the proxy is used for the URL with this list, in the variable and in the flag.
fn takes(url: &str, list: &str, taken: bool) {
    let url_and_list = format!("{url} with {list:?}");
    for vescli in [send(url).env("NO_PROXY", list), send(url).args(["--noproxy", list])] {
        let what = url_and_list.clone();
        vescli
            .stdout_json(move |document| {
                let proxy = if taken { PROXY.into() } else { serde_json::Value::Null };
                assert_eq!(document["proxy"], proxy, "{what}");
                assert_eq!(document["warnings"], serde_json::json!([]), "{what}");
            })
            .run();
    }
}

#[test]
fn a_port_in_the_list_is_for_that_port_alone() {
    for (list, taken) in [
        ("h.example:8443", false),
        ("H.Example:8443", false),
        (".example:8443", false),
        ("h.example:443", true),
        ("*:8443", false),
        ("*:443", true),
        ("other.example:8443, h.example", false),
    ] {
        takes("https://h.example:8443", list, taken);
    }
    takes("https://h.example", "h.example:443", false);
    takes("https://h.example", "h.example:80", true);
    takes("https://192.0.2.1", "192.0.2.1:443", false);
    takes("https://192.0.2.1:444", "192.0.2.1:443", true);
}

#[test]
fn every_form_of_a_name_works() {
    for (list, taken) in [
        ("h.example", false),
        ("example", false),
        (".example", false),
        ("*.example", false),
        ("h.example.", false),
        ("*", false),
        ("ample", true),
        ("x.example", true),
    ] {
        takes("https://h.example", list, taken);
    }
    for (list, taken) in [("*", false), ("192.0.2.0/24", false), ("192.0.3.0/24", true)] {
        takes("https://192.0.2.1", list, taken);
    }
}

#[test]
fn invalid_items_are_named() {
    for item in [
        "http://h.example",
        "h.example:x",
        "h.example:99999",
        "h*.example",
        "192.0.2.1/33",
        "[h.example]",
        "[::1",
        "ü.example",
        "a..b",
    ] {
        let list = format!("{item}, other.example");
        let message = format!("`{item}` is not understood");
        let expected = message.clone();
        send("https://h.example")
            .env("NO_PROXY", &list)
            .stdout_json(move |document| {
                assert_eq!(document["proxy"], PROXY);
                let warning = document["warnings"][0].as_str().unwrap();
                assert!(warning.starts_with("NO_PROXY: "), "{warning}");
                assert!(warning.contains(&expected), "{warning}");
            })
            .run();
        send("https://h.example")
            .args(["--noproxy", &list])
            .code(2)
            .stdout_json(|_| ())
            .stderr_contains(format!("--noproxy: {message}"))
            .run();
        send("https://h.example")
            .env("VESCLI_NOPROXY", &list)
            .code(78)
            .stdout_json(|_| ())
            .stderr_contains(format!("VESCLI_NOPROXY: {message}"))
            .run();
    }
}

#[test]
fn an_address_of_ipv6_is_understood_in_brackets() {
    for list in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443", "2001:db8::/32", "[2001:db8::]/32", "*"] {
        takes("https://[2001:db8::1]", list, false);
    }
}

/// The library below cannot verify such an address behind a proxy, so nothing is tried.
#[test]
fn an_address_of_ipv6_behind_a_proxy_is_refused_before_any_contact() {
    for scheme in ["http", "https", "socks5h"] {
        let proxy = format!("{scheme}://proxy.example:3128");
        let send = |command: &[&str]| {
            Vescli::new().args(command).args(["--proxy", &proxy]).env("VESCLI_NOPROXY", "[2001:db8::2]")
        };
        let message = "`https://[2001:db8::1]` names an IPv6 address, which cannot be reached through a proxy";
        send(&["send", "--email", "a@b.co", "--cname", "c", "--no-auth"])
            .args(["--base-url", "https://[2001:db8::1]"])
            .code(2)
            .stderr_contains(format!("--base-url: {message}"))
            .stderr_contains("--noproxy")
            .run();
        send(&["doctor", "--no-auth"])
            .args(["--base-url", "https://[2001:db8::1]"])
            .code(2)
            .stdout_contains(message)
            .stderr_contains("")
            .run();
        send(&["send", "--email", "a@b.co", "--cname", "c", "--no-auth"])
            .env("VESCLI_BASE_URL", "https://[2001:db8::1]")
            .code(78)
            .stderr_contains(format!("VESCLI_BASE_URL: {message}"))
            .run();
    }
}
