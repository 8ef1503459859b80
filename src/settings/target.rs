//! Where the request goes: the variables of the published URL, or a base URL from the user. This file makes the host, because a
//! credential is bound to it; `api` makes the path.

use std::net::IpAddr;

use rustls::pki_types::ServerName;
use url::Url;

use super::error::SettingsError;
use super::sources::{Level, Sources};
use crate::args::layer::{Entry, ValueError};
use crate::args::settings_table::Setting;

/// Where the request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The URL of the API's documentation.
    Published(UrlVariables),
    Base(BaseUrl),
}

/// The variables of the published URL. Each is a label; the console is one of the two that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlVariables {
    pub tenant: String,
    pub console: String,
    pub prefix: String,
    pub environment: String,
    pub region: String,
    pub namespace: String,
}

impl Target {
    pub fn resolve(sources: &Sources) -> Result<Self, SettingsError> {
        if let Some(base) = base_url(sources)? {
            return Ok(Self::Base(base));
        }
        Ok(Self::Published(UrlVariables {
            tenant: label(sources, Setting::Tenant)?,
            console: word(sources, Setting::Console)?,
            prefix: label(sources, Setting::Prefix)?,
            environment: word(sources, Setting::Environment)?,
            region: label(sources, Setting::Region)?,
            namespace: label(sources, Setting::Namespace)?,
        }))
    }

    /// Scheme, host and port, which a credential is bound to.
    pub fn origin(&self) -> String {
        match self {
            Self::Published(variables) => published_origin(&variables.tenant, &variables.console),
            Self::Base(base) => base.url().origin().ascii_serialization(),
        }
    }

    /// The origin from the settings of the host only, so that a mistake in the path does not matter.
    ///
    /// # Errors
    /// [`SettingsError`] if no setting names the host, or its value is not valid.
    pub(super) fn origin_of(sources: &Sources) -> Result<String, SettingsError> {
        match base_url(sources)? {
            Some(base) => Ok(Self::Base(base).origin()),
            None => Ok(published_origin(&label(sources, Setting::Tenant)?, &word(sources, Setting::Console)?)),
        }
    }

    /// The host and the port that a connection is made to.
    pub fn host_and_port(&self) -> (String, u16) {
        match self {
            Self::Published(variables) => (format!("{}.{}", variables.tenant, variables.console), 443),
            Self::Base(BaseUrl { url, .. }) => {
                (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or_default())
            }
        }
    }

    /// Likely mistakes in the target that are not errors.
    pub fn warnings(&self, sources: &Sources) -> Vec<String> {
        use Setting::{Console, Environment, Namespace, Prefix, Region, Tenant};

        let Self::Base(BaseUrl { text: base, .. }) = self else {
            return Vec::new();
        };
        let mut warnings = Vec::new();
        // The URLs of F5's other tools end in `/api`; the one of this operation rarely does.
        if base.ends_with("/api") {
            warnings.push(format!(
                "the base URL {base} ends in /api, as F5's other tools write it; this operation is rarely below /api"
            ));
        }
        if let Some((Level::File, _)) = sources.pick_with_level(Setting::BaseUrl) {
            for key in [Tenant, Region, Environment, Namespace, Console, Prefix] {
                if let Some((Level::Flag | Level::Variable, Entry { origin, .. })) = sources.pick_with_level(key) {
                    warnings.push(format!("{origin} does not change the URL: the base URL {base} decides it"));
                }
            }
        }
        warnings
    }
}

fn published_origin(tenant: &str, console: &str) -> String {
    format!("https://{tenant}.{console}")
}

fn base_url(sources: &Sources) -> Result<Option<BaseUrl>, ValueError> {
    let parse = |entry: &Entry| BaseUrl::parse(&entry.value.to_string()).map_err(|reason| entry.invalid(reason));
    sources.pick(Setting::BaseUrl).map(parse).transpose()
}

/// The tenant, if it is set: a part of the published URL; with a base URL it is only shown.
pub fn tenant(sources: &Sources) -> Result<Option<String>, SettingsError> {
    sources.pick(Setting::Tenant).map(|_| label(sources, Setting::Tenant)).transpose()
}

