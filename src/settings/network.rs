//! How the service is reached: time-outs, proxy, additional certificates, fixed addresses.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::base_url::{BaseUrl, is_loopback};
use super::error::SettingsError;
use super::proxy::ProxySetting;
use super::sources::{Level, Sources};
use super::target::Target;
use crate::args::environment::Environment;
use crate::args::layer::{Given, ValueError};
use crate::args::settings_table::Setting;
use crate::args::value::Value;

/// Longest time-out that is taken: no attempt needs a day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

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

/// An address that stands in for what DNS would say of a host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
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
            timeout: duration(sources, Setting::Timeout)?,
            connect_timeout: duration(sources, Setting::ConnectTimeout)?,
            proxy: ProxySetting::resolve(sources, environment)?,
            cacert: sources.text(Setting::Cacert).map(|(path, _)| PathBuf::from(path)),
            resolve: overrides(sources)?,
            ssl_cert_file: environment.get("SSL_CERT_FILE").map(PathBuf::from),
            ssl_cert_dir: environment.get("SSL_CERT_DIR").map(PathBuf::from),
        })
    }

    /// Checks what depends on where the request goes.
    ///
    /// # Errors
    /// [`SettingsError::Value`] with the first thing that does not hold.
    pub fn check(&self, target: &Target, sources: &Sources) -> Result<(), SettingsError> {
        let Target::Base(base) = target else {
            return Ok(());
        };
        self.check_loopback(base.url(), sources)?;
        self.check_proxied_address(base, sources)
    }

    /// Plain http is for this machine alone, so no override and no proxy may lead it to another one.
    fn check_loopback(&self, url: &Url, sources: &Sources) -> Result<(), SettingsError> {
        if url.scheme() == "http"
            && let Some(proxy) = self.proxy_for(url)
        {
            let host = url.host_str().unwrap_or_default();
            return Err(ValueError {
                key: Setting::Proxy,
                origin: proxy.origin.clone(),
                reason: format!(
                    "`{}` is not used for plain http, which stays on this machine: exempt the host with --noproxy {host}, or use https://",
                    proxy.shown
                ),
            }
            .into());
        }
        let given = sources.pick(Setting::Resolve);
        let leaves = |given: &&Override| {
            Some(given.host.as_str()) == url.host_str()
                && Some(given.port) == url.port_or_known_default()
                && !given.address.is_loopback()
        };
        match (self.resolve.iter().find(leaves), given) {
            (Some(found), Some(given)) if url.scheme() == "http" => Err(ValueError {
                key: Setting::Resolve,
                origin: given.origin.clone(),
                reason: format!(
                    "{} is another machine, and `{url}` would reach it unencrypted: use https://",
                    found.address
                ),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// reqwest takes an IPv6 address behind a proxy with its brackets for a name, and refuses it as one that TLS does not
    /// know. That is told here, before anything is tried.
    fn check_proxied_address(&self, base: &BaseUrl, sources: &Sources) -> Result<(), SettingsError> {
        let host = base.url().host_str().unwrap_or_default();
        match (self.proxy_for(base.url()), sources.pick(Setting::BaseUrl)) {
            (Some(proxy), Some(given)) if host.starts_with('[') => Err(ValueError {
                key: Setting::BaseUrl,
                origin: given.origin.clone(),
                reason: format!(
                    "`{}` names an IPv6 address, which cannot be reached through a proxy (here that of {}): use a host name, or go past the proxy with --noproxy '{host}'",
                    base.as_str(),
                    proxy.origin
                ),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// A warning when overrides were given for this very run, and none is for the host that it goes to: a slip in the
    /// name would otherwise send to the real service what was meant for another address.
    pub fn unused_overrides(&self, target: &Target, sources: &Sources) -> Option<String> {
        let (host, port) = target.host_and_port();
        let used = |given: &Override| given.host == host && given.port == port;
        match sources.pick_with_level(Setting::Resolve) {
            Some((Level::Flag | Level::Variable, given)) if !self.resolve.iter().any(used) => {
                Some(format!("{} names another host or port than {host}:{port}, and was not used", given.origin))
            }
            _ => None,
        }
    }

    /// The proxy that is used for a URL. One that the usual variables name is for other machines: it was meant for all
    /// programs of this one, and a loopback address means another machine to it.
    pub fn proxy_for(&self, url: &Url) -> Option<&ProxySetting> {
        let proxy = self.proxy.as_ref()?;
        let is_meant = !(is_loopback(url) && proxy.is_of_environment());
        (is_meant && proxy.takes(url)).then_some(proxy)
    }
}

/// A time setting.
///
/// # Errors
/// [`SettingsError::Value`] when it is no time, none at all, or longer than a day.
pub fn duration(sources: &Sources, key: Setting) -> Result<Duration, SettingsError> {
    let Some((text, origin)) = sources.text(key) else {
        return Err(super::target::missing(sources, key));
    };
    let invalid = |reason: String| ValueError { key, origin: origin.clone(), reason };
    let time = humantime::parse_duration(text).map_err(|_| {
        invalid(format!("`{text}` is not a time: write a number and its unit, such as 500ms, 30s or 5m"))
    })?;
    if time.is_zero() || time > LONGEST {
        return Err(invalid(format!("`{text}` is out of bounds: it takes more than nothing and at most 24h")).into());
    }
    Ok(time)
}

fn overrides(sources: &Sources) -> Result<Vec<Override>, SettingsError> {
    let Some(Given { value: Value::List(items), origin }) = sources.pick(Setting::Resolve) else {
        return Ok(Vec::new());
    };
    let parse = |item: &String| {
        parse_override(item).ok_or_else(|| {
            let reason = format!("`{item}` is not HOST:PORT:ADDR, such as example.com:443:127.0.0.1");
            ValueError { key: Setting::Resolve, origin: origin.clone(), reason }.into()
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
        assert_eq!(read("A.b:443:127.0.0.1"), Some(("a.b".into(), 443, "127.0.0.1".into())));
        assert_eq!(read("a:1:[::1]"), Some(("a".into(), 1, "::1".into())));
        assert_eq!(read("a:1:::1"), Some(("a".into(), 1, "::1".into())));
        for bad in ["", "a", "a:1", "a:x:127.0.0.1", ":1:127.0.0.1", "a:1:host", "a:99999:127.0.0.1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
