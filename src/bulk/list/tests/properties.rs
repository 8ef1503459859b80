//! Reading a list never panics, hangs or loses a row, whatever the list contains.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_bytes_make_it_panic_or_hang(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for format in [Format::Auto, Format::Csv, Format::Ndjson, Format::Lines] {
            let _ = list(&bytes, format);
        }
    }

    #[test]
    fn no_text_of_special_characters_makes_it_panic_or_hang(text in "[a@.\"',;\t|\r\n#{}:\\[=\u{feff}é-]{0,80}") {
        for format in [Format::Auto, Format::Csv, Format::Ndjson, Format::Lines] {
            let _ = list(&text, format);
        }
    }

    /// Each row of a valid table is read.
    #[test]
    fn each_row_of_a_valid_table_is_read(
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
