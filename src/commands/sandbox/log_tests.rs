//! The log, as the running server writes it.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::exchange::Rules;
use super::super::log::Log;
use super::{PATH, exchange, head, mail, mail_with, rules, server};

/// The lines of a log, which ends with a whole one.
pub(super) fn log_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_request_has_its_line_before_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let server = server(Rules { log: Some(Log::open(&path).unwrap()), ..rules() });
    let secret = "Authorization: APIToken hunter2\r\nCookie: hunter2\r\n";
    mail_with(&server, "ada@example.com", secret);
    let first = &log_lines(&path)[0];
    let keys = ["at", "method", "path", "headers", "body", "violation", "status"];
    let raw = std::fs::read_to_string(&path).unwrap();
    let places: Vec<_> = keys.map(|key| raw.find(&format!("\"{key}\":")).unwrap()).into();
    assert!(places.is_sorted(), "{raw}");
    assert!(humantime::parse_rfc3339(first["at"].as_str().unwrap()).is_ok());
    assert_eq!((&first["method"], &first["path"]), (&json!("POST"), &json!(PATH)));
    assert_eq!(first["headers"]["authorization"], json!("APIToken ***"));
    assert_eq!(first["headers"]["cookie"], json!("***"));
    assert_eq!(first["headers"]["accept"], json!("application/json"));
    assert_eq!(first["body"], json!({"email": "ada@example.com", "cname": "example"}));
    assert_eq!((&first["violation"], &first["status"]), (&Value::Null, &json!(200)));

    mail_with(&server, "ada@example.com", "Authorization: hunter2\r\n");
    exchange(&server, &head(""), b"{hunter");
    exchange(&server, &head(""), br#"{"email":"drop@example.com"}"#);
    let mut slow = TcpStream::connect(server.address()).unwrap();
    let body = br#"{"email":"slow@example.com"}"#;
    write!(slow, "{}Content-Length: {}\r\n\r\n", head(""), body.len()).unwrap();
    slow.write_all(body).unwrap();
    drop(slow.shutdown(Shutdown::Both));
    let start = Instant::now();
    while log_lines(&path).len() < 5 {
        assert!(start.elapsed() < Duration::from_secs(5), "no fifth line");
        std::thread::sleep(Duration::from_millis(5));
    }
    let lines = log_lines(&path);
    let statuses: Vec<_> = lines.iter().map(|line| &line["status"]).collect();
    assert_eq!(json!(statuses), json!([200, 400, 400, null, 200]));
    assert_eq!(lines[1]["headers"]["authorization"], json!("***"));
    assert_eq!(lines[2]["body"], json!("{hunter"));
    let violation = lines[2]["violation"].as_str().unwrap();
    assert!(violation.starts_with("the body is not JSON"), "{violation}");
    assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter2"));
}

#[test]
fn the_log_is_made_for_its_owner_and_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    for count in 1..=2 {
        let server = server(Rules { log: Some(Log::open(&path).unwrap()), ..rules() });
        mail(&server, "ada@example.com");
        assert_eq!(log_lines(&path).len(), count);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
