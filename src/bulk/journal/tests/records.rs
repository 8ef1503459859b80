//! The bytes of keys and records, which later versions of vescli must be able to read, and scripts may read.

use super::*;
use crate::settings::bulk::Shard;

#[test]
fn keys_do_not_change() {
    // Made with Python's hashlib from the parts, each after its length in eight bytes.
    let url = "https://example-corp.console.ves.volterra.io/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email";
    let service = service_of(url);
    let expected = "8b621e1b0d4860b4b3dec61d69c261e7";
    for (cname, email) in
        [("example", "ada@example.com"), ("Example", "ADA@Example.com"), ("example.", "ada@example.com")]
    {
        assert_eq!(key(&service, cname, email).to_string(), expected);
    }
    assert_eq!(expected.parse(), Ok(key(&service, "example", "ada@example.com")));
    assert_eq!(key("u", "c", "É@x.de").to_string(), "85a6f7240157ab2eec7a85cbad1ae3cd");
    assert_ne!(key("u", "ca", "b"), key("u", "c", "ab"));
    assert_ne!(key("u", "c", "a"), key("u", "d", "a"));
    for bad in ["", "0", &"0".repeat(31), &"A".repeat(32), &"g".repeat(32), &"é".repeat(16)] {
        assert!(bad.parse::<RowKey>().is_err(), "{bad}");
    }
}

/// The journals of the same division are not read. A person whose shard changed in a new version would be mailed twice.
#[test]
fn everyone_stays_in_the_same_shard() {
    let bits = key("u", "c", "É@x.de").shard_bits();
    // Made with Python from the last eight bytes of the key.
    for shard in ["1/1", "2/2", "3/3", "2/4", "4/7", "846/1000"] {
        assert!(shard.parse::<Shard>().unwrap().contains(bits), "{shard}");
    }
}

#[test]
fn a_service_is_a_host_and_its_port_however_they_are_written() {
    let path = "/no_auth/send_password_email";
    for (one, other) in [
        ("https://Acme.Example", "https://acme.example.:443"),
        ("https://acme.example/api", "https://acme.example"),
        ("http://localhost:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://[::1]:8080"),
        ("http://127.8.9.1:8080", "http://LOCALHOST.:8080"),
    ] {
        let [one, other] = [one, other].map(|url| service_of(&format!("{url}{path}")));
        assert_eq!(one, other);
    }
    for (one, other) in [
        ("https://acme.example", "https://other.example"),
        ("https://acme.example", "https://acme.example:8443"),
        ("http://localhost:8080", "http://localhost:8081"),
    ] {
        let [one, other] = [one, other].map(|url| service_of(&format!("{url}{path}")));
        assert_ne!(one, other);
    }
}

/// The line without its time and its CRC, after both were checked.
fn steady(line: &str) -> String {
    let record: serde_json::Value = serde_json::from_str(line).unwrap();
    let (covered, field) = line.rsplit_once(",\"crc\":\"").unwrap();
    assert_eq!(field, format!("{}\"}}\n", record["crc"].as_str().unwrap()));
    assert_eq!(field.len(), 8 + 3);
    assert_eq!(field[..8], format!("{:08x}", crc32fast::hash(covered.as_bytes())));
    let at = record["at"].as_str().unwrap();
    assert_eq!(at.len(), "2026-01-02T03:04:05.678Z".len());
    assert!(Timestamp::parse(at).is_some() && at.as_bytes()[19] == b'.');
    line.replace(at, "AT").replace(&field[..8], "CRC")
}

