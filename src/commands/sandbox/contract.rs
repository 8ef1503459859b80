//! The contract of the operation, seen from the service: what a request must look like, and what exactly is wrong with one
//! that does not. Pure: a request goes in as it was received, the mail that it asks for comes out.

use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use hyper::{HeaderMap, Method};
use serde_json::{Map, Value};
use thiserror::Error;

use super::answer::{ImpossibleStatus, LOGIN_PATH};
use crate::api::operation::{Operation, RecipientError, check_text};
use crate::settings::target::is_label;

/// The environments that the published page lists.
const ENVIRONMENTS: [&str; 3] = ["production", "staging", "development"];

/// Longest piece of a request that is repeated in a message, in characters.
const SHOWN_MAX: usize = 100;

/// What a request that keeps the contract asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// Who is to be mailed, or whom the operation is about in another way.
    pub(super) subject: String,
    /// The token of the `Authorization` header, when there was one.
    pub(super) token: Option<String>,
}

/// The first rule of the contract that a request breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Violation {
    #[error("no operation at {path:?}; it is {known}")]
    Path { path: String, known: String },
    #[error(
        "the client followed the redirect to the login page; a redirect must never be followed, because the POST becomes a GET that mails no one"
    )]
    FollowedRedirect,
    #[error("{name} in the path is {value:?}; it must be {rule}")]
    Variable { name: &'static str, value: String, rule: &'static str },
    #[error("the URL has a query, {0:?}; the operation takes none")]
    Query(String),
    #[error("the method is {0}; it must be POST")]
    Method(String),
    #[error("the content-type is {0:?}; it must be given once, as application/json")]
    ContentType(String),
    #[error("the accept header, {0:?}, does not accept application/json")]
    Accept(String),
    /// Never repeats the header: what is wrong with it may well be a secret in the wrong place.
    #[error("the authorization header must be given once, as APIToken, one space and a token of visible ASCII")]
    Authorization,
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    #[error("the body is not JSON: {0}")]
    Json(String),
    #[error("the body is JSON, but not an object")]
    NotAnObject,
    #[error("the body has an unknown field {0:?}; the operation knows {1}")]
    UnknownField(String, String),
    #[error("the body has no {0}")]
    NoSubject(&'static str),
    #[error("{0} in the body is not a string")]
    NotAString(&'static str),
    #[error("{0} in the body {1}")]
    Text(&'static str, RecipientError),
    #[error(transparent)]
    Scenario(ImpossibleStatus),
}

/// Checks one request against the contract of one of `operations`.
///
/// `target` is the path of the request line, with its query if there is one. The address is checked for length and
/// invisible characters only: the pattern on the published page is not among the rules that the service's own description
/// gives for the field, and `--allow-any-email` exists for addresses outside of it, which have to be rehearsed as well.
///
/// # Errors
/// The first [`Violation`], in the order path, method, headers, body.
pub(super) fn check(
    operations: &[&'static Operation],
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Request, Violation> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let operation = find(operations, path)?;
    if let Some(query) = query {
        return Err(Violation::Query(shown(query)));
    }
    if method != Method::POST {
        return Err(Violation::Method(shown(method.as_str())));
    }
    check_content_type(headers)?;
    check_accept(headers)?;
    let token = read_token(headers)?;
    let subject = read_subject(operation, body)?;
    Ok(Request { subject, token })
}

/// The operation at a path, which is the published one or what follows a base URL.
fn find(operations: &[&'static Operation], path: &str) -> Result<&'static Operation, Violation> {
    if path == LOGIN_PATH {
        return Err(Violation::FollowedRedirect);
    }
    for operation in operations {
        let found = path.strip_suffix(operation.path).and_then(|before| check_prefix(operation, before));
        if let Some(checked) = found {
            return checked.map(|()| *operation);
        }
    }
    let known = operations.iter().map(|operation| format!("{}{} or {1}", operation.published_prefix, operation.path));
    Err(Violation::Path { path: shown(path), known: known.collect::<Vec<_>>().join(", or ") })
}

/// Checks what is before the path of an operation: nothing, or its published prefix. `None` when it is neither.
fn check_prefix(operation: &Operation, before: &str) -> Option<Result<(), Violation>> {
    if before.is_empty() {
        return Some(Ok(()));
    }
    let template: Vec<&str> = operation.published_prefix.split('/').collect();
    let segments: Vec<&str> = before.split('/').collect();
    let variables = || template.iter().zip(&segments).filter(|(name, _)| name.starts_with('{'));
    let literals = template.iter().zip(&segments).filter(|(name, _)| !name.starts_with('{'));
    if template.len() != segments.len() || literals.into_iter().any(|(name, value)| name != value) {
        return None;
    }
    let variable = |name: &'static str, value: &str, rule| Violation::Variable { name, value: shown(value), rule };
    for (name, value) in variables() {
        let name = name.trim_matches(['{', '}']);
        if name != "environment" && !is_label(value) {
            return Some(Err(variable(name, value, "one DNS label: a-z, 0-9 and inner hyphens, at most 63")));
        }
    }
    Some(match variables().find(|(name, _)| **name == "{environment}") {
        Some((_, value)) if !ENVIRONMENTS.contains(value) => {
            Err(variable("environment", value, "production, staging or development"))
        }
        _ => Ok(()),
    })
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Violation> {
    let given = all_values(headers, &CONTENT_TYPE);
    let media_type = given.split(';').next().unwrap_or_default().trim();
    // Two headers were joined by a comma, which no media type contains.
    if media_type.eq_ignore_ascii_case("application/json") && !given.contains(',') {
        return Ok(());
    }
    Err(Violation::ContentType(shown(&given)))
}

/// A request without the header admits everything (RFC 9110, section 12.5.1), and so does a range with a star.
fn check_accept(headers: &HeaderMap) -> Result<(), Violation> {
    let given = all_values(headers, &ACCEPT);
    let admitted = given.split(',').any(|range| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let media_type = parts.next().unwrap_or_default();
        let refused =
            parts.filter_map(|part| part.strip_prefix("q=").and_then(|q| q.parse().ok())).any(|q: f32| q <= 0.0);
        ["application/json", "application/*", "*/*"].contains(&media_type.as_str()) && !refused
    });
    if admitted || !headers.contains_key(ACCEPT) {
        return Ok(());
    }
    Err(Violation::Accept(shown(&given)))
}

fn read_token(headers: &HeaderMap) -> Result<Option<String>, Violation> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .filter(|_| values.next().is_none())
        .and_then(|text| text.strip_prefix("APIToken "))
        .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(|token| Some(token.to_owned()))
        .ok_or(Violation::Authorization)
}

/// Checks the whole body, and gives the one field of it that decides what happens. The others may be left out.
fn read_subject(operation: &'static Operation, body: &[u8]) -> Result<String, Violation> {
    let value: Value = serde_json::from_slice(body).map_err(|error| Violation::Json(error.to_string()))?;
    let Value::Object(mut given) = value else {
        return Err(Violation::NotAnObject);
    };
    let mut values = Vec::new();
    for (index, field) in operation.shown_fields() {
        match take_string(&mut given, field.name)? {
            Some(value) => values.push((field, value)),
            None if index == operation.subject => return Err(Violation::NoSubject(field.name)),
            None => {}
        }
    }
    if let Some(name) = given.keys().next() {
        let known: Vec<_> = operation.shown_fields().map(|(_, field)| field.name).collect();
        return Err(Violation::UnknownField(shown(name), known.join(" and ")));
    }
    for (field, value) in &values {
        check_text(value).map_err(|error| Violation::Text(field.name, error))?;
    }
    Ok(values.swap_remove(0).1)
}

fn take_string(fields: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, Violation> {
    match fields.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Violation::NotAString(name)),
    }
}

/// All values of one header in one text, joined as RFC 9110, section 5.3 allows; empty when there is none.
pub(super) fn all_values(headers: &HeaderMap, name: &hyper::header::HeaderName) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    values.join(", ")
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::api::operation::{Field, OPERATIONS, Rule, SEND_PASSWORD_EMAIL};
    use crate::args::settings_table::Setting;

    const LONG: &str = "/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email";
    const OPERATION: &str = "/no_auth/send_password_email";
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
        check(OPERATIONS, &Method::POST, LONG, &map, BODY.as_bytes())
    }

    fn at(target: &str) -> Result<Request, Violation> {
        check(OPERATIONS, &Method::POST, target, &good_headers(), BODY.as_bytes())
    }

    fn with_body(body: &str) -> Result<Request, Violation> {
        check(OPERATIONS, &Method::POST, LONG, &good_headers(), body.as_bytes())
    }

    fn good(token: Option<&str>) -> Request {
        Request { subject: "hello@example.com".to_owned(), token: token.map(str::to_owned) }
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
    fn another_operation_is_found_at_its_own_paths() {
        static RESET: Operation = Operation {
            path: "/system/users/reset",
            published_prefix: "/api/web/custom/namespaces",
            fields: &[Field { name: "user", noun: "user", setting: Setting::Email, fallback: None, rule: Rule::Email }],
            subject: 0,
            noun: "reset",
            rejected: "",
            unknown: "",
            check_first: "",
        };
        let both = [&SEND_PASSWORD_EMAIL, &RESET];
        let ask = |path: &str, body: &str| check(&both, &Method::POST, path, &good_headers(), body.as_bytes());
        let subject = |name: &str| Request { subject: name.to_owned(), token: Some("abc=.-".to_owned()) };
        for path in ["/system/users/reset", "/api/web/custom/namespaces/system/users/reset"] {
            assert_eq!(ask(path, r#"{"user": "ada@example.com"}"#), Ok(subject("ada@example.com")), "{path}");
            assert_eq!(ask(path, BODY), Err(Violation::NoSubject("user")), "{path}");
        }
        for path in [LONG, OPERATION] {
            assert_eq!(ask(path, BODY), Ok(subject("hello@example.com")), "{path}");
        }
        let before_the_other = LONG.replace(OPERATION, "/system/users/reset");
        let message = ask(&before_the_other, BODY).unwrap_err().to_string();
        assert!(
            message.ends_with("or /api/web/custom/namespaces/system/users/reset or /system/users/reset"),
            "{message}"
        );
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
            assert!(matches!(at(path), Err(Violation::Path { path: refused, .. }) if refused == path), "{path}");
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
            let got = check(
                OPERATIONS,
                &Method::from_bytes(method.as_bytes()).unwrap(),
                LONG,
                &good_headers(),
                BODY.as_bytes(),
            );
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
            ("{}", Violation::NoSubject("email")),
            (r#"{"cname":"a"}"#, Violation::NoSubject("email")),
            (r#"{"email":null}"#, Violation::NotAString("email")),
            (r#"{"email":"a@b.co","cname":null}"#, Violation::NotAString("cname")),
            (
                r#"{"email":"a@b.co","user":1}"#,
                Violation::UnknownField("user".to_owned(), "email and cname".to_owned()),
            ),
            (
                r#"{"email":"a@b.co","Cname":"x"}"#,
                Violation::UnknownField("Cname".to_owned(), "email and cname".to_owned()),
            ),
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
}
