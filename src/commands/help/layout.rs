//! How help is shown: in which colours and how wide.

use std::io::stdout;

use terminal_size::{Width, terminal_size_of};

use super::wrap::wrap;
use crate::args::environment::Environment;
use crate::report::style::Style;

/// How a text is shown.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    pub style: Style,
    /// In columns.
    pub width: usize,
}

impl Layout {
    /// For a stream that is a terminal or not. Wide terminals are not filled: long lines are hard to read.
    pub fn new(style: Style, environment: &Environment, is_terminal: bool) -> Self {
        let width = columns(environment, is_terminal).clamp(MIN_WIDTH, MAX_WIDTH);
        Self { style, width }
    }

    pub fn wrap(self, text: &str) -> String {
        wrap(text, self.width)
    }
}

const MIN_WIDTH: usize = 20;
const MAX_WIDTH: usize = 100;
const USUAL_WIDTH: usize = 80;

/// `COLUMNS`, which a user exports on purpose, else the width of the terminal.
fn columns(environment: &Environment, is_terminal: bool) -> usize {
    let given = environment.get("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
    let of_terminal = || terminal_size_of(stdout()).map(|(Width(columns), _)| usize::from(columns));
    given.or_else(|| of_terminal().filter(|_| is_terminal)).filter(|columns| *columns > 0).unwrap_or(USUAL_WIDTH)
}