fn label(sources: &Sources, key: Setting) -> Result<String, SettingsError> {
    let entry = sources.needed(key)?;
    let text = entry.value.to_string();
    if is_label(&text) {
        return Ok(text);
    }
    let hint = if text.contains('.') && key == Setting::Tenant {
        ": give only the first part of the host name, such as `example-corp`"
    } else {
        ": it must be 1 to 63 lower-case letters, digits and inner hyphens, such as `example-corp`"
    };
    Err(entry.invalid(format!("`{}` is not one DNS label{hint}", text.escape_debug())).into())
}

fn word(sources: &Sources, key: Setting) -> Result<String, SettingsError> {
    sources.needed(key).map(|entry| entry.value.to_string())
}

/// A valid base URL without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    url: Url,
}

impl BaseUrl {
    /// Checks a base URL and removes a trailing slash. Nothing else is changed.
    ///
    /// # Errors
    /// The reason, without the password that the URL may contain.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let text = typed.strip_suffix('/').unwrap_or(typed);
        let url = Url::parse(text).map_err(|error| {
            let shown = without_userinfo(typed);
            format!("`{shown}` is not a URL ({error}): it must look like https://example-corp.console.ves.volterra.io")
        })?;
        // The parser removes tabs, resolves dot segments, and maps full-width letters. Refuse a URL that it changes.
        let parsed = url.as_str().strip_suffix('/').unwrap_or(url.as_str());
        let is_verbatim = (parsed == text || same_but_for_case_and_port(&url, parsed, text))
            && split_host(text).0.is_ascii()
            && !text.ends_with('/');
        let host_problem = url.domain().and_then(|name| Some((name, host_name_problem(name)?)));
        Err(if !url.username().is_empty() || url.password().is_some() {
            "the URL contains a user name or a password: give the token with VESCLI_TOKEN or --token-file".to_owned()
        } else if !matches!(url.scheme(), "https" | "http") {
            format!("`{text}` does not begin with https://")
        } else if url.scheme() == "http" && !is_loopback(&url) {
            format!(
                "`{text}` would send the credential and the address unencrypted: use https:// (http:// is for loopback only)"
            )
        } else if url.query().is_some() || url.fragment().is_some() {
            format!(
                "`{text}` contains a query or a fragment: the operation's path is appended to it, so it must end with a path"
            )
        } else if !is_verbatim {
            format!("`{text}` would be sent as `{parsed}`: write it in that form if it is what you mean")
        } else if let Some((name, why)) = host_problem {
            format!("the host `{name}` {why}: correct it")
        } else if text.contains("/no_auth") {
            format!("`{text}` already ends in the operation's path: leave out everything from /no_auth on")
        } else {
            return Ok(Self { text: text.to_owned(), url });
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub const fn url(&self) -> &Url {
        &self.url
    }
}

/// Upper-case letters in scheme and host, and the default port of the scheme, do not change the request.
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

/// The text of a URL, valid or not, without everything before an `@`: it may be a password.
pub fn without_userinfo(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, after)) => {
            let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
            format!("{scheme}***@{after}")
        }
        None => text.to_owned(),
    }
}

/// Splits a URL after scheme and authority.
fn split_host(text: &str) -> (&str, &str) {
    let start = text.find("://").map_or(0, |at| at + 3);
    let end = text[start..].find('/').map_or(text.len(), |at| start + at);
    text.split_at(end)
}

/// Whether the URL names this machine itself: `localhost`, 127.0.0.0/8 or `[::1]` (RFC 6761, section 6.3).
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost" || without_brackets(host).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A host without the brackets that an IPv6 address has in a URL.
pub fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Longest label that DNS allows, in bytes (RFC 1035, section 2.3.4).
const LABEL_MAX: usize = 63;

/// Whether `text` is one lower-case DNS label: letters, digits and inner hyphens, 1 to 63 of them (RFC 1123, section 2.1).
pub fn is_label(text: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LABEL_MAX).contains(&text.len())
        && text.bytes().all(is_valid)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Longest name that DNS allows, as written in a URL (RFC 1035, section 2.3.4).
