//! Makes text that vescli did not write itself (server, file names, `Location`) safe to show: what could steer a
//! terminal becomes a visible escape, long text is cut, and a secret that comes back is blotted out.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use zeroize::Zeroizing;

use crate::api::recipient::is_invisible;
use crate::settings::credential::secret::Secret;

/// Most characters of a foreign text that are shown.
pub const SHOWN_MAX: usize = 500;

/// Secrets shorter than this are not looked for: blotting them out would garble every other word.
const SECRET_MIN: usize = 4;

/// Shows foreign text, with the secrets of this run blotted out.
#[derive(Debug, Clone, Default)]
pub struct SafeText {
    /// The forms in which a secret may come back, in lower case, the longest first.
    forms: Vec<Secret>,
}

impl SafeText {
    /// Blots these secrets out.
    pub fn hiding(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let long_enough = |secret: &Secret| secret.length() >= SECRET_MIN;
        let mut forms: Vec<Secret> =
            secrets.into_iter().filter(long_enough).flat_map(|secret| forms_of(secret.expose())).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.length()));
        Self { forms }
    }

    /// The exact text, but for secrets: for JSON.
    pub fn exact(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), blot)
    }

    /// The text as it may be shown on a terminal: escaped, and cut at [`SHOWN_MAX`] characters.
    pub fn shown(&self, text: &str) -> String {
        escape(&self.exact(text), SHOWN_MAX)
    }

    /// The same, line by line: for a message of our own that has several lines.
    pub fn shown_lines(&self, text: &str) -> String {
        let lines: Vec<String> = text.lines().map(|line| self.shown(line)).collect();
        lines.join("\n")
    }

    /// The same for bytes that may be no text, and without the cut: for `-vv`.
    pub fn shown_bytes(&self, bytes: &[u8]) -> String {
        escape(&self.exact(&String::from_utf8_lossy(bytes)), usize::MAX)
    }
}

/// A secret as it is, as JSON writes it and as a URL does: a server may send it back in any of these.
fn forms_of(secret: &str) -> [Secret; 3] {
    let json = Zeroizing::new(serde_json::Value::from(secret).to_string());
    let mut url = Zeroizing::new(String::with_capacity(3 * secret.len()));
    for byte in secret.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => url.push(char::from(b)),
            b => url.push_str(&format!("%{b:02x}")),
        }
    }
    [secret, json.trim_matches('"'), &url].map(|form| Secret::new(form.to_ascii_lowercase()))
}

/// Replaces a form of a secret, in letters of any case: the names of headers, for one, come in small ones.
fn blot(text: String, form: &Secret) -> String {
    let (lower, form) = (text.to_ascii_lowercase(), form.expose());
    let mut blotted = String::new();
    let mut rest = 0;
    // Only ASCII letters change their case here, so that places in one text are places in the other.
    for (at, _) in lower.match_indices(form) {
        blotted.push_str(&text[rest..at]);
        blotted.push_str("***");
        rest = at + form.len();
    }
    if rest == 0 {
        return text;
    }
    blotted + &text[rest..]
}

/// A foreign text within a result of our own, such as a path or a name: escaped, and never cut.
pub fn whole(text: &str) -> String {
    escape(text, usize::MAX)
}

/// A foreign document, line by line. Tabs stay: they are its layout, and move nothing but what follows.
pub fn document(text: &str) -> String {
    let cell = |cell: &str| whole(cell.strip_suffix('\r').unwrap_or(cell));
    let line = |line: &str| line.split('\t').map(cell).collect::<Vec<_>>().join("\t");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Replaces invisible characters by visible escapes and cuts after `max` characters of the text.
pub fn escape(text: &str, max: usize) -> String {
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

/// Writes JSON whose strings hold no byte that could steer a terminal, and still mean the exact text.
struct Escaping;

impl Formatter for Escaping {
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
    let written = document.serialize(&mut Serializer::with_formatter(&mut bytes, Escaping));
    // Documents are structs of texts and numbers, which serialise; an empty line would break the promise of one.
    let mut line = match written {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        Err(error) => {
            format!("{{\"ok\":false,\"error\":{{\"class\":\"internal\",\"message\":{:?}}}}}", error.to_string())
        }
    };
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_point_below_u3000_reaches_the_terminal_as_a_control() {
        for c in (0..0x3000).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            let shown = SafeText::default().shown(&text);
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
    fn long_text_is_cut_and_secrets_are_blotted_out() {
        let shown = SafeText::default().shown(&"x".repeat(501));
        assert_eq!(shown.chars().count(), 501);
        assert!(shown.ends_with('…'));
        let hiding = SafeText::hiding([Secret::new("hunter2".into()), Secret::new("ab".into())]);
        assert_eq!(hiding.shown("your token hunter2 is absurd"), "your token *** is absurd");
        assert_eq!(hiding.exact("hunter2\n"), "***\n");
    }

    #[test]
    fn a_secret_is_blotted_out_in_the_forms_of_json_and_urls_and_in_any_case() {
        let hiding = SafeText::hiding([Secret::new("Hun\"t\\er/2".into())]);
        for form in ["Hun\"t\\er/2", "hUN\"T\\ER/2", "Hun\\\"t\\\\er/2", "Hun%22t%5Cer%2F2", "hun%22t%5cer%2f2"] {
            assert_eq!(hiding.exact(&format!("é{form}, {form}é")), "é***, ***é", "{form}");
        }
        assert_eq!(hiding.exact("Hunter/2 é"), "Hunter/2 é");
    }

    #[test]
    fn a_document_keeps_its_lines_and_tabs_alone() {
        assert_eq!(document("a\tb\r\nc\u{1b}\rd\n"), "a\tb\nc\\u{1b}\\rd\n");
    }
}
