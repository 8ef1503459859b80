//! Lists of any length, and the journal of a run that has mailed all of one.

use std::fmt::{Display, Write as _};

/// The address of a row.
pub fn address(row: usize) -> String {
    format!("person{row}@example.com")
}

/// A table of N people.
pub fn table(rows: usize) -> String {
    (0..rows).fold("email\n".to_owned(), |text, row| text + &address(row) + "\n")
}

/// What a run at `url` with the cname `t` leaves behind when the service has accepted the first `rows` of them, given the
/// service and the keys of people as vescli's library writes them.
pub fn journal<K: Display>(url: &str, service: &str, key: impl Fn(&str) -> K, rows: usize) -> String {
    let at = "2026-01-01T00:00:00.000Z";
    let mut text = String::new();
    let mut add = |record: String| {
        let crc = crc32fast::hash(record.as_bytes());
        writeln!(text, "{record},\"crc\":\"{crc:08x}\"}}").unwrap();
    };
    add(format!(
        r#"{{"v":2,"t":"run","id":"0","url":"{url}","service":"{service}","tenant":"t","cname":"t","list":"/list.csv","input_sha256":"0","rows":{rows},"vescli":"0","at":"{at}""#
    ));
    for row in 0..rows {
        let email = address(row);
        let key = key(&email);
        add(format!(
            r#"{{"t":"intent","key":"{key}","row":{},"email":"{email}","cname":"t","attempt":1,"at":"{at}""#,
            row + 2
        ));
        add(format!(
            r#"{{"t":"accepted","key":"{key}","attempt":1,"status":200,"at":"{at}","email":"{email}","cname":"t""#
        ));
    }
    text
}
