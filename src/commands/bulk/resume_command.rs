//! The command to run next after a run that is not finished: usually the same command, without flags that must not be
//! repeated.

use std::ffi::OsString;
use std::path::Path;

use crate::args::environment::{Environment, SANDBOX_VARIABLE};
use crate::args::settings_table::Setting;
use crate::report::escape::{Redactor, quote};
use crate::settings::bulk::OnKnown;

/// Switches that must not be repeated, because they would mail people again.
const ONCE_KEYS: [Setting; 2] = [Setting::Fresh, Setting::ResendUnknown];

/// The command to run next, quoted for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NextStep {
    pub(super) command: String,
    /// Whether the user must provide the same list on standard input again.
    pub(super) needs_list: bool,
}

impl NextStep {
    pub(super) fn line(&self, redactor: &Redactor) -> String {
        let needed = if self.needs_list { ", with the same list on standard input" } else { "" };
        // Not shortened: a shortened command does not work.
        format!("next{needed}: {}\n", redactor.escape_uncut(self.command.as_bytes()))
    }

    /// `show` lists unknown people, and how to resolve them. `check` is for a journal that may not be the one that the
    /// run wrote.
    pub(super) fn journal(action: &str, journal: &Path) -> Self {
        let journal = quote(&journal.to_string_lossy());
        Self { command: format!("vescli journal {action} {journal}"), needs_list: false }
    }
}

/// The command that was run, in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SameCommand {
    /// Unsets the variables that must not be repeated.
    unset: String,
    /// Repeats `vescli sandbox` for a rehearsal: without it, the command would mail people in another shell.
    sandbox: &'static str,
    words: Vec<String>,
    /// Opens a list that was read from a descriptor, such as ` < list.csv`.
    redirection: String,
    /// Whether the list came from a pipe.
    needs_list: bool,
}

/// The redirection that opens the list for the next command, and whether the user must provide the list instead.
fn source_of(list: &str) -> (String, bool) {
    let Some(descriptor) = descriptor(list) else {
        return (String::new(), false);
    };
    match std::fs::read_link(format!("/proc/self/fd/{descriptor}")) {
        Ok(file) if file.is_file() => {
            let number = if descriptor == 0 { String::new() } else { descriptor.to_string() };
            (format!(" {number}< {}", quote(&file.to_string_lossy())), false)
        }
        _ => (String::new(), true),
    }
}

/// The descriptor that a list is read from, if its path is that of a descriptor.
fn descriptor(list: &str) -> Option<u32> {
    match list {
        "-" | "/dev/stdin" => Some(0),
        list => ["/dev/fd/", "/proc/self/fd/"].iter().find_map(|folder| list.strip_prefix(folder))?.parse().ok(),
    }
}

impl SameCommand {
    /// The command of this process, which reads this list.
    pub(super) fn of(arguments: &[OsString], environment: &Environment, list: &Path) -> Self {
        let variables = ONCE_KEYS.map(|key| key.spec().variable()).into_iter();
        let given = variables.filter(|name| environment.get(name).is_some());
        let given: Vec<String> = given.map(|name| format!("-u {name} ")).collect();
        // Not the path by which the program was started: a user types its name.
        let program = std::iter::once("vescli".to_owned());
        let typed = arguments.iter().skip(1).map(|word| without_password(&word.to_string_lossy()));
        let (redirection, needs_list) = source_of(&list.to_string_lossy());
        Self {
            unset: if given.is_empty() { String::new() } else { format!("env {}", given.concat()) },
            sandbox: if environment.get(SANDBOX_VARIABLE).is_some() { "vescli sandbox -- " } else { "" },
            words: program.chain(typed).collect(),
            redirection,
            needs_list,
        }
    }

    /// The same command with the decision about people who are known from other lists.
    pub(super) fn deciding(&self, known: OnKnown) -> Self {
        let decision = [format!("--{}", Setting::Known.spec().flag), known.word().to_owned()];
        Self { words: self.words.iter().cloned().chain(decision).collect(), ..self.clone() }
    }

