//! Bodies in all their forms, and `Retry-After`.

use super::*;

fn says(text: &str) -> ServerSays {
    read_body(&Body::Complete(text.as_bytes().to_vec()))
}

fn text(text: &str) -> ServerSays {
    ServerSays::Text(text.to_owned())
}

#[test]
fn a_body_is_read_in_each_of_its_forms() {
    assert_eq!(says("\"too many requests\""), text("too many requests"));
    assert_eq!(says("upstream connect error\n"), text("upstream connect error"));
    assert_eq!(says("<html><body>502</body></html>"), ServerSays::Html);
    assert_eq!(says("\u{feff}<!DOCTYPE HTML>"), ServerSays::Html);
    assert_eq!(says(""), ServerSays::Nothing);
    assert_eq!(says("\"\""), text(""));
    assert_eq!(says("[1]"), ServerSays::Other);
    assert_eq!(says("{\"a\":"), text("{\"a\":"));
    assert_eq!(read_body(&Body::Complete(vec![0xff, 0xfe, b'x'])), ServerSays::Other);
    assert_eq!(read_body(&Body::Cut("ü".as_bytes()[..1].to_vec(), Cut::BrokenOff)), text(""));
}

fn object(code: Option<i64>, message: Option<&str>, is_error: bool) -> ServerSays {
    ServerSays::Object { code, message: message.map(str::to_owned), is_error }
}

#[test]
fn the_object_of_the_live_service_is_read_in_both_shapes_of_its_details() {
    assert_eq!(
        says(r#"{"code":5,"details":[],"message":"no such user"}"#),
        object(Some(5), Some("no such user"), true)
    );
    assert_eq!(
        says(r#"{"code":7,"details":[{"code":"UNKNOWN","details":"no role","timestamp":"x"}],"message":"denied"}"#),
        object(Some(7), Some("denied: no role"), true)
    );
    assert_eq!(
        says(r#"{"code":3,"details":[{"type_url":"t","value":"bad\u0001"}],"message":""}"#),
        object(Some(3), Some("bad\u{1}"), true)
    );
    assert_eq!(says("{}"), object(None, None, false));
    assert_eq!(says(r#"{"code":"7","details":{},"message":[1]}"#), object(None, None, true));
    assert_eq!(says(r#"{"error":"login required"}"#), object(None, Some("login required"), true));
    assert_eq!(says(r#"{"error":{"message":"login required"}}"#), object(None, Some("login required"), true));
}

#[test]
fn an_object_is_an_error_unless_its_code_is_zero_and_its_error_null() {
    for fine in [
        "{}",
        r#"{"code":0}"#,
        r#"{"code":-0.0}"#,
        r#"{"code":null}"#,
        r#"{"error":null,"code":0}"#,
        r#"{"a":{"code":7,"error":1}}"#,
    ] {
        assert!(says(fine).is_acceptance(), "{fine}");
    }
    for doubtful in [
        r#"{"code":7}"#,
        r#"{"code":-1}"#,
        r#"{"code":0.1}"#,
        r#"{"code":1e999}"#,
        r#"{"code":18446744073709551615}"#,
        r#"{"code":"0"}"#,
        r#"{"code":false}"#,
        r#"{"code":[0]}"#,
        r#"{"code":{}}"#,
        r#"{"code":7,"code":0}"#,
        r#"{"code":0,"code":7}"#,
        r#"{"\u0063ode":7}"#,
        r#"{"error":""}"#,
        r#"{"error":false}"#,
        r#"{"error":"x","error":null}"#,
    ] {
        assert!(!says(doubtful).is_acceptance(), "{doubtful}");
    }
}

#[test]
fn an_object_nested_too_deep_to_build_is_still_an_object() {
    let deep = format!("{}1{}", "{\"a\":".repeat(9000), "}".repeat(9000));
    assert_eq!(says(&deep), object(None, None, false));
    for (error, code) in [("\"code\":7", Some(7)), ("\"error\":1", None)] {
        let behind = format!("{{\"a\":{deep},{error}}}");
        assert_eq!(says(&behind), object(code, None, true));
    }
    let within = format!("{{\"error\":{deep}}}");
    assert_eq!(says(&within), object(None, None, true));
}

#[test]
fn retry_after_is_read_in_both_forms_and_nothing_else() {
    let now = httpdate::parse_http_date("Fri, 31 Dec 1999 23:59:00 GMT").unwrap();
    let read = |value| read_retry_after(value, None, now);
    assert_eq!(read("30"), Some(Duration::from_secs(30)));
    assert_eq!(read(" 0 "), Some(Duration::ZERO));
    assert_eq!(read("99999999999999999999"), Some(FOREVER));
    assert_eq!(read("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::from_secs(59)));
    for ignored in
        ["", "-1", "+5", "1.5", "soon", "Fri, 31 Dec 1999 23:58:59 GMT", "Fri, 31 Dec 1999 23:59:00 GMT", "３"]
    {
        assert_eq!(read(ignored), None, "{ignored}");
    }
    let server_date = Some("Fri, 31 Dec 1999 23:59:50 GMT");
    assert_eq!(read_retry_after("Fri, 31 Dec 1999 23:59:59 GMT", server_date, now), Some(Duration::from_secs(9)));
}
