//! Makes foreign text (from the server, files and arguments) safe to show: escapes characters that could control a terminal,
//! cuts long texts, redacts secrets, and quotes words for a shell.

use std::io;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use zeroize::Zeroizing;

use crate::api::operation::is_invisible;
use crate::settings::credential::secret::Secret;

/// How many characters of a foreign text are shown at most.
pub const SHOWN_MAX: usize = 500;

/// Secrets shorter than this are not redacted: that would garble ordinary words.
const SECRET_MIN: usize = 4;

/// Makes foreign text safe, with the secrets of this run redacted.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// The forms in which a secret may come back, in lower case, the longest first.
    forms: Vec<Secret>,
}

impl Redactor {
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let long_enough = |secret: &Secret| secret.length() >= SECRET_MIN;
        let mut forms: Vec<Secret> =
            secrets.into_iter().filter(long_enough).flat_map(|secret| forms_of(secret.expose())).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.length()));
        Self { forms }
    }

    /// The exact text without its secrets: for JSON.
    pub fn redact(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), redact_form)
    }

    /// The text for a terminal: redacted, escaped, and cut at [`SHOWN_MAX`] characters.
    pub fn escape(&self, text: &str) -> String {
        escape_to(&self.redact(text), SHOWN_MAX)
    }

    /// The same for each line of a text: for vescli's own messages of several lines.
    pub fn escape_lines(&self, text: &str) -> String {
        let lines: Vec<String> = text.lines().map(|line| self.escape(line)).collect();
        lines.join("\n")
    }

    /// Redacted and escaped, but not cut: for bodies of `-vv`, which may not be text, and for commands, which must be complete.
    pub fn escape_uncut(&self, bytes: &[u8]) -> String {
        escape_to(&self.redact(&String::from_utf8_lossy(bytes)), usize::MAX)
    }
}

/// All characters that a URL may escape (RFC 3986, section 2.3, has the others).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A secret unchanged, as in JSON, and as in a URL: a server may send it back in any of these forms.
fn forms_of(secret: &str) -> [Secret; 3] {
    let json = Zeroizing::new(serde_json::Value::from(secret).to_string());
    // Full size from the start: a buffer that grows leaves copies of the secret behind.
    let mut url = Zeroizing::new(String::with_capacity(3 * secret.len()));
    url.extend(utf8_percent_encode(secret, RESERVED));
    [secret, json.trim_matches('"'), &url].map(|form| Secret::new(form.to_ascii_lowercase()))
}

/// Replaces a form of a secret, in upper or lower case: names of headers, for example, arrive in lower case.
fn redact_form(text: String, form: &Secret) -> String {
    let (lower, form) = (text.to_ascii_lowercase(), form.expose());
    let mut redacted = String::new();
    let mut rest = 0;
    // Only ASCII letters change their case here, so positions in both texts are the same.
    for (at, _) in lower.match_indices(form) {
        redacted.push_str(&text[rest..at]);
        redacted.push_str("***");
        rest = at + form.len();
    }
    if rest == 0 {
        return text;
    }
    redacted + &text[rest..]
}

/// A foreign text, such as a path or a name, within vescli's own result: escaped and never cut.
pub fn escape_uncut(text: &str) -> String {
    escape_to(text, usize::MAX)
}

