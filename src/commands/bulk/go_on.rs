//! The command to go on with after a run that did not reach its end: the same again, without what belongs to one run.

use std::ffi::OsString;

/// Switches that must not be repeated: they would mail people again who were mailed already.
const ONCE: [&str; 2] = ["--fresh", "--resend-unknown"];

/// The command, quoted for a shell.
pub(super) fn command(arguments: &[OsString], from_stdin: bool) -> String {
    let words: Vec<String> = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .enumerate()
        // The name of the program as it is called by hand, whatever path it was started by.
        .map(|(index, word)| match index {
            0 => "vescli".to_owned(),
            _ => word,
        })
        .filter(|word| !ONCE.contains(&word.as_str()))
        .collect();
    let quoted = words.iter().map(|word| {
        shlex::try_quote(word).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
    });
    let command = quoted.collect::<Vec<_>>().join(" ");
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
        assert_eq!(
            command(
                &typed("/x/vescli bulk --fresh a.csv --resend-unknown --yes --limit 3"),
                false
            ),
            "vescli bulk a.csv --yes --limit 3"
        );
        assert_eq!(
            command(&["v".into(), "bulk".into(), "my list.csv".into()], false),
            "vescli bulk 'my list.csv'"
        );
        assert_eq!(
            command(&typed("vescli bulk -"), true),
            "vescli bulk - < the same list"
        );
    }
}
