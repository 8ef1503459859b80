//! The tree of commands, their help and the arguments that only one of them has, and how the command line is parsed into a
//! command. [`command`] adds the flags of the settings table, because most of them belong to several commands. A new flag of
//! an existing group needs no change here; a new group does.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use super::layer::{Layer, parse_count};
use super::settings_table::{Group, Kind, Setting, specs};

/// The topics of `vescli help` that are not commands.
pub const TOPICS: &[&str] = &["exit-codes", "environment", "config", "bulk", "json"];

/// Mail a new user of an F5 Distributed Cloud tenant the link to set a password
#[derive(Parser)]
#[command(name = "vescli", version, disable_help_subcommand = true, args_override_self = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Ask the service to mail one person the link
    #[command(name = "send-password-email", visible_alias = "send")]
    Send,
    /// Mail everyone on a list once; run it again to continue
    Bulk {
        /// The list; `-` reads standard input
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        input: PathBuf,
    },
    /// Create, inspect and check the configuration
    #[command(subcommand, disable_help_subcommand = true)]
    Config(ConfigAction),
    /// Inspect, resolve and repair the journals of bulk runs
    #[command(subcommand, disable_help_subcommand = true)]
    Journal(JournalAction),
    /// Check configuration, credential and network; mails no one
    Doctor,
    /// Explain an exit code, an HTTP status or a class
    Explain {
        /// A code, an HTTP status or a class; without it, the table of all
        #[arg(value_name = "CODE|NAME")]
        what: Option<String>,
    },
    /// Rehearse against a local stand-in that mails no one
    Sandbox {
        /// Command to run against the sandbox, after --
        #[arg(last = true, num_args = 0.., value_hint = ValueHint::CommandWithArguments)]
        command: Vec<OsString>,
    },
    /// Print the completion script for a shell
    Completions { shell: Shell },
    /// Show the help of a command or a topic
    Help {
        /// A command, or exit-codes, environment, config, bulk, json
        #[arg(value_name = "COMMAND|TOPIC", num_args = 0..)]
        topic: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigAction {
    /// Print the path of the configuration file
    Path,
    /// Write a first configuration file; an existing one is left alone
    Init,
    /// Print the configuration file unchanged
    Show,
    /// Print every setting with its value and origin
    Explain,
    /// Check the configuration file
    Check,
    /// List the profiles and mark the chosen one
    Profiles,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct JournalFile {
    /// The journal, or its list; optional if there is only one journal
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum JournalAction {
    /// List the journals with their rows and times
    List,
    /// Print a summary, then the rows that need a decision
    Show(JournalFile),
    /// Check a journal: what is damaged, where, and what to do
    Check(JournalFile),
    /// Print everyone in a journal: CSV, or with --json an object per line
    Export {
        #[command(flatten)]
        journal: JournalFile,
        /// Print CSV, also where a variable asks for JSON
        #[arg(long)]
        csv: bool,
    },
    /// Record the outcome of rows that are unknown; sends nothing
    Resolve {
        #[command(flatten)]
        journal: JournalFile,
        /// Address of a row; may be repeated
        #[arg(long = "email", short = 'e', value_name = "ADDR", value_hint = ValueHint::Other)]
        #[arg(help_heading = Group::Journal.heading())]
        emails: Vec<String>,
    },
    /// Merge journals of several shards or machines into a new one
    Merge {
        /// The journals, or their list
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required = true)]
        files: Vec<PathBuf>,
    },
    /// Make a damaged journal usable; people on damaged lines become unknown
    Repair(JournalFile),
    /// Remove one journal
    #[command(name = "rm")]
    Remove {
        /// The journal, or its list
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Remove journals of finished runs, and files left by killed runs
    Prune,
}

/// The tree with the flags of every command.
pub fn command() -> clap::Command {
    with_flags("", CommandLine::command())
}

/// Adds the flags of a command and of those below it.
fn with_flags(parent: &str, command: clap::Command) -> clap::Command {
    use Group::{Bulk, Credential, Network, Output, Request, Retry, Safety, Sandbox, Target};
    use Setting::{AllUnknown, As, Cname, Config, DryRun, Email, Into, List, NoInput, OlderThan};
    use Setting::{Profile, Rate, Tenant, TokenFile, Undo, Yes};

    let name = command.get_name().to_owned();
    // The flags in the order of the help: single ones first, then those of whole groups, then single ones again.
    let (first, groups, last): (&[Setting], &[Group], &[Setting]) = match (parent, name.as_str()) {
        ("", _) => (&[], &[Output], &[]),
        ("vescli", "send-password-email") => (&[], &[Request, Target, Credential, Network, Retry, Safety], &[]),
        ("vescli", "bulk") => (&[], &[Request, Target, Credential, Network, Retry, Bulk], &[DryRun, NoInput]),
        ("vescli", "doctor") => (&[], &[Target, Credential, Network], &[]),
        ("vescli", "sandbox") => (&[], &[Sandbox], &[Rate]),
        ("config", "path" | "show" | "check") => (&[Config], &[], &[]),
        ("config", "init") => (&[Config, Tenant, Cname, TokenFile], &[], &[]),
        ("config", "explain") => (&[], &[Request, Target, Credential, Network, Retry], &[]),
        ("config", "profiles") => (&[Config, Profile], &[], &[]),
        ("journal", "resolve") => (&[Cname, As, AllUnknown, Undo], &[], &[]),
        ("journal", "merge") => (&[Into], &[], &[]),
        ("journal", "repair") => (&[List, Cname], &[Target], &[]),
        ("journal", "rm") => (&[Yes, NoInput], &[], &[]),
        ("journal", "prune") => (&[OlderThan, DryRun, Yes, NoInput], &[], &[]),
        _ => (&[], &[], &[]),
    };
    let of_groups = specs()
        .take_while(|_| !groups.is_empty())
        .filter(|spec| spec.is_flag() && groups.contains(&spec.group))
        .map(|spec| spec.setting);
    // The setting comes first, because comparing it is cheaper than comparing names.
    let arg = |setting| match (setting, name.as_str()) {
        // The addresses are in the list.
        (Email, "bulk") => None,
        (DryRun, "bulk") => Some(flag(DryRun).help("Print the plan and send nothing")),
        (DryRun, "prune") => Some(flag(DryRun).help("Show what would be removed, and remove nothing")),
        (Yes, "rm" | "prune") => Some(flag(Yes).help_heading(Safety.heading())),
        (Rate, "sandbox") => {
            let help = "Answer 429 beyond this rate [default: no limit]";
            Some(flag(Rate).help(help).help_heading(Sandbox.heading()))
        }
        _ => Some(flag(setting)),
    };
    command
        .args(first.iter().copied().chain(of_groups).chain(last.iter().copied()).filter_map(arg))
        .mut_subcommands(|sub| with_flags(&name, sub))
}

fn flag(setting: Setting) -> Arg {
    let spec = setting.spec();
    let help = match spec.default {
        Some(default) => format!("{} [default: {default}]", spec.help),
        None => spec.help.to_owned(),
    };
    let arg = Arg::new(spec.flag).long(spec.flag).short(spec.short).visible_alias(spec.alias);
    let arg = arg.help(help).help_heading(spec.group.heading()).global(spec.group == Group::Output);
    match spec.kind {
        // Keeps all addresses, so that a second one is an error and does not replace the first.
        Kind::Text(name) if setting == Setting::Email => {
            arg.value_name(name).value_hint(ValueHint::Other).action(ArgAction::Append)
        }
        Kind::Text(name) => arg.value_name(name).value_hint(ValueHint::Other),
        Kind::Duration => arg.value_name("TIME").value_hint(ValueHint::Other),
        Kind::File => arg.value_name("FILE").value_hint(ValueHint::FilePath),
        Kind::Choice(words) => {
            arg.value_name("WORD").value_parser(PossibleValuesParser::new(words.iter().copied().map(choice)))
        }
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::Level => arg.action(ArgAction::Count),
        Kind::Count => arg.value_name("N").value_parser(parse_count),
        Kind::List(name) => arg.value_name(name).action(ArgAction::Append),
    }
}

/// An alias is accepted, but not offered.
fn choice(word: &'static str) -> PossibleValue {
    PossibleValue::new(word).alias(word.replace('-', "_"))
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    pub command: Command,
    pub flags: Layer,
}

/// Reads the arguments of the process, its own name first.
///
/// # Errors
/// clap's error: a usage error, or the request for help or version.
pub fn parse(arguments: &[OsString]) -> Result<Invocation, clap::Error> {
    let matches = command().try_get_matches_from(arguments).map_err(|error| with_tip(error, arguments))?;
    let typed = CommandLine::from_arg_matches(&matches)?;
    // The innermost command has all flags of the line, the global ones too.
    let mut innermost = &matches;
    while let Some((_, sub)) = innermost.subcommand() {
        innermost = sub;
    }
    refuse_two_addresses(innermost)?;
    Ok(Invocation { command: typed.command, flags: Layer::from_flags(innermost) })
}

/// A request for help, by `-h` or `--help` or because a command is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpRequest {
    /// The words after `vescli`, such as `journal show`.
    pub command: String,
    pub is_long: bool,
}

/// Which help the arguments ask for. clap's error does not say that. So this parses the arguments again, with commands whose
/// help is only their own name, and a mark before it in the long form.
pub fn help_request(arguments: &[OsString]) -> HelpRequest {
    let asked = marked(command(), "").try_get_matches_from(arguments).err();
    let shown = asked.map_or_else(String::new, |error| error.render().to_string());
    let shown = shown.trim();
    let (is_long, command) = shown.strip_prefix(LONG_MARK).map_or((false, shown), |rest| (true, rest.trim()));
    HelpRequest { command: command.to_owned(), is_long }
}

const LONG_MARK: &str = "--help";

fn marked(command: clap::Command, path: &str) -> clap::Command {
    command
        .help_template("{before-help}")
        .term_width(0)
        .before_help(path.to_owned())
        .before_long_help(format!("{LONG_MARK} {path}"))
        .mut_subcommands(|sub| {
            let path = format!("{path} {}", sub.get_name());
            marked(sub, path.trim_start())
        })
}

fn with_tip(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(wrong))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
        && let Some(tip) = tip(wrong, arguments)
    {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The tip for an argument that is unknown where it is.
fn tip(wrong: &str, arguments: &[OsString]) -> Option<String> {
    let words = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.take_while(|word| word != "--").collect();
    let at = words.iter().position(|word| word.starts_with(wrong))?;
    let program = command();
    let find = |words: &[String]| words.iter().find_map(|word| program.find_subcommand(word));
    match (find(&words[..at]), find(&words[at..])) {
        (None, Some(later)) if takes(later, wrong) => {
            Some(format!("'{wrong}' belongs after the command: vescli {} {wrong}", later.get_name()))
        }
        (Some(before), _) if before.get_name() == "sandbox" && !wrong.starts_with('-') => {
            Some(format!("put `--` before the command: vescli sandbox -- {wrong}"))
        }
        (Some(before), _) if wrong.contains('@') && takes(before, "--email") => {
            Some("an address needs its flag: --email ADDR".to_owned())
        }
        _ => None,
    }
}

fn takes(command: &clap::Command, flag: &str) -> bool {
    command.get_arguments().any(|arg| {
        arg.get_long().map(|long| format!("--{long}")).as_deref() == Some(flag)
            || arg.get_short().map(|short| format!("-{short}")).as_deref() == Some(flag)
    })
}

/// One request mails one person. Without this error, vescli would silently ignore one of two addresses.
fn refuse_two_addresses(matches: &ArgMatches) -> Result<(), clap::Error> {
    let flag = Setting::Email.spec().flag;
    let times = matches.try_get_many::<String>(flag).ok().flatten().map_or(0, |addresses| addresses.len());
    if times < 2 {
        return Ok(());
    }
    let message =
        format!("--{flag} was given {times} times, but one request mails one person: run it once for each address\n");
    Err(clap::Error::raw(ErrorKind::ArgumentConflict, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::layer::Value;

    #[test]
    fn clap_accepts_the_commands() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_of_the_table_belongs_to_a_command() {
        fn all(command: &clap::Command, found: &mut Vec<String>) {
            found.extend(command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)));
            command.get_subcommands().for_each(|sub| all(sub, found));
        }
        let mut found = Vec::new();
        all(&command(), &mut found);
        for spec in specs().filter(|spec| spec.is_flag()) {
            assert!(found.iter().any(|flag| flag == spec.flag), "--{}", spec.flag);
        }
    }

    fn parsed(line: &str) -> Invocation {
        parse(&line.split(' ').map(OsString::from).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn flags_become_values_and_the_last_one_wins() {
        let typed = parsed("vescli send -e a@b.co --retries 1 --retries 0 -vv --resolve a:1:::1 --resolve b:2:::1");
        assert_eq!(typed.command, Command::Send);
        let value = |key| typed.flags.get(key).map(|entry| entry.value.clone());
        assert_eq!(value(Setting::Email), Some(Value::Text("a@b.co".into())));
        assert_eq!(value(Setting::Retries), Some(Value::Count(0)));
        assert_eq!(value(Setting::Verbose), Some(Value::Count(2)));
        assert_eq!(value(Setting::Resolve), Some(Value::List(vec!["a:1:::1".into(), "b:2:::1".into()])));
        assert_eq!(value(Setting::Quiet), None);
    }

    #[test]
    fn the_help_that_is_asked_for_is_found() {
        for (line, command, is_long) in [
            ("vescli", "", false),
            ("vescli -h", "", false),
            ("vescli --help", "", true),
            ("vescli send -qe a@b.co -h --help", "send-password-email", false),
            ("vescli -o json bulk --help -h", "bulk", true),
            ("vescli journal", "journal", false),
            ("vescli journal --json resolve --as accepted -vh", "journal resolve", false),
            ("vescli send -p bulk --help", "send-password-email", true),
        ] {
            let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
            assert!(parse(&arguments).is_err(), "{line}");
            let request = help_request(&arguments);
            assert_eq!((request.command.as_str(), request.is_long), (command, is_long), "{line}");
        }
    }

    #[test]
    fn the_words_after_the_dashes_are_the_sandbox_command() {
        let typed = parsed("vescli sandbox --rate 30/m -- vescli send --json");
        assert_eq!(typed.command, Command::Sandbox { command: vec!["vescli".into(), "send".into(), "--json".into()] });
        assert!(typed.flags.get(Setting::Rate).is_some() && typed.flags.get(Setting::Json).is_none());
    }
}
