//! How the service is reached: timeouts, additional certificates, fixed addresses, and the proxy with the hosts that are
//! reached without it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use url::Url;

use super::credential::secret::{Secret, keep_out_of_core_files};
use super::error::SettingsError;
use super::sources::{Level, Sources};
use super::target::{Target, host_name_problem, is_loopback, without_brackets, without_userinfo};
use crate::args::environment::Environment;
use crate::args::layer::{Entry, Origin, Value, ValueError};
use crate::args::settings_table::Setting;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// For one whole attempt.
    pub timeout: Duration,
    /// For connecting, TLS included.
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

    /// Checks proxy and overrides against the target.
    ///
    /// # Errors
    /// [`ValueError`] for the first of them that cannot be used with it.
    pub fn check(&self, target: &Target, sources: &Sources) -> Result<(), ValueError> {
        let Target::Base(base) = target else {
            return Ok(());
        };
        let (url, proxy) = (base.url(), self.proxy_for(base.url()));
        let host = url.host_str().unwrap_or_default();
        // Plain http is only for this machine, so no proxy and no override may send it to another one.
        let is_plain = url.scheme() == "http";
        if let Some(ProxySetting { shown, origin, .. }) = proxy
            && is_plain
        {
            let reason = format!(
                "`{shown}` is not used for plain http, which stays on this machine: exempt the host with --noproxy {host}, or use https://"
            );
            return Err(ValueError { origin: origin.clone(), reason });
        }
        let port = url.port_or_known_default();
        let overrides = || self.resolve.iter().filter(|of| of.host == host && Some(of.port) == port);
        if let Some(entry) = sources.pick(Setting::Resolve) {
            if let Some(Override { address, .. }) = overrides().find(|of| is_plain && !of.address.is_loopback()) {
                return Err(entry.invalid(format!(
                    "{address} is another machine, and `{url}` would reach it unencrypted: use https://"
                )));
            }
            // If the host is an address, reqwest does not look it up and would ignore an override: the request would go to
            // the wrong machine. Behind a proxy, overrides are not used.
            let leads_away = |of: &&Override| host.parse().is_ok_and(|address: IpAddr| address != of.address);
            if let (Some(Override { address, .. }), None) = (overrides().find(leads_away), proxy) {
                return Err(entry.invalid(format!(
                    "{host} is an address already, and is not looked up: name {address} in the base URL instead"
                )));
            }
        }
        // Behind a proxy, reqwest takes an IPv6 address with its brackets for a name, which TLS does not accept. This
        // reports it before the first attempt.
        match (proxy, sources.pick(Setting::BaseUrl)) {
            (Some(ProxySetting { origin, .. }), Some(entry)) if host.starts_with('[') => Err(entry.invalid(format!(
                "`{}` names an IPv6 address, which cannot be reached through a proxy (here that of {origin}): use a host name, or bypass the proxy with --noproxy '{host}'",
                base.as_str()
            ))),
            _ => Ok(()),
        }
    }

    /// A warning if flags or variables have overrides, and none of them is for the host of the request: after a typing error in
    /// the name, the request would go to the real service and not to the given address.
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

    /// The proxy that is used for a URL. A proxy from the usual variables is not used for a loopback address: for the proxy,
    /// that is another machine.
    pub fn proxy_for(&self, url: &Url) -> Option<&ProxySetting> {
        let is_for_url = |proxy: &&ProxySetting| !(is_loopback(url) && proxy.is_of_environment());
        self.proxy.as_ref().filter(is_for_url).filter(|proxy| !proxy.noproxy.iter().any(|entry| entry.matches(url)))
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
    let (host, rest) = item.split_once(':').filter(|(host, _)| !host.is_empty())?;
    let (port, address) = rest.split_once(':')?;
    let address = without_brackets(address).parse().ok()?;
    Some(Override { host: host.to_ascii_lowercase(), port: port.parse().ok()?, address })
}

