//! Which proxy stands between us and the service, and which hosts are reached without it.

use std::fmt;
use std::net::Ipv4Addr;

use reqwest::Url;

use super::base_url::without_userinfo;
use super::error::SettingsError;
use super::label::unusable_name;
use super::noproxy::NoProxyList;
use super::secret::{Secret, keep_out_of_core_files};
use super::sources::Sources;
use crate::args::environment::Environment;
use crate::args::layer::{Origin, ValueError};
use crate::args::settings_table::Setting;

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
    /// The hosts that are reached without it.
    noproxy: NoProxyList,
    /// The variable that names them, if it is not one of vescli's own.
    noproxy_variable: Option<String>,
    /// Where it was given.
    pub origin: Origin,
}

impl fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxySetting({} from {}, but not for {:?})", self.shown, self.origin, self.noproxy)
    }
}

impl ProxySetting {
    /// The setting, else the usual variables: only those for https, since nothing else is ever sent through a proxy.
    ///
    /// # Errors
    /// [`SettingsError`] when it is no URL of a proxy, or a variable is no text.
    pub fn resolve(sources: &Sources, environment: &Environment) -> Result<Option<Self>, SettingsError> {
        let Some((text, origin)) = given(sources, environment)? else {
            return Ok(None);
        };
        let (noproxy, noproxy_variable) = noproxy(sources, environment)?;
        if text.contains('@') {
            keep_out_of_core_files();
        }
        let key = Setting::Proxy;
        let parsed = Self::parse(&text, &origin).map_err(|reason| ValueError { key, origin, reason })?;
        Ok(Some(Self { noproxy, noproxy_variable, ..parsed }))
    }

    fn parse(text: &str, origin: &Origin) -> Result<Self, String> {
        // curl takes a proxy without a scheme as http, and so do the variables' users.
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let shown = without_userinfo(&url);
        let parsed = Url::parse(&url).map_err(|error| format!("`{shown}` is not the URL of a proxy ({error})"))?;
        if !matches!(parsed.scheme(), "http" | "https" | "socks5h") {
            let hint = match parsed.scheme() {
                "socks" | "socks5" => "; socks5h:// has the proxy look the name up, which is the only way here",
                _ => "",
            };
            return Err(format!(
                "`{shown}` is no proxy of a kind that is known here: use http://, https:// or socks5h://{hint}"
            ));
        }
        let Some(host) = parsed.host_str().filter(|host| !host.is_empty()) else {
            return Err(format!("`{shown}` names no host"));
        };
        // The hosts of other schemes than http and https are not parsed as such: an address in one is a name there.
        let is_address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
        if let Some(why) = unusable_name(host).filter(|_| !is_address) {
            return Err(format!("the host `{host}` {why}: correct it"));
        }
        Ok(Self {
            host: host.to_owned(),
            tls: parsed.scheme() == "https",
            url: Secret::new(url),
            shown,
            noproxy: NoProxyList::default(),
            noproxy_variable: None,
            origin: origin.clone(),
        })
    }

    /// Whether the proxy is used for a URL.
    pub fn takes(&self, url: &Url) -> bool {
        !self.noproxy.holds(url)
    }

    /// A warning of what stands in `NO_PROXY` and means nothing. It was meant for others too, so it is no error.
    pub fn warning(&self) -> Option<String> {
        let variable = self.noproxy_variable.as_ref()?;
        Some(format!("{variable}: {}", not_understood(&self.noproxy)?))
    }

    /// Whether the usual variables name it (`HTTPS_PROXY` and others), and no setting of vescli's own does.
    pub fn is_of_environment(&self) -> bool {
        matches!(self.origin, Origin::ForeignVariable(_))
    }

    /// Whether the URL holds a user or a password.
    pub fn has_credentials(&self) -> bool {
        self.shown != self.url.expose()
    }

    /// What must not be shown: the password as it stands in the URL and as the proxy gets it.
    pub fn secrets(&self) -> Vec<Secret> {
        let Ok(url) = Url::parse(self.url.expose()) else {
            return Vec::new();
        };
        let Some(password) = url.password() else {
            return Vec::new();
        };
        vec![Secret::new(password.to_owned()), Secret::new(percent_decoded(password))]
    }
}

/// The list of hosts that go past the proxy; with the variable's name if it is not one of vescli's own.
fn noproxy(sources: &Sources, environment: &Environment) -> Result<(NoProxyList, Option<String>), SettingsError> {
    let key = Setting::Noproxy;
    if let Some((text, origin)) = sources.text(key) {
        let list = NoProxyList::parse(text);
        return match not_understood(&list) {
            None => Ok((list, None)),
            Some(reason) => Err(ValueError { key, origin: origin.clone(), reason }.into()),
        };
    }
    let found = first_variable(environment, &["no_proxy", "NO_PROXY"])?;
    Ok(found.map_or_else(Default::default, |(text, name)| (NoProxyList::parse(&text), Some(name))))
}

fn not_understood(list: &NoProxyList) -> Option<String> {
    let (first, more) = list.not_understood.split_first()?;
    let are = if more.is_empty() { "is" } else { "are" };
    let items = more.iter().fold(format!("`{first}`"), |items, item| format!("{items}, `{item}`"));
    Some(format!(
        "{items} {are} not understood: it takes names, addresses and networks, with or without a port, and `*` for all"
    ))
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
fn given(sources: &Sources, environment: &Environment) -> Result<Option<(String, Origin)>, SettingsError> {
    let found = match sources.text(Setting::Proxy) {
        Some((text, origin)) => Some((text.to_owned(), origin.clone())),
        None => first_variable(environment, &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?
            .map(|(text, name)| (text, Origin::ForeignVariable(name))),
    };
    // An empty text says "no proxy", as in curl.
    Ok(found.filter(|(text, _)| !text.is_empty()))
}

fn first_variable(environment: &Environment, names: &[&str]) -> Result<Option<(String, String)>, SettingsError> {
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

    #[test]
    fn passwords_are_found_and_never_shown() {
        let parse = |text| ProxySetting::parse(text, &Origin::BuiltIn);
        let proxy = parse("http://ada:hun%74er2@p.example:3128").unwrap();
        let secrets: Vec<String> = proxy.secrets().iter().map(|secret| secret.expose().to_owned()).collect();
        assert_eq!(secrets, ["hun%74er2", "hunter2"]);
        assert!(proxy.has_credentials());
        assert!(!format!("{proxy:?}").contains("er2"));
        assert!(!parse("p.example").unwrap().has_credentials());
        for bad in ["socks5://a:hunter2@h", "ftp://a:hunter2@h", "http://a:hunter2@h:x"] {
            let message = parse(bad).unwrap_err();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
