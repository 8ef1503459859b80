//! `vescli journal` on the command line.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

use super::examples;
use super::keys::Key;
use super::subcommands::flag;

/// What `journal` is to do. A file that is missing is the only journal there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalAction {
    /// List the journals.
    List,
    /// Tell what a journal knows, and which rows need a decision.
    Show(Option<PathBuf>),
    /// Tell whether a journal is sound, and if not, what may be done.
    Check(Option<PathBuf>),
    /// Write down what became of a row that was unknown.
    Resolve(Option<PathBuf>),
}

/// The command with its actions.
pub(super) fn command() -> Command {
    let action = |name: &'static str, about: &'static str| Command::new(name).about(about);
    let file = || {
        Arg::new("file")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .value_hint(ValueHint::FilePath)
            .help("The journal; may be left out while there is only one")
    };
    Command::new("journal")
        .about("Look into the journals of bulk runs, and settle rows that are unknown")
        .after_help(examples::JOURNAL)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommands([
            action("list", "List the journals with their rows and times")
                .after_help(examples::JOURNAL_LIST),
            action(
                "show",
                "Print a summary, then the rows that need a decision",
            )
            .after_help(examples::JOURNAL_SHOW)
            .arg(file()),
            action(
                "check",
                "Check a journal: what is damaged where, and what may be done",
            )
            .after_help(examples::JOURNAL_CHECK)
            .arg(file()),
            action(
                "resolve",
                "Write down what became of a row that is unknown; sends nothing",
            )
            .after_help(examples::JOURNAL_RESOLVE)
            .arg(file())
            .args([Key::Email, Key::Cname, Key::As].map(|key| flag(key.row()))),
        ])
}

/// The action of its name.
pub(super) fn typed(name: &str, matches: &ArgMatches) -> Option<JournalAction> {
    let file = || matches.get_one::<PathBuf>("file").cloned();
    Some(match name {
        "list" => JournalAction::List,
        "show" => JournalAction::Show(file()),
        "check" => JournalAction::Check(file()),
        "resolve" => JournalAction::Resolve(file()),
        _ => return None,
    })
}
