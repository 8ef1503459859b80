//! Keeps what a user typed apart from what clap writes around it: in a rendered error the two cannot be told apart any
//! more, and clap drops some characters and passes others on. So each invisible character of an argument is exchanged
//! for a stand-in before clap renders, and brought back afterwards: as an escape for people, as itself for JSON.

use clap::error::{ContextKind, ContextValue};

use crate::api::recipient::is_invisible;
use crate::report::safe_text::whole;

/// First of the private-use characters that stand for those up to U+FFFD.
const STAND_INS: u32 = 0xf_0000;
/// First of the invisible characters of plane 14, and of those that stand for them.
const TAGS: u32 = 0xe_0000;
const TAG_STAND_INS: u32 = 0x10_0000;

/// The error with stand-ins in everything that may have been typed.
pub(super) fn veiled(mut error: clap::Error) -> clap::Error {
    let context: Vec<(ContextKind, ContextValue)> =
        error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in context {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(veil(&text)),
            ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(|text| veil(text)).collect()),
            // Hints quote what was typed; they lose their colours and nothing else.
            ContextValue::StyledStrs(texts) => {
                let plain = texts.iter().map(|text| veil(&text.to_string()).into());
                ContextValue::StyledStrs(plain.collect())
            }
            other => other,
        };
        error.insert(kind, value);
    }
    error
}

fn veil(text: &str) -> String {
    text.chars().map(stand_in).collect()
}

fn stand_in(c: char) -> char {
    let stand_in = match u32::from(c) {
        code if !is_invisible(c) => code,
        code if code >= TAGS => TAG_STAND_INS + (code - TAGS),
        code => STAND_INS + code,
    };
    char::from_u32(stand_in).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// What a stand-in stands for.
fn original(c: char) -> Option<char> {
    let original = match u32::from(c) {
        code if code >= TAG_STAND_INS => TAGS + (code - TAG_STAND_INS),
        code if code >= STAND_INS => code - STAND_INS,
        _ => return None,
    };
    char::from_u32(original).filter(|c| is_invisible(*c))
}

/// A rendered text for people.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match original(c) {
            Some(original) => shown.push_str(&whole(original.encode_utf8(&mut [0; 4]))),
            None => shown.push(c),
        }
    }
    shown
}

/// A rendered text for JSON.
pub(super) fn exact(text: &str) -> String {
    text.chars().map(|c| original(c).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_comes_back() {
        let all: String = (0..STAND_INS).filter_map(char::from_u32).collect();
        let veiled = veil(&all);
        assert!(!veiled.chars().any(is_invisible));
        assert_eq!(exact(&veiled), all);
        assert!(!shown(&veiled).chars().any(is_invisible));
        assert_eq!(shown(&veil("a\u{1b}\nb")), "a\\u{1b}\\nb");
    }
}
