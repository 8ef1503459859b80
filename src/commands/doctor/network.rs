//! The checks of the network: trusted certificates, DNS, TCP, proxy, TLS, HTTP and the clock. One `HEAD` for `/` goes
//! through the transport that a send uses, and what its observer noted becomes the checks.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use url::Url;

use super::check::{Check, Checklist, day, time_left};
use crate::api::observer::{AddressSource, Observed, Step};
use crate::api::outcome::{Class, Failure};
use crate::api::transport::{Exchange, Transport, TransportError, authority, host, port};
use crate::report::text;
use crate::settings::credential::certificate::{CertificateFacts, ClientCertificate};
use crate::settings::network::Network;
use crate::settings::target::is_loopback;

/// Clocks that differ by more than this are worth a warning.
const TOLERATED: Duration = Duration::from_secs(60);

pub(super) fn check(
    network: &Network,
    identity: Option<&ClientCertificate>,
    operation: &Url,
    checklist: &mut Checklist,
) {
    let mut url = operation.clone();
    url.set_path("/");
    let route = Route { network, url: &url };
    let transport = match Transport::new(network, identity, &url) {
        Ok(transport) => transport,
        Err(error) => {
            let name = if matches!(error, TransportError::Client(_)) { "http" } else { "trust" };
            checklist.add(Check::of_fault(name, error));
            if name == "trust" {
                route.without_trust(checklist);
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
            trace(&url, Some(&answer), checklist);
            let status = answer.status_line.split(' ').nth(1).unwrap_or_default();
            let took_ms = took.as_millis();
            let message = format!("HEAD {url} was answered with {status} in {took_ms} ms; any status is fine here");
            checklist.add(Check::ok("http", message));
            // The server read its clock some time between request and answer.
            checklist.add(compare(date(&answer), clock + took / 2));
        }
        Err(failure) => {
            route.passed(&observed, observed.step, checklist);
            if observed.step == Step::Http {
                trace(&url, None, checklist);
            }
            checklist.add(route.failed(observed.step, failure));
        }
    }
}

struct Route<'a> {
    network: &'a Network,
    url: &'a Url,
}

impl Route<'_> {
    /// Without certificates to trust, the host can still be looked up and connected to.
    fn without_trust(&self, checklist: &mut Checklist) {
        let Ok(transport) = Transport::without_trust(self.network, self.url) else {
            return;
        };
        let reached = transport.reach(self.url);
        let observed = transport.observed();
        match reached {
            Ok(()) => self.passed(&observed, Step::Tunnel, checklist),
            Err(failure) => {
                self.passed(&observed, observed.step, checklist);
                checklist.add(self.failed(observed.step, failure));
            }
        }
    }

    /// The checks of all steps before one.
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
                trace_handshake(observed, checklist);
                tls(observed)
            };
            checklist.add(check);
        }
    }

    /// The check of the step that failed.
    fn failed(&self, step: Step, failure: Failure) -> Check {
        match step {
            Step::Lookup => Check::of_failure("dns", "", failure),
            Step::Tcp => Check::of_failure("tcp", "", failure),
            Step::ProxyTls | Step::Tunnel => {
                let origin =
                    self.network.proxy_for(self.url).map_or_else(String::new, |proxy| proxy.origin.to_string());
                Check::of_failure("proxy", &origin, failure)
            }
            Step::Tls => tls_failed(&authority(self.url), failure),
            Step::Http => Check::of_failure("http", &format!("HEAD {}", self.url), failure),
        }
    }

    /// Which of several addresses was connected to is known once there was an answer.
    fn connected(&self, observed: &Observed) -> String {
        let address = match (observed.remote, self.network.proxy_for(self.url), &observed.addresses) {
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

    /// Only the proxy is looked up and connected to here, if there is one.
    fn whose(&self) -> &'static str {
        if self.network.proxy_for(self.url).is_some() { "the proxy " } else { "" }
    }

    fn found(&self, source: AddressSource, addresses: &str) -> String {
        let proxy = self.network.proxy_for(self.url);
        let host = proxy.map_or_else(|| host(self.url), |proxy| &proxy.host);
        let whose = self.whose();
        match source {
            AddressSource::Literal => format!("{whose}{addresses}: an address, there is no name to look up"),
            AddressSource::Override => format!("{host}: {addresses}, as --resolve says"),
            AddressSource::Localhost => format!("{host}: {addresses}, always this machine"),
            AddressSource::Resolver => format!("{whose}{host}: {addresses}"),
        }
    }

    fn proxy(&self) -> String {
        if let Some(proxy) = self.network.proxy_for(self.url) {
            let target = authority(self.url);
            return format!("{} ({}) opened a tunnel to {target}", proxy.shown, proxy.origin);
        }
        match &self.network.proxy {
            None => "none is configured".to_owned(),
            Some(proxy) if is_loopback(self.url) && proxy.is_of_environment() => {
                format!("{} is not used for this machine itself", proxy.shown)
            }
            Some(proxy) => format!("{} is not used: the host is exempt", proxy.shown),
        }
    }
}