#[test]
fn each_record_is_one_line_of_the_documented_form() {
    let key = key_of("ada");
    assert_eq!(
        steady(&record::run("a1", &header())),
        format!(
            "{{\"v\":2,\"t\":\"run\",\"id\":\"a1\",\"url\":\"{URL}\",\"service\":\"acme.console.ves.volterra.io:443\",\"tenant\":\"acme\",\"cname\":\"acme\",\"list\":\"/lists/users.csv\",\"input_sha256\":\"{}\",\"rows\":9,\"vescli\":\"{}\",\"at\":\"AT\",\"crc\":\"CRC\"}}\n",
            "00".repeat(32),
            env!("CARGO_PKG_VERSION")
        )
    );
    let without = RunHeader { tenant: None, ..header() };
    assert!(record::run("a", &without).contains(r#","tenant":null,"#));
    assert!(!record::run("a", &header()).contains("\"user\""), "what is not known is left out");
    let author = Author { user: Some("a\"d\u{1b}a".to_owned()), host: Some("ci-7".to_owned()), job: None };
    let by = RunHeader { author: author.clone(), ..header() };
    let line = record::run("a1", &by);
    assert!(line.contains(r#","user":"a\"d\u001ba","host":"ci-7","at":"#), "{line}");
    match record::read(line.trim_end().as_bytes()) {
        Ok(record::Record::Run(run)) => assert_eq!(run.author, author),
        other => panic!("{other:?}"),
    }
    let odd = Intent { person: Person { key, email: "a\"d\\a\u{e9}@x.de", cname: "a\u{1}b" }, row: 17, attempt: 3 };
    assert_eq!(
        steady(&record::intent(&odd)),
        format!(
            "{{\"t\":\"intent\",\"key\":\"{key}\",\"row\":17,\"email\":\"a\\\"d\\\\aé@x.de\",\"cname\":\"a\\u0001b\",\"attempt\":3,\"at\":\"AT\",\"crc\":\"CRC\"}}\n"
        )
    );
    let person = person("ada", "ada@x.de");
    for outcome in [Outcome::Accepted, Outcome::Rejected, Outcome::NotSent, Outcome::Unknown] {
        assert_eq!(
            steady(&record::end(&person, &End { attempt: 2, outcome, status: Some(200), due: false })),
            format!(
                "{{\"t\":\"{}\",\"key\":\"{key}\",\"attempt\":2,\"status\":200,\"at\":\"AT\",\"email\":\"ada@x.de\",\"cname\":\"acme\",\"crc\":\"CRC\"}}\n",
                outcome.word()
            )
        );
    }
    let end = End { attempt: 2, outcome: Outcome::NotSent, status: None, due: false };
    assert!(record::end(&person, &end).contains(r#","status":null,"#));
    let due = End { outcome: Outcome::Rejected, due: true, ..end };
    assert!(record::end(&person, &due).contains(r#","status":null,"due":true,"at":"#));
    for resolution in [Resolution::Accepted, Resolution::NotSent, Resolution::Unknown] {
        assert_eq!(
            steady(&record::resolved(key, resolution, SystemTime::now())),
            format!(
                "{{\"t\":\"resolved\",\"key\":\"{key}\",\"as\":\"{}\",\"at\":\"AT\",\"crc\":\"CRC\"}}\n",
                resolution.word()
            )
        );
    }
    // The output of `python3 -c 'import zlib; print("%08x" % zlib.crc32(b"{\"t\":\"x\""))'`.
    assert_eq!(record::with_crc("{\"t\":\"x\"".to_owned()), "{\"t\":\"x\",\"crc\":\"715171f8\"}\n");
}

#[test]
fn the_longest_address_and_cname_fit_into_a_line() {
    let (email, cname) = ("\u{1}".repeat(1024), "\u{10ffff}".repeat(1024));
    let line = record::intent(&Intent {
        person: Person { key: key_of("x"), email: &email, cname: &cname },
        row: u64::MAX,
        attempt: u64::MAX,
    });
    assert!(line.len() < record::LINE_MAX);
    assert!(record::read(line.trim_end().as_bytes()).is_ok());
}

#[test]
fn records_of_a_later_version_are_refused() {
    let line = |text: &str| record::with_crc(text.to_owned()).trim_end().to_owned();
    let read = |text: &str| record::read(line(text).as_bytes()).unwrap_err();
    let run = record::run("a", &header());
    let (covered, _) = run.rsplit_once(",\"crc\"").unwrap();
    assert_eq!(read(&covered.replace("\"v\":2", "\"v\":3")), LineFault::Newer);
    assert_eq!(read(&format!("{covered},\"part\":\"other\"")), LineFault::Newer);
    assert_eq!(read(&format!("{covered},\"shard\":\"3/2\"")), LineFault::NoRecord);
    let end = end_line("ada", 1, Outcome::Accepted, None);
    let (covered, _) = end.rsplit_once(",\"crc\"").unwrap();
    assert_eq!(read(&covered.replace("accepted", "delivered")), LineFault::Newer);
    // An additional field is ignored.
    assert!(record::read(line(&format!("{covered},\"more\":[1]")).as_bytes()).is_ok());
}

#[test]
fn a_state_is_small() {
    assert_eq!(size_of::<(RowKey, RowState)>(), 24);
}
