//! The values that only vescli knows: profiles, journals, topics, exit codes. What cannot be read has no values.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};

use crate::args::commands::{TOPICS, command};
use crate::args::environment::{Environment, SANDBOX_VARIABLE};
use crate::args::layer::{Layer, Origin, Value};
use crate::args::settings_table::Setting;
use crate::bulk::journal::{first_run, journal_folder, journals_in, leave_out_set_aside};
use crate::report::exit::rows;
use crate::settings::config_file::ConfigPath;

/// The journals that are looked into for the names of their lists: a Tab must not take seconds.
const JOURNALS_MAX: usize = 500;

/// The line that is completed.
pub(super) struct Line {
    words: Vec<String>,
    environment: Environment,
}

impl Line {
    pub(super) fn new(words: &[OsString], environment: &Environment) -> Arc<Self> {
        let words = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Arc::new(Self { words, environment: environment.clone() })
    }

    /// The value of a flag, wherever it is.
    fn value_of(&self, flag: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == flag);
        let after = at.and_then(|at| self.words.get(at + 1)).map(String::as_str);
        after.or_else(|| self.words.iter().find_map(|word| word.strip_prefix(flag)?.strip_prefix('=')))
    }
}

/// The commands with these values.
pub(super) fn with_values(command: Command, line: &Arc<Line>) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| {
        let values: fn(&Line) -> Vec<CompletionCandidate> = match (name.as_str(), arg.get_id().as_str()) {
            (_, "profile") => profiles,
            ("help", "topic") => topics,
            ("explain", "what") => exits,
            ("show" | "check" | "export" | "resolve" | "repair" | "rm", "file") | ("merge", "files") => {
                return with_journals(arg, line);
            }
            _ => return arg,
        };
        let line = Arc::clone(line);
        arg.add(ArgValueCompleter::new(move |typed: &OsStr| beginning_with(typed, values(&line))))
    });
    command.mut_subcommands(|sub| with_values(sub, line))
}

fn beginning_with(typed: &OsStr, mut values: Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    let typed = typed.as_encoded_bytes();
    values.retain(|value| value.get_value().as_encoded_bytes().starts_with(typed));
    values
}

fn candidate(value: impl Into<OsString>, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(help.to_owned().into()))
}

/// The profiles of the configuration file that a run of this line would read.
fn profiles(line: &Line) -> Vec<CompletionCandidate> {
    let mut flags = Layer::default();
    if let Some(path) = line.value_of("--config") {
        // The shell has not replaced it yet.
        let home = path.strip_prefix("~/").and_then(|rest| Some(dirs::home_dir()?.join(rest)));
        let path = home.map_or_else(|| path.to_owned(), |path| path.to_string_lossy().into_owned());
        flags.set(Setting::Config, Value::Text(path), Origin::Flag("config"));
    }
    let variables = Layer::from_valid_variables(&line.environment);
    let Ok(Some(file)) = ConfigPath::find(&flags, &variables, &line.environment).read() else {
        return Vec::new();
    };
    let tenant = |layer: &Layer| layer.get(Setting::Tenant).map(|tenant| format!("tenant {}", tenant.value));
    let profiles = file.profiles.iter();
    profiles.map(|(name, profile)| candidate(name, &tenant(&profile.layer).unwrap_or_default())).collect()
}

/// The next word of `vescli help`.
fn topics(line: &Line) -> Vec<CompletionCandidate> {
    let mut found = command();
    let words = line.words.iter().skip_while(|word| *word != "help").skip(1);
    // The last word is that under the cursor.
    let before: Vec<&String> = words.collect();
    let before = before.split_last().map_or(&[][..], |(_, before)| before);
    for word in before {
        match found.find_subcommand(word) {
            Some(sub) => found = sub.clone(),
            None => return Vec::new(),
        }
    }
    let about = |sub: &Command| sub.get_about().map(ToString::to_string).unwrap_or_default();
    let mut topics: BTreeMap<&str, String> = BTreeMap::new();
    if before.is_empty() {
        topics.extend(TOPICS.iter().map(|topic| (*topic, "a topic".to_owned())));
    }
    topics.extend(found.get_subcommands().map(|sub| (sub.get_name(), about(sub))));
    topics.into_iter().map(|(name, help)| candidate(name, &help)).collect()
}

/// Codes, the statuses that have one of their own, and classes.
fn exits(_: &Line) -> Vec<CompletionCandidate> {
    let codes = rows().map(|row| candidate(row.exit.code().to_string(), row.title));
    let statuses = rows().filter(|row| row.statuses.parse::<u16>().is_ok());
    let statuses = statuses.map(|row| candidate(row.statuses, row.title));
    let classes = rows().map(|row| candidate(row.name, row.title));
    codes.chain(statuses).chain(classes).collect()
}

/// Lists with a journal first, and journals by their path; then the files here, for a list or journal that lies elsewhere.
fn with_journals(arg: Arg, line: &Arc<Line>) -> Arg {
    let line = Arc::clone(line);
    arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
        let found = beginning_with(typed, journals(&line.environment));
        if found.is_empty() { PathCompleter::file().complete(typed) } else { found }
    }))
}

fn journals(environment: &Environment) -> Vec<CompletionCandidate> {
    let is_rehearsal = environment.get(SANDBOX_VARIABLE).is_some();
    let paths = journal_folder(environment, is_rehearsal).and_then(|folder| journals_in(&folder)).unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let mut of_lists: BTreeMap<PathBuf, Vec<&Path>> = BTreeMap::new();
    let mut others: Vec<&Path> = Vec::new();
    for path in paths.iter().take(JOURNALS_MAX) {
        match first_run(path).and_then(|run| run.list).map(PathBuf::from) {
            Some(list) if list.is_absolute() => of_lists.entry(list).or_default().push(path),
            _ => others.push(path),
        }
    }
    let mut found = Vec::new();
    for (list, mut journals) in of_lists {
        leave_out_set_aside(&mut journals);
        let name = list.strip_prefix(&here).unwrap_or(&list).to_owned();
        match &journals[..] {
            [_] => found.push(candidate(name, "a list with a journal")),
            several => {
                let help = format!("a journal of {}", name.display());
                found.extend(several.iter().map(|path| candidate(*path, &help)));
            }
        }
    }
    found.extend(others.into_iter().map(|path| candidate(path, "a journal")));
    found
}
