//! The checks of the network: trusted certificates, DNS, TCP, proxy, TLS, HTTP and the clock. They come from one `HEAD` for
//! `/` through the same transport as a send: what its observer noted becomes the checks.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use url::Url;

use super::checklist::{Check, Checklist, day, time_left};
use crate::api::observer::{AddressSource, Observed, Step};
use crate::api::outcome::{Class, Failure};
use crate::api::transport::{Transport, TransportError, authority, host, port};
use crate::report::text;
use crate::settings::credential::certificate::{CertificateFacts, ClientCertificate};
use crate::settings::network::{Network, ProxySetting};
use crate::settings::target::is_loopback;

/// Clocks that differ by more than this get a warning.
const TOLERATED: Duration = Duration::from_secs(60);

pub(super) fn check(
    network: &Network,
    identity: Option<&ClientCertificate>,
    operation: &Url,
    checklist: &mut Checklist,
) {
    let mut url = operation.clone();
    url.set_path("/");
    let route = Route { network, url: &url, proxy: network.proxy_for(&url) };
    let transport = match Transport::new(network, identity, &url) {
        Ok(transport) => transport,
        Err(error @ TransportError::Client(_)) => return checklist.add(Check::of_error("http", error)),
        Err(error) => {
            checklist.add(Check::of_error("trust", error));
            // Look-up and connection can still be checked without trusted certificates.
            if let Ok(transport) = Transport::without_trust(network, &url) {
                match transport.reach(&url) {
                    Ok(()) => route.passed(&transport.observed(), Step::Tunnel, checklist),
                    Err(failure) => route.failed(&transport.observed(), failure, checklist),
                }
            }
            return;
        }
    };
    checklist.add(match &transport.trust {
        Some(source) => Check::ok("trust", source.as_str()),
        None => Check::skipped("trust", "plain http to this machine: no certificates are used"),
    });
    let (clock, start) = (SystemTime::now(), Instant::now());
    let answer = transport.head(&url);
    let took = start.elapsed();
    let observed = transport.observed();
    match answer {
        Ok(answer) => {
            route.passed(&observed, Step::Http, checklist);
            for line in text::answer_lines(&answer, false, checklist.reporter.redactor()) {
                checklist.trace(&line);
            }
            let status = answer.status_line.split(' ').nth(1).unwrap_or_default();
            let took_ms = took.as_millis();
            let message = format!("HEAD {url} was answered with {status} in {took_ms} ms; any status is fine here");
            checklist.add(Check::ok("http", message));
            let date = answer.headers.iter().find(|(name, _)| name == "date").map(|(_, date)| date.as_str());
            // The server read its clock between request and answer.
            checklist.add(compare(date, clock + took / 2));
        }
        Err(failure) => route.failed(&observed, failure, checklist),
    }
}

struct Route<'a> {
    network: &'a Network,
    url: &'a Url,
    proxy: Option<&'a ProxySetting>,
}

impl Route<'_> {
    /// Adds the checks of all steps before `end`.
    fn passed(&self, observed: &Observed, end: Step, checklist: &mut Checklist) {
        if let Some((source, addresses)) = &observed.addresses {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            checklist.add(Check::ok("dns", self.found(*source, &addresses.join(", "))));
        }
        if observed.tcp {
            checklist.add(Check::ok("tcp", self.connected(observed)));
        } else if end > Step::Tcp {
            checklist.add(Check::skipped("tcp", "not known: the proxy did not answer"));
        }
        if end > Step::Tunnel {
            checklist.add(Check::ok("proxy", self.proxy()));
        }
        if end == Step::Http {
            let check = if observed.certificates.is_empty() {
                Check::skipped("tls", "plain http to this machine: there is no TLS to check")
            } else {
                tls(observed, checklist)
            };
            checklist.add(check);
            checklist.trace(&format!("> HEAD / HTTP/1.1 ({})", self.url.authority()));
        }
    }

    /// Adds the checks up to the step that failed.
    fn failed(&self, observed: &Observed, failure: Failure, checklist: &mut Checklist) {
        self.passed(observed, observed.step, checklist);
        checklist.add(match observed.step {
            Step::Lookup => Check::of_failure("dns", "", failure),
            Step::Tcp => Check::of_failure("tcp", "", failure),
            Step::ProxyTls | Step::Tunnel => {
                let origin = self.proxy.map_or_else(String::new, |proxy| proxy.origin.to_string());
                Check::of_failure("proxy", &origin, failure)
            }
            Step::Tls => tls_failed(&authority(self.url), failure),
            Step::Http => Check::of_failure("http", &format!("HEAD {}", self.url), failure),
        });
    }

    /// Whose name and address are checked: with a proxy, vescli only looks up and connects to the proxy.
    fn whose(&self) -> &'static str {
        if self.proxy.is_some() { "the proxy " } else { "" }
    }

    fn found(&self, source: AddressSource, addresses: &str) -> String {
        let host = self.proxy.map_or_else(|| host(self.url), |proxy| &proxy.host);
        let whose = self.whose();
        match source {
            AddressSource::Literal => format!("{whose}{addresses}: an address, there is no name to look up"),
            AddressSource::Override => format!("{host}: {addresses}, as --resolve says"),
            AddressSource::Localhost => format!("{host}: {addresses}, always this machine"),
            AddressSource::Resolver => format!("{whose}{host}: {addresses}"),
        }
    }

    /// If there are several addresses, only an answer shows which one was used.
    fn connected(&self, observed: &Observed) -> String {
        let address = match (observed.remote, self.proxy, &observed.addresses) {
            (Some(address), _, _) => address.to_string(),
            (None, Some(proxy), _) => proxy.shown.clone(),
            (None, None, Some((_, addresses))) if addresses.len() == 1 => {
                SocketAddr::new(addresses[0], port(self.url)).to_string()
            }
            (None, None, _) => authority(self.url),
        };
        let time = observed.tcp_time.map_or_else(String::new, |time| format!(" in {} ms", time.as_millis()));
        format!("{}{address} answered{time}", self.whose())
    }

    fn proxy(&self) -> String {
        match (self.proxy, &self.network.proxy) {
            (Some(proxy), _) => {
                format!("{} ({}) opened a tunnel to {}", proxy.shown, proxy.origin, authority(self.url))
            }
            (None, None) => "none is configured".to_owned(),
            (None, Some(proxy)) if is_loopback(self.url) && proxy.is_of_environment() => {
                format!("{} is not used for this machine itself", proxy.shown)
            }
            (None, Some(proxy)) => format!("{} is not used: the host is exempt", proxy.shown),
        }
    }
}

