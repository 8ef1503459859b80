//! Slips that clap has no tip for, or would let pass: a flag in front of its command, an address without its flag, and
//! two addresses of which it would drop one.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::command_line::command;
use super::settings_table::{Setting, SettingSpec};

/// What clap makes of the arguments of the process, its own name first.
///
/// # Errors
/// clap's error, with a tip if there is one for it.
pub(super) fn matches(arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    command().try_get_matches_from(arguments).map_err(|error| with_tip(error, arguments))
}

fn with_tip(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let wrong = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(wrong))) => wrong.clone(),
        _ => return error,
    };
    if let Some(tip) = tip(&wrong, arguments) {
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

/// The tip for an argument that clap does not know at its place.
fn tip(wrong: &str, arguments: &[OsString]) -> Option<String> {
    let words: Vec<String> = arguments
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .take_while(|word| word != "--")
        .collect();
    let at = words.iter().position(|word| word.starts_with(wrong))?;
    let program = command();
    let find = |words: &[String]| words.iter().find_map(|word| program.find_subcommand(word));
    match (find(&words[..at]), find(&words[at..])) {
        (None, Some(later)) if takes(later, wrong) => {
            Some(format!("'{wrong}' belongs behind the command: vescli {} {wrong}", later.get_name()))
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

/// Whether a command has this flag, long or short.
fn takes(command: &Command, flag: &str) -> bool {
    command.get_arguments().any(|arg| {
        arg.get_long().map(|long| format!("--{long}")).as_deref() == Some(flag)
            || arg.get_short().map(|short| format!("-{short}")).as_deref() == Some(flag)
    })
}

/// Keeps all addresses that are given, so that a second one can be refused instead of taking the place of the first.
pub(super) fn kept(spec: &SettingSpec, arg: Arg) -> Arg {
    match spec.setting {
        Setting::Email => arg.action(ArgAction::Append),
        _ => arg,
    }
}

/// Two addresses are refused: one request mails one person, and the other would be forgotten without a word.
///
/// # Errors
/// A usage error that says how often an address was given.
pub(super) fn refuse_two_addresses(matches: &ArgMatches) -> Result<(), clap::Error> {
    let flag = Setting::Email.spec().flag;
    let given = matches.try_get_many::<String>(flag).ok().flatten();
    match given.map_or(0, |addresses| addresses.len()) {
        0 | 1 => Ok(()),
        times => Err(clap::Error::raw(
            ErrorKind::ArgumentConflict,
            format!(
                "--{flag} was given {times} times, but one request mails one person: run it once for each address\n"
            ),
        )),
    }
}
