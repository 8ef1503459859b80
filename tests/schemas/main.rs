//! The JSON Schemas in `schemas/` against what vescli really prints and writes: each command that succeeds, and each kind
//! of failure. Needs `check-jsonschema` in the path, and bash and script of Debian's base; a missing one fails its tests.
//! Run it with `cargo test --locked --test schemas`.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot continue has found a failure, and a panic is how a test says so"
)]

mod collection;
mod commands;
mod faults;
mod journals;
mod lists;
mod requests;
mod schema;
mod tool;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use clap::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

use collection::Collection;
use schema::{Fields, Schemas};
use tool::{are_schemas, refused};
use vescli::args::commands::command;
use vescli::commands::help::JSON;
use vescli::report::exit::entries;

/// Everything that was printed and written, collected once for all tests.
static COLLECTED: LazyLock<Collection> = LazyLock::new(|| {
    let mut collection = Collection::default();
    commands::collect(&mut collection);
    requests::collect(&mut collection);
    lists::collect(&mut collection);
    journals::collect(&mut collection);
    collection
});

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::read);

/// Commands that print a text for a shell or for people, whatever is asked for.
const TEXT_ALONE: [&str; 2] = ["completions", "help"];

/// Fields of an error that are null in a summary: what a server answered is in the rows.
const OF_ROWS_ALONE: [&str; 5] = ["server_code", "server_message", "retry_after_s", "cause", "location"];

#[test]
fn each_schema_is_one_and_describes_each_field() {
    let folder = TempDir::new().unwrap();
    let planted = folder.path().join("planted.json");
    let mut schema = SCHEMAS.of("vescli.version-1").clone();
    assert!(are_schemas(SCHEMAS.paths()));
    schema["properties"]["ok"]["type"] = json!("bolean");
    std::fs::write(&planted, schema.to_string()).unwrap();
    assert!(!are_schemas(&[planted]), "the check of schemas finds nothing");
    for (name, schema) in SCHEMAS.all() {
        let bare = schema::without_description(schema);
        assert!(bare.is_empty(), "{name} does not describe {bare:?}");
        let title = schema["title"].as_str().unwrap_or_default();
        assert!(!title.is_empty() && schema["$schema"].as_str().is_some_and(|uri| uri.ends_with("/2020-12/schema")));
    }
}

/// Each schema is made strict for this, so that a new field has to be written down.
#[test]
fn everything_that_is_printed_and_written_fits_its_schema() {
    let documents = COLLECTED.by_schema();
    let unseen: Vec<&str> = SCHEMAS.names().filter(|name| !documents.contains_key(*name)).collect();
    assert!(unseen.is_empty(), "nothing was printed or written for these schemas: {unseen:?}");
    for (name, documents) in documents {
        let refused = refused(&SCHEMAS.strict(&name), &documents);
        assert!(refused.is_empty(), "{name}: {refused:#?}");
    }
}

#[test]
fn each_fault_in_a_real_document_is_refused() {
    let mut planted = 0;
    for (name, documents) in COLLECTED.by_schema() {
        let schema = SCHEMAS.strict(&name);
        let faulty = faults::plant(&schema, &documents);
        let values: Vec<Value> = faulty.iter().map(|(_, document)| document.clone()).collect();
        let refused: BTreeSet<usize> = refused(&schema, &values).into_keys().collect();
        let passed: Vec<&str> =
            faulty.iter().enumerate().filter(|(at, _)| !refused.contains(at)).map(|(_, (fault, _))| &**fault).collect();
        assert!(passed.is_empty(), "{name} lets these pass: {passed:#?}");
        planted += faulty.len();
    }
    assert!(planted > 500, "the faults are planted: {planted}");
}

