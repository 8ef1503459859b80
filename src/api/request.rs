//! The request as it goes over the wire: URL, headers and body, built from an operation, a target and the values of its fields.

use thiserror::Error;
use url::Url;

use super::operation::{Field, Operation, RecipientError, Rule, check_email, check_text};
use crate::args::settings_table::CONSOLES;
use crate::settings::credential::secret::Secret;
use crate::settings::target::{Target, UrlVariables};

/// What this client calls itself.
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
    /// A URL parser reads the URL as something else than was meant.
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
        let mut request = Self::unaddressed(operation, target)?;
        request.readdress(values);
        Ok(request)
    }

    /// A request without a body, for [`Self::readdress`].
    pub fn unaddressed(operation: &'static Operation, target: &Target) -> Result<Self, RequestError> {
        Ok(Self {
            operation,
            url: url(operation, target)?,
            headers: [("content-type", "application/json"), ("accept", "application/json"), ("user-agent", USER_AGENT)],
            token: None,
            body: String::new(),
        })
    }

    /// Replaces the values by others, which were checked already.
    pub fn readdress(&mut self, values: &[&str]) {
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

/// The URL of an operation.
///
/// # Errors
/// [`RequestError::Url`] when a parser reads it as something else than was meant.
pub fn url(operation: &Operation, target: &Target) -> Result<Url, RequestError> {
    match target {
        Target::Published(variables) => published_url(operation, variables),
        Target::Base(base) => {
            let text = format!("{}{}", base.as_str(), operation.path);
            let refused = || RequestError::Url(text.clone());
            let url = Url::parse(&text).map_err(|_| refused())?;
            let same = url.origin() == base.url().origin()
                && url.path() == format!("{}{}", base.url().path().trim_end_matches('/'), operation.path)
                && has_only_a_path(&url);
            same.then_some(url).ok_or_else(refused)
        }
    }
}

/// Puts the variables into the published URL, and then compares what a parser reads there, part by part, with what
/// was meant. The grammar of labels already makes a difference impossible; this check protects against a mistake in the
/// grammar.
fn published_url(operation: &Operation, variables: &UrlVariables) -> Result<Url, RequestError> {
    let UrlVariables { tenant, console, prefix, environment, region, namespace } = variables;
    let host = format!("{tenant}.{console}");
    let template = format!("{}{}", operation.published_prefix, operation.path);
    // Segment by segment, so that a value that looks like a variable is not replaced in turn.
    let segments: Vec<&str> = template
        .split('/')
        .map(|segment| match segment {
            "{prefix}" => prefix,
            "{environment}" => environment,
            "{region}" => region,
            "{namespace}" => namespace,
            literal => literal,
        })
        .collect();
    let path = segments.join("/");
    let text = format!("https://{host}{path}");
    let refused = || RequestError::Url(text.escape_debug().to_string());
    let url = Url::parse(&text).map_err(|_| refused())?;
    let same = CONSOLES.contains(&console.as_str())
        && !tenant.is_empty()
        && !tenant.contains('.')
        && url.scheme() == "https"
        && url.host_str() == Some(host.as_str())
        && url.port().is_none()
        && url.path() == path
        // The template's own begins with an empty one, before the first slash.
        && url.path_segments().is_some_and(|read| read.count() + 1 == segments.len())
        && has_only_a_path(&url);
    same.then_some(url).ok_or_else(refused)
}

fn has_only_a_path(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operation::{SEND_PASSWORD_EMAIL, recipient};
    use crate::settings::target::BaseUrl;

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
            published_url(&SEND_PASSWORD_EMAIL, &changed)
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
