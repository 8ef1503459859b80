//! Which proxy stands between us and the service, and which hosts are reached without it.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use super::base_url::without_userinfo;
use super::error::SettingsError;
use super::secret::{Secret, keep_out_of_core_files};
use super::sources::Sources;
use crate::cli::args::environment::Environment;
use crate::cli::args::keys::Key;
use crate::cli::args::layer::{Origin, ValueError};

/// A proxy with the hosts that go past it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxySetting {
    /// The URL, which may hold a password.
    pub url: Secret,
    /// The URL as it may be shown.
    pub shown: String,
    /// Its host, for a look at who was not found or not trusted.
    pub host: String,
    /// Whether TLS is spoken with the proxy itself.
    pub tls: bool,
    /// The hosts that are reached without it, separated by commas.
    pub noproxy: Option<String>,
    /// Where it was given.
    pub origin: Origin,
}

impl fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ProxySetting({} from {}, but not for {:?})",
            self.shown, self.origin, self.noproxy
        )
    }
}

impl ProxySetting {
    /// The setting, else the usual variables: only those for https, since nothing else is ever sent through a proxy.
    ///
    /// # Errors
    /// [`SettingsError`] when it is no URL of a proxy, or a variable is no text.
    pub fn resolve(
        sources: &Sources,
        environment: &Environment,
    ) -> Result<Option<Self>, SettingsError> {
        let Some((text, origin)) = given(sources, environment)? else {
            return Ok(None);
        };
        let noproxy = match sources.text(Key::Noproxy) {
            Some((list, _)) => Some(list.to_owned()),
            None => first_variable(environment, &["no_proxy", "NO_PROXY"])?.map(|(list, _)| list),
        };
        let noproxy = noproxy.as_deref().map(with_commas);
        if text.contains('@') {
            keep_out_of_core_files();
        }
        let key = Key::Proxy;
        Self::parse(&text, noproxy, &origin)
            .map(Some)
            .map_err(|reason| {
                ValueError {
                    key,
                    origin,
                    reason,
                }
                .into()
            })
    }

    fn parse(text: &str, noproxy: Option<String>, origin: &Origin) -> Result<Self, String> {
        // curl takes a proxy without a scheme as http, and so do the variables' users.
        let url = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let shown = without_userinfo(&url);
        let parsed = Url::parse(&url)
            .map_err(|error| format!("`{shown}` is not the URL of a proxy ({error})"))?;
        if !matches!(parsed.scheme(), "http" | "https" | "socks5h") {
            let hint = match parsed.scheme() {
                "socks" | "socks5" => {
                    "; socks5h:// has the proxy look the name up, which is the only way here"
                }
                _ => "",
            };
            return Err(format!(
                "`{shown}` is no proxy of a kind that is known here: use http://, https:// or socks5h://{hint}"
            ));
        }
        let Some(host) = parsed.host_str().filter(|host| !host.is_empty()) else {
            return Err(format!("`{shown}` names no host"));
        };
        Ok(Self {
            host: host.to_owned(),
            tls: parsed.scheme() == "https",
            url: Secret::new(url),
            shown,
            noproxy,
            origin: origin.clone(),
        })
    }

    /// Whether the proxy is used for a URL, by the same rules by which the client below decides.
    #[must_use]
    pub fn takes(&self, url: &Url) -> bool {
        let matcher = Matcher::builder()
            .all(self.url.expose())
            .no(self.noproxy.as_deref().unwrap_or_default())
            .build();
        url.as_str()
            .parse()
            .is_ok_and(|uri| matcher.intercept(&uri).is_some())
    }

    /// Whether the usual variables name it (`HTTPS_PROXY` and others), and no setting of vescli's own does.
    #[must_use]
    pub fn is_of_environment(&self) -> bool {
        matches!(self.origin, Origin::ForeignVariable(_))
    }

    /// Whether the URL holds a user or a password.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.shown != self.url.expose()
    }

    /// What must not be shown: the password as it stands in the URL and as the proxy gets it.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let Ok(url) = Url::parse(self.url.expose()) else {
            return Vec::new();
        };
        let Some(password) = url.password() else {
            return Vec::new();
        };
        vec![
            Secret::new(password.to_owned()),
            Secret::new(percent_decoded(password)),
        ]
    }
}

/// curl takes a list that is separated by spaces as well.
fn with_commas(list: &str) -> String {
    let names: Vec<&str> = list
        .split([',', ' ', '\t'])
        .filter(|name| !name.is_empty())
        .collect();
    names.join(",")
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(hex.unwrap_or(first));
        rest = if hex.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text of the proxy's URL, with its origin.
fn given(
    sources: &Sources,
    environment: &Environment,
) -> Result<Option<(String, Origin)>, SettingsError> {
    let found = match sources.text(Key::Proxy) {
        Some((text, origin)) => Some((text.to_owned(), origin.clone())),
        None => first_variable(
            environment,
            &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        )?
        .map(|(text, name)| (text, Origin::ForeignVariable(name))),
    };
    // An empty text says "no proxy", as in curl.
    Ok(found.filter(|(text, _)| !text.is_empty()))
}

fn first_variable(
    environment: &Environment,
    names: &[&str],
) -> Result<Option<(String, String)>, SettingsError> {
    for name in names {
        if let Some(text) = environment.text(name)? {
            return Ok(Some((text.to_owned(), (*name).to_owned())));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(noproxy: &str) -> ProxySetting {
        ProxySetting::parse(
            "http://p.example:3128",
            Some(with_commas(noproxy)),
            &Origin::BuiltIn,
        )
        .unwrap()
    }

    #[test]
    fn names_suffixes_addresses_and_networks_go_past_the_proxy() {
        let cases = [
            ("h.example", "h.example", false),
            ("H.Example", "h.example", false),
            ("example", "h.example", false),
            (".example", "h.example", false),
            (".h.example", "h.example", false),
            ("x.example, h.example", "h.example", false),
            ("x.example h.example", "h.example", false),
            ("*", "h.example", false),
            ("10.0.0.0/8", "10.1.2.3", false),
            ("10.1.2.3", "10.1.2.3", false),
            ("fd00::/8", "[fd00::1]", false),
            ("", "h.example", true),
            ("ample", "h.example", true),
            ("h.example.org", "h.example", true),
            ("10.0.0.0/8", "11.1.2.3", true),
            ("10.0.0.0/8", "h.example", true),
        ];
        for (list, host, taken) in cases {
            let url = Url::parse(&format!("https://{host}/x")).unwrap();
            assert_eq!(proxy(list).takes(&url), taken, "{list} {host}");
        }
    }

    #[test]
    fn passwords_are_found_and_never_shown() {
        let parse = |text| ProxySetting::parse(text, None, &Origin::BuiltIn);
        let proxy = parse("http://ada:hun%74er2@p.example:3128").unwrap();
        let secrets: Vec<String> = proxy
            .secrets()
            .iter()
            .map(|secret| secret.expose().to_owned())
            .collect();
        assert_eq!(secrets, ["hun%74er2", "hunter2"]);
        assert!(proxy.has_credentials());
        assert!(!format!("{proxy:?}").contains("er2"));
        assert!(!parse("p.example").unwrap().has_credentials());
        for bad in [
            "socks5://a:hunter2@h",
            "ftp://a:hunter2@h",
            "http://a:hunter2@h:x",
        ] {
            let message = parse(bad).unwrap_err();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
