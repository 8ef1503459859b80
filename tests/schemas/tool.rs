//! `check-jsonschema`, run on files of a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const NEEDED: &str = "this check needs `check-jsonschema` in the path: `.ci/run` says how to install it";

fn run(command: &mut Command) -> Output {
    command.output().expect(NEEDED)
}

/// Whether all of these are valid JSON Schemas.
pub(crate) fn are_schemas(files: &[PathBuf]) -> bool {
    run(Command::new("check-jsonschema").arg("--check-metaschema").args(files)).status.success()
}

/// The documents that a schema refuses, by their places, with the reasons.
pub(crate) fn refused(schema: &Value, documents: &[Value]) -> BTreeMap<usize, String> {
    let folder = TempDir::new().unwrap();
    let schema_file = folder.path().join("schema.json");
    fs::write(&schema_file, schema.to_string()).unwrap();
    let mut command = Command::new("check-jsonschema");
    command.current_dir(folder.path()).args(["--output-format", "json", "--verbose", "--schemafile"]).arg(&schema_file);
    for (place, document) in documents.iter().enumerate() {
        let name = format!("{place}.json");
        fs::write(folder.path().join(&name), document.to_string()).unwrap();
        command.arg(name);
    }
    let output = run(&mut command);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let place = |name: &Value| name.as_str().unwrap().strip_suffix(".json").unwrap().parse::<usize>().unwrap();
    let mut refused = BTreeMap::new();
    for error in report["errors"].as_array().unwrap() {
        let at = place(&error["filename"]);
        refused.entry(at).or_insert_with(|| format!("{error}: {}", documents[at]));
    }
    // The key depends on whether all of them fit.
    let accepted = ["successes", "checked_paths"].iter().find_map(|key| report[key].as_array());
    let accepted = accepted.unwrap_or_else(|| panic!("{report}")).len();
    assert_eq!(accepted + refused.len(), documents.len(), "every document was checked: {report}");
    assert_eq!(output.status.success(), refused.is_empty());
    refused
}