const NAME_MAX: usize = 253;

/// Why this cannot be the name of a host: a resolver or TLS would refuse it. Underscores are accepted, because they are in use,
/// although RFC 1123, section 2.1, does not allow them. A dot at the end is the root.
pub fn host_name_problem(name: &str) -> Option<&'static str> {
    let labels = name.strip_suffix('.').unwrap_or(name);
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.len() > NAME_MAX {
        return Some("is longer than 253 characters");
    }
    let found = labels.split('.').find_map(|label| match label {
        "" => Some("has an empty label"),
        _ if label.len() > LABEL_MAX => Some("has a label of more than 63 characters"),
        _ if label.starts_with('-') || label.ends_with('-') => Some("has a label that begins or ends with a hyphen"),
        _ if !label.bytes().all(letter) => Some("has a character that host names do not have"),
        _ => None,
    });
    // TLS refuses a few more names, such as one with a last label of digits.
    found.or_else(|| match ServerName::try_from(name) {
        Ok(_) => None,
        Err(_) => Some("is not one that a host can have"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_only_loses_one_trailing_slash() {
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
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(without_userinfo("a:b@c"), "***@c");
        assert_eq!(without_userinfo("http://h:1"), "http://h:1");
    }

    #[test]
    fn other_urls_are_refused_with_the_reason() {
        for (given, reason) in [
            ("example.com", "is not a URL"),
            ("", "is not a URL"),
            ("https://", "is not a URL"),
            ("ftp://h.example", "does not begin with https://"),
            ("file:///etc", "does not begin with https://"),
            ("http://h.example", "unencrypted"),
            ("http://127.0.0.1.example", "unencrypted"),
            ("https://u:p@h.example", "a user name or a password"),
            ("https://u@h.example", "a user name or a password"),
            ("http://127.0.0.1@evil.example", "a user name or a password"),
            ("https://h.example/?q", "a query or a fragment"),
            ("https://h.example/#f", "a query or a fragment"),
            ("https://h.example/a/../b", "would be sent as"),
            ("https://h.example//", "would be sent as"),
            ("https://h.exa\tmple", "would be sent as"),
            ("https://ｈ.example", "would be sent as"),
            ("https:\\\\h.example", "would be sent as"),
            ("https://h.example/a b", "would be sent as"),
            (" https://h.example", "would be sent as"),
            ("https://h.example/no_auth/send_password_email", "already ends in the operation's path"),
        ] {
            let error = BaseUrl::parse(given).unwrap_err();
            assert!(error.contains(reason), "{given}: {error}");
        }
    }

    #[test]
    fn names_that_no_host_can_have_are_found() {
        for (name, usable) in [
            ("h.example".to_owned(), true),
            ("h.example.".to_owned(), true),
            (format!("{}example", "a.".repeat(123)), true),
            (format!("{}example", "a.".repeat(124)), false),
            ("a..example".to_owned(), false),
            (String::new(), false),
            (".".to_owned(), false),
            ("a-.example".to_owned(), false),
            ("a_b.example".to_owned(), true),
            ("a!.example".to_owned(), false),
            ("a.0".to_owned(), false),
            (format!("{}.example", "a".repeat(63)), true),
            (format!("{}.example", "a".repeat(64)), false),
        ] {
            assert_eq!(host_name_problem(&name).is_none(), usable, "{name}");
        }
    }

    #[test]
    fn labels_are_lower_case_letters_digits_and_inner_hyphens() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "example-corp", "us-east-1", "x--y", longest.as_str()] {
            assert!(is_label(good), "{good}");
        }
        let too_long = "a".repeat(64);
        let bad = [
            "",
            "-",
            "-a",
            "a-",
            "a.b",
            "A",
            "a_b",
            "a b",
            "a/",
            "a@b",
            "a:1",
            "a\n",
            "\ta",
            "ａ",
            "é",
            "a\u{200b}",
            "%61",
            too_long.as_str(),
        ];
        for bad in bad {
            assert!(!is_label(bad), "{bad:?}");
        }
    }
}
