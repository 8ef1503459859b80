//! Lists as spreadsheets and directories make them, and lists that nobody should make.

use std::io::{self, Read};

use proptest::prelude::*;

use super::*;

/// Reads through a reader that gives one byte at a time, so that everything is cut everywhere.
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
    assert_eq!(
        whole.as_ref().map_err(ToString::to_string),
        dripping.as_ref().map_err(ToString::to_string)
    );
    whole
}

/// Line, address and cname of each row.
fn rows(text: impl AsRef<[u8]>) -> Vec<(u64, String, Option<String>)> {
    let list = list(text, Format::Auto).unwrap();
    assert_eq!(list.bad, []);
    let row = |row: Row| {
        (
            row.line,
            row.email.into_string(),
            row.cname.map(|cname| cname.to_string()),
        )
    };
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
fn rows_are_named_by_the_line_that_they_begin_on() {
    let text =
        "\n\nsep=;\n\nname;email\n\n\"a\nb\r\nc\";ada@x.de\n;;;\n\n\"say \"\"hi\"\"\";bob@x.de\n";
    assert_eq!(rows(text), [of(7, "ada@x.de"), of(12, "bob@x.de")]);
    assert_eq!(
        rows("SEP=,\r\nemail,a;b;c\r\nada@x.de,1\r\n"),
        [of(3, "ada@x.de")]
    );
    assert_eq!(
        rows("sep=\t\nemail\tname\nada@x.de\tx, y; z\n"),
        [of(3, "ada@x.de")]
    );
}

#[test]
fn a_table_wins_over_separators_in_other_columns() {
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
    let text = "\u{feff}# our people\r\n\r\n ada@x.de \r\n  # and\r\nbob@x.de";
    assert_eq!(rows(text), [of(3, "ada@x.de"), of(5, "bob@x.de")]);
    assert_eq!(rows("email\nada@x.de\n"), [of(2, "ada@x.de")]);
    assert_eq!(rows("ada@x.de"), [of(1, "ada@x.de")]);
}

#[test]
fn names_of_files_tell_formats() {
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
fn repeats_go_out_once_whatever_their_case() {
    let text = "email,cname\nada@x.de,\nADA@X.de,acme\nAda@x.de,other\nbob@x.de,\n";
    let list = list(text, Format::Auto).unwrap();
    let emails: Vec<&str> = list.rows.iter().map(|row| &*row.email).collect();
    assert_eq!(emails, ["ada@x.de", "bob@x.de"]);
    assert_eq!((list.repeats, list.repeats_with_other_cname), (2, 1));
    assert_eq!(list.rows[1].line, 5);
}

#[test]
fn bad_rows_are_listed_with_their_lines() {
    let text =
        "email,cname,name\nada.x.de,,\n,,Nobody\nbob@x.de,\u{202e}x,\ncy@x.de,a,b,c\ndee@x.de\n";
    let list = list(text, Format::Csv).unwrap();
    let bad: Vec<(u64, &str)> = list
        .bad
        .iter()
        .map(|bad| (bad.line, bad.reason.as_str()))
        .collect();
    assert_eq!(
        bad,
        [
            (
                2,
                "the address `ada.x.de` has no @: an address looks like name@example.com"
            ),
            (3, "the address `` is empty"),
            (
                4,
                "the cname `\u{202e}x` holds the invisible or control character U+202E"
            ),
            (
                5,
                "has 4 fields, but the header has 3: a field that holds the separator belongs in quotes"
            ),
        ]
    );
    assert_eq!(list.rows.len(), 1);
    let any = read("a b@x\n".as_bytes(), Format::Lines, "acme", true).unwrap();
    assert_eq!(any.rows.len(), 1);
}

#[test]
fn bad_objects_are_listed_with_their_lines() {
    let text = "{\"email\":\"ada@x.de\"}\n{\"mail\":\"b@x.de\"}\n{\"email\":7}\n{\"email\":\"a@x.de\",\"EMAIL\":\"b@x.de\"}\nada@x.de\n{\"email\":\"c@x.de\"} {}\n[]\n";
    let list = list(text, Format::Ndjson).unwrap();
    let lines: Vec<u64> = list.bad.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7]);
    assert!(list.bad[2].reason.contains("two fields are called `email`"));
    let deep = format!("{{\"email\":\"a@x.de\",\"x\":{}", "[".repeat(100_000));
    assert_eq!(
        read(deep.as_bytes(), Format::Ndjson, "acme", false)
            .unwrap()
            .bad
            .len(),
        1
    );
}

#[test]
fn lists_that_cannot_be_used_are_refused_with_what_to_do() {
    for (text, part) in [
        ("", "holds no rows"),
        ("\u{feff}\r\n# nobody\n", "holds no rows"),
        ("email,cname\n,\n", "holds no rows"),
        (
            "ada@x.de,one\nbob@x.de,two\n",
            "put a line such as `email,cname` on top",
        ),
        (
            "Name,E-Mail\nAda,ada@x.de\n",
            "line 1: no column is called `email`; the columns are `Name`, `E-Mail`",
        ),
        ("email,x,Email\n", "line 1: two columns are called `email`"),
        ("cname,email,CNAME\n", "two columns are called `cname`"),
        (
            "email,Tenant\nada@x.de,x\n",
            "line 1: a list cannot have a `tenant` for each row",
        ),
        (
            "\nemail;REGION\n",
            "line 2: a list cannot have a `region` for each row",
        ),
        (
            "{\"email\":\"a@x.de\",\"Tenant\":null}",
            "line 1: a list cannot have a `tenant`",
        ),
        ("[{\"email\":\"a@x.de\"}]", "jq -c '.[]'"),
        (
            "email,name\na@x.de,\"Ada\nb@x.de,Bob\n",
            "line 2: a quote is opened there and never closed",
        ),
        (
            "email,name\na@x.de,\"Ada\nb@x.de,Bob\nc@x.de,\"Cy\"\n",
            "line 4: text stands behind a closing quote",
        ),
        ("PK\u{3}\u{4}rest of a workbook", "is a workbook"),
    ] {
        let message = refusal(text);
        assert!(message.contains(part), "{text:?}: {message}");
    }
}

