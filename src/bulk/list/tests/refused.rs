//! Rows and lists that cannot be used, and their messages.

use super::*;

#[test]
fn bad_rows_are_listed_with_their_lines() {
    let text = "email,cname,name\nada.x.de,,\n,,Nobody\nbob@x.de,\u{202e}x,\ncy@x.de,a,b,c\ndee@x.de\n";
    let list = list(text, Format::Csv).unwrap();
    let bad: Vec<(u64, &str)> = list.bad.iter().map(|bad| (bad.line, bad.reason.as_str())).collect();
    assert_eq!(
        bad,
        [
            (2, "the address `ada.x.de` has no @: an address looks like name@example.com"),
            (3, "the address `` is empty"),
            (4, "the cname `\u{202e}x` contains the invisible or control character U+202E"),
            (5, "has 4 fields, but the header has 3: a field that contains the separator belongs in quotes"),
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
    let said: Vec<&str> = list.bad.iter().map(|bad| bad.reason.as_str()).collect();
    assert_eq!(
        said[1..],
        [
            "is not a usable JSON object: invalid type: integer `7`, expected a string (column 10)",
            "is not a usable JSON object: two fields are called `email` (column 25)",
            "is not a usable JSON object: expected value (column 1)",
            "is not a usable JSON object: trailing characters (column 20)",
            "is not a usable JSON object: invalid type: sequence, \
             expected an object such as {\"email\":\"hello@example.com\"}",
        ]
    );
    let deep = format!("{{\"email\":\"a@x.de\",\"x\":{}", "[".repeat(100_000));
    assert_eq!(read(deep.as_bytes(), Format::Ndjson, "acme", false).unwrap().bad.len(), 1);
}

#[test]
fn lists_that_cannot_be_used_are_refused_with_what_to_do() {
    for (text, part) in [
        ("", "contains no rows"),
        ("\u{feff}\r\n# nobody\n", "contains no rows"),
        ("email,cname\n,\n", "contains no rows"),
        ("ada@x.de,one\nbob@x.de,two\n", "put a line such as `email,cname` on top"),
        ("Name,E-Mail\nAda,ada@x.de\n", "line 1: no column is called `email`; the columns are `Name`, `E-Mail`"),
        ("email,x,Email\n", "line 1: two columns are called `email`"),
        ("cname,email,CNAME\n", "two columns are called `cname`"),
        ("email,Tenant\nada@x.de,x\n", "line 1: a list cannot have a `tenant` for each row"),
        ("\nemail;REGION\n", "line 2: a list cannot have a `region` for each row"),
        ("{\"email\":\"a@x.de\",\"Tenant\":null}", "line 1: a list cannot have a `tenant`"),
        ("[{\"email\":\"a@x.de\"}]", "jq -c '.[]'"),
        ("email,name\na@x.de,\"Ada\nb@x.de,Bob\n", "line 2: a quote is opened and never closed"),
        ("email,name\na@x.de,\"Ada\nb@x.de,Bob\nc@x.de,\"Cy\"\n", "line 4: there is text after a closing quote"),
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
    // Cut in the middle of a character, far after the sample.
    assert!(refusal(b"ada@x.de\n\xc3").starts_with("line 2 "));
    let far = [b"# x\n".repeat(50_000), vec![0xe9]].concat();
    assert!(refusal(far).starts_with("line 50001 "));
    let utf16 = |order: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}email\r\nada@x.de\r\n").encode_utf16().flat_map(order).collect()
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
        ("email,name\na@x.de,\"", "line 2: a quote is opened and never closed"),
        ("email,name\na@x.de,", "line 2 is longer than 1 MiB"),
        ("{\"email\":\"", "line 1 is longer than 1 MiB"),
    ] {
        let endless = start.as_bytes().chain(io::repeat(b'x'));
        let error = read(endless, Format::Auto, "acme", false).unwrap_err();
        assert!(error.to_string().starts_with(part), "{start}: {error}");
    }
}

#[test]
fn the_error_of_a_reader_is_reported() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    for format in [Format::Auto, Format::Csv, Format::Ndjson, Format::Lines] {
        let input = b"email\na@x.de\n".repeat(9999);
        let error = read(input.as_slice().chain(Failing), format, "a", false).unwrap_err();
        assert!(matches!(error, RowsError::Read(source) if source.kind() == io::ErrorKind::PermissionDenied));
    }
}
