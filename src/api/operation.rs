//! The operations of the API, each as a value: path, fields with their rules, and phrases. The code that sends, classifies
//! and reports takes this value and is the same for all operations. Also the request of an operation: URL, headers and body.

use thiserror::Error;
use url::{Host, Origin, Url};

use crate::args::settings_table::{CONSOLES, Setting};
use crate::settings::credential::secret::Secret;
use crate::settings::target::{Target, UrlVariables};

/// An operation: a POST with a JSON object of texts.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The path below a base URL, and the end of the published one.
    pub path: &'static str,
    /// The published path before that. Whole segments in braces are variables of the target.
    pub published_prefix: &'static str,
    /// The fields of the body, in the order of the published page.
    pub fields: &'static [Field],
    /// The index of the field that names the person.
    pub subject: usize,
    /// What the service accepts: `accepted: … for hello@example.com`.
    pub noun: &'static str,
    /// What a rejection proves, such as that no mail was sent.
    pub rejected: &'static str,
    /// What may have happened when the outcome is unknown.
    pub unknown: &'static str,
    /// What to do before sending again when the outcome is unknown.
    pub check_first: &'static str,
}

/// A field of the body.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the body and in JSON results.
    pub name: &'static str,
    /// Its name in messages.
    pub noun: &'static str,
    /// Where its value comes from.
    pub setting: Setting,
    /// Where it comes from if that setting has no value.
    pub fallback: Option<Setting>,
    pub rule: Rule,
}

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Email,
    Text,
}

impl Operation {
    /// The fields as results show them, each with its index: the subject first.
    pub fn shown_fields(&self) -> impl Iterator<Item = (usize, &'static Field)> {
        let fields: &'static [Field] = self.fields;
        let subject = self.subject;
        let others = (0..fields.len()).filter(move |index| *index != subject);
        std::iter::once(subject).chain(others).filter_map(|index| Some((index, fields.get(index)?)))
    }
}

/// The operations that have a command. The sandbox answers these.
pub static OPERATIONS: &[&Operation] = &[&SEND_PASSWORD_EMAIL];

/// Mails a user the link to set a password.
pub static SEND_PASSWORD_EMAIL: Operation = Operation {
    path: "/no_auth/send_password_email",
    published_prefix: "/api/v1/{prefix}/{environment}/{region}/namespaces/{namespace}",
    fields: &[CNAME, EMAIL],
    subject: 1,
    noun: "password email",
    rejected: "no mail was sent",
    unknown: "someone may have been mailed",
    check_first: "ask the person or check the console before sending again",
};

pub const CNAME: Field =
    Field { name: "cname", noun: "cname", setting: Setting::Cname, fallback: Some(Setting::Tenant), rule: Rule::Text };

const EMAIL: Field =
    Field { name: "email", noun: "address", setting: Setting::Email, fallback: None, rule: Rule::Email };

/// The values for [`SEND_PASSWORD_EMAIL`], in the order of its fields.
pub const fn recipient<'a>(email: &'a str, cname: &'a str) -> [&'a str; 2] {
    [cname, email]
}

/// Longest address or cname, in code points (the published page: `<= 1024 characters`).
pub const FIELD_MAX: usize = 1024;

/// Why an address or a cname cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecipientError {
    #[error("is empty")]
    Empty,
    #[error("is {0} characters long; the service takes at most {FIELD_MAX}")]
    TooLong(usize),
    /// A character that is invisible, or that changes the direction of the text.
    #[error("contains the invisible or control character U+{0:04X}")]
    Invisible(u32),
    #[error("has no @: an address looks like name@example.com")]
    NoAt,
    #[error("does not look like an address the service accepts ({0}); --allow-any-email skips this check")]
    Pattern(&'static str),
}

/// Whether `c` is invisible, or changes how the characters around it are shown: control characters, bidirectional
/// and zero-width ones, and the byte order mark (Unicode categories Cc and the dangerous part of Cf, with U+2028/2029).
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Checks what is required of any text field of the request: its length and its characters.
pub fn check_text(text: &str) -> Result<(), RecipientError> {
    if text.is_empty() {
        return Err(RecipientError::Empty);
    }
    let length = text.chars().count();
    if length > FIELD_MAX {
        return Err(RecipientError::TooLong(length));
    }
    text.chars().find(|c| is_invisible(*c)).map_or(Ok(()), |c| Err(RecipientError::Invisible(u32::from(c))))
}

