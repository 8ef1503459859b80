//! Questions to the user before something is done.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};

use crate::report::Reporter;

/// Who answers.
#[derive(Debug)]
pub(super) enum Input {
    Stdin,
    /// The terminal itself, because standard input is the list.
    Terminal(File),
}

impl Input {
    /// Where answers can come from; nowhere without a terminal for the question or for the answer.
    pub(super) fn find(reporter: &Reporter, no_input: bool, stdin_is_the_list: bool) -> Option<Self> {
        let terminals = reporter.terminals();
        if no_input || !terminals.stderr {
            return None;
        }
        if stdin_is_the_list {
            // Only a process with a controlling terminal can open it (tty(4)).
            return cfg!(unix).then(|| File::open("/dev/tty").ok()).flatten().map(Self::Terminal);
        }
        terminals.stdin.then_some(Self::Stdin)
    }

    /// Asks, and gives the line that was typed, in lower case. No answer, for whatever reason, is an empty one.
    pub(super) fn ask(self, question: &str, reporter: &mut Reporter) -> String {
        reporter.write_err(question);
        let mut answer = String::new();
        let read = match self {
            Self::Stdin => stdin().lock().read_line(&mut answer),
            Self::Terminal(file) => BufReader::new(file).read_line(&mut answer),
        };
        if read.unwrap_or(0) == 0 {
            reporter.write_err("\n");
        }
        answer.trim().to_ascii_lowercase()
    }
}
