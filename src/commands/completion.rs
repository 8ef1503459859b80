//! Completion. The scripts that `vescli completions` prints know commands and flags; those of `COMPLETE=bash vescli` ask
//! vescli at every Tab, and so know profiles and journals too. Neither prints an error, reads a secret or uses the network.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Command, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::{EnvCompleter, Shells};
use clap_complete::{Shell, engine};

use crate::args::commands::{TOPICS, command};
use crate::args::environment::{Environment, SANDBOX_VARIABLE};
use crate::args::layer::{Layer, Origin, Value};
use crate::args::settings_table::Setting;
use crate::bulk::journal::{first_run, journal_folder, journals_in, leave_out_set_aside};
use crate::report::exit::entries;
use crate::settings::config_file::{ConfigPath, Profile};

/// The script that completes without asking vescli.
pub fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "vescli", &mut script);
    added(&shell.to_string(), String::from_utf8_lossy(&script).into_owned())
}

/// The variable that a shell sets to its own name when it asks: the convention of clap.
const VARIABLE: &str = "COMPLETE";

/// The answer to a shell: its script, if there are no arguments; the words that are possible at the cursor, if the arguments
/// begin with `--`. None in all other cases: a variable that is still set must never turn a send into a success.
pub fn answer(arguments: &[OsString], environment: &Environment) -> Option<Vec<u8>> {
    let line = match arguments {
        [_] => None,
        [_, dashes, line @ ..] if dashes == "--" => Some(line),
        _ => return None,
    };
    let shell = environment.get(VARIABLE)?;
    // `$SHELL` is a path.
    let name = Path::new(shell).file_stem()?.to_str()?;
    let completer = Shells::builtins().0.iter().copied().find(|completer| completer.is(name))?;
    // If a completion fails, there are no words.
    Some(match line {
        None | Some([]) => registration(completer, arguments.first()?).unwrap_or_default(),
        Some(line) => words(completer, line, environment).unwrap_or_default(),
    })
}

fn registration(completer: &dyn EnvCompleter, program: &OsStr) -> Option<Vec<u8>> {
    let mut program = PathBuf::from(program);
    // A name without a folder is found in `PATH` again.
    if program.components().count() > 1 {
        program = std::env::current_dir().ok()?.join(program);
    }
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "vescli", "vescli", program.to_str()?, &mut script).ok()?;
    Some(added(completer.name(), String::from_utf8(script).ok()?).into_bytes())
}

fn words(completer: &dyn EnvCompleter, line: &[OsString], environment: &Environment) -> Option<Vec<u8>> {
    let folder = std::env::current_dir().ok();
    if completer.name() != "bash" {
        let mut command = with_values(command(), &Line::new(line, environment));
        let mut written = Vec::new();
        completer.write_complete(&mut command, line.to_vec(), folder.as_deref(), &mut written).ok()?;
        return Some(written);
    }
    let index = environment.get("_CLAP_COMPLETE_INDEX")?.to_str()?.parse().ok()?;
    let (line, index) = without_equals(line, index);
    let mut command = with_values(command(), &Line::new(&line, environment));
    let found = engine::complete(&mut command, line, index, folder.as_deref()).ok()?;
    let found: Vec<String> = found.iter().map(|word| escaped(&word.get_value().to_string_lossy())).collect();
    Some(found.join("\u{b}").into_bytes())
}

/// bash makes three words of `--flag=value`, and only replaces the value. `index` is the word at the cursor.
fn without_equals(line: &[OsString], mut index: usize) -> (Vec<OsString>, usize) {
    let mut kept: Vec<OsString> = Vec::with_capacity(line.len());
    for (position, word) in line.iter().enumerate() {
        if word == "=" && kept.last().is_some_and(|last| last.as_encoded_bytes().starts_with(b"--")) {
            index -= usize::from(position < index);
        } else {
            kept.push(word.clone());
        }
    }
    (kept, index)
}