/// A foreign document: each line is escaped. Tabs stay, because they are part of the layout and harmless.
pub fn escape_document(text: &str) -> String {
    let cell = |cell: &str| escape_uncut(cell.strip_suffix('\r').unwrap_or(cell));
    let line = |line: &str| line.split('\t').map(cell).collect::<Vec<_>>().join("\t");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Replaces invisible characters by visible escapes and cuts after `max` characters of the text.
fn escape_to(text: &str, max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(max.saturating_mul(4)));
    for (index, c) in text.chars().enumerate() {
        if index == max {
            shown.push('…');
            break;
        }
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_invisible(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Writes JSON in which strings have escapes for characters that could control a terminal. They still mean the same text.
struct EscapeInvisible;

impl Formatter for EscapeInvisible {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_invisible(*c)) {
            CompactFormatter.write_string_fragment(writer, &rest[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

/// A document as one line of JSON with a line break at its end.
pub fn json_line(document: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let written = document.serialize(&mut Serializer::with_formatter(&mut bytes, EscapeInvisible));
    // Cannot fail: documents consist of texts and numbers. If it did, an empty line would not be a document.
    let mut line = match written {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        Err(error) => {
            format!("{{\"ok\":false,\"error\":{{\"class\":\"internal\",\"message\":{:?}}}}}", error.to_string())
        }
    };
    line.push('\n');
    line
}

/// The document of a successful command, as one line: the name and version of the schema first, the exit code last.
pub fn success(schema: &'static str, details: impl Serialize) -> String {
    let line = json_line(&details);
    // Joined as text: a struct that flattens each of these types would make the program larger.
    let fields = line.strip_prefix('{').and_then(|line| line.strip_suffix("}\n")).unwrap_or_default();
    format!("{{\"schema\":\"{schema}\",\"ok\":true,{fields},\"exit_code\":0}}\n")
}

/// Quotes a word so that bash, zsh, fish and dash all read it in the same way. dash and fish do not know `$'…'`. Within single
/// quotes, a backslash is special in fish only. Double quotes expand different things in each shell. All four have in common:
/// single quotes around text without quotes and backslashes, `"'"`, a backslash before a backslash outside of quotes, and
/// `"$(…)"` (fish since 3.4).
///
/// `printf` writes characters that could control the terminal, from octal bytes. Line breaks stay within quotes, because
/// `$(…)` removes them at its end. No word contains a NUL: it is impossible in arguments, and refused in values.
pub fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '+');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    // Four groups are quoted differently: quotes, backslashes, characters that could control the terminal (here NUL), the rest.
    let group = |c: char| match c {
        '\'' | '\\' => Some(c),
        '\n' => None,
        c => is_invisible(c).then_some('\0'),
    };
    let mut quoted = String::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| group(c) != group(first)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        match group(first) {
            Some('\'') => quoted.push_str(&format!("\"{piece}\"")),
            Some('\\') => quoted.push_str(&piece.replace('\\', r"\\")),
            Some(_) => {
                let octal = piece.bytes().fold(String::new(), |text, byte| format!("{text}\\{byte:03o}"));
                quoted.push_str(&format!("\"$(printf '{octal}')\""));
            }
            None => quoted.push_str(&format!("'{piece}'")),
        }
        rest = after;
    }
    if quoted.is_empty() { "''".to_owned() } else { quoted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_point_below_u3000_reaches_the_terminal_as_a_control() {
        for c in (0..0x3000).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            let shown = Redactor::default().escape(&text);
            assert!(!shown.chars().any(is_invisible), "U+{:04X} became {shown:?}", u32::from(c));
            assert!(shown.starts_with('a') && shown.ends_with('b'));
            let json = json_line(&text);
            assert!(!json.trim_end_matches('\n').chars().any(is_invisible), "{json:?}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn characters_beyond_the_first_plane_survive_json_too() {
        for text in ["\u{e0041}", "😀", "\u{10ffff}"] {
            assert_eq!(serde_json::from_str::<String>(&json_line(&text)).unwrap(), text);
        }
    }

    #[test]
    fn long_text_is_cut_and_secrets_are_redacted() {
        let shown = Redactor::default().escape(&"x".repeat(501));
        assert_eq!(shown.chars().count(), 501);
        assert!(shown.ends_with('…'));
        let redactor = Redactor::new([Secret::new("hunter2".into()), Secret::new("ab".into())]);
        assert_eq!(redactor.escape("your token hunter2 is absurd"), "your token *** is absurd");
        assert_eq!(redactor.redact("hunter2\n"), "***\n");
    }

    #[test]
    fn a_secret_is_redacted_in_the_forms_of_json_and_urls_and_in_any_case() {
        let redactor = Redactor::new([Secret::new("Hun\"t\\er/2".into())]);
        for form in ["Hun\"t\\er/2", "hUN\"T\\ER/2", "Hun\\\"t\\\\er/2", "Hun%22t%5Cer%2F2", "hun%22t%5cer%2f2"] {
            assert_eq!(redactor.redact(&format!("é{form}, {form}é")), "é***, ***é", "{form}");
        }
        assert_eq!(redactor.redact("Hunter/2 é"), "Hunter/2 é");
    }

    #[test]
    fn a_document_keeps_its_lines_and_tabs_alone() {
        assert_eq!(escape_document("a\tb\r\nc\u{1b}\rd\n"), "a\tb\nc\\u{1b}\\rd\n");
    }

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
