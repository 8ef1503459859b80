//! How help is shown: in which colours, how wide, and wrapped to that width.

use std::io::stdout;
use std::iter::repeat_n;

use terminal_size::{Width, terminal_size_of};

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

/// The narrowest column that text is wrapped in.
const MIN_COLUMN: usize = 16;

/// Wraps text. A line is a paragraph, and keeps its indentation; one that has a gap of two or more columns is an entry of a
/// table, and continues below its last column.
fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / 16);
    for line in text.lines() {
        wrap_line(line, width, &mut wrapped);
        wrapped.push('\n');
    }
    wrapped
}

fn wrap_line(line: &str, width: usize, wrapped: &mut String) {
    let indent = line.len() - line.trim_start().len();
    // A command has to stay one line, or it cannot be pasted; a heading in colour is shorter than it seems.
    let stays = line[indent..].starts_with("vescli ") || line.contains('\u{1b}');
    if stays || line.chars().count() <= width {
        wrapped.push_str(line);
        return;
    }
    let (head, rest) = line.split_at(indent + last_gap(&line[indent..]).unwrap_or(0));
    let mut hang = head.chars().count();
    let longest = rest.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
    if head.len() > indent && hang + longest.max(MIN_COLUMN) > width {
        // With no room for a last column, its text goes below the entry.
        hang = indent + 4;
        wrapped.push_str(head.trim_end());
        wrapped.push('\n');
        wrapped.extend(repeat_n(' ', hang));
    } else {
        wrapped.push_str(head);
    }
    let mut column = hang;
    for (index, word) in rest.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > width {
            wrapped.push('\n');
            wrapped.extend(repeat_n(' ', hang));
            column = hang;
        } else if index > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
}

/// Where the text after the last gap begins.
fn last_gap(line: &str) -> Option<usize> {
    line.rfind("  ").map(|at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_entries_and_commands_are_wrapped_each_in_its_way() {
        let text = "Title\n  one two three four five six\n  key    one two three four five six\n  vescli a b c d e f g h i j\n";
        let expected = "Title\n  one two three four five\n  six\n  key    one two three\n         four five six\n  \
             vescli a b c d e f g h i j\n";
        assert_eq!(wrap(text, 25), expected);
        assert_eq!(
            wrap("  a long key that is wide    one two three", 30),
            "  a long key that is wide\n      one two three\n"
        );
        assert_eq!(wrap("", 10), "");
        assert_eq!(wrap("…… ……", 2), "……\n……\n");
    }
}
