//! Parses the command line, with tips for mistakes that clap has no tip for or would let pass: a flag in front of its
//! command, an address without its flag, and two addresses of which it would drop one.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, FromArgMatches};

use super::commands::{Command, CommandLine, command};
use super::layer::Layer;
use super::settings_table::Setting;

/// The command and the flags that were typed.
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
    // The flags of a command are those of the innermost one; the global ones are known there too.
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

/// The help that the arguments ask for. clap's error does not tell which: so these arguments are parsed again by commands
/// whose whole help is their own name, in the long form with a mark.
pub fn help_request(arguments: &[OsString]) -> HelpRequest {
    let shown = match marked(command(), "").try_get_matches_from(arguments) {
        Err(error) => error.render().to_string(),
        Ok(_) => String::new(),
    };
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
            marked(sub, path.trim())
        })
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

/// Whether a command has this flag, long or short.
fn takes(command: &clap::Command, flag: &str) -> bool {
    command.get_arguments().any(|arg| {
        arg.get_long().map(|long| format!("--{long}")).as_deref() == Some(flag)
            || arg.get_short().map(|short| format!("-{short}")).as_deref() == Some(flag)
    })
}

/// One request mails one person: the other address would be forgotten silently.
fn refuse_two_addresses(matches: &ArgMatches) -> Result<(), clap::Error> {
    let flag = Setting::Email.spec().flag;
    let addresses = matches.try_get_many::<String>(flag).ok().flatten();
    match addresses.map_or(0, |addresses| addresses.len()) {
        0 | 1 => Ok(()),
        times => Err(clap::Error::raw(
            ErrorKind::ArgumentConflict,
            format!(
                "--{flag} was given {times} times, but one request mails one person: run it once for each address\n"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::layer::Value;

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
