//! What a certificate says of itself: names and dates, to be shown. Nothing here decides about trust.

use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::name::Name;

/// What a certificate says of itself. The names are foreign text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inscription {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its first moment.
    pub not_before: SystemTime,
    /// Its last moment.
    pub not_after: SystemTime,
}

/// Where a moment lies within the dates of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Before its first moment.
    NotYet,
    /// Within, with this much time left.
    Left(Duration),
    /// After its last moment.
    Over,
}

impl Inscription {
    /// Reads a certificate, if it is one.
    #[must_use]
    pub fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let inner = certificate.tbs_certificate();
        Some(Self {
            subject: short_name(inner.subject()),
            issuer: short_name(inner.issuer()),
            not_before: inner.validity().not_before.to_system_time(),
            not_after: inner.validity().not_after.to_system_time(),
        })
    }

    /// Where `now` lies within its dates.
    #[must_use]
    pub fn validity(&self, now: SystemTime) -> Validity {
        if now < self.not_before {
            return Validity::NotYet;
        }
        self.not_after
            .duration_since(now)
            .map_or(Validity::Over, Validity::Left)
    }
}

/// The common name, else the organization, else the whole name.
fn short_name(name: &Name) -> String {
    let common = name.common_name().ok().flatten();
    let text = common.or_else(|| name.organization().ok().flatten());
    text.map_or_else(|| name.to_string(), |text| text.value().into_owned())
}

/// The day of a moment in UTC, such as `2027-01-31`.
#[must_use]
pub fn day(moment: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(moment).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_against_a_moment() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let inscription = Inscription {
            subject: "s".into(),
            issuer: "i".into(),
            not_before: at(100),
            not_after: at(200),
        };
        assert_eq!(inscription.validity(at(99)), Validity::NotYet);
        assert_eq!(
            inscription.validity(at(100)),
            Validity::Left(Duration::from_secs(100))
        );
        assert_eq!(
            inscription.validity(at(200)),
            Validity::Left(Duration::ZERO)
        );
        assert_eq!(inscription.validity(at(201)), Validity::Over);
        assert_eq!(day(at(86_400)), "1970-01-02");
    }

    #[test]
    fn what_is_no_certificate_says_nothing() {
        assert_eq!(
            Inscription::read(&CertificateDer::from(b"no".to_vec())),
            None
        );
    }
}
