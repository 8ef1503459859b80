//! Reads a bundle of certificates quickly. The reader of rustls-pki-types decodes in constant time, for keys, and costs
//! four fifths of a whole send on Debian's bundle; certificates are public. Whatever is unusual is left to it.

use rustls::pki_types::CertificateDer;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// What stands for "no letter of base64" in the table.
const NONE: u8 = 0xff;

/// The value of each letter (RFC 4648, section 4).
const VALUES: [u8; 256] = {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        values[letters[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// The length of a line of PEM, but for the last one of each certificate (RFC 7468, section 2).
const LINE: usize = 64;

/// The certificates of a bundle in order, or `None` when it holds anything but plain PEM certificates and remarks
/// between them.
pub(super) fn certificates(mut bundle: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let mut found = Vec::new();
    let mut current: Option<Vec<u8>> = None;
    while !bundle.is_empty() {
        let (line, rest) = next_line(bundle);
        bundle = rest;
        match &mut current {
            None if line == BEGIN => current = Some(Vec::with_capacity(2048)),
            None if line.starts_with(b"-----") || line.contains(&b'\r') => return None,
            None => {}
            Some(der) if line == END => {
                found.push(CertificateDer::from(std::mem::take(der)));
                current = None;
            }
            Some(der) => decode_line(line, der)?,
        }
    }
    // A last certificate without its end is a fault, and told by the other reader.
    current.is_none().then_some(found)
}

/// A line without its end, and what follows it.
fn next_line(text: &[u8]) -> (&[u8], &[u8]) {
    // A full line is seen at its end; a shorter one that only looks so holds a line end, and is no base64.
    let full = text.get(LINE) == Some(&b'\n') && !text[..LINE].contains(&b'\n');
    let end = if full {
        Some(LINE)
    } else {
        text.iter().position(|byte| *byte == b'\n')
    };
    let (line, rest) = match end {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &text[text.len()..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// Adds what a line holds; padding may stand at its end alone.
fn decode_line(line: &[u8], der: &mut Vec<u8>) -> Option<()> {
    let (fours, rest) = line.as_chunks::<4>();
    let (last, fours) = fours.split_last().filter(|_| rest.is_empty())?;
    let start = der.len();
    der.resize(start + fours.len() * 3, 0);
    let (threes, _) = der[start..].as_chunks_mut::<3>();
    let mut seen = 0;
    for (four, three) in fours.iter().zip(threes) {
        let values = four.map(|letter| VALUES[usize::from(letter)]);
        seen |= values[0] | values[1] | values[2] | values[3];
        *three = bytes(values);
    }
    // The value of a letter has six bits.
    if seen > 63 {
        return None;
    }
    let padding = match last {
        [_, _, b'=', b'='] => 2,
        [_, _, _, b'='] => 1,
        _ => 0,
    };
    let mut values = last.map(|letter| VALUES[usize::from(letter)]);
    values[4 - padding..].fill(0);
    if values.contains(&NONE) {
        return None;
    }
    der.extend_from_slice(&bytes(values)[..3 - padding]);
    Some(())
}

const fn bytes([a, b, c, d]: [u8; 4]) -> [u8; 3] {
    [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
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
        CertificateDer::pem_slice_iter(bundle)
            .collect::<Result<_, _>>()
            .unwrap()
    }

    #[test]
    fn it_reads_what_the_other_reader_reads() {
        let plain = bundle();
        assert_eq!(slowly(plain.as_bytes()).len(), 11);
        let unix = plain.replace("\r\n", "\n");
        let remarks = unix.replace("-----BEGIN", "# Größe = 1\n\n-----BEGIN");
        for text in [
            unix.clone(),
            unix.replace('\n', "\r\n"),
            remarks,
            String::new(),
        ] {
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
