//! What a certificate says of itself, for messages and dates. Nothing is trusted because of it: verification is
//! rustls' alone, and a certificate that cannot be read here merely gets a shorter message.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use super::clock::writable;

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whose it is, such as `CN=example, O=Example Ltd`.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The first moment at which it is valid.
    pub not_before: SystemTime,
    /// The last moment at which it is valid.
    pub not_after: SystemTime,
    /// Whether it says that it is an authority.
    pub is_authority: bool,
}

impl CertificateFacts {
    /// Reads a certificate in DER; `None` if it is none, or one beyond RFC 5280.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            not_before: system_time(certificate.validity().not_before),
            not_after: system_time(certificate.validity().not_after),
            is_authority: certificate.is_ca(),
        })
    }

    /// Whether it names itself as its issuer.
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }
}

/// A date before 1970 is as good as that one: it lies in the past.
fn system_time(time: ASN1Time) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or(0))
}

/// A moment as it is told: `2020-01-01 00:00:00 UTC`.
pub fn moment(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(writable(time)).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};

    #[test]
    fn a_certificate_tells_its_names_dates_and_kind() {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "ada");
        params.not_before = date_time_ymd(2020, 2, 3);
        params.not_after = date_time_ymd(2060, 4, 5);
        let key = KeyPair::generate().unwrap();
        for authority in [false, true] {
            if authority {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
            let certificate = params.self_signed(&key).unwrap();
            let facts = CertificateFacts::read(certificate.der()).unwrap();
            assert!(facts.subject.contains("CN=ada"), "{facts:?}");
            assert!(facts.is_self_signed());
            assert_eq!(moment(facts.not_before), "2020-02-03 00:00:00 UTC");
            assert_eq!(moment(facts.not_after), "2060-04-05 00:00:00 UTC");
            assert_eq!(facts.is_authority, authority);
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_facts() {
        assert_eq!(CertificateFacts::read(b""), None);
        assert_eq!(CertificateFacts::read(&[0x30, 0x82, 0xff, 0xff]), None);
    }

    #[test]
    fn moments_beyond_the_calendar_are_clamped() {
        let far = UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(moment(far), "9999-12-31 23:59:59 UTC");
    }
}
