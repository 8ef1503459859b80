//! The contract, rule by rule: each case is the good request with one thing changed.

use hyper::header::{HeaderName, HeaderValue};

use super::*;

const LONG: &str = "/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email";
const BODY: &str = r#"{"cname": "example", "email": "hello@example.com"}"#;

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

fn good_headers() -> HeaderMap {
    headers(&[
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("authorization", "APIToken abc=.-"),
    ])
}

/// The good headers with `name` taken out and then given once for each of `values`.
fn with(name: &str, values: &[&str]) -> Result<Request, Violation> {
    let name: HeaderName = name.parse().unwrap();
    let mut map = good_headers();
    map.remove(&name);
    for value in values {
        map.append(name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    check(&Method::POST, LONG, &map, BODY.as_bytes())
}

fn at(target: &str) -> Result<Request, Violation> {
    check(&Method::POST, target, &good_headers(), BODY.as_bytes())
}

fn with_body(body: &str) -> Result<Request, Violation> {
    check(&Method::POST, LONG, &good_headers(), body.as_bytes())
}

fn good(token: Option<&str>) -> Request {
    Request { email: "hello@example.com".to_owned(), token: token.map(str::to_owned) }
}

#[test]
fn both_published_paths_are_the_operation() {
    for target in [
        LONG,
        OPERATION,
        "/api/v1/a/staging/b/namespaces/c/no_auth/send_password_email",
        "/api/v1/a/development/b-1/namespaces/namespaces/no_auth/send_password_email",
    ] {
        assert_eq!(at(target), Ok(good(Some("abc=.-"))), "{target}");
    }
}

#[test]
fn other_paths_are_named() {
    for path in [
        "/",
        "",
        "*",
        "/no_auth/send_password_email/",
        "//no_auth/send_password_email",
        "/api/no_auth/send_password_email",
        "/api/v1/no_auth/send_password_email",
        "/api/v2/api/production/us-east-1/namespaces/default/no_auth/send_password_email",
        "/api/v1/production/us-east-1/namespaces/default/no_auth/send_password_email",
        "/api/v1/api/production/us-east-1/namespace/default/no_auth/send_password_email",
        "/api/v1/api/production/us-east-1/namespaces/a/b/no_auth/send_password_email",
        "/api/v1/api/production/us-east-1/namespaces/default/send_password_email",
        "/x/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email",
    ] {
        assert_eq!(at(path), Err(Violation::Path(path.to_owned())));
    }
    assert_eq!(at(LOGIN_PATH), Err(Violation::FollowedRedirect));
    assert_eq!(at(&format!("{LONG}?a=b")), Err(Violation::Query("a=b".to_owned())));
    assert_eq!(at(&format!("{OPERATION}?")), Err(Violation::Query(String::new())));
}

#[test]
fn each_variable_of_the_path_is_checked() {
    let variables = ["prefix", "environment", "region", "namespace"];
    for (place, variable) in variables.into_iter().enumerate() {
        for bad in ["", "A", "a.b", "-a", "%61", "qa_1", "é"] {
            let mut values = ["api", "production", "us-east-1", "default"];
            values[place] = bad;
            let [prefix, environment, region, namespace] = values;
            let path = format!("/api/v1/{prefix}/{environment}/{region}/namespaces/{namespace}{OPERATION}");
            match at(&path) {
                Err(Violation::Variable { name, value, .. }) => {
                    assert_eq!((name, value.as_str()), (variable, bad), "{path}");
                }
                other => panic!("{path}: {other:?}"),
            }
        }
    }
    let path = LONG.replace("production", "prod");
    assert!(matches!(at(&path), Err(Violation::Variable { name: "environment", .. })));
}

#[test]
fn only_post_is_the_method() {
    for method in ["GET", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS", "post"] {
        let got = check(&Method::from_bytes(method.as_bytes()).unwrap(), LONG, &good_headers(), BODY.as_bytes());
        assert_eq!(got, Err(Violation::Method(method.to_owned())));
    }
}

#[test]
fn the_body_is_declared_as_json_once() {
    for fine in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x"] {
        assert_eq!(with("content-type", &[fine]), Ok(good(Some("abc=.-"))));
    }
    for bad in [
        &[][..],
        &["text/plain"],
        &["application/x-www-form-urlencoded"],
        &["application/jsonp"],
        &["application/json", "application/json"],
        &["application/json", "text/plain"],
        &["application/json;x", "text/plain"],
    ] {
        assert_eq!(with("content-type", bad), Err(Violation::ContentType(bad.join(", "))));
    }
}

#[test]
fn the_client_admits_json() {
    for fine in [
        &[][..],
        &["*/*"],
        &["application/*;q=0.5"],
        &["text/html, Application/JSON;q=0.9"],
        &["text/html", "application/json"],
    ] {
        assert_eq!(with("accept", fine), Ok(good(Some("abc=.-"))), "{fine:?}");
    }
    for bad in ["", "text/html", "application/xml", "application/json;q=0"] {
        assert_eq!(with("accept", &[bad]), Err(Violation::Accept(bad.to_owned())));
    }
}

#[test]
fn a_credential_is_one_api_token_or_none() {
    assert_eq!(with("authorization", &[]), Ok(good(None)));
    assert_eq!(with("authorization", &["APIToken x"]), Ok(good(Some("x"))));
    for bad in [
        &["Bearer x"][..],
        &["apitoken x"],
        &["APIToken"],
        &["APIToken "],
        &["APIToken  x"],
        &["APIToken x y"],
        &["APIToken x\ty"],
        &["APIToken é"],
        &["x"],
        &[""],
        &["APIToken x", "APIToken x"],
    ] {
        let got = with("authorization", bad);
        assert_eq!(got, Err(Violation::Authorization), "{bad:?}");
    }
}

#[test]
fn the_body_is_an_object_with_email_and_perhaps_cname() {
    for fine in [BODY, r#"{"email":"hello@example.com"}"#, "\n{\"email\" :\"hello@example.com\"}"] {
        assert_eq!(with_body(fine), Ok(good(Some("abc=.-"))));
    }
    for (bad, expected) in [
        ("[]", Violation::NotAnObject),
        ("null", Violation::NotAnObject),
        (r#""hello@example.com""#, Violation::NotAnObject),
        ("{}", Violation::NoEmail),
        (r#"{"cname":"a"}"#, Violation::NoEmail),
        (r#"{"email":null}"#, Violation::NotAString("email")),
        (r#"{"email":"a@b.co","cname":null}"#, Violation::NotAString("cname")),
        (r#"{"email":"a@b.co","user":1}"#, Violation::UnknownField("user".to_owned())),
        (r#"{"email":"a@b.co","Cname":"x"}"#, Violation::UnknownField("Cname".to_owned())),
        (r#"{"email":""}"#, Violation::Text("email", RecipientError::Empty)),
        (r#"{"email":"a\n@b.co"}"#, Violation::Text("email", RecipientError::Invisible(10))),
        (r#"{"email":"a@b.co","cname":""}"#, Violation::Text("cname", RecipientError::Empty)),
    ] {
        assert_eq!(with_body(bad), Err(expected), "{bad}");
    }
    for bad in ["", "{", "email=a@b.co", "{} {}", r#"{"email":"a@b.co",}"#] {
        assert!(matches!(with_body(bad), Err(Violation::Json(_))), "{bad}");
    }
}

#[test]
fn lengths_end_at_1024_characters_and_the_pattern_is_not_checked() {
    let body = |email: &str, cname: &str| format!(r#"{{"email":"{email}","cname":"{cname}"}}"#);
    let longest = "é".repeat(1024);
    let too_long = "é".repeat(1025);
    assert!(with_body(&body(&longest, &longest)).is_ok());
    assert_eq!(with_body(&body(&too_long, "a")), Err(Violation::Text("email", RecipientError::TooLong(1025))));
    assert_eq!(with_body(&body("a", &too_long)), Err(Violation::Text("cname", RecipientError::TooLong(1025))));
    assert!(with_body(&body("o'brien@localhost", "a")).is_ok());
}

#[test]
fn messages_cut_what_they_repeat_and_never_repeat_a_credential() {
    let message = at(&"/x".repeat(5000)).unwrap_err().to_string();
    assert!(message.len() < 300, "{message}");
    let message = with("authorization", &["hunter2"]).unwrap_err().to_string();
    assert!(!message.contains("hunter2"), "{message}");
}