/// Checks an address as the page publishes it: `^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$`.
///
/// # Errors
/// [`RecipientError`] with the first rule that is broken. With `any`, the pattern alone is skipped.
pub fn check_email(email: &str, any: bool) -> Result<(), RecipientError> {
    check_text(email)?;
    if any {
        return Ok(());
    }
    let (local, domain) = email.split_once('@').ok_or(RecipientError::NoAt)?;
    let (host, top) = domain.rsplit_once('.').unwrap_or_default();
    let has_only = |text: &str, others: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c));
    Err(RecipientError::Pattern(if local.is_empty() {
        "nothing before the @"
    } else if !has_only(local, "._%+-") {
        "before the @: letters, digits and . _ % + - only"
    } else if !has_only(domain, ".-") {
        "after the @: letters, digits, dots and hyphens only"
    } else if host.is_empty() || top.len() < 2 || !top.chars().all(|c| c.is_ascii_alphabetic()) {
        "the domain must end in a dot and at least two letters"
    } else {
        return Ok(());
    }))
}

pub const USER_AGENT: &str = concat!("vescli/", env!("CARGO_PKG_VERSION"));

/// A request that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiRequest {
    pub operation: &'static Operation,
    pub url: Url,
    /// Names and values in the order in which they are sent, without `Authorization`.
    pub headers: [(&'static str, &'static str); 3],
    /// The token for `Authorization`, if there is one.
    pub token: Option<Secret>,
    /// JSON.
    pub body: String,
}

/// Why a request cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    #[error("the {} `{}` {error}", .field.noun, .value.escape_debug())]
    Field { field: &'static Field, value: String, error: RecipientError },
    /// A URL parser does not read the URL as it was meant.
    #[error("the URL {0} would not be sent as it was meant")]
    Url(String),
}

/// # Errors
/// [`RequestError::Field`] for a value that the service does not accept. `any_email` skips the published pattern.
pub fn check(field: &'static Field, value: &str, any_email: bool) -> Result<(), RequestError> {
    let checked = match field.rule {
        Rule::Email => check_email(value, any_email),
        Rule::Text => check_text(value),
    };
    checked.map_err(|error| RequestError::Field { field, value: value.to_owned(), error })
}

impl ApiRequest {
    /// Builds the request from the values of the operation's fields, in their order.
    ///
    /// # Errors
    /// [`RequestError`] for the first value that cannot be sent (`any_email` skips the published pattern), or when the URL
    /// is not what was meant.
    pub fn new(
        operation: &'static Operation,
        target: &Target,
        values: &[&str],
        any_email: bool,
    ) -> Result<Self, RequestError> {
        for (index, field) in operation.shown_fields() {
            check(field, values.get(index).copied().unwrap_or_default(), any_email)?;
        }
        let mut request = Self::without_values(operation, target)?;
        request.set_values(values);
        Ok(request)
    }

    /// A request without values, for [`Self::set_values`].
    pub fn without_values(operation: &'static Operation, target: &Target) -> Result<Self, RequestError> {
        Ok(Self {
            operation,
            url: url(operation, target)?,
            headers: [("content-type", "application/json"), ("accept", "application/json"), ("user-agent", USER_AGENT)],
            token: None,
            body: String::new(),
        })
    }

    /// Replaces the values. The new ones must be checked already.
    pub fn set_values(&mut self, values: &[&str]) {
        self.body.clear();
        for (field, value) in self.operation.fields.iter().zip(values) {
            self.body.push(if self.body.is_empty() { '{' } else { ',' });
            // A text cannot fail to serialise.
            let value = serde_json::to_string(value).unwrap_or_default();
            self.body.push_str(&format!("\"{}\":{value}", field.name));
        }
        self.body.push('}');
    }
}

/// The URL of an operation. It is parsed, and each part is compared with the one that was meant. The grammars of labels and
/// base URLs already make a difference impossible; this check protects against a mistake in them.
///
/// # Errors
/// [`RequestError::Url`] if a part differs.
pub fn url(operation: &Operation, target: &Target) -> Result<Url, RequestError> {
    let (text, origin, path) = match target {
        Target::Published(variables) => {
            let host = format!("{}.{}", variables.tenant, variables.console);
            let path = published_path(operation, variables);
            (format!("https://{host}{path}"), Origin::Tuple("https".to_owned(), Host::Domain(host), 443), path)
        }
        Target::Base(base) => {
            let path = format!("{}{}", base.url().path().trim_end_matches('/'), operation.path);
            (format!("{}{}", base.as_str(), operation.path), base.url().origin(), path)
        }
    };
    let is_meant = |url: &Url| {
        let has_user = !url.username().is_empty() || url.password().is_some();
        let has_more = url.query().is_some() || url.fragment().is_some();
        url.origin() == origin && url.path() == path && !has_user && !has_more && has_valid_variables(target)
    };
    let url = Url::parse(&text).ok().filter(is_meant);
    url.ok_or_else(|| RequestError::Url(text.escape_debug().to_string()))
}

/// Whether each variable of the target is exactly one part of the URL: a label of the host, or a segment of the path.
fn has_valid_variables(target: &Target) -> bool {
    let Target::Published(variables) = target else {
        return true;
    };
    let UrlVariables { tenant, console, prefix, environment, region, namespace } = variables;
    let is_label = !tenant.is_empty() && !tenant.contains('.');
    let are_segments = [prefix, environment, region, namespace].iter().all(|value| !value.contains('/'));
    CONSOLES.contains(&console.as_str()) && is_label && are_segments
}

