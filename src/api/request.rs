//! The request as it goes over the wire: URL, headers and body, built from settings and a recipient.

use serde::Serialize;
use thiserror::Error;
use url::Url;

use super::recipient::{RecipientError, check_email, check_text};
use crate::args::settings_table::CONSOLES;
use crate::settings::credential::secret::Secret;
use crate::settings::target::{Target, UrlVariables};

/// The path of the operation, which every URL ends in.
pub const OPERATION: &str = "/no_auth/send_password_email";

/// What this client calls itself.
pub const USER_AGENT: &str = concat!("vescli/", env!("CARGO_PKG_VERSION"));

/// Who is mailed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address.
    pub email: String,
    /// The cname.
    pub cname: String,
}

/// A request that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// Where to.
    pub url: Url,
    /// Names and values in the order in which they are sent, but for `Authorization`.
    pub headers: [(&'static str, &'static str); 3],
    /// The token for `Authorization`, if there is one.
    pub token: Option<Secret>,
    /// The body, JSON.
    pub body: String,
}

/// Why a request cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The address.
    #[error("the address `{}` {error}", .email.escape_debug())]
    Email {
        /// As given.
        email: String,
        /// What is wrong.
        error: RecipientError,
    },
    /// The cname.
    #[error("the cname `{}` {error}", .cname.escape_debug())]
    Cname {
        /// As given.
        cname: String,
        /// What is wrong.
        error: RecipientError,
    },
    /// What a URL parser makes of the URL is not what was meant.
    #[error("the URL {0} would not be sent as it was meant")]
    Url(String),
}

/// The body's fields in the order of the published page.
#[derive(Serialize)]
struct Body<'a> {
    cname: &'a str,
    email: &'a str,
}

impl Recipient {
    /// Checks an address and a cname.
    ///
    /// # Errors
    /// [`RequestError`] for the one that cannot be sent. `any_email` skips the published pattern.
    pub fn new(email: &str, cname: &str, any_email: bool) -> Result<Self, RequestError> {
        check_email(email, any_email).map_err(|error| RequestError::Email { email: email.to_owned(), error })?;
        check_text(cname).map_err(|error| RequestError::Cname { cname: cname.to_owned(), error })?;
        Ok(Self { email: email.to_owned(), cname: cname.to_owned() })
    }
}

impl ApiRequest {
    /// Builds the request.
    ///
    /// # Errors
    /// [`RequestError::Url`] when the URL is not what was meant.
    pub fn new(target: &Target, recipient: &Recipient, token: Option<Secret>) -> Result<Self, RequestError> {
        Ok(Self {
            url: url(target)?,
            headers: [("content-type", "application/json"), ("accept", "application/json"), ("user-agent", USER_AGENT)],
            token,
            body: body(&recipient.email, &recipient.cname),
        })
    }

    /// Addresses the request to somebody else, whose address and cname were checked already.
    pub fn readdress(&mut self, email: &str, cname: &str) {
        self.body = body(email, cname);
    }
}

fn body(email: &str, cname: &str) -> String {
    // A struct of two texts cannot fail to serialise.
    serde_json::to_string(&Body { cname, email }).unwrap_or_default()
}

/// The URL of the operation.
///
/// # Errors
/// [`RequestError::Url`] when a parser reads it as something else than was meant.
pub fn url(target: &Target) -> Result<Url, RequestError> {
    match target {
        Target::Published(variables) => published_url(variables),
        Target::Base(base) => {
            let text = format!("{}{OPERATION}", base.as_str());
            let refused = || RequestError::Url(text.clone());
            let url = Url::parse(&text).map_err(|_| refused())?;
            let same = url.origin() == base.url().origin()
                && url.path() == format!("{}{OPERATION}", base.url().path().trim_end_matches('/'))
                && has_only_a_path(&url);
            same.then_some(url).ok_or_else(refused)
        }
    }
}

/// Puts the variables into the published URL, and then compares what a parser reads there, part by part, with what
/// was meant. The grammar of labels already makes a difference impossible; this holds even if the grammar had a hole.
fn published_url(variables: &UrlVariables) -> Result<Url, RequestError> {
    let UrlVariables { tenant, console, prefix, environment, region, namespace } = variables;
    let host = format!("{tenant}.{console}");
    let path = format!("/api/v1/{prefix}/{environment}/{region}/namespaces/{namespace}{OPERATION}");
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
        && url.path_segments().is_some_and(|segments| segments.count() == 9)
        && has_only_a_path(&url);
    same.then_some(url).ok_or_else(refused)
}

fn has_only_a_path(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let recipient = Recipient::new("hello@example.com", "example", false).unwrap();
        let request = ApiRequest::new(&Target::Published(variables()), &recipient, None).unwrap();
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
            assert_eq!(super::url(&target).map(String::from), Ok(url.to_owned()));
        }
    }

    #[test]
    fn variables_that_slipped_past_the_grammar_are_caught_by_the_comparison() {
        let with = |change: fn(&mut UrlVariables)| {
            let mut changed = variables();
            change(&mut changed);
            published_url(&changed)
        };
        assert!(with(|v| v.tenant = String::new()).is_err());
        assert!(with(|v| v.tenant = "evil.example/".into()).is_err());
        assert!(with(|v| v.tenant = "a@evil".into()).is_err());
        assert!(with(|v| v.tenant = "evil.example?".into()).is_err());
        assert!(with(|v| v.console = "evil.example".into()).is_err());
        assert!(with(|v| v.tenant = "ｅxample".into()).is_err());
        assert!(with(|v| v.region = "..".into()).is_err());
        assert!(with(|v| v.region = "a/b".into()).is_err());
        assert!(with(|v| v.namespace = "x?y".into()).is_err());
        assert!(with(|v| v.namespace = "a\tb".into()).is_err());
        assert!(with(|_| ()).is_ok());
    }
}