    /// The same command with all of its switches, for a run that has not begun.
    pub(super) fn whole(&self, more: Option<Setting>) -> NextStep {
        self.without(&[], "", more)
    }

    /// The same command for the rest of a run, without [`ONCE_KEYS`].
    pub(super) fn rest(&self, more: Option<Setting>) -> NextStep {
        self.without(&ONCE_KEYS, &self.unset, more)
    }

    fn without(&self, switches: &[Setting], unset: &str, more: Option<Setting>) -> NextStep {
        let kept = self.words.iter().filter(|word| !switches.iter().any(|key| is_switch(word, *key)));
        let more = more.filter(|key| !self.words.iter().any(|word| is_switch(word, *key)));
        let more = more.map(|key| format!("--{}", key.spec().flag));
        let words: Vec<String> = kept.map(|word| quote(word)).chain(more).collect();
        NextStep {
            command: format!("{unset}{}{}{}", self.sandbox, words.join(" "), self.redirection),
            needs_list: self.needs_list,
        }
    }
}

fn is_switch(word: &str, key: Setting) -> bool {
    word.strip_prefix("--") == Some(key.spec().flag)
}

/// Removes the password from a URL, such as that of a proxy.
fn without_password(word: &str) -> String {
    let end_of_host = |rest: &str| rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let parts = word.split_once("://").and_then(|(scheme, rest)| {
        let at = rest[..end_of_host(rest)].rfind('@')?;
        Some(format!("{scheme}://***{}", &rest[at..]))
    });
    parts.unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn command(words: &[OsString], environment: &Environment, list: &str) -> SameCommand {
        SameCommand::of(words, environment, Path::new(list))
    }

    #[test]
    fn what_would_mail_people_twice_is_not_repeated() {
        let none = Environment::default();
        let line = "/x/vescli bulk --fresh a.csv --resend-unknown --yes --limit 3";
        assert_eq!(command(&typed(line), &none, "a.csv").rest(None).command, "vescli bulk a.csv --yes --limit 3");
        // No one was mailed, because the run has not begun.
        assert_eq!(
            command(&typed(line), &none, "a.csv").whole(None).command,
            "vescli bulk --fresh a.csv --resend-unknown --yes --limit 3"
        );
        let words = ["v".into(), "bulk".into(), "my list.csv".into()];
        assert_eq!(command(&words, &none, "my list.csv").rest(None).command, "vescli bulk 'my list.csv'");
        let fresh = [("VESCLI_FRESH", "1")].into_iter().collect();
        assert_eq!(
            command(&typed("vescli bulk a.csv"), &fresh, "a.csv").rest(None).command,
            "env -u VESCLI_FRESH vescli bulk a.csv"
        );
    }

    #[test]
    fn what_follows_a_rehearsal_is_a_rehearsal() {
        let sandbox = [(SANDBOX_VARIABLE, "http://127.0.0.1:1")];
        let sandbox = sandbox.into_iter().collect();
        assert_eq!(
            command(&typed("vescli bulk a.csv --yes"), &sandbox, "a.csv").rest(None).command,
            "vescli sandbox -- vescli bulk a.csv --yes"
        );
    }

    #[test]
    fn a_switch_is_added_once_and_a_password_is_not_shown() {
        let none = Environment::default();
        let line = "vescli bulk a.csv --retry-rejected -x http://u:s3cret@proxy:1/";
        assert_eq!(
            command(&typed(line), &none, "a.csv").rest(Some(Setting::RetryRejected)).command,
            "vescli bulk a.csv --retry-rejected -x 'http://***@proxy:1/'"
        );
    }

    #[test]
    fn a_list_that_was_read_from_a_descriptor_is_opened_again_or_asked_for() {
        for (list, number) in [
            ("-", Some(0)),
            ("/dev/stdin", Some(0)),
            ("/dev/fd/3", Some(3)),
            ("/proc/self/fd/12", Some(12)),
            ("/dev/fd/x", None),
            ("a.csv", None),
        ] {
            assert_eq!(descriptor(list), number, "{list}");
        }
    }
}