fn published_path(operation: &Operation, variables: &UrlVariables) -> String {
    let template = format!("{}{}", operation.published_prefix, operation.path);
    // Segment by segment, so that a value that looks like a variable is not replaced as one.
    let value = |segment| match segment {
        "{prefix}" => &variables.prefix,
        "{environment}" => &variables.environment,
        "{region}" => &variables.region,
        "{namespace}" => &variables.namespace,
        literal => literal,
    };
    template.split('/').map(value).collect::<Vec<&str>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::target::BaseUrl;

    #[test]
    fn addresses_of_the_published_pattern_pass() {
        for good in ["hello@example.com", "a@b.co", "A.b_c%d+e-f@x-y.z.museum", "1@1.aa", "a@-.zz", "a@..zz"] {
            assert_eq!(check_email(good, false), Ok(()), "{good}");
        }
    }

    #[test]
    fn other_addresses_are_refused_with_the_rule_that_they_break() {
        assert_eq!(check_email("", false), Err(RecipientError::Empty));
        assert_eq!(check_email("ada.example.com", false), Err(RecipientError::NoAt));
        for bad in
            ["@b.co", "a@", "a@b", "a@.co", "a@b.c", "a@b.c1", "a@b.co.", "a b@c.de", "a@b@c.de", "ä@b.co", "a@ü.de"]
        {
            assert!(matches!(check_email(bad, false), Err(RecipientError::Pattern(_))), "{bad}");
            assert_eq!(check_email(bad, true), Ok(()), "{bad}");
        }
    }

    #[test]
    fn invisible_characters_and_long_texts_are_always_refused() {
        for c in ['\n', '\r', '\t', '\0', '\u{7f}', '\u{85}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{ad}']
        {
            let email = format!("a{c}@b.co");
            assert_eq!(check_email(&email, true), Err(RecipientError::Invisible(u32::from(c))));
        }
        let long = format!("{}@b.co", "é".repeat(1019));
        assert_eq!(long.chars().count(), 1024);
        assert_eq!(check_email(&long, true), Ok(()));
        assert_eq!(check_email(&format!("a{long}"), true), Err(RecipientError::TooLong(1025)));
    }

    fn variables() -> UrlVariables {
        UrlVariables {
            tenant: "example-corp".into(),
            console: "console.ves.volterra.io".into(),
            prefix: "api".into(),
            environment: "production".into(),
            region: "us-east-1".into(),
            namespace: "default".into(),
        }
    }

    #[test]
    fn the_published_request_comes_out_word_for_word() {
        let values = recipient("hello@example.com", "example");
        let request = ApiRequest::new(&SEND_PASSWORD_EMAIL, &Target::Published(variables()), &values, false).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://example-corp.console.ves.volterra.io/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email"
        );
        assert_eq!(request.body, r#"{"cname":"example","email":"hello@example.com"}"#);
    }

    #[test]
    fn a_base_url_replaces_everything_before_the_operation() {
        for (base, url) in [
            ("https://h.example", "https://h.example/no_auth/send_password_email"),
            ("https://h.example/api/", "https://h.example/api/no_auth/send_password_email"),
            ("http://127.0.0.1:81/x", "http://127.0.0.1:81/x/no_auth/send_password_email"),
        ] {
            let target = Target::Base(BaseUrl::parse(base).unwrap());
            assert_eq!(super::url(&SEND_PASSWORD_EMAIL, &target).map(String::from), Ok(url.to_owned()));
        }
    }

    #[test]
    fn variables_that_slipped_past_the_grammar_are_caught_by_the_comparison() {
        let with = |change: fn(&mut UrlVariables)| {
            let mut changed = variables();
            change(&mut changed);
            url(&SEND_PASSWORD_EMAIL, &Target::Published(changed))
        };
        assert!(with(|v| v.tenant = String::new()).is_err());
        assert!(with(|v| v.tenant = "evil.example/".into()).is_err());
        assert!(with(|v| v.tenant = "a@evil".into()).is_err());
        assert!(with(|v| v.tenant = "evil.example?".into()).is_err());
        assert!(with(|v| v.console = "evil.example".into()).is_err());
        assert!(with(|v| v.tenant = "ｅxample".into()).is_err());
        assert!(with(|v| v.region = "..".into()).is_err());
        assert!(with(|v| v.region = "a/b".into()).is_err());
        assert!(with(|v| v.region = "{namespace}".into()).is_err());
        assert!(with(|v| v.namespace = "x?y".into()).is_err());
        assert!(with(|v| v.namespace = "a\tb".into()).is_err());
        assert!(with(|_| ()).is_ok());
    }
}
