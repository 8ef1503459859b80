//! The checks of the way to the server: trusted certificates, names, TCP, proxy and TLS.

use std::time::{Instant, SystemTime};

use reqwest::Url;

use super::chart::Chart;
use super::check::Check;
use super::validity::{SOON, Validity, day, days};
use crate::api::outcome::{Failure, FailureKind};
use crate::api::transport::TransportError;
use crate::api::way::handshake::{self, Handshake, Trusting};
use crate::api::way::names::{self, Source};
use crate::api::way::{self, Hop, Reached, Via, Wire, tunnel};
use crate::commands::error::CommandError;
use crate::settings::credential::certificate::CertificateFacts;
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::network::Network;
use crate::settings::target::is_loopback;

/// Goes the whole way and tells of each step; nothing comes out when it does not lead to the end.
pub(super) fn check(
    network: &Network,
    identity: Option<&ClientCertificate>,
    url: &Url,
    chart: &mut Chart,
) -> Option<()> {
    let tls = url.scheme() == "https";
    let trust = if tls {
        trust(network, identity, url, chart)
    } else {
        let plain = "plain http to this machine: no certificates are used";
        chart.add(Check::skipped("trust", plain));
        None
    };
    let deadline = Instant::now() + network.connect_timeout.min(network.timeout);
    let target = Hop::of(url);
    let via = Via::of(network, url);
    let reached = reach(network, &target, via.as_ref(), deadline, chart)?;
    if !tls {
        chart.add(proxy_unused(network, url));
        let plain = "plain http to this machine: there is no TLS to check";
        chart.add(Check::skipped("tls", plain));
        return Some(());
    }
    let trust = trust?;
    let wire = match &via {
        None => {
            chart.add(proxy_unused(network, url));
            tunnel::none(reached, deadline)
        }
        Some(via) if via.is_socks() => {
            let later = "a SOCKS proxy: tried together with the request for the clock";
            chart.add(Check::skipped("proxy", later));
            chart.add(Check::skipped("tls", later));
            return Some(());
        }
        Some(via) => through_proxy(network, via, reached, &target, &trust, deadline, chart)?,
    };
    match handshake::through(wire, &trust, &target) {
        Ok((shown, _)) => {
            trace(&shown, chart);
            chart.add(tls_shown(&shown));
            Some(())
        }
        Err(failure) => {
            chart.add(tls_failed(&target, failure));
            None
        }
    }
}

fn trust(network: &Network, identity: Option<&ClientCertificate>, url: &Url, chart: &mut Chart) -> Option<Trusting> {
    let proxy_tls = network.proxy_for(url).is_some_and(|proxy| proxy.tls);
    match Trusting::load(network, identity, proxy_tls) {
        Ok(trusting) => {
            chart.add(Check::ok("trust", trusting.source.as_str()));
            Some(trusting)
        }
        Err(error) => {
            let fault = CommandError::from(TransportError::from(error));
            chart.add(Check::of_fault("trust", &fault));
            None
        }
    }
}

/// Looks the first host of the way up and connects to it: the proxy's if there is one, which itself looks up the other.
fn reach(network: &Network, target: &Hop, via: Option<&Via>, deadline: Instant, chart: &mut Chart) -> Option<Reached> {
    let (hop, whose, found) = match via {
        Some(via) => (&via.hop, "the proxy ", names::of_proxy(&via.hop, deadline)),
        None => (target, "", names::of_target(target, network, deadline)),
    };
    let (source, addresses) = match found {
        Ok(found) => found,
        Err(failure) => {
            let subject = via.map_or("the service", |_| "the proxy");
            chart.add(Check::of_failure("dns", subject, failure));
            return None;
        }
    };
    let list: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let list = list.join(", ");
    chart.add(Check::ok(
        "dns",
        match source {
            Source::Literal => format!("{whose}{list}: an address, there is no name to look up"),
            Source::Override => format!("{}: {list}, as --resolve says", hop.host),
            Source::Pinned => format!("{}: {list}, always this machine", hop.host),
            Source::Resolver => format!("{whose}{}: {list}", hop.host),
        },
    ));
    let start = Instant::now();
    match way::connect(&addresses, deadline) {
        Ok(reached) => {
            let time = start.elapsed().as_millis();
            chart.add(tcp(whose, &reached, time));
            Some(reached)
        }
        Err(failure) => {
            let subject = format!("no answer from {whose}{}", hop.authority());
            chart.add(Check::of_failure("tcp", &subject, failure));
            None
        }
    }
}

