//! Shows a long text in a pager, by the conventions of git and man: only on a terminal, and only what does not fit on it.

use std::io::{self, stdout};

use terminal_size::{Height, terminal_size_of};

use crate::args::environment::Environment;
use crate::report::{ErrorReport, Reporter};

/// Prints help, through the pager if it is longer than the screen.
pub fn show(text: &str, reporter: &mut Reporter, environment: &Environment) -> Result<(), ErrorReport> {
    let is_dumb = environment.get("TERM").is_some_and(|term| term == "dumb");
    if reporter.terminals().stdout && !is_dumb && is_longer_than_the_screen(text) {
        // A pager that cannot be run has shown nothing.
        if let Some(pager) = pager(environment)
            && run(&pager, text, environment).unwrap_or(false)
        {
            return Ok(());
        }
    }
    reporter.print(text)
}

fn is_longer_than_the_screen(text: &str) -> bool {
    // The prompt takes one line.
    terminal_size_of(stdout()).is_some_and(|(_, Height(rows))| text.lines().count() >= usize::from(rows))
}

/// The exit code of a shell that cannot find a command; 126 is that of one that cannot run it.
const NOT_FOUND: i32 = 127;

/// The command for the shell. `PAGER` set to nothing or to `cat` means none.
fn pager(environment: &Environment) -> Option<String> {
    match environment.get("PAGER").map(|pager| pager.to_str().unwrap_or_default()) {
        Some("" | "cat") => None,
        Some(pager) => Some(pager.to_owned()),
        None if environment.is_set("PAGER") => None,
        None => Some(format!("command -v less >/dev/null && exec less; exit {NOT_FOUND}")),
    }
}

/// Whether the pager has shown the text, all of it or as much as the reader wanted.
#[cfg(unix)]
fn run(pager: &str, text: &str, environment: &Environment) -> io::Result<bool> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use signal_hook::consts::{SIGINT, SIGQUIT};
    use signal_hook::{flag, low_level};

    use crate::args::environment::hidden_from_token_command;

    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    // Leave a text that fits on the screen, and show colours: what git sets.
    for (name, value) in [("LESS", "FRX"), ("LV", "-c")].into_iter().filter(|(name, _)| !environment.is_set(name)) {
        command.env(name, value);
    }
    for name in hidden_from_token_command().filter(|name| environment.is_set(name)) {
        command.env_remove(name);
    }
    // Ctrl-C is for the pager. If it ended vescli, the shell and the pager would read the same keyboard.
    let ignored = [SIGINT, SIGQUIT].map(|signal| flag::register(signal, std::sync::Arc::default()));
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that was closed early is not an error.
        let _ = stdin.write_all(text.as_bytes());
    }
    let status = child.wait()?;
    ignored.into_iter().flatten().for_each(|id| _ = low_level::unregister(id));
    Ok(!matches!(status.code(), Some(126 | NOT_FOUND)))
}

#[cfg(not(unix))]
fn run(_: &str, _: &str, _: &Environment) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_decides_about_the_pager() {
        let chosen = |pairs: &[(&str, &str)]| pager(&pairs.iter().copied().collect());
        assert!(chosen(&[]).unwrap().contains("exec less"));
        assert_eq!(chosen(&[("PAGER", "most -s")]).as_deref(), Some("most -s"));
        assert_eq!(chosen(&[("PAGER", "")]), None);
        assert_eq!(chosen(&[("PAGER", "cat")]), None);
    }
}
