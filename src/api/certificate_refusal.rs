//! Why a certificate was refused, in words: which name was asked for and which it has, when it ends, who issued it,
//! and how to make a correct one where the mistake is known.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::observer::{Peer, Refused};
use crate::settings::clock::to_text;
use crate::settings::credential::certificate::CertificateFacts;

/// Most names of a certificate that are shown.
const NAMES_MAX: usize = 8;

/// The refusal in a sentence.
pub(super) fn cause(error: &CertificateError, refused: Option<&Refused>) -> String {
    let whose = match refused {
        Some(refused) if refused.peer == Peer::Proxy => "the proxy's certificate",
        _ => "the server's certificate",
    };
    let facts = refused.and_then(|refused| refused.facts.as_ref());
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            let whose = in_chain(whose, facts.map(|facts| facts.not_after), *not_after);
            format!("{whose} expired on {}; this machine's clock says {}", date(*not_after), date(*time))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let whose = in_chain(whose, facts.map(|facts| facts.not_before), *not_before);
            format!("{whose} is valid only from {} on; this machine's clock says {}", date(*not_before), date(*time))
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let name = expected.to_str();
            match names(presented) {
                Some(names) => format!("{whose} is for {names}, not for {name}"),
                None => format!("{whose} names no host at all, so it is not for {name}: it needs a subjectAltName"),
            }
        }
        CertificateError::UnknownIssuer => unknown_issuer(whose, facts),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("{whose} was issued for another purpose, not for a server")
        }
        CertificateError::Other(error) => other(whose, &error.to_string(), refused),
        CertificateError::BadSignature => {
            let issuer = facts.map_or("authority", |facts| facts.issuer.as_str());
            format!(
                "{whose} was signed by another {issuer} than the one that is trusted here; if it is the right one, name its certificate with --cacert"
            )
        }
        CertificateError::BadEncoding => format!("{whose} is damaged"),
        error => rare(whose, error),
    }
}

/// The rare refusals.
fn rare(whose: &str, error: &CertificateError) -> String {
    match error {
        CertificateError::Expired => format!("{whose} has expired, or its dates are wrong"),
        CertificateError::NotValidYet => format!("{whose} is not valid yet"),
        CertificateError::NotValidForName => format!("{whose} is for another name"),
        CertificateError::Revoked => format!("{whose} was revoked by its authority"),
        CertificateError::UnhandledCriticalExtension => {
            format!("{whose} has an extension that must be understood and is not known here")
        }
        CertificateError::UnknownRevocationStatus => format!("vescli cannot find out whether {whose} was revoked"),
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            format!("the list of revoked certificates for {whose} has expired")
        }
        CertificateError::InvalidOcspResponse => format!("the proof that {whose} was not revoked (OCSP) is not valid"),
        CertificateError::ApplicationVerificationFailure => format!("this machine's own check refused {whose}"),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => signature(whose),
        error => named(whose, &format!("{error:?}")),
    }
}

fn signature(whose: &str) -> String {
    format!(
        "{whose}, or one in its chain, is signed in a way that is not known to be safe here, such as with SHA-1 or MD5"
    )
}

/// The errors of the verifier that rustls has no name for: webpki's, which are only names, and those of a machine's own
/// verifier, which are text.
fn other(whose: &str, error: &str, refused: Option<&Refused>) -> String {
    let name = refused.map_or("this host", |refused| refused.name.as_str());
    match error {
        "CaUsedAsEndEntity" => authority(whose, refused.map_or("localhost", |_| name)),
        "EndEntityUsedAsCa" => format!("{whose} was issued with a certificate that does not belong to an authority"),
        "NameConstraintViolation" => {
            format!("the authority of {whose} may not issue certificates for {name} (name constraints)")
        }
        "PathLenConstraintViolated"
        | "MaximumPathDepthExceeded"
        | "MaximumPathBuildCallsExceeded"
        | "MaximumSignatureChecksExceeded"
        | "MaximumNameConstraintComparisonsExceeded" => {
            format!("the chain of {whose} is longer than its authority or this program allows")
        }
        "UnsupportedCertVersion" => format!("{whose}, or one in its chain, is not of version 3, which TLS needs"),
        // The machine's own verifier has other texts for the same.
        _ if refused.and_then(|refused| refused.facts.as_ref()).is_some_and(|facts| facts.is_authority) => {
            authority(whose, name)
        }
        error => named(whose, error),
    }
}

/// A name of the library as words: `UnsupportedNameType` is "unsupported name type".
fn named(whose: &str, name: &str) -> String {
    if name.contains("UnsupportedSignatureAlgorithm") {
        return signature(whose);
    }
    // What follows a name in a debug text is about the program, not about the certificate.
    let head = name.split(['(', '{']).next().unwrap_or_default().trim();
    let is_name = !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let cause = if is_name {
        let mut words = String::new();
        for letter in head.chars() {
            if letter.is_ascii_uppercase() && !words.is_empty() {
                words.push(' ');
            }
            words.push(letter.to_ascii_lowercase());
        }
        words
    } else {
        name.to_owned()
    };
    format!("{whose} was refused: {cause}")
}