/// A field that never has a value could have any type in its schema.
#[test]
fn each_field_was_seen_with_a_value() {
    for (name, documents) in COLLECTED.by_schema() {
        let mut fields = Fields::of(SCHEMAS.of(&name));
        for document in &documents {
            fields.see(document);
        }
        let mut unseen = fields.unseen();
        if name == "vescli.summary-1" {
            unseen.retain(|field| !OF_ROWS_ALONE.contains(field));
        }
        assert!(unseen.is_empty(), "{name}: these fields were always null, or in no document: {unseen:?}");
    }
}

/// The commands that have no subcommand, by their full names.
fn leaves(command: &Command, name: &str, found: &mut Vec<String>) {
    let mut is_leaf = true;
    for sub in command.get_subcommands() {
        is_leaf = false;
        leaves(sub, format!("{name} {}", sub.get_name()).trim_start(), found);
    }
    if is_leaf {
        found.push(name.to_owned());
    }
}

/// Commands of which no document of a success, or none of an error, was collected.
fn without_document(command: &Command) -> Vec<String> {
    let mut found = Vec::new();
    leaves(command, "", &mut found);
    found.retain(|name| !TEXT_ALONE.contains(&name.as_str()));
    found.retain(|name| {
        let codes: Vec<u8> = COLLECTED.runs().filter(|run| run.command == *name).map(|run| run.code).collect();
        !(codes.contains(&0) && codes.iter().any(|code| *code != 0))
    });
    found
}

#[test]
fn each_command_has_a_document_of_success_and_one_of_failure() {
    let missing = without_document(&command());
    assert!(missing.is_empty(), "add a run to tests/schemas and a schema to schemas/ for: {missing:?}");
    let planted = command().mut_subcommand("journal", |journal| journal.subcommand(Command::new("planted")));
    assert_eq!(without_document(&planted), ["journal planted"]);
}

#[test]
fn each_kind_of_failure_was_collected_and_each_class_is_in_the_schemas() {
    let classes: BTreeSet<&str> = entries().map(|row| row.name).collect();
    let of_schema = |schema: &'static Value| -> BTreeSet<&str> {
        schema["enum"].as_array().unwrap().iter().map(|class| class.as_str().unwrap()).collect()
    };
    let explained = &SCHEMAS.of("vescli.explain-1")["properties"]["exit_codes"]["items"]["properties"]["class"];
    assert_eq!(of_schema(explained), classes);
    let errors = ["result", "row", "summary"].map(|name| SCHEMAS.of(&format!("vescli.{name}-1")));
    let of_errors = of_schema(&errors[0]["$defs"]["error"]["properties"]["class"]);
    // No error; and a summary has these two codes without an error.
    let expected: BTreeSet<&str> = classes.difference(&["accepted"].into()).copied().chain(["interrupted"]).collect();
    assert_eq!(of_errors, expected);
    assert!(errors.iter().all(|schema| schema["$defs"]["error"] == errors[0]["$defs"]["error"]));
    let mut seen: BTreeSet<&str> =
        COLLECTED.documents().filter_map(|document| document["error"]["class"].as_str()).collect();
    seen.extend(["internal", "bulk_failed", "bulk_unknown"]);
    assert_eq!(seen, expected);
    let codes: BTreeSet<u8> = COLLECTED.runs().map(|run| run.code).collect();
    assert!(codes.contains(&10) && codes.contains(&11));
}

#[test]
fn the_help_names_the_place_of_the_schemas() {
    assert!(JSON.contains("schemas/"), "{JSON}");
    let mut names: BTreeMap<String, bool> = SCHEMAS.names().map(|name| (name.to_owned(), false)).collect();
    let readme = std::fs::read_to_string(schema::folder().join("README.md")).unwrap();
    for name in readme.split('`').filter_map(|word| word.strip_suffix(".json")) {
        *names.get_mut(name).unwrap_or_else(|| panic!("schemas/README.md names {name}, which is not there")) = true;
    }
    let missing: Vec<String> = names.into_iter().filter(|(_, named)| !named).map(|(name, _)| name).collect();
    assert!(missing.is_empty(), "schemas/README.md does not name {missing:?}");
}