/// A proxy, and the hosts that are reached without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySetting {
    /// The URL, which may contain a password.
    pub url: Secret,
    /// The URL as it may be shown.
    pub shown: String,
    /// Its host, for messages.
    pub host: String,
    /// Whether the connection to the proxy itself uses TLS.
    pub tls: bool,
    /// The hosts that are reached without it.
    noproxy: Vec<NoProxyEntry>,
    /// A warning about unknown parts of `NO_PROXY`. Other programs read the variable too, so this is not an error.
    pub warning: Option<String>,
    pub origin: Origin,
}

impl ProxySetting {
    /// From the setting, else from the usual variables. Only those for https, because nothing else is sent through a proxy.
    ///
    /// # Errors
    /// [`ValueError`] when it is not the URL of a proxy, or a variable is not text.
    pub fn resolve(sources: &Sources, environment: &Environment) -> Result<Option<Self>, ValueError> {
        let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        let found = setting_or_variable(sources, Setting::Proxy, environment, &names)?;
        // An empty text means "no proxy", as in curl.
        let Some((text, origin)) = found.filter(|(text, _)| !text.is_empty()) else {
            return Ok(None);
        };
        let noproxy = noproxy(sources, environment)?;
        if text.contains('@') {
            keep_out_of_core_files();
        }
        Self::parse(&text, &origin, noproxy).map(Some).map_err(|reason| ValueError { origin, reason })
    }

    fn parse(text: &str, origin: &Origin, (noproxy, warning): NoProxyList) -> Result<Self, String> {
        // Without a scheme it is http, as in curl and other programs that read the variables.
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
        // With other schemes than http and https, the parser takes an address for a name.
        let is_address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
        if let Some(why) = host_name_problem(host).filter(|_| !is_address) {
            return Err(format!("the host `{host}` {why}: correct it"));
        }
        Ok(Self {
            host: host.to_owned(),
            tls: parsed.scheme() == "https",
            url: Secret::new(url),
            shown,
            noproxy,
            warning,
            origin: origin.clone(),
        })
    }

    /// Whether it comes from a usual variable such as `HTTPS_PROXY`, and not from a setting of vescli.
    pub fn is_of_environment(&self) -> bool {
        matches!(self.origin, Origin::ForeignVariable(_))
    }

    /// Whether the URL contains a user or a password.
    pub fn has_credentials(&self) -> bool {
        self.shown != self.url.expose()
    }

    /// The texts that must not be shown: the password as in the URL, and decoded.
    pub fn secrets(&self) -> Vec<Secret> {
        let url = Url::parse(self.url.expose()).ok();
        let Some(password) = url.as_ref().and_then(Url::password) else {
            return Vec::new();
        };
        let decoded = percent_decode_str(password).decode_utf8_lossy();
        vec![Secret::new(password.to_owned()), Secret::new(decoded.into_owned())]
    }
}

/// The text of a setting, else that of the first usual variable that is set.
fn setting_or_variable(
    sources: &Sources,
    key: Setting,
    environment: &Environment,
    names: &[&str],
) -> Result<Option<(String, Origin)>, ValueError> {
    if let Some((text, origin)) = sources.text(key) {
        return Ok(Some((text.to_owned(), origin.clone())));
    }
    for name in names {
        if let Some(text) = environment.text(name)? {
            return Ok(Some((text.to_owned(), Origin::ForeignVariable((*name).to_owned()))));
        }
    }
    Ok(None)
}

/// The hosts that are reached without the proxy, and a warning about unknown parts of `NO_PROXY`.
type NoProxyList = (Vec<NoProxyEntry>, Option<String>);