/// A date that is not that of the server's own certificate belongs to another certificate of the chain.
fn in_chain(whose: &str, own: Option<SystemTime>, found: UnixTime) -> String {
    match own {
        Some(own) if own != system_time(found) => format!("a certificate in the chain of {whose}"),
        _ => whose.to_owned(),
    }
}

fn unknown_issuer(whose: &str, facts: Option<&CertificateFacts>) -> String {
    match facts {
        None => format!("{whose} was issued by an authority that is not trusted here (see --cacert)"),
        Some(facts) if facts.is_self_signed() => format!(
            "{whose} ({}) is self-signed and not trusted here; if it is the right one, name it with --cacert",
            facts.subject
        ),
        Some(facts) => format!(
            "{whose} was issued by {}, which is not trusted here, or the server does not send the intermediate certificate; if it is the right one, name the authority's certificate with --cacert",
            facts.issuer
        ),
    }
}

fn authority(whose: &str, name: &str) -> String {
    let kind = if name.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
    format!(
        "{whose} is the certificate of an authority (CA:TRUE), which a server must not use as its own; plain `openssl req -x509` makes such certificates: \
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

fn date(time: UnixTime) -> String {
    to_text(system_time(time))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    fn of(name: &'static str) -> CertificateError {
        #[derive(Debug)]
        struct Named(&'static str);
        impl std::error::Error for Named {}
        impl std::fmt::Display for Named {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
        CertificateError::Other(OtherError(Arc::new(Named(name))))
    }

    /// Two words run together, or the brackets of a value, as only Rust writes them.
    fn is_debug_text(text: &str) -> bool {
        let joined = text.as_bytes().windows(2);
        let joined = joined.filter(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
        joined.count() > 0 || text.contains(['{', '[']) || text.contains("::")
    }

    fn every_error() -> Vec<CertificateError> {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        #[expect(deprecated, reason = "rustls may still give it")]
        let old = CertificateError::UnsupportedSignatureAlgorithm;
        vec![
            old,
            CertificateError::BadEncoding,
            CertificateError::Expired,
            CertificateError::ExpiredContext { time, not_after: time },
            CertificateError::NotValidYet,
            CertificateError::NotValidYetContext { time, not_before: time },
            CertificateError::Revoked,
            CertificateError::UnhandledCriticalExtension,
            CertificateError::UnknownIssuer,
            CertificateError::UnknownRevocationStatus,
            CertificateError::ExpiredRevocationList,
            CertificateError::ExpiredRevocationListContext { time, next_update: time },
            CertificateError::BadSignature,
            CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![1],
                supported_algorithms: Vec::new(),
            },
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![1],
                public_key_algorithm_id: vec![2],
            },
            CertificateError::NotValidForName,
            CertificateError::InvalidPurpose,
            CertificateError::InvalidOcspResponse,
            CertificateError::ApplicationVerificationFailure,
            of("EndEntityUsedAsCa"),
            of("NameConstraintViolation"),
            of("PathLenConstraintViolated"),
            of("MaximumSignatureChecksExceeded"),
            of("UnsupportedCertVersion"),
            of("UnsupportedNameType"),
            of("TrailingData(SubjectPublicKeyInfo)"),
            of("the system's own words"),
        ]
    }

    #[test]
    fn every_refusal_is_a_sentence_and_no_debug_text() {
        for error in every_error() {
            let text = cause(&error, None);
            assert!(!is_debug_text(&text), "{text}");
            assert!(text.contains("the server's certificate"), "{text}");
        }
        assert!(cause(&of("CaUsedAsEndEntity"), None).contains("(CA:TRUE)"));
        assert_eq!(
            cause(&of("UnsupportedNameType"), None),
            "the server's certificate was refused: unsupported name type"
        );
        assert_eq!(
            cause(&of("the system's own words"), None),
            "the server's certificate was refused: the system's own words"
        );
        assert!(is_debug_text("Other(OtherError(NameConstraintViolation))"));
    }

    #[test]
    fn names_are_told_bare_and_not_endlessly() {
        assert_eq!(names(&[]), None);
        let two = ["DnsName(\"a.example\")", "IpAddress(127.0.0.1)"].map(str::to_owned);
        assert_eq!(names(&two).as_deref(), Some("a.example, 127.0.0.1"));
        let many = vec!["x".to_owned(); 10];
        assert_eq!(names(&many).as_deref(), Some("x, x, x, x, x, x, x, x and 2 more"));
    }
}
