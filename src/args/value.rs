//! The value of one setting: the forms that it has, and how it is read from a text.

use std::fmt;

use super::nearest::did_you_mean;
use super::settings_table::Kind;

/// A value in the form of its [`Kind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, a file, a choice or a duration.
    Text(String),
    /// A switch.
    Switch(bool),
    /// A count or a level.
    Count(u64),
    /// A list.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Switch(on) => write!(f, "{on}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::List(items) => f.write_str(&items.join(" ")),
        }
    }
}

/// Reads a number of things.
///
/// # Errors
/// What it is instead, to be put behind the text.
pub(super) fn parse_count(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "not a whole number from 0 on")
}

/// Reads a text as a value of a kind.
///
/// # Errors
/// A sentence that says what is wrong and what would be right.
pub fn parse_value(kind: Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Text(_) | Kind::File | Kind::Duration => Ok(Value::Text(text.to_owned())),
        Kind::Choice(words) => check_choice(words, text).map(|()| Value::Text(text.to_owned())),
        Kind::Switch => {
            parse_switch(text).map(Value::Switch).ok_or_else(|| format!("`{text}` is neither on nor off: use 1 or 0"))
        }
        Kind::Count => parse_count(text).map(Value::Count).map_err(|error| format!("`{text}` is {error}")),
        Kind::Level => text
            .parse()
            .ok()
            .or_else(|| parse_switch(text).map(u64::from))
            .map(Value::Count)
            .ok_or_else(|| format!("`{text}` is not a level: use 0, 1 or 2")),
        Kind::List(_) => Ok(Value::List(text.split(',').map(|item| item.trim().to_owned()).collect())),
    }
}

/// Checks that `text` is one of `words`.
///
/// # Errors
/// A sentence that lists the words and names the nearest.
pub fn check_choice(words: &[&'static str], text: &str) -> Result<(), String> {
    if words.contains(&text) {
        return Ok(());
    }
    Err(format!("`{text}` is not one of {}{}", words.join(", "), did_you_mean(text, words.iter().copied())))
}

fn parse_switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}
