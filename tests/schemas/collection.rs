//! Runs of commands with `--json`, and the documents and files that they left.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use support::harness::{Output, Vescli};
use vescli::args::commands::command;

/// A run that has ended.
pub(crate) struct Run {
    /// The full name of its command.
    pub(crate) command: String,
    pub(crate) code: u8,
    documents: Vec<Value>,
}

#[derive(Default)]
pub(crate) struct Collection {
    runs: Vec<Run>,
    /// Lines of files, with the names of their schemas.
    lines: Vec<(&'static str, Value)>,
}

impl Collection {
    /// Runs vescli with these words and `--json`; it has to end with this code.
    pub(crate) fn run(&mut self, vescli: Vescli, line: &str, code: u8) -> Output {
        let output = prepared(vescli, line).run();
        self.add(line, &output, code);
        output
    }

    /// Adds a run that has ended.
    pub(crate) fn add(&mut self, line: &str, output: &Output, code: u8) {
        let ended = output.code.unwrap_or_else(|| 128 + output.signal.unwrap());
        assert_eq!(ended, i32::from(code), "{line}: {output:?}");
        self.add_printed(line, &output.stdout, code);
    }

    /// Adds what a command printed, after it has been checked for what all documents have.
    pub(crate) fn add_printed(&mut self, line: &str, stdout: &str, code: u8) {
        let documents = documents(stdout);
        let last = documents.last().unwrap_or_else(|| panic!("{line}: no document"));
        for document in &documents {
            if document["schema"] != "vescli.journal-person/1" {
                let is_framed = document["ok"].is_boolean() && document["exit_code"].is_u64();
                assert!(is_framed, "{line}: no ok or no exit_code: {document}");
            }
        }
        let is_row = last["schema"] == "vescli.journal-person/1";
        assert!(is_row || last["exit_code"] == code, "{line}: the exit code is {code}, not {}", last["exit_code"]);
        self.runs.push(Run { command: command_of(line), code, documents });
    }

    /// Adds the lines of a file, which name no schema themselves.
    pub(crate) fn add_lines(&mut self, schema: &'static str, file: &Path) {
        let text = fs::read_to_string(file).unwrap();
        self.lines.extend(documents(&text).into_iter().map(|line| (schema, line)));
    }

    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter()
    }

    pub(crate) fn documents(&self) -> impl Iterator<Item = &Value> {
        self.runs.iter().flat_map(|run| &run.documents)
    }

    /// All of it, by the names of the schemas.
    pub(crate) fn by_schema(&self) -> BTreeMap<String, Vec<Value>> {
        let mut by_schema: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let name = |document: &Value| document["schema"].as_str().expect("it names its schema").replace('/', "-");
        let printed = self.documents().map(|document| (name(document), document));
        let written = self.lines.iter().map(|(name, line)| ((*name).to_owned(), line));
        for (name, document) in printed.chain(written) {
            by_schema.entry(name).or_default().push(document.clone());
        }
        by_schema
    }
}

/// vescli with these words and `--json`, which may end in any way.
pub(crate) fn prepared(vescli: Vescli, line: &str) -> Vescli {
    let vescli = vescli.arg("--json").args(line.split(' '));
    vescli.any_ending().stdout_contains("").stderr_contains("")
}

fn documents(text: &str) -> Vec<Value> {
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(read).collect()
}

/// The full name of the command on a command line; empty for vescli itself.
fn command_of(line: &str) -> String {
    let mut innermost = command();
    let mut names = Vec::new();
    for word in line.split(' ').take_while(|word| *word != "--") {
        if let Some(sub) = innermost.find_subcommand(word).cloned() {
            names.push(sub.get_name().to_owned());
            innermost = sub;
        }
    }
    names.join(" ")
}
