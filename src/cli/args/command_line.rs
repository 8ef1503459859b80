//! The command line: clap's commands, built from the table of keys, and what was typed as a value.

use std::ffi::OsString;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use clap_complete::Shell;

use super::examples;
use super::keys::{Group, Key, Kind, Row, rows};
use super::layer::Layer;
use super::slips;

/// Which command was typed, with its own arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// `send-password-email`
    Send,
    /// `doctor`
    Doctor,
    /// `config ACTION`
    Config(ConfigAction),
    /// `explain [CODE|NAME]`
    Explain(Option<String>),
    /// `sandbox [-- COMMAND...]`
    Sandbox(Vec<OsString>),
    /// `completions SHELL`
    Completions(Shell),
    /// `help [TOPIC...]`
    Help(Vec<String>),
}

/// What `config` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigAction {
    /// Print where the file is.
    Path,
    /// Write a first file.
    Init,
    /// Print the file.
    Show,
    /// Print every setting with its origin.
    Explain,
    /// Check the file.
    Check,
    /// List the profiles.
    Profiles,
}

/// The command and the flags that were typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The command.
    pub typed: Typed,
    /// The flags.
    pub flags: Layer,
}

/// Headings whose flags choose and address a request: every command that resolves settings takes them.
const SETTINGS: &[Group] = &[
    Group::Request,
    Group::Target,
    Group::Credential,
    Group::Network,
    Group::Retry,
];

/// The topics of `vescli help` that are no commands.
pub const TOPICS: &[&str] = &["exit-codes", "environment", "config", "json"];

/// The whole command line.
#[must_use]
pub fn command() -> Command {
    Command::new("vescli")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Mail a new user of an F5 Distributed Cloud tenant the link to set a password")
        .after_help(
            "Try it without a tenant:\n  \
             vescli sandbox -- vescli send-password-email --email hello@example.com\n\n\
             More: vescli help exit-codes | environment | config | json",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .infer_long_args(false)
        .args_override_self(true)
        .args(flags(&[Group::Output]).map(|arg| arg.global(true)))
        .subcommands([
            send(),
            config(),
            doctor(),
            Command::new("explain")
                .about("Tell what an exit code, an HTTP status or a class means, and what to do")
                .arg(Arg::new("what").value_name("CODE|NAME")),
            sandbox(),
            Command::new("completions")
                .about("Print the completion script for a shell")
                .arg(
                    Arg::new("shell")
                        .value_name("SHELL")
                        .required(true)
                        .value_parser(value_parser!(Shell)),
                ),
            Command::new("help")
                .about("Tell more about a command or a topic")
                .arg(
                    Arg::new("topic")
                        .value_name("COMMAND|TOPIC")
                        .num_args(0..)
                        .help("A command, or exit-codes, environment, config, json"),
                ),
        ])
}

fn send() -> Command {
    Command::new("send-password-email")
        .visible_alias("send")
        .about("Ask the service to mail one person the link")
        .after_help(
            "Every flag is also an environment variable: VESCLI_ and the flag in upper case.\n\
             The token comes from VESCLI_TOKEN, --token-file or a profile, never from a flag.\n\n\
             Examples:\n  \
             vescli send-password-email --tenant example-corp --email hello@example.com\n  \
             vescli send --profile prod --email hello@example.com --json | jq -r .outcome\n  \
             vescli send --profile prod --email hello@example.com --dry-run",
        )
        .args(flags(SETTINGS))
        .args(flags(&[Group::Safety]))
}

fn config() -> Command {
    let action = |name: &'static str, about: &'static str| Command::new(name).about(about);
    let only = |keys: &'static [Key]| keys.iter().map(|key| flag(key.row()));
    Command::new("config")
        .about("Look into the configuration")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommands([
            action("path", "Print where the configuration file is looked for")
                .args(only(&[Key::Config])),
            action(
                "init",
                "Write a first configuration file; an existing one is left alone",
            )
            .args(only(&[
                Key::Config,
                Key::Tenant,
                Key::Cname,
                Key::TokenFile,
            ])),
            action("show", "Print the configuration file as it stands").args(only(&[Key::Config])),
            action(
                "explain",
                "Print every setting with its value and where it comes from",
            )
            .args(flags(SETTINGS)),
            action("check", "Check the configuration file").args(only(&[Key::Config])),
            action("profiles", "List the profiles, the chosen one marked")
                .args(only(&[Key::Config, Key::Profile])),
        ])
}

fn doctor() -> Command {
    Command::new("doctor")
        .about("Check configuration, credential, network and clock; mails nobody")
        .after_help(examples::DOCTOR)
        .args(flags(&[Group::Target, Group::Credential, Group::Network]))
}

fn sandbox() -> Command {
    Command::new("sandbox")
        .about("Run a local stand-in for the service, to rehearse a runbook; mails nobody")
        .after_help(
            "The recipient's name chooses the answer: status-429@… that status, flaky-429@… once and then 200,\n\
             drop@… hangs up, slow@… answers after a minute, html@… a login page, redirect@… a 302.\n\
             Everybody else is accepted.\n\n\
             Examples:\n  \
             vescli sandbox -- vescli send-password-email --email hello@example.com\n  \
             vescli sandbox -- ./onboard.sh\n  \
             vescli sandbox --rate 30/m --log requests.ndjson   # then run the lines it prints in another terminal",
        )
        .args(flags(&[Group::Sandbox]))
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .last(true)
                .num_args(0..)
                .value_parser(value_parser!(OsString))
                .value_hint(ValueHint::CommandWithArguments)
                .help("Command to run against the sandbox, after --"),
        )
}