/// A word with escapes for unquoted bash. A file name may contain a space.
fn escaped(word: &str) -> String {
    let is_plain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-_./+=@%:,~".contains(c);
    word.chars().flat_map(|c| (!is_plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

/// What the generated scripts lack: after `vescli sandbox --` the words of another command follow, and its own completion
/// has to complete them.
///
/// For bash: whether the cursor is in the inner command, and its words. bash-completion's function for a command within a
/// command has had two names.
const BASH: &str = concat!("\n", include_str!("completion/inner.bash"));
const BASH_CALL: &str = "\n    __vescli_inner && return\n";

/// For zsh, at the beginning of the function.
const ZSH: &str = concat!("\n", include_str!("completion/inner.zsh"));

/// For fish: a condition and the words.
const FISH: &str = concat!("\n", include_str!("completion/inner.fish"));

/// Adds these lines to a script. If clap's script has changed too much, they are missing; a test notices that.
fn added(shell: &str, script: String) -> String {
    let with_call = |begin: &str, call: &str| script.replacen(begin, &format!("{begin}{call}"), 1);
    match shell {
        "bash" => BASH.to_owned() + &with_call("vescli() {", BASH_CALL),
        "zsh" => with_call("vescli() {", ZSH),
        "fish" => script + FISH,
        _ => script,
    }
}

/// How many journals are read at most for the names of their lists: a Tab must not take seconds.
const JOURNALS_MAX: usize = 500;

struct Line {
    words: Vec<String>,
    environment: Environment,
}

impl Line {
    fn new(words: &[OsString], environment: &Environment) -> Arc<Self> {
        let words = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Arc::new(Self { words, environment: environment.clone() })
    }

    /// The value of a flag, anywhere on the line.
    fn value_of(&self, flag: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == flag);
        let after = at.and_then(|at| self.words.get(at + 1)).map(String::as_str);
        after.or_else(|| self.words.iter().find_map(|word| word.strip_prefix(flag)?.strip_prefix('=')))
    }
}

/// Adds the values that only vescli knows: profiles, journals, topics, exit codes. If a file cannot be read, its values are
/// missing.
fn with_values(command: Command, line: &Arc<Line>) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| {
        let values: fn(&Line) -> Vec<CompletionCandidate> = match (name.as_str(), arg.get_id().as_str()) {
            (_, "profile") => profiles,
            ("help", "topic") => topics,
            ("explain", "what") => exits,
            ("show" | "check" | "export" | "resolve" | "repair" | "rm", "file") | ("merge", "files") => journals,
            _ => return arg,
        };
        let (line, is_file) = (Arc::clone(line), arg.get_value_hint() == ValueHint::FilePath);
        arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
            let mut found = values(&line);
            found.retain(|value| value.get_value().as_encoded_bytes().starts_with(typed.as_encoded_bytes()));
            // Otherwise the files of this folder: the list or journal may be there.
            if found.is_empty() && is_file { PathCompleter::file().complete(typed) } else { found }
        }))
    });
    command.mut_subcommands(|sub| with_values(sub, line))
}

fn candidate(value: impl Into<OsString>, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(help.to_owned().into()))
}

/// The profiles of the configuration file that a run of this line would read.
fn profiles(line: &Line) -> Vec<CompletionCandidate> {
    let mut flags = Layer::default();
    if let Some(path) = line.value_of("--config") {
        // The shell has not replaced `~` yet.
        let home = path.strip_prefix("~/").and_then(|rest| Some(dirs::home_dir()?.join(rest)));
        let path = home.map_or_else(|| path.to_owned(), |path| path.to_string_lossy().into_owned());
        flags.set(Setting::Config, Value::Text(path), Origin::Flag("config"));
    }
    let variables = Layer::from_valid_variables(&line.environment);
    let Ok(Some(file)) = ConfigPath::find(&flags, &variables, &line.environment).read() else {
        return Vec::new();
    };
    let tenant = |layer: &Layer| layer.text(Setting::Tenant).map(|tenant| format!("tenant {tenant}"));
    let profile = |(name, profile): (&String, &Profile)| candidate(name, &tenant(&profile.layer).unwrap_or_default());
    file.profiles.iter().map(profile).collect()
}

/// The next word of `vescli help`.
fn topics(line: &Line) -> Vec<CompletionCandidate> {
    let words: Vec<&String> = line.words.iter().skip_while(|word| *word != "help").skip(1).collect();
    // The last word is the one at the cursor.
    let before = words.split_last().map_or(&[][..], |(_, before)| before);
    let root = command();
    let Some(found) = before.iter().try_fold(&root, |found, word| found.find_subcommand(word)) else {
        return Vec::new();
    };
    let mut topics: BTreeMap<&str, String> = BTreeMap::new();
    if before.is_empty() {
        topics.extend(TOPICS.iter().map(|topic| (*topic, "a topic".to_owned())));
    }
    let about = |sub: &Command| sub.get_about().map(ToString::to_string).unwrap_or_default();
    topics.extend(found.get_subcommands().map(|sub| (sub.get_name(), about(sub))));
    topics.into_iter().map(|(name, help)| candidate(name, &help)).collect()
}

/// Codes, classes, and the statuses that have a code of their own.
fn exits(_: &Line) -> Vec<CompletionCandidate> {
    let codes = entries().map(|entry| candidate(entry.exit.code().to_string(), entry.title));
    let statuses = entries().filter(|entry| entry.statuses.parse::<u16>().is_ok());
    let statuses = statuses.map(|entry| candidate(entry.statuses, entry.title));
    let classes = entries().map(|entry| candidate(entry.name, entry.title));
    codes.chain(statuses).chain(classes).collect()
}

/// Lists with a journal first, and journals by their path.
fn journals(Line { environment, .. }: &Line) -> Vec<CompletionCandidate> {
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

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn the_scripts_have_the_place_for_the_inner_command() {
        let calls = ["__vescli_inner && return", "_normal", "complete -C (__vescli_inner)"];
        for shell in Shell::value_variants() {
            let name = shell.to_string();
            let expected = usize::from(["bash", "zsh", "fish"].contains(&name.as_str()));
            let environment: Environment = [(VARIABLE, &name)].into_iter().collect();
            let asking = answer(&["vescli".into()], &environment).unwrap();
            for script in [script(*shell), String::from_utf8(asking).unwrap()] {
                assert_eq!(calls.iter().filter(|call| script.contains(**call)).count(), expected, "{name}");
            }
        }
    }

    #[test]
    fn a_file_name_is_one_word_for_bash() {
        assert_eq!(escaped("my list$(id).csv"), "my\\ list\\$\\(id\\).csv");
        assert_eq!(escaped("~/zoë/a-b_c.csv"), "~/zoë/a-b_c.csv");
    }
}
