//! A base URL given by the user: everything before the operation's own path, checked, and used as it stands.

use std::net::IpAddr;

use reqwest::Url;
use thiserror::Error;

use super::label::unusable_name;

/// A base URL that was checked. It bears no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    url: Url,
}

/// Why a base URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BaseUrlError {
    /// It is no URL.
    #[error("`{0}` is not a URL ({1}): it looks like https://example-corp.console.ves.volterra.io")]
    Syntax(String, String),
    /// Another scheme than https or http.
    #[error("`{0}` does not begin with https://")]
    Scheme(String),
    /// http to another machine.
    #[error("`{0}` would send the credential and the address unencrypted: use https:// (http:// is for loopback only)")]
    Plain(String),
    /// A user or a password.
    #[error("the URL holds a user name or a password: give the token with VESCLI_TOKEN or --token-file")]
    UserInfo,
    /// A query or a fragment.
    #[error("`{0}` holds a query or a fragment: the operation's path is appended to it, so it must end with a path")]
    Query(String),
    /// What would be sent is not what was written.
    #[error("`{0}` would be sent as `{1}`: write it in that form if it is what you mean")]
    NotVerbatim(String, String),
    /// No host can have this name.
    #[error("the host `{0}` {1}: correct it")]
    Host(String, &'static str),
    /// It already ends in the operation's path.
    #[error("`{0}` already ends in the operation's path: leave out everything from /no_auth on")]
    HasOperation(String),
}

impl BaseUrl {
    /// Checks a base URL; a trailing slash is dropped, and nothing else is changed.
    ///
    /// # Errors
    /// [`BaseUrlError`] with the first thing that is wrong.
    pub fn parse(given: &str) -> Result<Self, BaseUrlError> {
        let text = given.strip_suffix('/').unwrap_or(given).to_owned();
        let url =
            Url::parse(&text).map_err(|error| BaseUrlError::Syntax(without_userinfo(given), error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::UserInfo);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(BaseUrlError::Plain(text)),
            _ => return Err(BaseUrlError::Scheme(text)),
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query(text));
        }
        // The parser drops tabs, resolves dot segments, maps full-width letters: what it made must be what was written.
        let parsed = url.as_str().strip_suffix('/').unwrap_or(url.as_str());
        let (scheme_and_host, _) = split_host(&text);
        let same = parsed == text || same_but_for_case_and_port(&url, parsed, &text);
        if !same || !scheme_and_host.is_ascii() || text.ends_with('/') {
            return Err(BaseUrlError::NotVerbatim(text, parsed.to_owned()));
        }
        if let Some(name) = url.domain()
            && let Some(why) = unusable_name(name)
        {
            return Err(BaseUrlError::Host(name.to_owned(), why));
        }
        if text.contains("/no_auth") {
            return Err(BaseUrlError::HasOperation(text));
        }
        Ok(Self { text, url })
    }

    /// The text as it was given, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same as a parsed URL.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it ends in `/api`, as the URLs of F5's other tools do and this one's hardly ever should.
    pub fn ends_in_api(&self) -> bool {
        self.text.ends_with("/api")
    }
}

/// Upper-case letters in scheme and host, and a port that is the scheme's own, change nothing in what is sent.
fn same_but_for_case_and_port(url: &Url, parsed: &str, text: &str) -> bool {
    let (written_head, written_path) = split_host(text);
    let (parsed_head, parsed_path) = split_host(parsed);
    let default_port = match url.scheme() {
        "https" => ":443",
        _ => ":80",
    };
    let head = written_head.to_ascii_lowercase();
    let head = head.strip_suffix(default_port).unwrap_or(&head);
    head == parsed_head && written_path == parsed_path
}

/// The text of a URL, sound or not, with whatever stands before an `@` hidden: it may be a password.
pub fn without_userinfo(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, after)) => {
            let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
            format!("{scheme}***@{after}")
        }
        None => text.to_owned(),
    }
}

/// Splits a URL behind scheme and authority.
fn split_host(text: &str) -> (&str, &str) {
    let start = text.find("://").map_or(0, |at| at + 3);
    let end = text[start..].find('/').map_or(text.len(), |at| start + at);
    text.split_at(end)
}

/// Whether the URL names this machine itself: `localhost`, 127.0.0.0/8 or `[::1]` (RFC 6761, section 6.3).
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_kept_verbatim_but_for_one_trailing_slash() {
        for (given, kept) in [
            ("https://example-corp.console.ves.volterra.io", "https://example-corp.console.ves.volterra.io"),
            ("https://h.example/api/v1/", "https://h.example/api/v1"),
            ("https://H.Example:443/Path", "https://H.Example:443/Path"),
            ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:1/a", "http://[::1]:1/a"),
            ("http://localhost:1", "http://localhost:1"),
        ] {
            assert_eq!(BaseUrl::parse(given).map(|base| base.as_str().to_owned()), Ok(kept.to_owned()));
        }
    }

    #[test]
    fn a_password_in_a_broken_url_is_not_repeated() {
        let error = BaseUrl::parse("https://user:hunter2@h.example:99999").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(without_userinfo("a:b@c"), "***@c");
        assert_eq!(without_userinfo("http://h:1"), "http://h:1");
    }

    #[test]
    fn other_urls_are_refused_with_the_reason() {
        type Check = fn(&BaseUrlError) -> bool;
        let cases: [(&str, Check); 20] = [
            ("example.com", |e| matches!(e, BaseUrlError::Syntax(..))),
            ("", |e| matches!(e, BaseUrlError::Syntax(..))),
            ("https://", |e| matches!(e, BaseUrlError::Syntax(..))),
            ("ftp://h.example", |e| matches!(e, BaseUrlError::Scheme(_))),
            ("file:///etc", |e| matches!(e, BaseUrlError::Scheme(_))),
            ("http://h.example", |e| matches!(e, BaseUrlError::Plain(_))),
            ("http://127.0.0.1.example", |e| matches!(e, BaseUrlError::Plain(_))),
            ("https://u:p@h.example", |e| *e == BaseUrlError::UserInfo),
            ("https://u@h.example", |e| *e == BaseUrlError::UserInfo),
            ("http://127.0.0.1@evil.example", |e| *e == BaseUrlError::UserInfo),
            ("https://h.example/?q", |e| matches!(e, BaseUrlError::Query(_))),
            ("https://h.example/#f", |e| matches!(e, BaseUrlError::Query(_))),
            ("https://h.example/a/../b", |e| matches!(e, BaseUrlError::NotVerbatim(..))),
            ("https://h.example//", |e| matches!(e, BaseUrlError::NotVerbatim(..))),
            ("https://h.exa\tmple", |e| matches!(e, BaseUrlError::NotVerbatim(..))),
            ("https://ｈ.example", |e| matches!(e, BaseUrlError::NotVerbatim(..))),
            ("https:\\\\h.example", |e| matches!(e, BaseUrlError::NotVerbatim(..))),
            ("https://h.example/a b", |e| matches!(e, BaseUrlError::NotVerbatim(..))),
            (" https://h.example", |e| matches!(e, BaseUrlError::NotVerbatim(..))),
            ("https://h.example/no_auth/send_password_email", |e| matches!(e, BaseUrlError::HasOperation(_))),
        ];
        for (given, expected) in cases {
            let error = BaseUrl::parse(given).unwrap_err();
            assert!(expected(&error), "{given}: {error:?}");
        }
    }
}