/// The request and its answer, for `-v`.
fn trace(url: &Url, answer: Option<&Exchange>, checklist: &mut Checklist) {
    checklist.trace(&format!("> HEAD / HTTP/1.1 ({})", url.authority()));
    if let Some(answer) = answer {
        for line in text::answer_lines(answer, false, checklist.reporter.redactor()) {
            checklist.trace(&line);
        }
    }
}

fn trace_handshake(observed: &Observed, checklist: &mut Checklist) {
    checklist.trace(&format!("* tls: {}", observed.tls_version));
    for certificate in &observed.certificates {
        if let Some(facts) = CertificateFacts::read(certificate) {
            let (from, until) = (day(facts.not_before), day(facts.not_after));
            checklist
                .trace(&format!("* certificate: {}, by {}, from {from} until {until}", facts.subject, facts.issuer));
        }
    }
}

fn tls(observed: &Observed) -> Check {
    let version = observed.tls_version;
    let Some(facts) = observed.certificates.first().and_then(|certificate| CertificateFacts::read(certificate)) else {
        return Check::ok("tls", format!("{version}, a trusted certificate"));
    };
    let (left, ends) = time_left(&facts, SystemTime::now());
    let found = format!("{version}, a certificate by {}, {left}", facts.issuer);
    match ends {
        None => Check::ok("tls", found),
        Some(day) => {
            Check::warning("tls", found, format!("the server needs a new one before {day}; tell those who run it"))
        }
    }
}

/// A clock that is off makes a good certificate look too old or too new, so that is checked next.
fn tls_failed(target: &str, failure: Failure) -> Check {
    let dated = failure.class == Class::Certificate
        && ["expired on", "valid only from"].iter().any(|words| failure.cause.contains(words));
    let check = Check::of_failure("tls", target, failure);
    if dated {
        check.hint("if this machine's clock is right, the server needs a new certificate; tell those who run it")
    } else {
        check
    }
}

fn date(answer: &Exchange) -> Option<Result<SystemTime, String>> {
    let (_, text) = answer.headers.iter().find(|(name, _)| name == "date")?;
    Some(httpdate::parse_http_date(text).map_err(|_| text.clone()))
}

fn compare(server: Option<Result<SystemTime, String>>, ours: SystemTime) -> Check {
    let no_date = |message: String| Check::warning("clock", message, "compare this machine's clock with another");
    let server = match server {
        Some(Ok(server)) => server,
        Some(Err(text)) => return no_date(format!("the server sends the date `{text}`, which is not a date")),
        None => return no_date("the server sends no date to compare with".to_owned()),
    };
    let (off, way) = match ours.duration_since(server) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if off <= TOLERATED {
        return Check::ok("clock", "agrees with the server's to within a minute");
    }
    let off = humantime::format_duration(Duration::from_secs(off.as_secs()));
    Check::warning(
        "clock",
        format!("this machine's clock is {off} {way} the server's"),
        "set it (NTP): certificates and Retry-After are compared with it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::check::State;

    #[test]
    fn a_clock_is_compared_in_both_directions() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let with = |server| compare(Some(Ok(server)), now);
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
        assert_eq!(compare(Some(Err("x".into())), now).state, State::Warning);
    }
}
