//! Foreign text on its way to a terminal, and secrets in it.

use proptest::prelude::*;
use vescli::api::operation::{check_email, is_invisible};
use vescli::report::escape::{Redactor, SHOWN_MAX, escape_document, escape_uncut, json_line};
use vescli::settings::credential::secret::Secret;
use vescli::settings::target::is_label;

use crate::{config, in_time};

/// Text in which what steers a terminal is as likely as what does not.
fn texts() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        any::<char>(),
        prop::char::range('\0', '\u{3000}'),
        prop::char::range('\0', '\u{9f}'),
        prop::char::range('\u{200b}', '\u{206f}'),
        prop::sample::select(vec!['\u{feff}', '\u{ad}', '\r', '\u{1b}', '"', '\\']),
    ];
    prop::collection::vec(c, 0..700).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_invisible_is_shown(text in texts()) {
        let redactor = Redactor::default();
        let shown = in_time(|| redactor.escape(&text));
        prop_assert!(!shown.chars().any(is_invisible), "{shown:?}");
        // Each character of the text becomes at most the ten of `\u{10ffff}`.
        prop_assert!(shown.chars().count() <= SHOWN_MAX * 10 + 1);
        prop_assert!(!escape_uncut(&text).chars().any(is_invisible));
        let lines = redactor.escape_lines(&text);
        prop_assert!(!lines.chars().any(|c| c != '\n' && is_invisible(c)));
        let kept = escape_document(&text);
        prop_assert!(!kept.chars().any(|c| !matches!(c, '\n' | '\t') && is_invisible(c)));
    }

    #[test]
    fn visible_text_is_shown_as_it_is(text in "[ -~äöü€]{0,400}") {
        prop_assert_eq!(Redactor::default().escape(&text), text);
    }

    #[test]
    fn json_is_one_visible_line_and_means_the_exact_text(text in texts()) {
        let line = in_time(|| json_line(&text));
        let line = line.strip_suffix('\n').unwrap();
        prop_assert!(!line.chars().any(is_invisible), "{line:?}");
        prop_assert_eq!(serde_json::from_str::<String>(line).unwrap(), text);
    }

    #[test]
    fn a_secret_is_found_at_any_position(secret in "[A-Za-z0-9+/=\"\\\\._-]{4,60}", before in texts(), after in texts()) {
        let redactor = Redactor::new([Secret::new(secret.clone())]);
        let quoted = serde_json::to_string(&secret).unwrap();
        for form in [secret.clone(), secret.to_ascii_uppercase(), quoted] {
            let redacted = in_time(|| redactor.redact(&format!("{before}{form}{after}")));
            let redacted = redacted.to_ascii_lowercase();
            prop_assert!(!redacted.contains(&secret.to_ascii_lowercase()), "{redacted:?}");
        }
    }

    #[test]
    fn bytes_of_any_kind_are_shown(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        let shown = Redactor::default().escape_uncut(&bytes);
        prop_assert!(!shown.chars().any(is_invisible), "{shown:?}");
    }

    #[test]
    fn an_address_that_passes_is_visible(text in texts(), any_email in any::<bool>()) {
        if in_time(|| check_email(&text, any_email)).is_ok() {
            prop_assert!(!text.chars().any(is_invisible));
        }
    }

    #[test]
    fn a_label_is_what_the_grammar_says(text in prop_oneof![texts(), "[a-z0-9-]{0,66}", "[a-z0-9-]{1,10}[^a-z0-9-]?"]) {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let expected = (1..=63).contains(&text.len())
            && text.starts_with(inner)
            && text.ends_with(inner)
            && text.chars().all(|c| inner(c) || c == '-');
        prop_assert_eq!(is_label(&text), expected);
    }
}
