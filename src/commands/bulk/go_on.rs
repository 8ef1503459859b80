//! The command to go on with after a run that did not reach its end: the same again, without what belongs to one run.

use std::ffi::OsString;

use crate::cli::args::environment::Environment;
use crate::cli::args::keys::Key;

/// Switches that must not be repeated: they would mail people again who were mailed already.
const ONCE_KEYS: [Key; 2] = [Key::Fresh, Key::ResendUnknown];

fn is_once(word: &str) -> bool {
    let flag = word.strip_prefix("--");
    ONCE_KEYS.iter().any(|key| flag == Some(key.row().flag))
}

/// The command, quoted for a shell. A variable that says the same as one of those switches is taken away from it.
pub(super) fn command(
    arguments: &[OsString],
    environment: &Environment,
    from_stdin: bool,
) -> String {
    let words: Vec<String> = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .enumerate()
        // The name of the program as it is called by hand, whatever path it was started by.
        .map(|(index, word)| match index {
            0 => "vescli".to_owned(),
            _ => word,
        })
        .filter(|word| !is_once(word))
        .collect();
    let quoted = words.iter().map(|word| {
        shlex::try_quote(word).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
    });
    let mut command = quoted.collect::<Vec<_>>().join(" ");
    let variables = ONCE_KEYS.map(|key| key.row().variable());
    let given: Vec<String> = variables
        .into_iter()
        .filter(|name| environment.get(name).is_some())
        .map(|name| format!("-u {name} "))
        .collect();
    if !given.is_empty() {
        command = format!("env {}{command}", given.concat());
    }
    if from_stdin {
        format!("{command} < the same list")
    } else {
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_mail_people_twice_is_not_repeated() {
        let typed = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let none = Environment::default();
        assert_eq!(
            command(
                &typed("/x/vescli bulk --fresh a.csv --resend-unknown --yes --limit 3"),
                &none,
                false
            ),
            "vescli bulk a.csv --yes --limit 3"
        );
        assert_eq!(
            command(
                &["v".into(), "bulk".into(), "my list.csv".into()],
                &none,
                false
            ),
            "vescli bulk 'my list.csv'"
        );
        assert_eq!(
            command(&typed("vescli bulk -"), &none, true),
            "vescli bulk - < the same list"
        );
        let fresh = [("VESCLI_FRESH", "1")].into_iter().collect();
        assert_eq!(
            command(&typed("vescli bulk a.csv"), &fresh, false),
            "env -u VESCLI_FRESH vescli bulk a.csv"
        );
    }
}
