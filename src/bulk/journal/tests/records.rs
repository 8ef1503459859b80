//! The bytes of keys and records, which a later vescli has to read and a script may.

use super::*;

#[test]
fn keys_stay_what_they_are() {
    // Made with Python's hashlib from lengths of eight bytes and the parts.
    let url = "https://example-corp.console.ves.volterra.io/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email";
    let expected = "551148faf678b736ac83352e3662f207";
    assert_eq!(key(url, "example", "ada@example.com").to_string(), expected);
    assert_eq!(key(url, "example", "ADA@Example.com").to_string(), expected);
    assert_eq!(expected.parse(), Ok(key(url, "example", "ada@example.com")));
    assert_eq!(
        key("u", "c", "É@x.de").to_string(),
        "85a6f7240157ab2eec7a85cbad1ae3cd"
    );
    assert_ne!(key("u", "ca", "b"), key("u", "c", "ab"));
    assert_ne!(key("u", "c", "a"), key("u", "C", "a"));
    for bad in [
        "",
        "0",
        &"0".repeat(31),
        &"A".repeat(32),
        &"g".repeat(32),
        &"é".repeat(16),
    ] {
        assert!(bad.parse::<RowKey>().is_err(), "{bad}");
    }
}

/// The line with its time and its CRC taken out, after both were checked.
fn steady(line: &str) -> String {
    let record: serde_json::Value = serde_json::from_str(line).unwrap();
    let (covered, field) = line.rsplit_once(",\"crc\":\"").unwrap();
    assert_eq!(field, format!("{}\"}}\n", record["crc"].as_str().unwrap()));
    assert_eq!(field.len(), 8 + 3);
    assert_eq!(
        field[..8],
        format!("{:08x}", crc32fast::hash(covered.as_bytes()))
    );
    let at = record["at"].as_str().unwrap();
    assert_eq!(at.len(), "2026-01-02T03:04:05.678Z".len());
    assert!(Moment::parse(at).is_some() && at.as_bytes()[19] == b'.');
    line.replace(at, "AT").replace(&field[..8], "CRC")
}

#[test]
fn each_record_is_one_line_of_the_promised_form() {
    let key = key_of("ada");
    assert_eq!(
        steady(&record::run("a1", &header())),
        format!(
            "{{\"v\":1,\"t\":\"run\",\"id\":\"a1\",\"url\":\"{URL}\",\"tenant\":\"acme\",\"input_sha256\":\"{}\",\"rows\":9,\"vescli\":\"{}\",\"at\":\"AT\",\"crc\":\"CRC\"}}\n",
            "00".repeat(32),
            env!("CARGO_PKG_VERSION")
        )
    );
    let without = RunHeader {
        tenant: None,
        ..header()
    };
    assert!(record::run("a", &without).contains(r#","tenant":null,"#));
    let odd = Intent {
        key,
        row: 17,
        email: "a\"d\\a\u{e9}@x.de",
        cname: "a\u{1}b",
        attempt: 3,
    };
    assert_eq!(
        steady(&record::intent(&odd)),
        format!(
            "{{\"t\":\"intent\",\"key\":\"{key}\",\"row\":17,\"email\":\"a\\\"d\\\\aé@x.de\",\"cname\":\"a\\u0001b\",\"attempt\":3,\"at\":\"AT\",\"crc\":\"CRC\"}}\n"
        )
    );
    for fate in [Fate::Accepted, Fate::Rejected, Fate::NotSent, Fate::Unknown] {
        assert_eq!(
            steady(&record::end(key, 2, fate, Some(200))),
            format!(
                "{{\"t\":\"{}\",\"key\":\"{key}\",\"attempt\":2,\"status\":200,\"at\":\"AT\",\"crc\":\"CRC\"}}\n",
                fate.word()
            )
        );
    }
    assert!(record::end(key, 2, Fate::NotSent, None).contains(r#","status":null,"#));
    for settled in [Settled::Accepted, Settled::NotSent] {
        assert_eq!(
            steady(&record::resolved(key, settled)),
            format!(
                "{{\"t\":\"resolved\",\"key\":\"{key}\",\"as\":\"{}\",\"at\":\"AT\",\"crc\":\"CRC\"}}\n",
                settled.word()
            )
        );
    }
    // As `python3 -c 'import zlib; print("%08x" % zlib.crc32(b"{\"t\":\"x\""))'` has it.
    assert_eq!(
        record::sealed("{\"t\":\"x\"".to_owned()),
        "{\"t\":\"x\",\"crc\":\"715171f8\"}\n"
    );
}

#[test]
fn the_longest_address_and_cname_fit_into_a_line() {
    let (email, cname) = ("\u{1}".repeat(1024), "\u{10ffff}".repeat(1024));
    let line = record::intent(&Intent {
        key: key_of("x"),
        row: u64::MAX,
        email: &email,
        cname: &cname,
        attempt: u64::MAX,
    });
    assert!(line.len() < record::LINE_MAX);
    assert!(record::read(line.trim_end().as_bytes()).is_ok());
}

#[test]
fn records_of_a_later_version_are_not_guessed_at() {
    let line = |text: &str| record::sealed(text.to_owned()).trim_end().to_owned();
    let read = |text: &str| record::read(line(text).as_bytes()).unwrap_err();
    let run = record::run("a", &header());
    let (covered, _) = run.rsplit_once(",\"crc\"").unwrap();
    assert_eq!(read(&covered.replace("\"v\":1", "\"v\":2")), Flaw::Newer);
    let end = end_line("ada", 1, Fate::Accepted, None);
    let (covered, _) = end.rsplit_once(",\"crc\"").unwrap();
    assert_eq!(read(&covered.replace("accepted", "delivered")), Flaw::Newer);
    // A field more is none of our business.
    assert!(record::read(line(&format!("{covered},\"more\":[1]")).as_bytes()).is_ok());
}

#[test]
fn a_state_is_small() {
    assert_eq!(size_of::<(RowKey, RowState)>(), 24);
}
