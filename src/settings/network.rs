//! How the service is reached: timeouts, proxy, additional certificates, fixed addresses.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::error::SettingsError;
use super::proxy::ProxySetting;
use super::sources::{Level, Sources};
use super::target::{BaseUrl, Target, is_loopback, without_brackets};
use crate::args::environment::Environment;
use crate::args::layer::{Entry, Value, ValueError};
use crate::args::settings_table::Setting;

/// How the service is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// For one attempt, all of it.
    pub timeout: Duration,
    /// Until the connection is up, TLS included.
    pub connect_timeout: Duration,
    pub proxy: Option<ProxySetting>,
    /// Certificates to trust besides the store.
    pub cacert: Option<PathBuf>,
    /// Addresses to use instead of asking DNS.
    pub resolve: Vec<Override>,
    /// `SSL_CERT_FILE`, which replaces the system's store.
    pub ssl_cert_file: Option<PathBuf>,
    /// `SSL_CERT_DIR`, which replaces the system's store.
    pub ssl_cert_dir: Option<PathBuf>,
}

/// The address to use for a host and port instead of asking DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub host: String,
    pub port: u16,
    pub address: IpAddr,
}

impl Network {
    pub fn resolve(sources: &Sources, environment: &Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            timeout: sources.duration(Setting::Timeout)?,
            connect_timeout: sources.duration(Setting::ConnectTimeout)?,
            proxy: ProxySetting::resolve(sources, environment)?,
            cacert: sources.path(Setting::Cacert),
            resolve: overrides(sources)?,
            ssl_cert_file: environment.get("SSL_CERT_FILE").map(PathBuf::from),
            ssl_cert_dir: environment.get("SSL_CERT_DIR").map(PathBuf::from),
        })
    }

    /// Checks what depends on where the request goes.
    ///
    /// # Errors
    /// [`ValueError`] with the first thing that cannot be used together.
    pub fn check(&self, target: &Target, sources: &Sources) -> Result<(), ValueError> {
        let Target::Base(base) = target else {
            return Ok(());
        };
        self.check_plain_http(base.url(), sources)?;
        self.check_override(base.url(), sources)?;
        self.check_proxied_address(base, sources)
    }

    /// Plain http is for this machine alone, so no override and no proxy may lead it to another one.
    fn check_plain_http(&self, url: &Url, sources: &Sources) -> Result<(), ValueError> {
        if url.scheme() != "http" {
            return Ok(());
        }
        if let Some(proxy) = self.proxy_for(url) {
            let host = url.host_str().unwrap_or_default();
            let reason = format!(
                "`{}` is not used for plain http, which stays on this machine: exempt the host with --noproxy {host}, or use https://",
                proxy.shown
            );
            return Err(ValueError { origin: proxy.origin.clone(), reason });
        }
        match (self.overrides_of(url).find(|of| !of.address.is_loopback()), sources.pick(Setting::Resolve)) {
            (Some(found), Some(entry)) => {
                let address = found.address;
                let reason =
                    format!("{address} is another machine, and `{url}` would reach it unencrypted: use https://");
                Err(entry.invalid(reason))
            }
            _ => Ok(()),
        }
    }

    fn overrides_of(&self, url: &Url) -> impl Iterator<Item = &Override> {
        let (host, port) = (url.host_str(), url.port_or_known_default());
        self.resolve.iter().filter(move |of| Some(of.host.as_str()) == host && Some(of.port) == port)
    }

    /// reqwest looks no address up, so an override for one would be passed over, and the request would go where it should
    /// not. Through a proxy no override is used.
    fn check_override(&self, url: &Url, sources: &Sources) -> Result<(), ValueError> {
        let leads_away = |of: &&Override| of.host.parse::<IpAddr>().is_ok_and(|address| address != of.address);
        match (self.overrides_of(url).find(leads_away), sources.pick(Setting::Resolve)) {
            (Some(Override { host, address, .. }), Some(entry)) if self.proxy_for(url).is_none() => {
                let reason = format!(
                    "{host} is an address already, and is not looked up: name {address} in the base URL instead"
                );
                Err(entry.invalid(reason))
            }
            _ => Ok(()),
        }
    }

    /// reqwest takes an IPv6 address behind a proxy with its brackets for a name, and refuses it as one that TLS does not
    /// know. That is reported here, before anything is tried.
    fn check_proxied_address(&self, base: &BaseUrl, sources: &Sources) -> Result<(), ValueError> {
        let host = base.url().host_str().unwrap_or_default();
        match (self.proxy_for(base.url()), sources.pick(Setting::BaseUrl)) {
            (Some(proxy), Some(entry)) if host.starts_with('[') => {
                let reason = format!(
                    "`{}` names an IPv6 address, which cannot be reached through a proxy (here that of {}): use a host name, or bypass the proxy with --noproxy '{host}'",
                    base.as_str(),
                    proxy.origin
                );
                Err(entry.invalid(reason))
            }
            _ => Ok(()),
        }
    }

    /// A warning when overrides were given for this very run, and none is for the host that it goes to: a mistyped name
    /// would otherwise send to the real service what was meant for another address.
    pub fn unused_overrides(&self, target: &Target, sources: &Sources) -> Option<String> {
        let (host, port) = target.host_and_port();
        let used = |of: &Override| of.host == host && of.port == port;
        match sources.pick_with_level(Setting::Resolve) {
            Some((Level::Flag | Level::Variable, entry)) if !self.resolve.iter().any(used) => {
                Some(format!("{} names another host or port than {host}:{port}, and was not used", entry.origin))
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

fn overrides(sources: &Sources) -> Result<Vec<Override>, ValueError> {
    let Some(entry @ Entry { value: Value::List(items), .. }) = sources.pick(Setting::Resolve) else {
        return Ok(Vec::new());
    };
    let parse = |item: &String| {
        let reason = || format!("`{item}` is not HOST:PORT:ADDR, such as example.com:443:127.0.0.1");
        parse_override(item).ok_or_else(|| entry.invalid(reason()))
    };
    items.iter().map(parse).collect()
}

fn parse_override(item: &str) -> Option<Override> {
    let (host, rest) = item.split_once(':')?;
    let (port, address) = rest.split_once(':')?;
    Some(Override {
        host: (!host.is_empty()).then(|| host.to_ascii_lowercase())?,
        port: port.parse().ok()?,
        address: without_brackets(address).parse().ok()?,
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
