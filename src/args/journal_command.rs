//! `vescli journal` on the command line.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

use super::examples;
use super::settings_table::{Group, Setting};
use super::subcommands::{flag, flags};

/// What `journal` is to do. A file is a journal, or the list that one belongs to; without one, the only journal is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalAction {
    /// List the journals.
    List,
    /// Show what a journal knows, and which rows need a decision.
    Show(Option<PathBuf>),
    /// Check whether a journal is sound, and if not, what may be done.
    Check(Option<PathBuf>),
    /// Write down what became of rows that were unknown.
    Resolve {
        /// The journal.
        file: Option<PathBuf>,
        /// Whose rows.
        emails: Vec<String>,
    },
    /// Make a damaged journal usable again.
    Repair(Option<PathBuf>),
    /// Remove a journal.
    Remove(PathBuf),
    /// Remove finished journals.
    Prune,
}

/// The command with its actions.
pub(super) fn command() -> Command {
    Command::new("journal")
        .about("Inspect, repair and remove the journals of bulk runs, and resolve rows that are unknown")
        .after_help(examples::JOURNAL)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommands(inspections())
        .subcommands(changes())
}

fn action(name: &'static str, about: &'static str, examples: &'static str) -> Command {
    Command::new(name).about(about).after_help(examples)
}

fn file() -> Arg {
    Arg::new("file")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help("The journal, or its list; may be left out while there is only one journal")
}

fn keys(keys: &'static [Setting]) -> impl Iterator<Item = Arg> {
    keys.iter().map(|key| flag(key.spec()))
}

/// Before something is removed.
fn confirmation() -> [Arg; 2] {
    [Setting::Yes, Setting::NoInput].map(|key| flag(key.spec()).help_heading(Group::Safety.heading()))
}

/// What changes nothing.
fn inspections() -> [Command; 3] {
    [
        action("list", "List the journals with their rows and times", examples::JOURNAL_LIST),
        action("show", "Print a summary, then the rows that need a decision", examples::JOURNAL_SHOW).arg(file()),
        action("check", "Check a journal: what is damaged where, and what may be done", examples::JOURNAL_CHECK)
            .arg(file()),
    ]
}

/// What changes or removes journals.
fn changes() -> [Command; 4] {
    let emails = Arg::new("emails")
        .long("email")
        .short('e')
        .value_name("ADDR")
        .action(ArgAction::Append)
        .value_hint(ValueHint::Other)
        .help("Whose row it is; may be given several times")
        .help_heading(Group::Journal.heading());
    [
        action("resolve", "Write down what became of rows that are unknown; sends nothing", examples::JOURNAL_RESOLVE)
            .arg(file())
            .arg(emails)
            .args(keys(&[Setting::Cname, Setting::As, Setting::AllUnknown, Setting::Undo])),
        action(
            "repair",
            "Make a damaged journal usable again: people who may be on a damaged line become unknown",
            examples::JOURNAL_REPAIR,
        )
        .arg(file())
        .args(keys(&[Setting::List, Setting::Cname]))
        .args(flags(&[Group::Target])),
        action("rm", "Remove one journal", examples::JOURNAL_RM)
            .arg(file().required(true).help("The journal, or its list"))
            .args(confirmation()),
        action(
            "prune",
            "Remove journals of finished runs, and what killed runs have left behind",
            examples::JOURNAL_PRUNE,
        )
        .args(keys(&[Setting::OlderThan]))
        .arg(flag(Setting::DryRun.spec()).help("Show what would be removed, and remove nothing"))
        .args(confirmation()),
    ]
}

/// The action of its name.
pub(super) fn typed(name: &str, matches: &ArgMatches) -> Option<JournalAction> {
    let file = || matches.get_one::<PathBuf>("file").cloned();
    Some(match name {
        "list" => JournalAction::List,
        "show" => JournalAction::Show(file()),
        "check" => JournalAction::Check(file()),
        "resolve" => JournalAction::Resolve {
            file: file(),
            emails: matches.get_many::<String>("emails").unwrap_or_default().cloned().collect(),
        },
        "repair" => JournalAction::Repair(file()),
        "rm" => JournalAction::Remove(file()?),
        "prune" => JournalAction::Prune,
        _ => return None,
    })
}
