//! Words that bash, zsh, fish and dash read alike. They agree on little: `$'…'` is unknown to dash and fish, a backslash
//! within single quotes is itself in all but fish, and double quotes differ in what they expand. What is the same in all
//! four is single quotes around text without quotes and backslashes, `"'"`, a backslash before a backslash outside of
//! quotes, and `"$(…)"` (fish from 3.4 on).

use crate::api::recipient::is_invisible;

/// One word. What would steer the terminal that it is shown on is written by `printf` as octal bytes; a line break stays,
/// within quotes, because `$(…)` drops one at the end. A NUL cannot stand in any word, nor come from a checked value.
pub fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '+');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let mut quoted = String::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let class = Class::of(first);
        let end = rest.find(|c| Class::of(c) != class).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        match class {
            Class::Literal => quoted.push_str(&format!("'{piece}'")),
            Class::Quote => quoted.push_str(&format!("\"{piece}\"")),
            Class::Backslash => quoted.push_str(&piece.replace('\\', r"\\")),
            Class::Invisible => {
                let octal = piece.bytes().fold(String::new(), |text, byte| format!("{text}\\{byte:03o}"));
                quoted.push_str(&format!("\"$(printf '{octal}')\""));
            }
        }
        rest = after;
    }
    if quoted.is_empty() {
        return "''".to_owned();
    }
    quoted
}

/// How a character has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Literal,
    Quote,
    Backslash,
    Invisible,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            '\'' => Self::Quote,
            '\\' => Self::Backslash,
            '\n' => Self::Literal,
            c if is_invisible(c) => Self::Invisible,
            _ => Self::Literal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn words_are_quoted_by_what_all_shells_agree_on() {
        for (word, quoted) in [
            ("plain-1.2_x/@:+", "plain-1.2_x/@:+"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$x`y`\"", "'$x`y`\"'"),
            ("it's", r#"'it'"'"'s'"#),
            (r"a\\b", r"'a'\\\\'b'"),
            (r"\'", r#"\\"'""#),
            ("\u{1b}[1m\u{202e}", r#""$(printf '\033')"'[1m'"$(printf '\342\200\256')""#),
            ("a\n", "'a\n'"),
            ("~", "'~'"),
            ("=ls", "'=ls'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }
}