fn flags(groups: &'static [Group]) -> impl Iterator<Item = Arg> {
    rows()
        .filter(move |row| row.is_flag() && groups.contains(&row.group))
        .map(flag)
}

fn flag(row: &'static Row) -> Arg {
    let help = match row.default {
        Some(default) => format!("{} [default: {default}]", row.help),
        None => row.help.to_owned(),
    };
    let arg = Arg::new(row.flag)
        .long(row.flag)
        .help(help)
        .help_heading(row.group.heading());
    let arg = match row.short {
        Some(short) => arg.short(short),
        None => arg,
    };
    let arg = match row.alias {
        Some(alias) => arg.visible_alias(alias),
        None => arg,
    };
    match row.kind {
        Kind::Text(name) => slips::kept(row, arg.value_name(name)).value_hint(ValueHint::Other),
        Kind::Duration => arg.value_name("TIME").value_hint(ValueHint::Other),
        Kind::File => arg.value_name("FILE").value_hint(ValueHint::FilePath),
        Kind::Choice(words) => arg
            .value_name("WORD")
            .value_parser(PossibleValuesParser::new(words.iter().copied())),
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::Level => arg.action(ArgAction::Count),
        Kind::Count => arg.value_name("N").value_parser(value_parser!(u64)),
        Kind::List(name) => arg.value_name(name).action(ArgAction::Append),
    }
}

/// Reads the arguments of the process, its own name first.
///
/// # Errors
/// clap's error: a usage error, or the request for help or version.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, clap::Error> {
    let matches = slips::matches(&arguments.into_iter().collect::<Vec<_>>())?;
    let missing = || {
        clap::Error::raw(
            clap::error::ErrorKind::MissingSubcommand,
            "a command is missing: see `vescli help`\n",
        )
    };
    let (name, matches) = matches.subcommand().ok_or_else(missing)?;
    let (typed, matches) = match name {
        "config" => {
            let (action, matches) = matches.subcommand().ok_or_else(missing)?;
            (
                Typed::Config(config_action(action).ok_or_else(missing)?),
                matches,
            )
        }
        _ => (typed(name, matches).ok_or_else(missing)?, matches),
    };
    slips::refuse_two_addresses(matches)?;
    Ok(Invocation {
        typed,
        flags: Layer::of_flags(matches),
    })
}

fn typed(name: &str, matches: &ArgMatches) -> Option<Typed> {
    Some(match name {
        "send-password-email" => Typed::Send,
        "doctor" => Typed::Doctor,
        "explain" => Typed::Explain(matches.get_one::<String>("what").cloned()),
        "sandbox" => Typed::Sandbox(
            matches
                .get_many("command")
                .unwrap_or_default()
                .cloned()
                .collect(),
        ),
        "completions" => Typed::Completions(*matches.get_one::<Shell>("shell")?),
        "help" => Typed::Help(
            matches
                .get_many("topic")
                .unwrap_or_default()
                .cloned()
                .collect(),
        ),
        _ => return None,
    })
}

fn config_action(name: &str) -> Option<ConfigAction> {
    Some(match name {
        "path" => ConfigAction::Path,
        "init" => ConfigAction::Init,
        "show" => ConfigAction::Show,
        "explain" => ConfigAction::Explain,
        "check" => ConfigAction::Check,
        "profiles" => ConfigAction::Profiles,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::layer::Value;

    fn parsed(line: &str) -> Invocation {
        parse(line.split(' ').map(OsString::from)).unwrap()
    }

    #[test]
    fn clap_finds_no_fault_in_the_commands() {
        command().debug_assert();
    }

    #[test]
    fn flags_become_values_and_the_last_one_wins() {
        let typed = parsed(
            "vescli send -e a@b.co --retries 1 --retries 0 -vv --resolve a:1:::1 --resolve b:2:::1",
        );
        assert_eq!(typed.typed, Typed::Send);
        let value = |key| typed.flags.get(key).map(|given| given.value.clone());
        assert_eq!(value(Key::Email), Some(Value::Text("a@b.co".into())));
        assert_eq!(value(Key::Retries), Some(Value::Count(0)));
        assert_eq!(value(Key::Verbose), Some(Value::Count(2)));
        assert_eq!(
            value(Key::Resolve),
            Some(Value::List(vec!["a:1:::1".into(), "b:2:::1".into()]))
        );
        assert_eq!(value(Key::Quiet), None);
    }

    #[test]
    fn every_flag_of_the_table_belongs_to_a_command() {
        fn all(command: &Command, found: &mut Vec<String>) {
            found.extend(
                command
                    .get_arguments()
                    .filter_map(|arg| arg.get_long().map(str::to_owned)),
            );
            command.get_subcommands().for_each(|sub| all(sub, found));
        }
        let mut found = Vec::new();
        all(&command(), &mut found);
        for row in rows().filter(|row| row.is_flag()) {
            assert!(found.iter().any(|flag| flag == row.flag), "--{}", row.flag);
        }
    }

    #[test]
    fn the_words_after_the_dashes_are_the_sandbox_command() {
        let typed = parsed("vescli sandbox --rate 30/m -- vescli send --json");
        assert_eq!(
            typed.typed,
            Typed::Sandbox(vec!["vescli".into(), "send".into(), "--json".into()])
        );
        assert!(typed.flags.get(Key::Rate).is_some() && typed.flags.get(Key::Json).is_none());
    }
}
