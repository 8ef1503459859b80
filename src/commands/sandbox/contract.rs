//! The contract of an operation from the service's side: what a request must look like, and which rule a wrong one breaks.
//! Pure: a request goes in as it was received; the person and the token come out.

use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use hyper::{HeaderMap, Method};
use serde_json::Value;

use super::answer::LOGIN_PATH;
use crate::api::operation::{Operation, check_text};
use crate::settings::target::is_label;

/// The environments that the published page lists.
const ENVIRONMENTS: [&str; 3] = ["production", "staging", "development"];

/// How much of a request a message repeats at most, in characters.
const SHOWN_MAX: usize = 100;

/// A request that keeps the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The person that the operation is about, such as the one to mail.
    pub(super) subject: String,
    /// The token of the `Authorization` header, if there is one.
    pub(super) token: Option<String>,
}

/// Checks one request against the contract of one of `operations`.
///
/// `target` is the path of the request line, with its query if there is one. Of the address, only length and invisible
/// characters are checked. The pattern on the published page is not among the rules in the service's own description of
/// the field, and addresses for `--allow-any-email` must be possible in a rehearsal.
///
/// # Errors
/// A sentence with the first rule that is broken, in the order path, method, headers, body.
pub(super) fn check(
    operations: &[&'static Operation],
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Request, String> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let operation = find(operations, path)?;
    if let Some(query) = query {
        return Err(format!("the URL has a query, {:?}; the operation takes none", shown(query)));
    }
    if method != Method::POST {
        return Err(format!("the method is {}; it must be POST", shown(method.as_str())));
    }
    let (content_type, accept) = (all_values(headers, &CONTENT_TYPE), all_values(headers, &ACCEPT));
    if !is_json(&content_type) {
        return Err(format!(
            "the content-type is {:?}; it must be given once, as application/json",
            shown(&content_type)
        ));
    }
    // A request without the header accepts any media type (RFC 9110, section 12.5.1).
    if headers.contains_key(ACCEPT) && !admits_json(&accept) {
        return Err(format!("the accept header, {:?}, does not accept application/json", shown(&accept)));
    }
    Ok(Request { token: read_token(headers)?, subject: read_subject(operation, body)? })
}

/// The operation at a path: either its published path, or its path after a base URL.
fn find(operations: &[&'static Operation], path: &str) -> Result<&'static Operation, String> {
    if path == LOGIN_PATH {
        return Err("the client followed the redirect to the login page; a redirect must never be followed, because \
                    the POST becomes a GET that mails no one"
            .to_owned());
    }
    for operation in operations {
        let Some(before) = path.strip_suffix(operation.path) else { continue };
        let template: Vec<&str> = operation.published_prefix.split('/').collect();
        let segments: Vec<&str> = before.split('/').collect();
        let is_variable = |name: &str| name.starts_with('{');
        let has_literals = template.iter().zip(&segments).all(|(name, value)| is_variable(name) || name == value);
        if before.is_empty() {
            return Ok(operation);
        } else if template.len() == segments.len() && has_literals {
            let mut variables = template.into_iter().zip(segments).filter(|(name, _)| is_variable(name));
            return variables.try_for_each(|(name, value)| check_variable(name, value)).map(|()| *operation);
        }
    }
    let known = operations.iter().map(|operation| format!("{}{} or {1}", operation.published_prefix, operation.path));
    Err(format!("no operation at {:?}; it is {}", shown(path), known.collect::<Vec<_>>().join(", or ")))
}

fn check_variable(name: &str, value: &str) -> Result<(), String> {
    let name = name.trim_matches(['{', '}']);
    let (is_valid, rule) = match name {
        "environment" => (ENVIRONMENTS.contains(&value), "production, staging or development"),
        _ => (is_label(value), "one DNS label: a-z, 0-9 and inner hyphens, at most 63"),
    };
    if is_valid { Ok(()) } else { Err(format!("{name} in the path is {:?}; it must be {rule}", shown(value))) }
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    // If there is a comma, there were two headers: a media type contains none.
    media_type.eq_ignore_ascii_case("application/json") && !content_type.contains(',')
}

/// Whether one of the media ranges includes JSON; `*/*` and `application/*` do.
fn admits_json(accept: &str) -> bool {
    accept.to_ascii_lowercase().split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_json = parts.next().is_some_and(|it| ["application/json", "application/*", "*/*"].contains(&it));
        let mut weights = parts.filter_map(|part| part.strip_prefix("q=")?.parse().ok());
        is_json && !weights.any(|weight: f32| weight <= 0.0)
    })
}

/// The message never repeats the header: it may contain a secret.
fn read_token(headers: &HeaderMap) -> Result<Option<String>, String> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let token = value.to_str().ok().filter(|_| values.next().is_none()).and_then(|text| text.strip_prefix("APIToken "));
    token
        .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(|token| Some(token.to_owned()))
        .ok_or_else(|| {
            "the authorization header must be given once, as APIToken, one space and a token of visible ASCII"
                .to_owned()
        })
}