fn tls(observed: &Observed, checklist: &mut Checklist) -> Check {
    let version = observed.tls_version;
    checklist.trace(&format!("* tls: {version}"));
    let facts: Vec<_> = observed.certificates.iter().map(|certificate| CertificateFacts::read(certificate)).collect();
    for CertificateFacts { subject, issuer, not_before, not_after, .. } in facts.iter().flatten() {
        let (from, until) = (day(*not_before), day(*not_after));
        checklist.trace(&format!("* certificate: {subject}, by {issuer}, from {from} until {until}"));
    }
    let Some(Some(facts)) = facts.first() else {
        return Check::ok("tls", format!("{version}, a trusted certificate"));
    };
    let (left, ends) = time_left(facts, SystemTime::now());
    let hint = ends.map(|day| format!("the server needs a new one before {day}; tell those who run it"));
    Check::passed("tls", format!("{version}, a certificate by {}, {left}", facts.issuer), hint)
}

/// A wrong clock makes a valid certificate look too old or too new, so the hint names the clock.
fn tls_failed(target: &str, failure: Failure) -> Check {
    let is_dated = failure.class == Class::Certificate
        && ["expired on", "valid only from"].iter().any(|words| failure.cause.contains(words));
    let mut check = Check::of_failure("tls", target, failure);
    if is_dated {
        let hint = "if this machine's clock is right, the server needs a new certificate; tell those who run it";
        check.hint = Some(hint.to_owned());
    }
    check
}

fn compare(date: Option<&str>, ours: SystemTime) -> Check {
    let warning = |message: String, hint: &str| Check::passed("clock", message, [hint.to_owned()]);
    let no_date = |message| warning(message, "compare this machine's clock with another");
    let Some(date) = date else {
        return no_date("the server sends no date to compare with".to_owned());
    };
    let Ok(server) = httpdate::parse_http_date(date) else {
        return no_date(format!("the server sends the date `{date}`, which is not a date"));
    };
    let (off, way) = match ours.duration_since(server) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if off <= TOLERATED {
        return Check::ok("clock", "agrees with the server's to within a minute");
    }
    let off = humantime::format_duration(Duration::from_secs(off.as_secs()));
    let hint = "set it (NTP): certificates and Retry-After are compared with it";
    warning(format!("this machine's clock is {off} {way} the server's"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::checklist::State;

    #[test]
    fn a_clock_is_compared_in_both_directions() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let with = |server| compare(Some(&httpdate::fmt_http_date(server)), now);
        let second = Duration::from_secs(1);
        for near in [now, now - 60 * second, now + 60 * second] {
            assert_eq!(with(near).state, State::Ok);
        }
        let behind = with(now + 3700 * second);
        assert_eq!(behind.state, State::Warning);
        assert_eq!(behind.message, "this machine's clock is 1h 1m 40s behind the server's");
        let ahead = with(now - 61 * second);
        assert_eq!(ahead.message, "this machine's clock is 1m 1s ahead of the server's");
        assert_eq!(compare(None, now).state, State::Warning);
        assert_eq!(compare(Some("x"), now).state, State::Warning);
    }
}
