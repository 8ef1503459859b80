//! A Rust file as the checks read it: what is code, what is only for tests, and where functions begin and end.

use std::ops::Range;

/// A file, with a second text of the same length in which comments are blanks and literals have lost their content, so
/// that brackets and names can be searched for.
pub(crate) struct Source {
    /// From the root of the package.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) code: String,
    /// The items behind `#[cfg(test)]`, and the whole file if a parent declares it so.
    pub(crate) test_items: Vec<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Blank,
    Code,
    Comment,
    Documentation,
}

impl Source {
    pub(crate) fn new(name: String, text: String) -> Self {
        let code = without_comments_and_literals(&text);
        let test_items = test_items(&code);
        Self { name, text, code, test_items }
    }

    /// Every line with its first byte, its kind and whether it is only for tests.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (Kind, bool)> {
        let mut start = 0;
        self.text.split_inclusive('\n').map(move |line| {
            let range = start..start + line.len();
            start = range.end;
            let is_test = self.is_test(range.start + line.len() - line.trim_start().len());
            (kind(line.trim(), self.code[range].trim()), is_test)
        })
    }

    pub(crate) fn is_test(&self, at: usize) -> bool {
        self.test_items.iter().any(|item| item.contains(&at))
    }

    /// Functions outside of tests: the name and the number of lines from `fn` to the closing bracket.
    pub(crate) fn functions(&self) -> Vec<(String, usize)> {
        let starts = words(&self.code, "fn").filter(|at| !self.is_test(*at));
        let function = |at: usize| {
            let name = identifier(self.code[at + 2..].trim_start());
            let end = item_end(&self.code, at);
            (!name.is_empty()).then(|| (name.to_owned(), self.code[at..end].lines().count()))
        };
        starts.filter_map(function).collect()
    }
}

fn kind(line: &str, code: &str) -> Kind {
    if line.is_empty() {
        Kind::Blank
    } else if !code.is_empty() {
        Kind::Code
    } else if line.starts_with("///") || line.starts_with("//!") {
        Kind::Documentation
    } else {
        Kind::Comment
    }
}

/// The identifier at the beginning of a text; empty if there is none.
pub(crate) fn identifier(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())]
}

/// Where a word stands by itself.
pub(crate) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| !text[..*at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

/// The end of the item that begins here: behind its first semicolon or the bracket that closes its first one.
/// Parentheses are passed over, because an array type such as `[u8; 4]` has a semicolon.
pub(crate) fn item_end(code: &str, start: usize) -> usize {
    let (mut braces, mut others) = (0, 0);
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => others += 1,
            b')' | b']' => others -= 1,
            b'{' => braces += 1,
            b'}' => braces -= 1,
            _ => {}
        }
        if others == 0 && braces == 0 && matches!(byte, b'}' | b';') {
            return at + 1;
        }
    }
    code.len()
}

fn test_items(code: &str) -> Vec<Range<usize>> {
    let marks = ["#[cfg(test)]", "#[cfg(all(test,"];
    let starts = marks.iter().flat_map(|mark| code.match_indices(mark)).map(|(at, _)| at);
    starts.map(|start| start..item_end(code, end_of_attributes(code, start))).collect()
}

/// Behind the attributes that begin here.
pub(crate) fn end_of_attributes(code: &str, start: usize) -> usize {
    let mut at = start;
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if !code[at..].starts_with("#[") {
            return at;
        }
        let mut depth = 0;
        at += code[at..]
            .find(|c| {
                depth += i32::from(c == '[') - i32::from(c == ']');
                c == ']' && depth == 0
            })
            .map_or(code.len() - at, |end| end + 1);
    }
}

/// Comments become blanks; what a literal contains becomes quotation marks, so that its lines still count as code.
fn without_comments_and_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + literal_or_comment(&text[at..], at > 0 && is_word(bytes[at - 1])).max(1);
        let filling = match bytes[at] {
            b'/' if end > at + 1 => Some(b' '),
            _ if end > at + 1 => Some(b'"'),
            _ => None,
        };
        if let Some(filling) = filling {
            code[at..end].iter_mut().filter(|byte| !byte.is_ascii_whitespace()).for_each(|byte| *byte = filling);
        }
        at = (end..=bytes.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(bytes.len());
    }
    // Letters of other alphabets stand in literals and comments alone; a stray one must not break the text.
    code.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'"');
    String::from_utf8(code).unwrap_or_default()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of the literal or comment at the beginning of the text; 0 if there is none.
fn literal_or_comment(text: &str, follows_word: bool) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return text.find("*/").map_or(text.len(), |end| end + 2);
    }
    if text.starts_with('"') {
        return quoted(text);
    }
    if !follows_word && (text.starts_with('r') || text.starts_with("br")) {
        let rest = text.trim_start_matches(['b', 'r']);
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        if rest[hashes..].starts_with('"') {
            let closing = format!("\"{}", "#".repeat(hashes));
            let opening = text.len() - rest.len() + hashes + 1;
            return text[opening..].find(&closing).map_or(text.len(), |end| opening + end + closing.len());
        }
    }
    if text.starts_with('\'') { character(text) } else { 0 }
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character, and not a lifetime.
fn character(text: &str) -> usize {
    if text[1..].starts_with('\\') {
        return text[3.min(text.len())..].find('\'').map_or(0, |end| end + 4);
    }
    let mut characters = text.char_indices().skip(1);
    characters.next();
    characters.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1)
}