#[test]
fn other_encodings_are_refused_with_the_way_to_convert_them() {
    let mut latin1 = b"email;name\r\nada@x.de;Ada\r\nbob@x.de;M".to_vec();
    latin1.extend([0xfc, b'l', b'l', b'e', b'r', b'\n']);
    let message = refusal(&latin1);
    assert!(message.starts_with("line 3 is not UTF-8 text"), "{message}");
    assert!(message.contains("iconv -f latin1 -t utf-8"), "{message}");
    // Cut in the middle of a character, and far behind what is looked at first.
    assert!(refusal(b"ada@x.de\n\xc3").starts_with("line 2 "));
    let far = [b"# x\n".repeat(50_000), vec![0xe9]].concat();
    assert!(refusal(far).starts_with("line 50001 "));
    let utf16 = |order: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}email\r\nada@x.de\r\n")
            .encode_utf16()
            .flat_map(order)
            .collect()
    };
    for bytes in [
        utf16(u16::to_le_bytes, "\u{feff}"),
        utf16(u16::to_be_bytes, "\u{feff}"),
        utf16(u16::to_le_bytes, ""),
        utf16(u16::to_be_bytes, ""),
    ] {
        assert!(refusal(bytes).contains("iconv -f utf-16 -t utf-8"));
    }
}

#[test]
fn an_endless_line_is_refused_before_it_fills_the_memory() {
    for (start, part) in [
        ("", "line 1 is longer than 1 MiB"),
        (
            "email,name\na@x.de,\"",
            "line 2: a quote is opened there and never closed",
        ),
        ("email,name\na@x.de,", "line 2 is longer than 1 MiB"),
        ("{\"email\":\"", "line 1 is longer than 1 MiB"),
    ] {
        let endless = start.as_bytes().chain(io::repeat(b'x'));
        let error = read(endless, Format::Auto, "acme", false).unwrap_err();
        assert!(error.to_string().starts_with(part), "{start}: {error}");
    }
}

#[test]
fn the_hash_is_that_of_the_bytes_as_they_came() {
    // `printf '\357\273\277a@x.de\r\n' | sha256sum`
    let list = list("\u{feff}a@x.de\r\n", Format::Auto).unwrap();
    assert_eq!(
        list.sha256,
        "66906cb8b1f76ed246413cb140cbc47fa2246e54458732d50a3cf7d8bda11042"
    );
}

#[test]
fn a_failing_reader_is_told() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    for format in [Format::Auto, Format::Csv, Format::Ndjson, Format::Lines] {
        let input = b"email\na@x.de\n".repeat(9999);
        let error = read(input.as_slice().chain(Failing), format, "a", false).unwrap_err();
        assert!(
            matches!(error, RowsError::Read(source) if source.kind() == io::ErrorKind::PermissionDenied)
        );
    }
}

#[test]
fn a_row_is_small() {
    assert!(size_of::<Row>() <= 40);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_bytes_make_it_panic_or_hang(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for format in [Format::Auto, Format::Csv, Format::Ndjson, Format::Lines] {
            let _ = list(&bytes, format);
        }
    }

    #[test]
    fn no_text_of_its_own_signs_makes_it_panic_or_hang(text in "[a@.\"',;\t|\r\n#{}:\\[=\u{feff}é-]{0,80}") {
        for format in [Format::Auto, Format::Csv, Format::Ndjson, Format::Lines] {
            let _ = list(&text, format);
        }
    }

    /// Nobody is forgotten: what is written by the rules comes back, row by row.
    #[test]
    fn every_row_of_a_sound_table_comes_back(
        names in proptest::collection::vec("[ -~é\r\n]{0,12}", 1..20),
        separator in proptest::sample::select(vec![b',', b';', b'\t', b'|']),
        crlf in any::<bool>(),
    ) {
        let terminator = if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') };
        let mut writer = ::csv::WriterBuilder::new().delimiter(separator).terminator(terminator).from_writer(Vec::new());
        writer.write_record(["name", "email", "cname"]).unwrap();
        for (index, name) in names.iter().enumerate() {
            writer.write_record([name, &format!("u{index}@x.de"), &format!("c{}", index / 2)]).unwrap();
        }
        let list = list(writer.into_inner().unwrap(), Format::Auto).unwrap();
        prop_assert_eq!(list.bad, []);
        let found: Vec<(String, String)> = list.rows.iter()
            .map(|row| (row.email.to_string(), row.cname.as_deref().unwrap_or_default().to_owned())).collect();
        let expected: Vec<(String, String)> = (0..names.len())
            .map(|index| (format!("u{index}@x.de"), format!("c{}", index / 2))).collect();
        prop_assert_eq!(found, expected);
    }
}
