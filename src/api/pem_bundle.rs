//! Reads a bundle of certificates quickly. The reader of rustls-pki-types decodes in constant time, for keys, and costs
//! four fifths of a whole send on Debian's bundle; certificates are public. Whatever is unusual is left to it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use rustls::pki_types::CertificateDer;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// The certificates of a bundle in order, or `None` when it contains anything but plain PEM certificates and comments
/// between them.
pub(super) fn certificates(mut bundle: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let mut found = Vec::new();
    // The base64 of one certificate, without its line ends.
    let mut letters = Vec::with_capacity(4096);
    let mut is_inside = false;
    while !bundle.is_empty() {
        let (line, rest) = next_line(bundle);
        bundle = rest;
        if !is_inside {
            if line == BEGIN {
                is_inside = true;
            } else if line.starts_with(b"-----") || line.contains(&b'\r') {
                return None;
            }
        } else if line == END {
            found.push(STANDARD.decode(&letters).ok()?.into());
            letters.clear();
            is_inside = false;
        } else {
            letters.extend_from_slice(line);
        }
    }
    // A last certificate without its end is a fault, which the other reader reports.
    (!is_inside).then_some(found)
}

/// A line without its end, and what follows it.
fn next_line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match memchr::memchr(b'\n', text) {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &text[text.len()..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::pem::PemObject as _;

    /// Certificates of many lengths, so that every kind of padding is met.
    fn bundle() -> String {
        let key = KeyPair::generate().unwrap();
        let name = |length| vec!["a".repeat(length)];
        let pem = |length| {
            let params = CertificateParams::new(name(length)).unwrap();
            params.self_signed(&key).unwrap().pem()
        };
        (1..12).map(pem).collect()
    }

    fn slowly(bundle: &[u8]) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(bundle).collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn it_reads_what_the_other_reader_reads() {
        let plain = bundle();
        assert_eq!(slowly(plain.as_bytes()).len(), 11);
        let unix = plain.replace("\r\n", "\n");
        let remarks = unix.replace("-----BEGIN", "# Größe = 1\n\n-----BEGIN");
        for text in [unix.clone(), unix.replace('\n', "\r\n"), remarks, String::new()] {
            assert_eq!(certificates(text.as_bytes()), Some(slowly(text.as_bytes())));
        }
    }

    #[test]
    fn whatever_is_unusual_is_left_to_the_other_reader() {
        let plain = bundle().replace("\r\n", "\n");
        let cut = &plain[..plain.len() - 10];
        let odd = [
            cut.to_owned(),
            plain.replace("BEGIN CERTIFICATE", "BEGIN TRUSTED CERTIFICATE"),
            plain.replacen("MII", "M!I", 1),
            plain.replacen("MII", "MIII", 1),
            plain.replacen("MII", " MII", 1),
            plain.replacen("MII", "=II", 1),
            plain.replace('\n', "\r"),
            format!("{plain}-----BEGIN PRIVATE KEY-----\n"),
        ];
        for text in odd {
            assert_eq!(certificates(text.as_bytes()), None, "{text}");
        }
    }
}
