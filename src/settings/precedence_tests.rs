//! Every key at every combination of the levels that may hold it: the strongest wins, whatever lies below.

use std::path::PathBuf;

use super::sources::Sources;
use crate::args::environment::Environment;
use crate::args::layer::{Layer, Origin};
use crate::args::settings_table::{Kind, Scope, Setting, SettingSpec, specs};
use crate::args::value::{Value, parse_value};

/// The levels, the strongest first.
const LEVELS: [&str; 7] = ["flag", "variable", "profile", "parent", "defaults", "foreign", "built in"];

/// A value that the key takes, as a variable or flag would give it.
fn text(spec: &SettingSpec) -> &'static str {
    match spec.kind {
        Kind::Text(_) | Kind::File | Kind::List(_) => "x",
        Kind::Choice(words) => words[0],
        Kind::Switch => "true",
        Kind::Count | Kind::Level => "1",
        Kind::Duration => "1s",
    }
}

fn toml(spec: &SettingSpec) -> String {
    let (name, text) = (spec.name(), text(spec));
    match spec.kind {
        Kind::Text(_) | Kind::File | Kind::Choice(_) | Kind::Duration => {
            format!("{name} = {text:?}\n")
        }
        Kind::Switch | Kind::Count | Kind::Level => format!("{name} = {text}\n"),
        Kind::List(_) => format!("{name} = [{text:?}]\n"),
    }
}

/// Which levels can hold a key.
fn can_hold(spec: &SettingSpec, level: &str) -> bool {
    match level {
        "flag" | "variable" => spec.is_flag(),
        "profile" | "parent" | "defaults" => spec.in_file(),
        "foreign" => spec.f5_variable.is_some(),
        _ => spec.default.is_some(),
    }
}

fn origin_name(origin: &Origin) -> &'static str {
    match origin {
        Origin::Flag(_) => "flag",
        Origin::Variable(_) => "variable",
        Origin::File { table, .. } => match table.as_str() {
            "profiles.child" => "profile",
            "profiles.parent" => "parent",
            "defaults" => "defaults",
            other => panic!("the table {other}"),
        },
        Origin::ForeignVariable(_) => "foreign",
        Origin::BuiltIn => "built in",
    }
}

/// The sources with the key set at these levels, the built-in one apart, which is always there.
fn sources(spec: &SettingSpec, levels: &[&str], file: &PathBuf) -> Sources {
    let at = |level| levels.contains(&level);
    let line = |level| if at(level) { toml(spec) } else { String::new() };
    let document = format!(
        "[defaults]\n{}[profiles.child]\nextends = \"parent\"\n{}[profiles.parent]\n{}",
        line("defaults"),
        line("profile"),
        line("parent")
    );
    std::fs::write(file, document).unwrap();
    let mut flags = Layer::default();
    if at("flag") {
        let value = parse_value(spec.kind, text(spec)).unwrap();
        flags.set(spec.setting, value, Origin::Flag(spec.flag));
    }
    let path = file.to_str().unwrap().to_owned();
    flags.set(Setting::Config, Value::Text(path), Origin::Flag("config"));
    let child = Value::Text("child".to_owned());
    flags.set(Setting::Profile, child, Origin::Flag("profile"));
    let mut variables = Vec::new();
    if at("variable") {
        variables.push((spec.variable(), text(spec)));
    }
    if let (true, Some(name)) = (at("foreign"), spec.f5_variable) {
        variables.push((name.to_owned(), text(spec)));
    }
    let environment: Environment = variables.into_iter().collect();
    Sources::gather(&flags, &environment).unwrap()
}

#[test]
fn the_strongest_level_that_speaks_wins_for_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let mut checked = 0;
    for spec in specs().filter(|spec| !matches!(spec.setting, Setting::Profile | Setting::Config)) {
        for set in 0..1_u32 << LEVELS.len() {
            let levels: Vec<&str> =
                LEVELS.into_iter().enumerate().filter(|(bit, _)| set & 1 << bit != 0).map(|(_, level)| level).collect();
            // The built-in level is there exactly when the row has a default.
            let built_in = levels.contains(&"built in") == spec.default.is_some();
            if !built_in || levels.iter().any(|level| !can_hold(spec, level)) {
                continue;
            }
            let sources = sources(spec, &levels, &file);
            let winner = sources.pick(spec.setting).map(|given| origin_name(&given.origin));
            assert_eq!(winner, levels.first().copied(), "{} at {levels:?}", spec.flag);
            checked += 1;
        }
    }
    assert!(checked > 700, "{checked} combinations were checked");
}

#[test]
fn a_key_of_one_run_is_refused_in_the_file_and_one_of_the_file_is_no_variable() {
    for spec in specs() {
        assert_eq!(spec.in_file(), spec.scope != Scope::RunOnly);
        assert_eq!(spec.is_flag(), spec.scope != Scope::FileOnly);
    }
}
