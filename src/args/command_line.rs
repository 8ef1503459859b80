//! The command line: clap's commands, built from the table of keys, and what was typed as a value.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use super::config_command::{self, ConfigAction};
use super::journal_command::{self, JournalAction};
use super::layer::Layer;
use super::settings_table::Group;
use super::slips;
use super::subcommands::{bulk, doctor, flags, sandbox, send};

/// Which command was typed, with its own arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// `send-password-email`
    Send,
    /// `bulk FILE|-`
    Bulk(PathBuf),
    /// `doctor`
    Doctor,
    /// `config ACTION`
    Config(ConfigAction),
    /// `journal ACTION`
    Journal(JournalAction),
    /// `explain [CODE|NAME]`
    Explain(Option<String>),
    /// `sandbox [-- COMMAND...]`
    Sandbox(Vec<OsString>),
    /// `completions SHELL`
    Completions(Shell),
    /// `help [TOPIC...]`
    Help(Vec<String>),
}

/// The command and the flags that were typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The command.
    pub typed: Typed,
    /// The flags.
    pub flags: Layer,
}

/// The topics of `vescli help` that are no commands.
pub const TOPICS: &[&str] = &["exit-codes", "environment", "config", "bulk", "json"];

/// The whole command line.
pub fn command() -> Command {
    Command::new("vescli")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Mail a new user of an F5 Distributed Cloud tenant the link to set a password")
        .after_help(
            "Try it without a tenant:\n  \
             vescli sandbox -- vescli send-password-email --email hello@example.com\n\n\
             More: vescli help exit-codes | environment | config | bulk | json",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .infer_long_args(false)
        .args_override_self(true)
        .args(flags(&[Group::Output]).map(|arg| arg.global(true)))
        .subcommands([
            send(),
            bulk(),
            config_command::command(),
            journal_command::command(),
            doctor(),
            Command::new("explain")
                .about("Tell what an exit code, an HTTP status or a class means, and what to do")
                .arg(Arg::new("what").value_name("CODE|NAME")),
            sandbox(),
            Command::new("completions")
                .about("Print the completion script for a shell")
                .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(value_parser!(Shell))),
            Command::new("help").about("Tell more about a command or a topic").arg(
                Arg::new("topic")
                    .value_name("COMMAND|TOPIC")
                    .num_args(0..)
                    .help("A command, or exit-codes, environment, config, bulk, json"),
            ),
        ])
}

/// Reads the arguments of the process, its own name first.
///
/// # Errors
/// clap's error: a usage error, or the request for help or version.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, clap::Error> {
    let matches = slips::matches(&arguments.into_iter().collect::<Vec<_>>())?;
    let missing =
        || clap::Error::raw(clap::error::ErrorKind::MissingSubcommand, "a command is missing: see `vescli help`\n");
    let (name, matches) = matches.subcommand().ok_or_else(missing)?;
    let (typed, matches) = match name {
        "config" => {
            let (action, matches) = matches.subcommand().ok_or_else(missing)?;
            (Typed::Config(config_command::action(action).ok_or_else(missing)?), matches)
        }
        "journal" => {
            let (action, matches) = matches.subcommand().ok_or_else(missing)?;
            let action = journal_command::typed(action, matches).ok_or_else(missing)?;
            (Typed::Journal(action), matches)
        }
        _ => (typed(name, matches).ok_or_else(missing)?, matches),
    };
    slips::refuse_two_addresses(matches)?;
    Ok(Invocation { typed, flags: Layer::from_flags(matches) })
}

fn typed(name: &str, matches: &ArgMatches) -> Option<Typed> {
    Some(match name {
        "send-password-email" => Typed::Send,
        "bulk" => Typed::Bulk(matches.get_one::<PathBuf>("input")?.clone()),
        "doctor" => Typed::Doctor,
        "explain" => Typed::Explain(matches.get_one::<String>("what").cloned()),
        "sandbox" => Typed::Sandbox(matches.get_many("command").unwrap_or_default().cloned().collect()),
        "completions" => Typed::Completions(*matches.get_one::<Shell>("shell")?),
        "help" => Typed::Help(matches.get_many("topic").unwrap_or_default().cloned().collect()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::layer::Value;
    use crate::args::settings_table::{Setting, specs};

    fn parsed(line: &str) -> Invocation {
        parse(line.split(' ').map(OsString::from)).unwrap()
    }

    #[test]
    fn clap_finds_no_fault_in_the_commands() {
        command().debug_assert();
    }

    #[test]
    fn flags_become_values_and_the_last_one_wins() {
        let typed = parsed("vescli send -e a@b.co --retries 1 --retries 0 -vv --resolve a:1:::1 --resolve b:2:::1");
        assert_eq!(typed.typed, Typed::Send);
        let value = |key| typed.flags.get(key).map(|given| given.value.clone());
        assert_eq!(value(Setting::Email), Some(Value::Text("a@b.co".into())));
        assert_eq!(value(Setting::Retries), Some(Value::Count(0)));
        assert_eq!(value(Setting::Verbose), Some(Value::Count(2)));
        assert_eq!(value(Setting::Resolve), Some(Value::List(vec!["a:1:::1".into(), "b:2:::1".into()])));
        assert_eq!(value(Setting::Quiet), None);
    }

    #[test]
    fn every_flag_of_the_table_belongs_to_a_command() {
        fn all(command: &Command, found: &mut Vec<String>) {
            found.extend(command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)));
            command.get_subcommands().for_each(|sub| all(sub, found));
        }
        let mut found = Vec::new();
        all(&command(), &mut found);
        for spec in specs().filter(|spec| spec.is_flag()) {
            assert!(found.iter().any(|flag| flag == spec.flag), "--{}", spec.flag);
        }
    }

    #[test]
    fn the_words_after_the_dashes_are_the_sandbox_command() {
        let typed = parsed("vescli sandbox --rate 30/m -- vescli send --json");
        assert_eq!(typed.typed, Typed::Sandbox(vec!["vescli".into(), "send".into(), "--json".into()]));
        assert!(typed.flags.get(Setting::Rate).is_some() && typed.flags.get(Setting::Json).is_none());
    }
}
