//! A second operation, made up: as a value alone it is sent, judged and reported by the code of the first.

use std::ffi::OsString;

use serde_json::{Value, json};
use support::server::{Answer, Server};
use vescli::api::operation::{Field, Operation, Rule, url};
use vescli::args::environment::Environment;
use vescli::args::layer::Layer;
use vescli::args::settings_table::Setting;
use vescli::commands::error::CommandError;
use vescli::commands::{Context, send};
use vescli::report::exit::{Ending, Exit};
use vescli::report::{Reporter, Streams, Terminals};
use vescli::settings::Output;
use vescli::settings::target::{Target, UrlVariables};

static LOCK_USER: Operation = Operation {
    path: "/custom/lock_user",
    published_prefix: "/api/web/{environment}/namespaces/{namespace}",
    fields: &[
        Field { name: "user", noun: "user", setting: Setting::Email, fallback: None, rule: Rule::Email },
        Field {
            name: "group",
            noun: "group",
            setting: Setting::Cname,
            fallback: Some(Setting::Tenant),
            rule: Rule::Text,
        },
        Field { name: "reason", noun: "reason", setting: Setting::Prefix, fallback: None, rule: Rule::Text },
    ],
    subject: 0,
    noun: "lock",
    rejected: "the user is as before",
    unknown: "the user may be locked",
    check_first: "look at the user in the console before sending again",
};

/// What a command wrote: its end, standard output and standard error.
type Written = (Result<Ending, CommandError>, String, String);

fn lock(server: &Server, pairs: &[(&str, &str)]) -> Written {
    let base = format!("{}/below", server.url());
    let usual = [
        ("VESCLI_EMAIL", "ada@example.com"),
        ("VESCLI_TENANT", "acme"),
        ("VESCLI_PREFIX", "left"),
        ("VESCLI_BASE_URL", &base),
        ("VESCLI_CONFIG", "none"),
        ("VESCLI_RETRIES", "0"),
    ];
    let environment: Environment = usual.into_iter().chain(pairs.iter().copied()).collect();
    let (mut out, mut err) = (Sink::default(), Sink::default());
    let streams = Streams { out: &mut out, err: &mut err, terminals: Terminals::default() };
    let (arguments, flags) = ([OsString::from("vescli")], Layer::default());
    let reporter = Reporter::new(streams, Output::default(), &environment);
    let mut context = Context { arguments: &arguments, flags: &flags, environment: &environment, reporter };
    let ending = send::run(&LOCK_USER, &mut context);
    drop(context);
    (ending, without_time(out), without_time(err))
}

type Sink = Vec<u8>;

/// The text, with the one figure that differs from run to run replaced.
fn without_time(text: Sink) -> String {
    let text = String::from_utf8(text).unwrap();
    match text.split_once(" ms") {
        Some((before, after)) => format!("{}N ms{after}", before.trim_end_matches(|c: char| c.is_ascii_digit())),
        None => text,
    }
}

fn exit(ending: Result<Ending, CommandError>) -> Ending {
    ending.unwrap()
}

#[test]
fn its_published_url_is_its_own() {
    let variables = UrlVariables {
        tenant: "acme".into(),
        console: "console.ves.volterra.io".into(),
        prefix: "api".into(),
        environment: "staging".into(),
        region: "us-east-1".into(),
        namespace: "default".into(),
    };
    let url = url(&LOCK_USER, &Target::Published(variables)).unwrap();
    let expected = "https://acme.console.ves.volterra.io/api/web/staging/namespaces/default/custom/lock_user";
    assert_eq!(url.as_str(), expected);
}

#[test]
fn its_acceptance_is_reported_as_text_and_json() {
    let server = Server::http().answers([Answer::accepted(), Answer::accepted()]).start();
    let (ending, out, err) = lock(&server, &[]);
    assert_eq!(exit(ending), Ending::Exit(Exit::Accepted));
    assert_eq!(out, "accepted: lock for ada@example.com (tenant acme, group acme, reason left, N ms)\n");
    assert_eq!(err, "");
    let (_, out, _) = lock(&server, &[("VESCLI_OUTPUT", "json")]);
    let document: Value = serde_json::from_str(&out).unwrap();
    for (name, value) in [("user", "ada@example.com"), ("group", "acme"), ("reason", "left"), ("outcome", "accepted")] {
        assert_eq!(document[name], value, "{name}");
    }
    assert_eq!(document.get("email"), None);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/below/custom/lock_user"));
        assert_eq!(request.body, br#"{"user":"ada@example.com","group":"acme","reason":"left"}"#);
    }
}

#[test]
fn its_failures_are_reported_in_its_phrases() {
    let refusal = json!({"code": 7, "message": "no"}).to_string();
    let server = Server::http().answers([Answer::status(403).body(refusal), Answer::status(503)]).start();
    let (ending, out, err) = lock(&server, &[]);
    assert_eq!((exit(ending), out.as_str()), (Ending::Exit(Exit::Forbidden), ""));
    assert!(
        err.starts_with("error: forbidden (HTTP 403) for ada@example.com, tenant acme\n  server: \"no\"\n"),
        "{err}"
    );
    assert!(err.contains("\n  rejected: the user is as before\n"), "{err}");
    let (ending, _, err) = lock(&server, &[]);
    assert_eq!(exit(ending), Ending::Exit(Exit::Unavailable));
    assert!(
        err.contains("  hint: look at the user in the console before sending again; see `vescli explain 53`\n"),
        "{err}"
    );
    assert!(!err.contains("mail"), "{err}");
    assert_eq!(server.count(), 2);
}

#[test]
fn its_values_are_checked_before_anything_is_sent() {
    let server = Server::http().uncalled().start();
    let (ending, ..) = lock(&server, &[("VESCLI_EMAIL", "ada")]);
    let error = ending.unwrap_err();
    assert_eq!(error.exit(), Exit::Config);
    assert!(error.to_string().contains("the user `ada` has no @"), "{error}");
}
