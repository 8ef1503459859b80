//! The questions of `vescli bulk`, asked on a real terminal: that of tmux.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::harness::Vescli;
use support::server::Server;

/// How long an answer may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal with a shell in the folder of a run.
pub(crate) struct Terminal {
    socket: String,
}

impl Terminal {
    pub(crate) fn start(vescli: &Vescli, server: &Server) -> Self {
        let url = server.url();
        let variables = [("VESCLI_BASE_URL", url.as_str()), ("VESCLI_TENANT", "example-corp")];
        Self::sized(vescli.folder(), [100, 40], "sh", &variables)
    }

    /// A terminal of this size (columns, lines), with a shell in this folder.
    pub(crate) fn sized(folder: &Path, size: [u16; 2], shell: &str, variables: &[(&str, &str)]) -> Self {
        let socket = folder.join("tmux").to_str().unwrap().to_owned();
        let terminal = Self { socket };
        let [columns, lines] = size.map(|number| number.to_string());
        let status = terminal
            .command(&["new-session", "-d", "-x", &columns, "-y", &lines, shell])
            .current_dir(folder)
            .env_clear()
            .env("HOME", folder)
            .env("PATH", format!("{}:/usr/bin:/bin", support::program_folder()))
            .env("LC_ALL", "C.UTF-8")
            .envs(variables.iter().copied())
            .status();
        assert!(status.expect("tmux is needed").success());
        terminal
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-S", &self.socket, "-f", "/dev/null"]).args(words);
        command
    }

    fn screen(&self) -> String {
        let output = self.command(&["capture-pane", "-p", "-J"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Everything that was shown, as a reader sees it who scrolls up; a wrapped line counts as one.
    pub(crate) fn history(&self) -> String {
        let output = self.command(&["capture-pane", "-p", "-J", "-S", "-"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Gives the window another width, as a user does with the mouse.
    pub(crate) fn resize(&self, columns: u16) {
        let columns = columns.to_string();
        assert!(self.command(&["resize-window", "-x", &columns]).status().unwrap().success());
    }

    /// Types a line, and waits until the screen shows a text that was not there before.
    pub(crate) fn types(&self, line: &str, expected: &str) -> String {
        self.keys(&[line, "Enter"], expected)
    }

    /// Types a line without ending it, presses Tab, and waits until the screen shows the line that is expected of it. Then
    /// the line is given up.
    pub(crate) fn completes(&self, line: &str, expected: &str) {
        self.keys(&[line, "Tab"], expected);
        self.keys(&["C-u", "echo given-up", "Enter"], "\ngiven-up");
    }

    fn keys(&self, keys: &[&str], expected: &str) -> String {
        assert!(self.command(&["send-keys", "-R"]).args(keys).status().unwrap().success());
        assert!(self.command(&["clear-history"]).status().unwrap().success());
        self.wait_for(expected)
    }

    /// Waits until the screen shows a text.
    pub(crate) fn wait_for(&self, expected: &str) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if screen.contains(expected) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "{expected:?} never came:\n{screen}");
            // tmux has no event for a change of its screen.
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]).status();
    }
}

pub(crate) fn people(count: usize) -> String {
    let row = |row| format!("a{row}@example.com");
    (0..count).map(|number| row(number) + "\n").collect()
}

#[test]
fn people_known_from_another_list_are_asked_about() {
    let server = Server::http().start();
    let vescli = Vescli::new().file("first.txt", people(2)).file("second.txt", people(3));
    let terminal = Terminal::start(&vescli, &server);
    terminal.types("vescli bulk first.txt", "Mail 2 people? [y/N]");
    terminal.types("y", "this run: 2 accepted");
    let known = "2 of these 3 people are known from other lists: 2 accepted (first.txt, 20";
    let question = "Skip them (s), mail them again (m), or stop (n)? [s/m/N]";
    let screen = terminal.types("vescli bulk second.txt; echo code $?", question);
    assert!(screen.contains(known), "{screen}");
    terminal.types("n", "code 12");
    assert_eq!(server.count(), 2);
    terminal.types("vescli bulk second.txt; echo code $?", question);
    terminal.types("s", "Mail 1 person? [y/N]");
    terminal.types("y", "code 0");
    assert_eq!(server.count(), 3);
    terminal.types("vescli bulk second.txt --fresh; echo code $?", question);
    terminal.types("m", "Mail 3 people? [y/N]");
    terminal.types("y", "code 0");
    assert_eq!(server.count(), 6);
    drop(terminal);
    drop(vescli);
}

#[test]
fn people_mailed_by_another_run_during_the_question_are_not_mailed_again() {
    let server = Server::http().start();
    let vescli = Vescli::new().file("second.txt", people(4));
    let terminal = Terminal::start(&vescli, &server);
    let folder = vescli.folder();
    let run = |count: usize| {
        let list = format!("{count}.txt");
        std::fs::write(folder.join(&list), people(count)).unwrap();
        let output = Command::new(support::program())
            .args(["bulk", &list, "--yes", "--known", "skip", "--rate", "none"])
            .current_dir(folder)
            .env_clear()
            .env("HOME", folder)
            .env("VESCLI_BASE_URL", server.url())
            .env("VESCLI_TENANT", "example-corp")
            .output();
        assert!(output.unwrap().status.success());
    };
    let refused = "another run has just mailed people on this list; nothing was sent";
    for (arguments, answers, others) in [("", &[][..], 1), ("--known skip", &[], 2), ("", &["s"], 3), ("", &["m"], 4)] {
        let question = if answers.is_empty() { "[y/N]" } else { "[s/m/N]" };
        let line = format!("vescli bulk second.txt {arguments}; echo code $?");
        terminal.types(&line, question);
        for answer in answers {
            terminal.types(answer, "[y/N]");
        }
        run(others);
        let screen = terminal.types("y", "code 75");
        assert!(screen.contains(refused), "{screen}");
        assert_eq!(server.count(), others);
    }
    drop(terminal);
    drop(vescli);
}
