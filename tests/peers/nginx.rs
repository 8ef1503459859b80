//! What nginx saw of a request, and what vescli made of nginx's answers.

use std::net::TcpListener;

use serde_json::{Value, json};

use support::harness::Vescli;
use support::nginx::{Config, Nginx};

const TENANT_HOST: &str = "example-corp.console.ves.volterra.io";

fn send(nginx: &Nginx) -> Vescli {
    Vescli::new()
        .file("ca.pem", nginx.authority.pem())
        .args(["send-password-email", "--email", "hello@example.com", "--cacert", "ca.pem", "--retries", "0"])
        .port(nginx.port)
}

/// A send that is expected to end with a code, and to have been one request.
fn ends_with(nginx: &Nginx, code: u8, class: &'static str, outcome: &'static str) {
    send(nginx)
        .args(["--tenant", "example-corp", "--json", "-q", "--timeout", "20s", "--base-url", &nginx.url()])
        .code(code)
        .stdout_json(move |document| {
            assert_eq!(document["error"]["class"], class);
            assert_eq!(document["outcome"], outcome);
        })
        .run();
    assert_eq!(nginx.requests().len(), 1);
}

#[test]
fn the_published_request_reaches_nginx_word_for_word() {
    let nginx = Nginx::start(&Config { names: &[TENANT_HOST], ..Config::default() });
    // The published URL has no port; an override takes the name to this machine, and a base URL brings the port.
    let base = format!("https://{TENANT_HOST}:{}/api/v1/api/production/us-east-1/namespaces/default", nginx.port);
    send(&nginx)
        .args(["--tenant", "example-corp", "--cname", "example", "--base-url", &base])
        .args(["--resolve", &format!("{TENANT_HOST}:{}:127.0.0.1", nginx.port)])
        .env("VESCLI_TOKEN", "the+token/of=letters")
        .stdout("accepted: password email for hello@example.com (tenant example-corp, cname example, N ms)\n")
        .run();
    let mut requests = nginx.requests();
    for request in &mut requests {
        // The time is not part of it.
        request.as_object_mut().unwrap().retain(|name, _| name != "at" && name != "took");
    }
    assert_eq!(
        requests,
        [json!({
            "request": "POST /api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email HTTP/1.1",
            "status": 200,
            "body": r#"{"cname":"example","email":"hello@example.com"}"#,
            "host": format!("{TENANT_HOST}:{}", nginx.port),
            "authorization": "APIToken the+token/of=letters",
            "content_type": "application/json",
            "accept": "application/json",
            "user_agent": concat!("vescli/", env!("CARGO_PKG_VERSION")),
            "content_length": "47",
            "accept_encoding": "", "expect": "", "connection": "", "transfer_encoding": "", "cookie": "",
            "tls": "TLSv1.3",
            "sni": TENANT_HOST,
            "protocol": "HTTP/1.1",
        })]
    );
}

#[test]
fn a_base_url_is_used_verbatim_and_no_credential_means_no_header() {
    let nginx = Nginx::start(&Config::default());
    send(&nginx)
        .args(["--tenant", "example-corp", "--base-url", &format!("{}/some/where/", nginx.url())])
        .stdout("accepted: password email for hello@example.com (tenant example-corp, cname example-corp, N ms)\n")
        .run();
    let requests = nginx.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["request"], "POST /some/where/no_auth/send_password_email HTTP/1.1");
    assert_eq!(requests[0]["authorization"], "");
}

#[test]
fn both_versions_of_tls_are_spoken_and_older_ones_are_not() {
    for (line, version) in [("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.3"), ("TLSv1.2 TLSv1.3", "TLSv1.3")] {
        let nginx = Nginx::start(&Config { protocols: line, ..Config::default() });
        send(&nginx).args(["--tenant", "t", "--base-url", &nginx.url(), "-q"]).run();
        let seen: Vec<Value> = nginx.requests().into_iter().map(|request| request["tls"].clone()).collect();
        assert_eq!(seen, [version]);
    }
}

#[test]
fn an_untrusted_nginx_gets_no_request() {
    let nginx = Nginx::start(&Config::default());
    Vescli::new()
        .args(["send", "--email", "a@b.co", "--tenant", "t", "--base-url", &nginx.url(), "--json", "-q"])
        .code(60)
        .stdout_json(|document| assert_eq!(document["outcome"], "not_sent"))
        .run();
    assert_eq!(nginx.requests(), Vec::<Value>::new());
}

#[test]
fn a_required_client_certificate_that_is_missing_is_a_refusal() {
    let nginx = Nginx::start(&Config {
        server: "ssl_client_certificate FOLDER/ca.pem; ssl_verify_client on;",
        ..Config::default()
    });
    // nginx lets the handshake pass and answers 400 over HTTP.
    ends_with(&nginx, 40, "client_error", "rejected");
}

#[test]
fn a_rate_limit_a_dead_upstream_and_a_hanging_one_have_their_codes() {
    let limited = Nginx::start(&Config {
        http: "limit_req_zone $binary_remote_addr zone=mails:1m rate=1r/m; limit_req_status 429;",
        server: "limit_req zone=mails;",
        ..Config::default()
    });
    send(&limited).args(["--tenant", "t", "--base-url", &limited.url(), "-q"]).run();
    send(&limited)
        .args(["--tenant", "t", "--base-url", &limited.url(), "-q"])
        .code(42)
        .stderr_contains("error: rate limited (HTTP 429) for hello@example.com, tenant t\n")
        .stderr_contains("an HTML page, not the API")
        .run();
    assert_eq!(limited.requests().len(), 2);
    let dead = Nginx::start(&Config { location: "proxy_pass http://127.0.0.1:DEAD_PORT;", ..Config::default() });
    ends_with(&dead, 52, "bad_gateway", "unknown");
    // An upstream that accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let location = format!("proxy_read_timeout 1s; proxy_pass http://{};", silent.local_addr().unwrap());
    let hanging = Nginx::start(&Config { location: &location, ..Config::default() });
    ends_with(&hanging, 54, "server_timeout", "unknown");
}
