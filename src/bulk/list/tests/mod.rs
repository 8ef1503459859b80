//! Lists as spreadsheets and directories export them.

mod properties;
mod refused;

use std::io::{self, Read};
use std::path::Path;

use super::*;

/// Reads with a reader that returns one byte at a time, so that the input is cut at each byte.
struct Dripping<'a>(&'a [u8]);

impl Read for Dripping<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = out.len().min(1);
        (&mut self.0).read(&mut out[..length])
    }
}

fn list(text: impl AsRef<[u8]>, format: Format) -> Result<List, RowsError> {
    let bytes = text.as_ref();
    let whole = read(bytes, format, "acme", false);
    let dripping = read(Dripping(bytes), format, "acme", false);
    assert_eq!(whole.as_ref().map_err(ToString::to_string), dripping.as_ref().map_err(ToString::to_string));
    whole
}

/// Line, address and cname of each row.
fn rows(text: impl AsRef<[u8]>) -> Vec<(u64, String, Option<String>)> {
    let list = list(text, Format::Auto).unwrap();
    assert_eq!(list.bad, []);
    let row = |row: Row| (row.line, row.email.into_string(), row.cname.map(|cname| cname.to_string()));
    list.rows.into_iter().map(row).collect()
}

fn refusal(text: impl AsRef<[u8]>) -> String {
    list(text, Format::Auto).unwrap_err().to_string()
}

fn of(line: u64, email: &str) -> (u64, String, Option<String>) {
    (line, email.to_owned(), None)
}

fn with(line: u64, email: &str, cname: &str) -> (u64, String, Option<String>) {
    (line, email.to_owned(), Some(cname.to_owned()))
}

#[test]
fn tables_of_every_locale_are_read() {
    let expected = [with(2, "ada@x.de", "one"), of(3, "bob@x.de")];
    for text in [
        "email,cname\nada@x.de,one\nbob@x.de,\n",
        "Email;CName\nada@x.de;one\nbob@x.de;\n",
        "EMAIL\tcname\nada@x.de\tone\nbob@x.de\t\n",
        "email|cname\nada@x.de|one\nbob@x.de\n",
        "\u{feff}email,cname\r\nada@x.de,one\r\nbob@x.de,\r\n",
        "\u{feff}\"email\";\"cname\"\r\n\"ada@x.de\";\"one\"\r\n\"bob@x.de\";\"\"",
        "email,cname\rada@x.de,one\rbob@x.de,\r",
        "cname , Email \n one , ada@x.de \n,\u{a0}bob@x.de\n",
        "cname,email\none,ada@x.de\n\"\",bob@x.de\n,,\n ,\n",
    ] {
        assert_eq!(rows(text), expected, "{text:?}");
    }
}

#[test]
fn a_row_has_the_number_of_its_first_line() {
    let text = "\n\nsep=;\n\nname;email\n\n\"a\nb\r\nc\";ada@x.de\n;;;\n\n\"say \"\"hi\"\"\";bob@x.de\n";
    assert_eq!(rows(text), [of(7, "ada@x.de"), of(12, "bob@x.de")]);
    assert_eq!(rows("SEP=,\r\nemail,a;b;c\r\nada@x.de,1\r\n"), [of(3, "ada@x.de")]);
    assert_eq!(rows("sep=\t\nemail\tname\nada@x.de\tx, y; z\n"), [of(3, "ada@x.de")]);
}

#[test]
fn the_separator_that_gives_a_column_email_is_used() {
    let text = "name;remark, with, many, commas;email\nAda;x;ada@x.de\n";
    assert_eq!(rows(text), [of(2, "ada@x.de")]);
    let list = list(text, Format::Csv).unwrap();
    assert_eq!(list.ignored_columns, ["name", "remark, with, many, commas"]);
    assert_eq!(list.format, Format::Csv);
}

#[test]
fn objects_and_lines_are_read() {
    let text = "\u{feff}{\"email\":\"ada@x.de\",\"cname\":\"one\",\"id\":{\"a\":[1]}}\r\n\n{\"Email\":\" bob@x.de \",\"cname\":null}";
    assert_eq!(rows(text), [with(1, "ada@x.de", "one"), of(3, "bob@x.de")]);
    assert_eq!(list(text, Format::Auto).unwrap().ignored_columns, ["id"]);
    let text = "\u{feff}# our people\r\n\r\n ada@x.de \r\n  # and\r\nbob@x.de\t# new # here";
    assert_eq!(rows(text), [of(3, "ada@x.de"), of(5, "bob@x.de")]);
    assert_eq!(rows("email\nada@x.de\n"), [of(2, "ada@x.de")]);
    assert_eq!(rows("ada@x.de"), [of(1, "ada@x.de")]);
    // Inside a word it does not begin a comment, because an address may contain it.
    let text = "ada@x.de\nb#b@x.de";
    assert_eq!(list(text, Format::Lines).unwrap().bad[0].line, 2);
}

#[test]
fn the_name_of_a_file_shows_its_format() {
    for (name, format) in [
        ("a.csv", Format::Csv),
        ("a.TSV", Format::Csv),
        ("x/a.ndjson", Format::Ndjson),
        ("a.jsonl", Format::Ndjson),
        ("a.txt", Format::Auto),
        ("csv", Format::Auto),
        ("-", Format::Auto),
    ] {
        assert_eq!(Format::of_name(Path::new(name)), format, "{name}");
    }
}

#[test]
fn repeats_are_sent_once_and_case_is_ignored() {
    let text = "email,cname\nada@x.de,\nADA@X.de,Acme\nAda@x.de,other\nbob@x.de,\naDa@x.de,OTHER.\nbob@x.de,third\n";
    let list = list(text, Format::Auto).unwrap();
    let kept: Vec<(u64, &str)> = list.rows.iter().map(|row| (row.line, &*row.email)).collect();
    let expected = [(2, "ada@x.de"), (4, "Ada@x.de"), (5, "bob@x.de"), (7, "bob@x.de")];
    assert_eq!(kept, expected);
    assert_eq!((list.repeats, list.other_cname), (2, 2));
}

#[test]
fn the_hash_is_of_the_original_bytes() {
    // `printf '\357\273\277a@x.de\r\n' | sha256sum`
    let list = list("\u{feff}a@x.de\r\n", Format::Auto).unwrap();
    assert_eq!(list.sha256, "66906cb8b1f76ed246413cb140cbc47fa2246e54458732d50a3cf7d8bda11042");
}

#[test]
fn a_row_is_small() {
    assert!(size_of::<Row>() <= 40);
}
