//! The hosts that are reached past the proxy: the list of `--noproxy` and `NO_PROXY`, in all the forms that curl, Go and
//! Python read there, ports and bracketed addresses included.

use std::net::IpAddr;

use reqwest::Url;

/// A list, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NoProxyList {
    entries: Vec<Entry>,
    /// What stands in the list and means nothing, as it was written.
    pub(super) not_understood: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    /// The one port that it holds for, if it names one.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    /// This address and all that share its first bits.
    Net(IpAddr, u32),
    /// This name and all below it.
    Below(String),
}

impl NoProxyList {
    /// Reads a list that is separated by commas or, as curl takes it too, by spaces.
    pub(super) fn parse(list: &str) -> Self {
        let mut read = Self::default();
        for item in list.split([',', ' ', '\t']).filter(|item| !item.is_empty()) {
            match Entry::parse(item) {
                Some(entry) => read.entries.push(entry),
                None => read.not_understood.push(item.to_owned()),
            }
        }
        read
    }

    /// Whether the URL's host is reached without the proxy.
    pub(super) fn holds(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let host = unbracketed(host).unwrap_or(host).trim_end_matches('.');
        let port = url.port_or_known_default();
        self.entries.iter().any(|entry| entry.port.is_none_or(|own| Some(own) == port) && entry.hosts.hold(host))
    }
}

impl Entry {
    fn parse(item: &str) -> Option<Self> {
        let whole = |hosts| Self { hosts, port: None };
        if let Some(hosts) = Hosts::parse(item) {
            return Some(whole(hosts));
        }
        if let Some((address, rest)) = item.strip_prefix('[').and_then(|item| item.split_once(']')) {
            let address: IpAddr = address.parse().ok().filter(IpAddr::is_ipv6)?;
            return match rest.strip_prefix(':') {
                Some(port) => Some(Self { port: Some(port.parse().ok()?), ..whole(Hosts::Net(address, 128)) }),
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
            return Some(Self::Net(address, bits(address)));
        }
        if let Some((address, length)) = text.split_once('/') {
            let address: IpAddr = address.parse().ok()?;
            let length = length.parse().ok().filter(|length| *length <= bits(address))?;
            return Some(Self::Net(address, length));
        }
        let name = text.strip_prefix('*').filter(|rest| rest.starts_with('.'));
        let name = name.unwrap_or(text);
        let name = name.strip_prefix('.').unwrap_or(name);
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_label = |label: &str| {
            let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            !label.is_empty() && label.bytes().all(sound)
        };
        name.split('.').all(is_label).then_some(Self::Below(name))
    }

    /// The host is lower-case, as URLs have it, and without brackets.
    fn hold(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Net(net, length) => host.parse::<IpAddr>().is_ok_and(|address| is_within(address, *net, *length)),
            Self::Below(name) => {
                let before = host.strip_suffix(name.as_str());
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
        }
    }
}

/// The address in brackets, as URLs write one of IPv6.
fn unbracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

const fn bits(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn is_within(address: IpAddr, net: IpAddr, length: u32) -> bool {
    let (address, net, all) = match (address, net) {
        (IpAddr::V4(address), IpAddr::V4(net)) => (address.to_bits().into(), net.to_bits().into(), 32),
        (IpAddr::V6(address), IpAddr::V6(net)) => (address.to_bits(), net.to_bits(), 128),
        _ => return false,
    };
    let differing: u128 = address ^ net;
    // A shift by all of the bits is none.
    differing.checked_shr(all - length).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suffixes_addresses_and_networks_hold() {
        for (list, host, holds) in [
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
            assert_eq!(list.holds(&url), holds, "{list:?} {host}");
        }
    }

    #[test]
    fn whatever_means_nothing_is_kept_as_it_was_written() {
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
