//! The commands that take flags, each with its help: built from the table of keys.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

use super::examples;
use super::layer::parse_count;
use super::settings_table::{Group, Kind, Setting, SettingSpec, specs};
use super::slips;

/// Headings whose flags choose and address a request: every command that resolves settings takes them.
pub(super) const SETTINGS: &[Group] = &[Group::Request, Group::Target, Group::Credential, Group::Network, Group::Retry];

pub(super) fn send() -> Command {
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

pub(super) fn bulk() -> Command {
    Command::new("bulk")
        .about("Send to everybody on a list, each once; run it again to continue where it stopped")
        .after_help(examples::BULK)
        .arg(
            Arg::new("input")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("The list; `-` reads standard input"),
        )
        .args(flags(SETTINGS).filter(|arg| arg.get_id() != Setting::Email.spec().flag))
        .args(flags(&[Group::Bulk]))
        .arg(flag(Setting::DryRun.spec()).help("Print the plan and send nothing"))
        .arg(flag(Setting::NoInput.spec()))
}

pub(super) fn doctor() -> Command {
    Command::new("doctor")
        .about("Check configuration, credential, network and clock; mails nobody")
        .after_help(examples::DOCTOR)
        .args(flags(&[Group::Target, Group::Credential, Group::Network]))
}

pub(super) fn sandbox() -> Command {
    Command::new("sandbox")
        .about("Run a local stand-in for the service, to rehearse a runbook; mails nobody")
        .after_help(
            "The recipient's name chooses the answer: status-429@… that status, flaky-429@… once and then 200,\n\
             drop@… hangs up, slow@… answers after a minute, html@… a login page, redirect@… a 302.\n\
             Everybody else is accepted. Without a command it prints lines to run in another terminal, and serves.\n\n\
             Examples:\n  \
             vescli sandbox -- vescli send-password-email --email hello@example.com\n  \
             vescli sandbox -- ./onboard.sh\n  \
             vescli sandbox --rate 30/m --log requests.ndjson",
        )
        .args(flags(&[Group::Sandbox]))
        .arg(flag(Setting::Rate.spec()).help_heading(Group::Sandbox.heading()))
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

pub(super) fn flags(groups: &'static [Group]) -> impl Iterator<Item = Arg> {
    specs().filter(move |spec| spec.is_flag() && groups.contains(&spec.group)).map(flag)
}

pub(super) fn flag(spec: &'static SettingSpec) -> Arg {
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
        Kind::Text(name) => slips::kept(spec, arg.value_name(name)).value_hint(ValueHint::Other),
        Kind::Duration => arg.value_name("TIME").value_hint(ValueHint::Other),
        Kind::File => arg.value_name("FILE").value_hint(ValueHint::FilePath),
        Kind::Choice(words) => arg.value_name("WORD").value_parser(PossibleValuesParser::new(words.iter().copied())),
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::Level => arg.action(ArgAction::Count),
        Kind::Count => arg.value_name("N").value_parser(parse_count),
        Kind::List(name) => arg.value_name(name).action(ArgAction::Append),
    }
}
