//! Where tenant, console, base URL and the rest come from, in any combination, right and wrong: a token that a table of
//! the file names reaches the host of that table and no other.

use std::fs;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use vescli::args::environment::Environment;
use vescli::args::layer::{Layer, Origin};
use vescli::settings::Settings;
use vescli::settings::error::SettingsError;
use vescli::settings::sources::Sources;

use crate::{cases, config};

/// What one source says of the target. Each may be something that no request can be made of.
#[derive(Debug, Clone, Default)]
struct Words {
    tenant: Option<&'static str>,
    console: Option<&'static str>,
    base_url: Option<&'static str>,
    region: Option<&'static str>,
    namespace: Option<&'static str>,
    prefix: Option<&'static str>,
    environment: Option<&'static str>,
    token: bool,
}

const BUILT_IN_CONSOLE: &str = "console.ves.volterra.io";

/// Base URLs with the host that they name, if they name one.
const BASE_URLS: [(&str, Option<&str>); 5] = [
    ("https://acme.console.ves.volterra.io/x", Some("https://acme.console.ves.volterra.io")),
    ("https://other.example", Some("https://other.example")),
    ("http://127.0.0.1:9", Some("http://127.0.0.1:9")),
    ("http://other.example", None),
    ("other", None),
];

fn words() -> impl Strategy<Value = Words> {
    let label = || option::weighted(0.2, select(vec!["us", "eu", "BAD!"]));
    (
        option::weighted(0.5, select(vec!["acme", "lab", "Bad.Tenant"])),
        option::weighted(0.2, select(vec![BUILT_IN_CONSOLE, "staging.volterra.us"])),
        option::weighted(0.25, select(BASE_URLS.map(|(url, _)| url).to_vec())),
        (label(), label(), label()),
        option::weighted(0.1, select(vec!["staging", "production"])),
        any::<bool>(),
    )
        .prop_map(|(tenant, console, base_url, (region, namespace, prefix), environment, token)| Words {
            tenant,
            console,
            base_url,
            region,
            namespace,
            prefix,
            environment,
            token,
        })
}

impl Words {
    fn pairs(&self) -> Vec<(&'static str, &'static str)> {
        [
            ("tenant", self.tenant),
            ("console", self.console),
            ("base_url", self.base_url),
            ("region", self.region),
            ("namespace", self.namespace),
            ("prefix", self.prefix),
            ("environment", self.environment),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    fn table(&self, title: &str, extends: Option<usize>) -> String {
        let mut text = format!("[{title}]\n");
        if let Some(parent) = extends {
            text.push_str(&format!("extends = \"p{parent}\"\n"));
        }
        for (name, value) in self.pairs() {
            text.push_str(&format!("{name} = \"{value}\"\n"));
        }
        if self.token {
            text.push_str("token_file = \"token\"\n");
        }
        text
    }
}

/// The host that some tables name, the strongest first, without any help from outside.
fn host_of(tables: &[Words]) -> Option<String> {
    if let Some(url) = tables.iter().find_map(|words| words.base_url) {
        let (_, host) = BASE_URLS.into_iter().find(|(text, _)| *text == url)?;
        return host.map(str::to_owned);
    }
    let tenant = tables.iter().find_map(|words| words.tenant)?;
    let console = tables.iter().find_map(|words| words.console);
    (tenant != "Bad.Tenant").then(|| format!("https://{tenant}.{}", console.unwrap_or(BUILT_IN_CONSOLE)))
}

/// What a table names, with those below it, is its host. One that names none has that of the whole file, but a console
/// that it names stays.
fn own_host(tables: &[Words], at: usize) -> Option<String> {
    let below = &tables[at..];
    let console = below.iter().find_map(|words| words.console);
    if below.iter().any(|words| words.tenant.is_some() || words.base_url.is_some()) {
        return host_of(below);
    }
    if console.is_none() {
        return host_of(tables);
    }
    let tenant = tables.iter().find_map(|words| words.tenant);
    host_of(&[Words { tenant, console, ..Words::default() }])
}

/// Profiles `p0` extends `p1` and so on, then `[defaults]`; variables of ours and F5's on top.
fn resolved(tables: &[Words], variables: &Words, foreign: &Words) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let (defaults, profiles) = tables.split_last().unwrap();
    let mut text = "default_profile = \"p0\"\n".to_owned() + &defaults.table("defaults", None);
    for (index, words) in profiles.iter().enumerate() {
        let parent = (index + 1 < profiles.len()).then_some(index + 1);
        text.push_str(&words.table(&format!("profiles.p{index}"), parent));
    }
    fs::write(&path, text).unwrap();
    let mut pairs = vec![("VESCLI_CONFIG".to_owned(), path.to_string_lossy().into_owned())];
    for (name, value) in variables.pairs() {
        pairs.push((format!("VESCLI_{}", name.to_ascii_uppercase()), value.to_owned()));
    }
    for (name, value) in foreign.pairs() {
        let name = if name == "namespace" { "default_namespace" } else { name };
        pairs.push((format!("F5XC_{}", name.to_ascii_uppercase()), value.to_owned()));
    }
    let environment: Environment = pairs.into_iter().collect();
    let sources = Sources::gather(&Layer::default(), &environment)?;
    Settings::resolve(&sources, &environment)
}

proptest! {
    #![proptest_config(Config { cases: cases(500), ..config() })]

    #[test]
    fn binding_is_enforced_for_every_origin_of_the_target(
        tables in vec(words(), 2..5),
        variables in option::of(words()),
        foreign in option::weighted(0.3, words()),
    ) {
        let outside = variables.is_some() || foreign.is_some();
        let result = resolved(&tables, &variables.unwrap_or_default(), &foreign.unwrap_or_default());
        let naming = tables.iter().position(|words| words.token);
        let own = naming.and_then(|at| own_host(&tables, at));
        match (&result, naming) {
            (Ok(settings), Some(_)) => {
                let (_, origin) = settings.credential.token.as_ref().unwrap();
                let of_file = matches!(origin, Origin::File { .. });
                prop_assert!(of_file, "{origin}");
                prop_assert_eq!(Some(settings.target.origin()), own);
            }
            (Ok(settings), None) => prop_assert!(settings.credential.token.is_none()),
            (Err(SettingsError::Bound { .. }), naming) => {
                prop_assert!(naming.is_some());
                // A file that names one host and is left alone is never refused.
                let one_host = tables.iter().skip(naming.unwrap() + 1).all(|words| {
                    words.tenant.is_none() && words.base_url.is_none() && words.console.is_none()
                }) && naming == Some(0);
                prop_assert!(outside || !one_host, "{result:?}");
            }
            (Err(_), _) => {}
        }
    }
}