fn tcp(whose: &str, reached: &Reached, milliseconds: u128) -> Check {
    let message = format!("{whose}{} answered in {milliseconds} ms", reached.address);
    if reached.missed.is_empty() {
        return Check::ok("tcp", message);
    }
    let missed: Vec<String> = reached
        .missed
        .iter()
        .map(|(address, error)| format!("{address} does not ({})", way::in_words(error)))
        .collect();
    let hint = format!("{}: each send may lose time there", missed.join(", "));
    Check::warning("tcp", message, hint)
}

fn proxy_unused(network: &Network, url: &Url) -> Check {
    let why = match &network.proxy {
        None => "none is configured".to_owned(),
        Some(proxy) if is_loopback(url) && proxy.is_of_environment() => {
            format!("{} is not used for this machine itself", proxy.shown)
        }
        Some(proxy) => format!("{} is not used: the host is exempt", proxy.shown),
    };
    Check::ok("proxy", why)
}

fn through_proxy(
    network: &Network,
    via: &Via,
    reached: Reached,
    target: &Hop,
    trust: &Trusting,
    deadline: Instant,
    chart: &mut Chart,
) -> Option<Box<dyn Wire>> {
    let (shown, origin) = network.proxy.as_ref().map(|proxy| (proxy.shown.clone(), proxy.origin.to_string()))?;
    match tunnel::open(reached, via, target, trust, deadline) {
        Ok(wire) => {
            let message = format!("{shown} ({origin}) opened a tunnel to {}", target.authority());
            chart.add(Check::ok("proxy", message));
            Some(wire)
        }
        Err(failure) => {
            let subject = format!("{shown} ({origin})");
            chart.add(Check::of_failure("proxy", &subject, failure));
            None
        }
    }
}

fn trace(shown: &Handshake, chart: &mut Chart) {
    chart.trace(&format!("* tls: {}, {}", shown.version, shown.suite));
    for certificate in &shown.certificates {
        if let Some(facts) = CertificateFacts::read(certificate) {
            let (from, until) = (day(facts.not_before), day(facts.not_after));
            chart.trace(&format!("* certificate: {}, by {}, from {from} until {until}", facts.subject, facts.issuer));
        }
    }
}

fn tls_shown(shown: &Handshake) -> Check {
    let version = shown.version;
    let Some(facts) = shown.certificates.first().and_then(|certificate| CertificateFacts::read(certificate)) else {
        return Check::ok("tls", format!("{version}, a trusted certificate"));
    };
    let until = day(facts.not_after);
    let issued = format!("{version}, a certificate by {}", facts.issuer);
    match Validity::of(&facts, SystemTime::now()) {
        Validity::Left(left) if left >= SOON => {
            Check::ok("tls", format!("{issued}, {} left (until {until})", days(left)))
        }
        Validity::Left(left) => Check::warning(
            "tls",
            format!("{issued}, {} left", days(left)),
            format!("the server needs a new one before {until}; tell those who run it"),
        ),
        // rustls has just accepted the dates: they end at this very moment.
        Validity::NotYet | Validity::Over => Check::ok("tls", issued),
    }
}

/// A clock that is off makes a good certificate look too old or too new, so that is the next thing to look at.
fn tls_failed(target: &Hop, failure: Failure) -> Check {
    let dated = failure.kind == FailureKind::Certificate
        && ["expired on", "valid only from"].iter().any(|words| failure.cause.contains(words));
    let check = Check::of_failure("tls", &target.authority(), failure);
    if dated {
        check.hint("if this machine's clock is right, the server needs a new certificate; tell those who run it")
    } else {
        check
    }
}
