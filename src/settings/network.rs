//! How the service is reached: timeouts, additional certificates, fixed addresses, and the proxy with the hosts that are
//! reached without it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use url::Url;

use super::credential::secret::{Secret, keep_out_of_core_files};
use super::error::SettingsError;
use super::sources::{Level, Sources};
use super::target::{BaseUrl, Target, host_name_problem, is_loopback, without_brackets, without_userinfo};
use crate::args::environment::Environment;
use crate::args::layer::{Entry, Origin, Value, ValueError};
use crate::args::settings_table::Setting;

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

/// A proxy, and the hosts that are reached without it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxySetting {
    /// The URL, which may contain a password.
    pub url: Secret,
    /// The URL as it may be shown.
    pub shown: String,
    /// For messages about a proxy that was not found or not trusted.
    pub host: String,
    /// Whether the connection to the proxy itself uses TLS.
    pub tls: bool,
    /// The hosts that are reached without it.
    noproxy: NoProxyList,
    /// The variable that names them, if it is not one of vescli's own.
    noproxy_variable: Option<String>,
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
    /// [`ValueError`] when it is not the URL of a proxy, or a variable is not text.
    pub fn resolve(sources: &Sources, environment: &Environment) -> Result<Option<Self>, ValueError> {
        let Some((text, origin)) = proxy_url(sources, environment)? else {
            return Ok(None);
        };
        let (noproxy, noproxy_variable) = noproxy(sources, environment)?;
        if text.contains('@') {
            keep_out_of_core_files();
        }
        let parsed = Self::parse(&text, &origin).map_err(|reason| ValueError { origin, reason })?;
        Ok(Some(Self { noproxy, noproxy_variable, ..parsed }))
    }

    fn parse(text: &str, origin: &Origin) -> Result<Self, String> {
        // curl takes a proxy without a scheme as http, and so do the variables' users.
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let shown = without_userinfo(&url);
        let parsed = Url::parse(&url).map_err(|error| format!("`{shown}` is not the URL of a proxy ({error})"))?;
        if !matches!(parsed.scheme(), "http" | "https" | "socks5h") {
            let hint = match parsed.scheme() {
                "socks" | "socks5" => {
                    "; with socks5h:// the proxy resolves the host name, which is the only supported way"
                }
                _ => "",
            };
            return Err(format!(
                "`{shown}` is not a supported kind of proxy: use http://, https:// or socks5h://{hint}"
            ));
        }
        let Some(host) = parsed.host_str().filter(|host| !host.is_empty()) else {
            return Err(format!("`{shown}` names no host"));
        };
        // The hosts of other schemes than http and https are not parsed as such: an address in one is a name there.
        let is_address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
        if let Some(why) = host_name_problem(host).filter(|_| !is_address) {
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

    /// Whether the list of exceptions leaves a URL to the proxy.
    pub fn takes(&self, url: &Url) -> bool {
        !self.noproxy.matches(url)
    }

    /// A warning about what means nothing in `NO_PROXY`. The variable is for other programs too, so it is not an error.
    pub fn warning(&self) -> Option<String> {
        let variable = self.noproxy_variable.as_ref()?;
        Some(format!("{variable}: {}", not_understood(&self.noproxy)?))
    }

    /// Whether the usual variables name it (`HTTPS_PROXY` and others), and not a setting of vescli's own.
    pub fn is_of_environment(&self) -> bool {
        matches!(self.origin, Origin::ForeignVariable(_))
    }

    /// Whether the URL contains a user or a password.
    pub fn has_credentials(&self) -> bool {
        self.shown != self.url.expose()
    }

    /// What must not be shown: the password as it is written in the URL and as the proxy gets it.
    pub fn secrets(&self) -> Vec<Secret> {
        let Ok(url) = Url::parse(self.url.expose()) else {
            return Vec::new();
        };
        let Some(password) = url.password() else {
            return Vec::new();
        };
        let decoded = percent_decode_str(password).decode_utf8_lossy();
        vec![Secret::new(password.to_owned()), Secret::new(decoded.into_owned())]
    }
}

/// The list of hosts that are reached without the proxy; with the variable's name if it is not one of vescli's own.
fn noproxy(sources: &Sources, environment: &Environment) -> Result<(NoProxyList, Option<String>), ValueError> {
    if let Some((text, origin)) = sources.text(Setting::Noproxy) {
        let list = NoProxyList::parse(text);
        return match not_understood(&list) {
            None => Ok((list, None)),
            Some(reason) => Err(ValueError { origin: origin.clone(), reason }),
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
        "{items} {are} not understood: use names, addresses and networks, with or without a port, and `*` for all"
    ))
}

/// The text of the proxy's URL, with its origin.
fn proxy_url(sources: &Sources, environment: &Environment) -> Result<Option<(String, Origin)>, ValueError> {
    let found = match sources.text(Setting::Proxy) {
        Some((text, origin)) => Some((text.to_owned(), origin.clone())),
        None => first_variable(environment, &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?
            .map(|(text, name)| (text, Origin::ForeignVariable(name))),
    };
    // An empty text says "no proxy", as in curl.
    Ok(found.filter(|(text, _)| !text.is_empty()))
}

fn first_variable(environment: &Environment, names: &[&str]) -> Result<Option<(String, String)>, ValueError> {
    for name in names {
        if let Some(text) = environment.text(name)? {
            return Ok(Some((text.to_owned(), (*name).to_owned())));
        }
    }
    Ok(None)
}

/// The hosts that are reached without the proxy: the list of `--noproxy` and `NO_PROXY`, in all the forms that curl, Go and
/// Python accept there, ports and bracketed addresses included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct NoProxyList {
    entries: Vec<NoProxyEntry>,
    /// What means nothing, as it was written.
    not_understood: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NoProxyEntry {
    hosts: Hosts,
    /// The only port that it is for, if it names one.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    Net(IpNet),
    /// This name and all below it.
    Below(String),
}

impl NoProxyList {
    /// Reads a list that is separated by commas or, as curl accepts it too, by spaces.
    fn parse(list: &str) -> Self {
        let mut read = Self::default();
        for item in list.split([',', ' ', '\t']).filter(|item| !item.is_empty()) {
            match NoProxyEntry::parse(item) {
                Some(entry) => read.entries.push(entry),
                None => read.not_understood.push(item.to_owned()),
            }
        }
        read
    }

    /// Whether the URL's host is reached without the proxy.
    fn matches(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let host = without_brackets(host).trim_end_matches('.');
        let port = url.port_or_known_default();
        self.entries.iter().any(|entry| entry.port.is_none_or(|own| Some(own) == port) && entry.hosts.match_host(host))
    }
}

impl NoProxyEntry {
    fn parse(item: &str) -> Option<Self> {
        let whole = |hosts| Self { hosts, port: None };
        if let Some(hosts) = Hosts::parse(item) {
            return Some(whole(hosts));
        }
        if let Some((address, rest)) = item.strip_prefix('[').and_then(|item| item.split_once(']')) {
            let address: IpAddr = address.parse().ok().filter(IpAddr::is_ipv6)?;
            return match rest.strip_prefix(':') {
                Some(port) => Some(Self { port: Some(port.parse().ok()?), ..whole(Hosts::Net(address.into())) }),
                None => Hosts::parse(&format!("{address}{rest}")).map(whole),
            };
        }
        let (host, port) = item.split_once(':')?;
        Some(Self { hosts: Hosts::parse(host)?, port: Some(port.parse().ok()?) })
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Net(address.into()));
        }
        if let Some((address, length)) = text.split_once('/') {
            let address: IpAddr = address.parse().ok()?;
            return IpNet::new(address, length.parse().ok()?).ok().map(Self::Net);
        }
        let name = text.strip_prefix('*').filter(|rest| rest.starts_with('.'));
        let name = name.unwrap_or(text);
        let name = name.strip_prefix('.').unwrap_or(name);
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_label = |label: &str| {
            let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            !label.is_empty() && label.bytes().all(valid)
        };
        name.split('.').all(is_label).then_some(Self::Below(name))
    }

    /// The host is lower-case, as URLs have it, and without brackets.
    fn match_host(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Net(net) => host.parse::<IpAddr>().is_ok_and(|address| net.contains(&address)),
            Self::Below(name) => {
                let before = host.strip_suffix(name.as_str());
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
        }
    }
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

    #[test]
    fn names_suffixes_addresses_and_networks_match() {
        for (list, host, matches) in [
            ("h.example", "h.example", true),
            ("H.example", "h.example", true),
            ("example", "h.example", true),
            (".example", "h.example", true),
            ("*.example", "h.example", true),
            (".h.example", "h.example", true),
            ("h.example.", "h.example", true),
            ("h.example", "h.example.", true),
            ("x.example, h.example", "h.example", true),
            ("x.example h.example", "h.example", true),
            ("*", "h.example", true),
            ("*", "10.1.2.3", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("0.0.0.0/0", "10.1.2.3", true),
            ("::/0", "[fd00::1]", true),
            ("fd00::/8", "[fd00::1]", true),
            ("[fd00::]/8", "[fd00::1]", true),
            ("[fd00::1]", "[fd00::1]", true),
            ("[fd00::1]:443", "[fd00::1]", true),
            ("h.example:443", "h.example", true),
            ("*:443", "h.example", true),
            ("", "h.example", false),
            (",, ,", "h.example", false),
            ("ample", "h.example", false),
            ("h.example.org", "h.example", false),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.0.0.0/8", "h.example", false),
            ("10.0.0.0/8", "[fd00::1]", false),
            ("h.example:444", "h.example", false),
            ("[fd00::1]:444", "[fd00::1]", false),
        ] {
            let url = Url::parse(&format!("https://{host}/x")).unwrap();
            let list = NoProxyList::parse(list);
            assert_eq!(list.not_understood, [""; 0]);
            assert_eq!(list.matches(&url), matches, "{list:?} {host}");
        }
    }

    #[test]
    fn what_means_nothing_is_kept_as_it_was_written() {
        for item in [
            "http://h.example",
            "h.example:",
            "h.example:x",
            "h.example:65536",
            "h*.example",
            "**",
            ".",
            "a..b",
            "10.0.0.0/33",
            "fd00::/129",
            "[fd00::1",
            "[fd00::1]x",
            "[h.example]",
            "[10.0.0.1]",
            "ü",
            "1:2:3",
        ] {
            let list = NoProxyList::parse(&format!("a.example,{item}"));
            assert_eq!(list.not_understood, [item]);
        }
    }
}
