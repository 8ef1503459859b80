//! Why a certificate was refused, in words: which name was asked for and which it bears, when it ends, who issued it,
//! and how to make a right one where it is known what went wrong in the making.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::witness::Refused;
use crate::settings::certificate_facts::{CertificateFacts, moment};

/// Most names of a certificate that are told.
const NAMES_MAX: usize = 8;

/// The refusal in a sentence.
pub(super) fn refusal(error: &CertificateError, refused: Option<&Refused>) -> String {
    let whose = match refused {
        Some(refused) if refused.of_proxy => "the proxy's certificate",
        _ => "the server's certificate",
    };
    let facts = refused.and_then(|refused| refused.facts.as_ref());
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            let whose = in_chain(whose, facts.map(|facts| facts.not_after), *not_after);
            format!(
                "{whose} expired on {}; this machine's clock says {}",
                told(*not_after),
                told(*time)
            )
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let whose = in_chain(whose, facts.map(|facts| facts.not_before), *not_before);
            format!(
                "{whose} is valid only from {} on; this machine's clock says {}",
                told(*not_before),
                told(*time)
            )
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let name = expected.to_str();
            match names(presented) {
                Some(names) => format!("{whose} is for {names}, not for {name}"),
                None => format!(
                    "{whose} names no host at all, so it is not for {name}: it needs a subjectAltName"
                ),
            }
        }
        CertificateError::UnknownIssuer => unknown_issuer(whose, facts),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("{whose} was issued for another purpose than to be shown by a server")
        }
        CertificateError::Other(_) if facts.is_some_and(|facts| facts.is_authority) => {
            let name = refused.map_or("localhost", |refused| refused.name.as_str());
            authority(whose, name)
        }
        CertificateError::BadSignature => {
            let issuer = facts.map_or("authority", |facts| facts.issuer.as_str());
            format!(
                "{whose} was signed by another {issuer} than the one that is trusted here; if it is the right one, name its certificate with --cacert"
            )
        }
        CertificateError::BadEncoding => format!("{whose} is damaged"),
        error => format!("{whose}: {error}"),
    }
}

/// A date of another certificate than the server's own is one of the chain.
fn in_chain(whose: &str, own: Option<SystemTime>, found: UnixTime) -> String {
    match own {
        Some(own) if own != system_time(found) => {
            format!("a certificate in the chain of {whose}")
        }
        _ => whose.to_owned(),
    }
}

fn unknown_issuer(whose: &str, facts: Option<&CertificateFacts>) -> String {
    match facts {
        None => {
            format!("{whose} was issued by an authority that is not trusted here (see --cacert)")
        }
        Some(facts) if facts.is_self_signed() => format!(
            "{whose} ({}) is signed by itself and not trusted here; if it is the right one, name it with --cacert",
            facts.subject
        ),
        Some(facts) => format!(
            "{whose} was issued by {}, which is not trusted here, or the server leaves out the certificate between; if it is the right one, name the authority's certificate with --cacert",
            facts.issuer
        ),
    }
}

fn authority(whose: &str, name: &str) -> String {
    let kind = if name.parse::<std::net::IpAddr>().is_ok() {
        "IP"
    } else {
        "DNS"
    };
    format!(
        "{whose} is that of an authority (CA:TRUE), which a server must not show as its own; plain `openssl req -x509` makes such ones: \
         make it with `-addext basicConstraints=critical,CA:FALSE -addext subjectAltName={kind}:{name}`"
    )
}

fn names(presented: &[String]) -> Option<String> {
    let bare: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
    let (shown, more) = bare.split_at(bare.len().min(NAMES_MAX));
    let mut text = shown.join(", ");
    if !more.is_empty() {
        text.push_str(&format!(" and {} more", more.len()));
    }
    (!shown.is_empty()).then_some(text)
}

/// The verifier gives names in the form `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

fn system_time(time: UnixTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(time.as_secs())
}

fn told(time: UnixTime) -> String {
    moment(system_time(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_bare_and_not_endlessly() {
        assert_eq!(names(&[]), None);
        let two = ["DnsName(\"a.example\")", "IpAddress(127.0.0.1)"].map(str::to_owned);
        assert_eq!(names(&two).as_deref(), Some("a.example, 127.0.0.1"));
        let many = vec!["x".to_owned(); 10];
        assert_eq!(
            names(&many).as_deref(),
            Some("x, x, x, x, x, x, x, x and 2 more")
        );
    }
}