/// Checks the whole body, and returns the field that names the person. The other fields are optional.
fn read_subject(operation: &'static Operation, body: &[u8]) -> Result<String, String> {
    let value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let Value::Object(mut given) = value else {
        return Err("the body is JSON, but not an object".to_owned());
    };
    let mut values = Vec::new();
    for (index, field) in operation.shown_fields() {
        match given.remove(field.name) {
            Some(Value::String(value)) => values.push((field.name, value)),
            Some(_) => return Err(format!("{} in the body is not a string", field.name)),
            None if index == operation.subject => return Err(format!("the body has no {}", field.name)),
            None => {}
        }
    }
    if let Some(name) = given.keys().next() {
        let known: Vec<_> = operation.shown_fields().map(|(_, field)| field.name).collect();
        return Err(format!(
            "the body has an unknown field {:?}; the operation knows {}",
            shown(name),
            known.join(" and ")
        ));
    }
    for (name, value) in &values {
        check_text(value).map_err(|error| format!("{name} in the body {error}"))?;
    }
    Ok(values.swap_remove(0).1)
}

/// All values of one header in one text, joined as in RFC 9110, section 5.3; empty if there is no such header.
pub(super) fn all_values(headers: &HeaderMap, name: &HeaderName) -> String {
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

    /// The valid headers, but with the header `name` once for each of `values`.
    fn with(name: &str, values: &[&str]) -> Result<Request, String> {
        let name: HeaderName = name.parse().unwrap();
        let mut map = good_headers();
        map.remove(&name);
        for value in values {
            map.append(name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        check(OPERATIONS, &Method::POST, LONG, &map, BODY.as_bytes())
    }

    fn at(target: &str) -> Result<Request, String> {
        check(OPERATIONS, &Method::POST, target, &good_headers(), BODY.as_bytes())
    }

    fn with_body(body: &str) -> Result<Request, String> {
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
            assert_eq!(ask(path, BODY).unwrap_err(), "the body has no user", "{path}");
        }
        for path in [LONG, OPERATION] {
            assert_eq!(ask(path, BODY), Ok(subject("hello@example.com")), "{path}");
        }
        let before_the_other = LONG.replace(OPERATION, "/system/users/reset");
        let message = ask(&before_the_other, BODY).unwrap_err();
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
            let message = at(path).unwrap_err();
            assert!(message.starts_with(&format!("no operation at {path:?}; it is /api/v1/")), "{message}");
        }
        assert!(at(LOGIN_PATH).unwrap_err().starts_with("the client followed the redirect to the login page; "));
        for (path, query) in [(LONG, "a=b"), (OPERATION, "")] {
            let message = at(&format!("{path}?{query}")).unwrap_err();
            assert_eq!(message, format!("the URL has a query, {query:?}; the operation takes none"));
        }
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
                let message = at(&path).unwrap_err();
                assert!(message.starts_with(&format!("{variable} in the path is {bad:?}; it must be ")), "{message}");
            }
        }
        let path = LONG.replace("production", "prod");
        let expected = "environment in the path is \"prod\"; it must be production, staging or development";
        assert_eq!(at(&path).unwrap_err(), expected);
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
            assert_eq!(got.unwrap_err(), format!("the method is {method}; it must be POST"));
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
            let expected =
                format!("the content-type is {:?}; it must be given once, as application/json", bad.join(", "));
            assert_eq!(with("content-type", bad).unwrap_err(), expected);
        }
    }

    #[test]
    fn the_client_accepts_json() {
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
            let expected = format!("the accept header, {bad:?}, does not accept application/json");
            assert_eq!(with("accept", &[bad]).unwrap_err(), expected);
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
            let expected =
                "the authorization header must be given once, as APIToken, one space and a token of visible ASCII";
            assert_eq!(with("authorization", bad).unwrap_err(), expected, "{bad:?}");
        }
    }

    #[test]
    fn the_body_is_an_object_with_email_and_perhaps_cname() {
        for fine in [BODY, r#"{"email":"hello@example.com"}"#, "\n{\"email\" :\"hello@example.com\"}"] {
            assert_eq!(with_body(fine), Ok(good(Some("abc=.-"))));
        }
        for (bad, expected) in [
            ("[]", "the body is JSON, but not an object"),
            ("null", "the body is JSON, but not an object"),
            (r#""hello@example.com""#, "the body is JSON, but not an object"),
            ("{}", "the body has no email"),
            (r#"{"cname":"a"}"#, "the body has no email"),
            (r#"{"email":null}"#, "email in the body is not a string"),
            (r#"{"email":"a@b.co","cname":null}"#, "cname in the body is not a string"),
            (
                r#"{"email":"a@b.co","user":1}"#,
                "the body has an unknown field \"user\"; the operation knows email and cname",
            ),
            (
                r#"{"email":"a@b.co","Cname":"x"}"#,
                "the body has an unknown field \"Cname\"; the operation knows email and cname",
            ),
            (r#"{"email":""}"#, "email in the body is empty"),
            (r#"{"email":"a\n@b.co"}"#, "email in the body contains the invisible or control character U+000A"),
            (r#"{"email":"a@b.co","cname":""}"#, "cname in the body is empty"),
        ] {
            assert_eq!(with_body(bad).unwrap_err(), expected, "{bad}");
        }
        for bad in ["", "{", "email=a@b.co", "{} {}", r#"{"email":"a@b.co",}"#] {
            assert!(with_body(bad).unwrap_err().starts_with("the body is not JSON: "), "{bad}");
        }
    }

    #[test]
    fn lengths_end_at_1024_characters_and_the_pattern_is_not_checked() {
        let body = |email: &str, cname: &str| format!(r#"{{"email":"{email}","cname":"{cname}"}}"#);
        let longest = "é".repeat(1024);
        let too_long = "é".repeat(1025);
        assert!(with_body(&body(&longest, &longest)).is_ok());
        let message = |field| format!("{field} in the body is 1025 characters long; the service takes at most 1024");
        assert_eq!(with_body(&body(&too_long, "a")).unwrap_err(), message("email"));
        assert_eq!(with_body(&body("a", &too_long)).unwrap_err(), message("cname"));
        assert!(with_body(&body("o'brien@localhost", "a")).is_ok());
    }

    #[test]
    fn messages_cut_what_they_repeat_and_never_repeat_a_credential() {
        let message = at(&"/x".repeat(5000)).unwrap_err();
        assert!(message.len() < 300, "{message}");
        let message = with("authorization", &["hunter2"]).unwrap_err();
        assert!(!message.contains("hunter2"), "{message}");
    }
}
