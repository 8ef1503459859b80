//! `vescli config explain` shows what is in force, and how it came to be: file, profile, proxy, certificates, cname, rate.

use std::collections::BTreeMap;

use serde_json::Value;

use support::harness::Vescli;

fn explain() -> Vescli {
    Vescli::new().args(["config", "explain", "--json"])
}

/// Checks some settings of the document, each with its value and its origin.
fn shows(vescli: Vescli, expected: &[(&'static str, &str, &str)]) {
    let folder = vescli.folder().to_str().unwrap().to_owned();
    let expected: Vec<(&str, String, String)> = expected
        .iter()
        .map(|(key, value, origin)| {
            let full = |text: &str| text.replace("[FOLDER]", &folder);
            (*key, full(value), full(origin))
        })
        .collect();
    vescli
        .stdout_json(move |document| {
            let settings = document["settings"].as_array().unwrap();
            let found: BTreeMap<&str, (&Value, &Value)> =
                settings.iter().map(|row| (row["key"].as_str().unwrap(), (&row["value"], &row["origin"]))).collect();
            for (key, value, origin) in expected {
                let (shown, from) = found[key];
                assert_eq!(shown.as_str().unwrap_or("-"), value, "{key}: {document:#}");
                assert_eq!(from.as_str().unwrap_or("-"), origin, "{key}: {document:#}");
            }
        })
        .run();
}

const FILE: &str = "default_profile = \"prod\"\n[profiles.prod]\ntenant = \"acme\"\nrate = \"30/m\"\n[profiles.lab]\ntenant = \"acme-lab\"\ncname = \"lab\"\n";
const PLACE: &str = "[FOLDER]/.config/vescli/config.toml";

#[test]
fn file_and_profile_are_shown_with_the_reason_for_their_choice() {
    let with_file = || explain().config(FILE);
    shows(with_file(), &[("config", PLACE, "XDG_CONFIG_HOME"), ("profile", "prod", "default_profile")]);
    shows(with_file().env_remove("XDG_CONFIG_HOME"), &[("config", PLACE, "the usual place")]);
    shows(with_file().args(["--profile", "lab"]), &[("profile", "lab", "--profile")]);
    shows(with_file().env("VESCLI_PROFILE", "lab"), &[("profile", "lab", "VESCLI_PROFILE")]);
    shows(
        explain().file("other.toml", "[profiles.one]\ntenant = \"t\"\n").args(["--config", "other.toml"]),
        &[("config", "other.toml", "--config"), ("profile", "one", "the only one in the file")],
    );
    shows(explain().env("VESCLI_CONFIG", "none"), &[("config", "none", "VESCLI_CONFIG"), ("profile", "-", "-")]);
    shows(explain(), &[("config", "none", &format!("there is no file at {PLACE}")), ("profile", "-", "-")]);
    shows(explain().config("[profiles.a]\n[profiles.b]\n"), &[("profile", "-", "none is chosen: a, b")]);
}

#[test]
fn the_cname_is_the_tenant_s_unless_something_gives_one() {
    shows(
        explain().config(FILE),
        &[
            ("cname", "acme", &format!("same as tenant: {PLACE}:3:1 [profiles.prod]")),
            ("rate", "30/m", &format!("{PLACE}:4:1 [profiles.prod]")),
            (
                "url",
                "https://acme.console.ves.volterra.io/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email",
                "-",
            ),
        ],
    );
    shows(
        explain().config(FILE).args(["-p", "lab"]),
        &[("cname", "lab", &format!("{PLACE}:7:1 [profiles.lab]")), ("rate", "60/m", "built in")],
    );
    shows(explain().env("F5XC_TENANT", "acme"), &[("cname", "acme", "same as tenant: F5XC_TENANT")]);
    shows(explain(), &[("cname", "-", "-"), ("url", "-", "-")]);
}

#[test]
fn the_proxy_is_shown_with_its_source_and_without_its_password() {
    let tenant = || explain().args(["--tenant", "t"]).stdout_lacks("hunter2");
    for name in ["VESCLI_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        shows(tenant().env(name, "http://ada:hunter2@p.example:3128"), &[("proxy", "http://***@p.example:3128", name)]);
    }
    shows(
        tenant().env("HTTPS_PROXY", "http://a:hunter2@p.example:1").args(["--proxy", ""]),
        &[("proxy", "none", "--proxy")],
    );
    shows(tenant(), &[("proxy", "-", "-"), ("noproxy", "-", "-")]);
    shows(
        tenant().env("HTTPS_PROXY", "http://a:hunter2@p.example:1").env("NO_PROXY", "volterra.io"),
        &[
            ("proxy", "http://***@p.example:1, not used for this host", "HTTPS_PROXY"),
            ("noproxy", "volterra.io", "NO_PROXY"),
        ],
    );
    shows(
        explain().args(["--base-url", "http://127.0.0.1:1"]).env("HTTPS_PROXY", "http://p.example:1"),
        &[("proxy", "http://p.example:1, not used for this host", "HTTPS_PROXY")],
    );
    Vescli::new()
        .args(["config", "explain", "--tenant", "t"])
        .env("HTTPS_PROXY", "ftp://a:hunter2@p.example")
        .stdout_contains("proxy                 not usable: HTTPS_PROXY: ")
        .stdout_lacks("hunter2")
        .run();
}

#[test]
fn certificates_that_take_the_store_s_place_are_shown() {
    shows(explain(), &[("trust", "the system's store", "built in")]);
    shows(explain().env("SSL_CERT_FILE", "/a.pem"), &[("trust", "/a.pem", "SSL_CERT_FILE")]);
    shows(
        explain().env("SSL_CERT_FILE", "/a.pem").env("SSL_CERT_DIR", "/b").args(["--cacert", "/c.pem"]),
        &[("trust", "/a.pem and /b", "SSL_CERT_FILE and SSL_CERT_DIR"), ("cacert", "/c.pem", "--cacert")],
    );
}