fn noproxy(sources: &Sources, environment: &Environment) -> Result<NoProxyList, ValueError> {
    let Some((list, origin)) = setting_or_variable(sources, Setting::Noproxy, environment, &["no_proxy", "NO_PROXY"])?
    else {
        return Ok(NoProxyList::default());
    };
    let (entries, unknown) = parse_noproxy(&list);
    let are = match unknown.as_slice() {
        [] => return Ok((entries, None)),
        [_] => "is",
        _ => "are",
    };
    let items: Vec<String> = unknown.iter().map(|item| format!("`{item}`")).collect();
    let reason = format!(
        "{} {are} not understood: use names, addresses and networks, with or without a port, and `*` for all",
        items.join(", ")
    );
    match origin {
        Origin::ForeignVariable(name) => Ok((entries, Some(format!("{name}: {reason}")))),
        origin => Err(ValueError { origin, reason }),
    }
}

/// Reads the list of `--noproxy` and `NO_PROXY` in all forms that curl, Go and Python accept, with ports and bracketed addresses.
/// Commas separate the entries, or spaces, as in curl. Unknown entries come second.
fn parse_noproxy(list: &str) -> (Vec<NoProxyEntry>, Vec<&str>) {
    let (mut entries, mut unknown) = (Vec::new(), Vec::new());
    for item in list.split([',', ' ', '\t']).filter(|item| !item.is_empty()) {
        match NoProxyEntry::parse(item) {
            Some(entry) => entries.push(entry),
            None => unknown.push(item),
        }
    }
    (entries, unknown)
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NoProxyEntry {
    hosts: Hosts,
    /// Only for this port; None for all.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    Net(IpNet),
    /// This name and its subdomains.
    Below(String),
}

impl NoProxyEntry {
    fn parse(item: &str) -> Option<Self> {
        if let Some(hosts) = Hosts::parse(item) {
            return Some(Self { hosts, port: None });
        }
        let (host, port) = item.rsplit_once(':')?;
        // In an IPv6 address without brackets, the last colon is not that of a port.
        let is_whole = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
        Some(Self { hosts: Hosts::parse(host).filter(|_| is_whole)?, port: Some(port.parse().ok()?) })
    }

    /// Whether the URL's host is reached without the proxy.
    fn matches(&self, url: &Url) -> bool {
        let host = without_brackets(url.host_str().unwrap_or_default()).trim_end_matches('.');
        let is_host = match &self.hosts {
            Hosts::All => true,
            Hosts::Net(net) => host.parse::<IpAddr>().is_ok_and(|address| net.contains(&address)),
            Hosts::Below(name) => {
                let before = host.strip_suffix(name.as_str());
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
        };
        is_host && self.port.is_none_or(|port| Some(port) == url.port_or_known_default())
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let (host, length) = text.split_once('/').map_or((text, None), |(host, length)| (host, Some(length)));
        let address = match host.strip_prefix('[') {
            Some(rest) => Some(IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?)),
            None => host.parse().ok(),
        };
        match (address, length) {
            (Some(address), None) => return Some(Self::Net(address.into())),
            (Some(address), Some(length)) => return IpNet::new(address, length.parse().ok()?).ok().map(Self::Net),
            (None, Some(_)) => return None,
            (None, None) => {}
        }
        let name = text.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(text);
        let name = name.strip_prefix('.').unwrap_or(name);
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_label = |label: &str| {
            let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            !label.is_empty() && label.bytes().all(valid)
        };
        name.split('.').all(is_label).then_some(Self::Below(name))
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
        let parse = |text| ProxySetting::parse(text, &Origin::BuiltIn, NoProxyList::default());
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
            let (entries, unknown) = parse_noproxy(list);
            assert_eq!(unknown, [""; 0]);
            assert_eq!(entries.iter().any(|entry| entry.matches(&url)), matches, "{list:?} {host}");
        }
    }

    #[test]
    fn unknown_entries_are_returned_unchanged() {
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
            "[fd00::]/8:443",
            "fd00::/8:443",
            "[fd00::1]:443:80",
        ] {
            let list = format!("a.example,{item}");
            assert_eq!(parse_noproxy(&list).1, [item]);
        }
    }
}
