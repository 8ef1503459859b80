//! How the service is reached: time-outs, proxy, additional certificates, fixed addresses.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::base_url::{is_loopback, without_userinfo};
use super::error::SettingsError;
use super::secret::Secret;
use super::sources::Sources;
use crate::cli::args::environment::Environment;
use crate::cli::args::keys::Key;
use crate::cli::args::layer::{Given, Origin, Value, ValueError};

/// Longest time-out that is taken: no attempt needs a day.
const LONGEST: Duration = Duration::from_hours(24);

/// How the service is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Longest time for one attempt.
    pub timeout: Duration,
    /// Longest time until the connection is up.
    pub connect_timeout: Duration,
    /// The proxy, if one applies.
    pub proxy: Option<ProxySetting>,
    /// Certificates to trust besides the store.
    pub cacert: Option<PathBuf>,
    /// Addresses that stand in for DNS.
    pub resolve: Vec<Override>,
    /// `SSL_CERT_FILE`, which takes the place of the system's store.
    pub ssl_cert_file: Option<PathBuf>,
    /// `SSL_CERT_DIR`, which takes the place of the system's store.
    pub ssl_cert_dir: Option<PathBuf>,
}

/// A proxy with the hosts that go past it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxySetting {
    /// The URL, which may hold a password.
    pub url: Secret,
    /// The URL as it may be shown.
    pub shown: String,
    /// The hosts that are reached without it.
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

/// An address that stands in for what DNS would say of a host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the flag")]
pub struct Override {
    pub host: String,
    pub port: u16,
    pub address: IpAddr,
}

impl Network {
    /// Resolves the network settings.
    ///
    /// # Errors
    /// [`SettingsError`] for the first value that does not fit.
    pub fn resolve(sources: &Sources, environment: &Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            timeout: duration(sources, Key::Timeout)?,
            connect_timeout: duration(sources, Key::ConnectTimeout)?,
            proxy: proxy(sources, environment)?,
            cacert: sources
                .text(Key::Cacert)
                .map(|(path, _)| PathBuf::from(path)),
            resolve: overrides(sources)?,
            ssl_cert_file: environment.get("SSL_CERT_FILE").map(PathBuf::from),
            ssl_cert_dir: environment.get("SSL_CERT_DIR").map(PathBuf::from),
        })
    }

    /// The proxy that is used for a URL. A loopback address is never reached through one.
    #[must_use]
    pub fn proxy_for(&self, url: &Url) -> Option<&ProxySetting> {
        self.proxy.as_ref().filter(|_| !is_loopback(url))
    }
}

/// A time setting.
///
/// # Errors
/// [`SettingsError::Value`] when it is no time, none at all, or longer than a day.
pub fn duration(sources: &Sources, key: Key) -> Result<Duration, SettingsError> {
    let Some((text, origin)) = sources.text(key) else {
        return Err(super::target::missing(sources, key));
    };
    let invalid = |reason: String| ValueError {
        key,
        origin: origin.clone(),
        reason,
    };
    let time = humantime::parse_duration(text).map_err(|_| {
        invalid(format!(
            "`{text}` is not a time: write a number and its unit, such as 500ms, 30s or 5m"
        ))
    })?;
    if time.is_zero() || time > LONGEST {
        return Err(invalid(format!(
            "`{text}` is out of bounds: it takes more than nothing and at most 24h"
        ))
        .into());
    }
    Ok(time)
}

fn proxy(
    sources: &Sources,
    environment: &Environment,
) -> Result<Option<ProxySetting>, SettingsError> {
    let Some((text, origin)) = proxy_text(sources, environment)? else {
        return Ok(None);
    };
    let invalid = |reason: String| ValueError {
        key: Key::Proxy,
        origin: origin.clone(),
        reason,
    };
    // curl takes a proxy without a scheme as http, and so do the variables' users.
    let url = if text.contains("://") {
        text.clone()
    } else {
        format!("http://{text}")
    };
    let shown = without_userinfo(&url);
    let parsed = Url::parse(&url)
        .map_err(|error| invalid(format!("`{shown}` is not the URL of a proxy ({error})")))?;
    if !matches!(parsed.scheme(), "http" | "https" | "socks5h") {
        return Err(invalid(format!("`{shown}` is no proxy of a kind that is known here: use http://, https:// or socks5h://")).into());
    }
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err(invalid(format!("`{shown}` names no host")).into());
    }
    let noproxy = match sources.text(Key::Noproxy) {
        Some((list, _)) => Some(list.to_owned()),
        None => first_variable(environment, &["no_proxy", "NO_PROXY"])?.map(|(list, _)| list),
    };
    Ok(Some(ProxySetting {
        url: Secret::new(url),
        shown,
        noproxy,
        origin,
    }))
}

/// The setting, else the usual variables: only those for https, since nothing else is ever sent through a proxy.
fn proxy_text(
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

fn overrides(sources: &Sources) -> Result<Vec<Override>, SettingsError> {
    let Some(Given {
        value: Value::List(items),
        origin,
    }) = sources.pick(Key::Resolve)
    else {
        return Ok(Vec::new());
    };
    let parse = |item: &String| {
        parse_override(item).ok_or_else(|| {
            let reason =
                format!("`{item}` is not HOST:PORT:ADDR, such as example.com:443:127.0.0.1");
            ValueError {
                key: Key::Resolve,
                origin: origin.clone(),
                reason,
            }
            .into()
        })
    };
    items.iter().map(parse).collect()
}

fn parse_override(item: &str) -> Option<Override> {
    let (host, rest) = item.split_once(':')?;
    let (port, address) = rest.split_once(':')?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    Some(Override {
        host: (!host.is_empty()).then(|| host.to_ascii_lowercase())?,
        port: port.parse().ok()?,
        address: address.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_are_read_with_both_kinds_of_address() {
        let read = |item| parse_override(item).map(|o| (o.host, o.port, o.address.to_string()));
        assert_eq!(
            read("A.b:443:127.0.0.1"),
            Some(("a.b".into(), 443, "127.0.0.1".into()))
        );
        assert_eq!(read("a:1:[::1]"), Some(("a".into(), 1, "::1".into())));
        assert_eq!(read("a:1:::1"), Some(("a".into(), 1, "::1".into())));
        for bad in [
            "",
            "a",
            "a:1",
            "a:x:127.0.0.1",
            ":1:127.0.0.1",
            "a:1:host",
            "a:99999:127.0.0.1",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
