//! The tree of commands with the arguments that only one of them has, and their help. The flags of the settings table are
//! added by [`command`]: most belong to several commands, and each keeps its origin. A new flag is a row of that table, and
//! changes nothing here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, Args, CommandFactory, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use super::layer::parse_count;
use super::settings_table::{Group, Kind, Setting, specs};

/// The topics of `vescli help` that are not commands.
pub const TOPICS: &[&str] = &["exit-codes", "environment", "config", "bulk", "json"];

/// Groups whose flags choose and address a request: every command that resolves settings takes them.
const REQUEST_GROUPS: &[Group] = &[Group::Request, Group::Target, Group::Credential, Group::Network, Group::Retry];

/// Mail a new user of an F5 Distributed Cloud tenant the link to set a password
#[derive(Parser)]
#[command(name = "vescli", version, disable_help_subcommand = true, args_override_self = true)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Command,
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
    /// Join journals of several shards or machines in a new one
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
    CommandLine::command().args(flags(&[Group::Output]).map(|arg| arg.global(true))).mut_subcommands(with_flags)
}

fn with_flags(command: clap::Command) -> clap::Command {
    match command.get_name() {
        "send-password-email" => command.args(flags(REQUEST_GROUPS)).args(flags(&[Group::Safety])),
        "bulk" => command
            .args(flags(REQUEST_GROUPS).filter(|arg| arg.get_id() != Setting::Email.spec().flag))
            .args(flags(&[Group::Bulk]))
            .arg(flag(Setting::DryRun).help("Print the plan and send nothing"))
            .arg(flag(Setting::NoInput)),
        "config" => command.mut_subcommands(with_config_flags),
        "journal" => command.mut_subcommands(with_journal_flags),
        "doctor" => command.args(flags(&[Group::Target, Group::Credential, Group::Network])),
        "sandbox" => {
            let rate = "Answer 429 beyond this rate [default: no limit]";
            let rate = flag(Setting::Rate).help(rate).help_heading(Group::Sandbox.heading());
            command.args(flags(&[Group::Sandbox])).arg(rate)
        }
        _ => command,
    }
}

fn with_config_flags(command: clap::Command) -> clap::Command {
    use Setting::{Cname, Config, Profile, Tenant, TokenFile};

    match command.get_name() {
        "path" | "show" | "check" => command.arg(flag(Config)),
        "init" => command.args([Config, Tenant, Cname, TokenFile].map(flag)),
        "explain" => command.args(flags(REQUEST_GROUPS)),
        "profiles" => command.args([Config, Profile].map(flag)),
        _ => command,
    }
}

fn with_journal_flags(command: clap::Command) -> clap::Command {
    use Setting::{AllUnknown, As, Cname, DryRun, Into, List, NoInput, OlderThan, Undo, Yes};

    let confirmation = || [Yes, NoInput].map(|key| flag(key).help_heading(Group::Safety.heading()));
    match command.get_name() {
        "resolve" => command.args([Cname, As, AllUnknown, Undo].map(flag)),
        "merge" => command.arg(flag(Into)),
        "repair" => command.args([List, Cname].map(flag)).args(flags(&[Group::Target])),
        "rm" => command.args(confirmation()),
        "prune" => command
            .arg(flag(OlderThan))
            .arg(flag(DryRun).help("Show what would be removed, and remove nothing"))
            .args(confirmation()),
        _ => command,
    }
}

fn flags(groups: &'static [Group]) -> impl Iterator<Item = Arg> {
    specs().filter(move |spec| spec.is_flag() && groups.contains(&spec.group)).map(|spec| flag(spec.setting))
}

fn flag(setting: Setting) -> Arg {
    let spec = setting.spec();
    let help = match spec.default {
        Some(default) => format!("{} [default: {default}]", spec.help),
        None => spec.help.to_owned(),
    };
    let arg = Arg::new(spec.flag).long(spec.flag).help(help).help_heading(spec.group.heading());
    let arg = match spec.short {
        Some(short) => arg.short(short),
        None => arg,
    };
    let arg = match spec.alias {
        Some(alias) => arg.visible_alias(alias),
        None => arg,
    };
    match spec.kind {
        // Keeps all addresses, so that a second one is refused instead of replacing the first.
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
    if word.contains('-') { PossibleValue::new(word).alias(word.replace('-', "_")) } else { PossibleValue::new(word) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::settings_table::specs;

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
}
