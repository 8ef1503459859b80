//! The grammar of one DNS label, which every variable of the URL has to keep before it is put into a URL, and of a whole
//! host name that a user wrote.

use rustls::pki_types::ServerName;

/// Longest label that DNS allows, in bytes (RFC 1035, section 2.3.4).
const LABEL_MAX: usize = 63;

/// Whether `text` is one lower-case DNS label: letters, digits and inner hyphens, 1 to 63 of them (RFC 1123, section 2.1).
pub fn is_label(text: &str) -> bool {
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => {
            bytes.len() <= LABEL_MAX
                && inner(first)
                && inner(last)
                && bytes.iter().all(|byte| inner(byte) || *byte == b'-')
        }
        _ => false,
    }
}

/// Longest name that DNS allows, in the form in which people write it (RFC 1035, section 2.3.4).
const NAME_MAX: usize = 253;

/// Why no host can have this name, if so: neither a resolver nor TLS would take it. Underscores are no letters of a host
/// (RFC 1123, section 2.1) and are in use all the same; a dot at the end is the root.
pub fn unusable_name(name: &str) -> Option<&'static str> {
    let labels = name.strip_suffix('.').unwrap_or(name);
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.len() > NAME_MAX {
        return Some("is longer than 253 characters");
    }
    let found = labels.split('.').find_map(|label| match label {
        "" => Some("has an empty label"),
        _ if label.len() > LABEL_MAX => Some("has a label of more than 63 characters"),
        _ if label.starts_with('-') || label.ends_with('-') => Some("has a label that begins or ends with a hyphen"),
        _ if !label.bytes().all(letter) => Some("has a character that names of hosts do not have"),
        _ => None,
    });
    // What TLS takes is narrower in a corner or two, such as a last label of digits.
    found.or_else(|| match ServerName::try_from(name) {
        Ok(_) => None,
        Err(_) => Some("is not one that a host can have"),
    })
}

#[cfg(test)]
mod tests {
    use super::{is_label, unusable_name};

    #[test]
    fn names_that_no_host_can_have_are_known() {
        for (name, usable) in [
            ("h.example".to_owned(), true),
            ("h.example.".to_owned(), true),
            (format!("{}example", "a.".repeat(123)), true),
            (format!("{}example", "a.".repeat(124)), false),
            ("a..example".to_owned(), false),
            (String::new(), false),
            (".".to_owned(), false),
            ("a-.example".to_owned(), false),
            ("a_b.example".to_owned(), true),
            ("a!.example".to_owned(), false),
            ("a.0".to_owned(), false),
            (format!("{}.example", "a".repeat(63)), true),
            (format!("{}.example", "a".repeat(64)), false),
        ] {
            assert_eq!(unusable_name(&name).is_none(), usable, "{name}");
        }
    }

    #[test]
    fn labels_are_lower_case_letters_digits_and_inner_hyphens() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "example-corp", "us-east-1", "x--y", longest.as_str()] {
            assert!(is_label(good), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            "-",
            "-a",
            "a-",
            "a.b",
            "A",
            "a_b",
            "a b",
            "a/",
            "a@b",
            "a:1",
            "a\n",
            "\ta",
            "ａ",
            "é",
            "a\u{200b}",
            "%61",
            too_long.as_str(),
        ] {
            assert!(!is_label(bad), "{bad:?}");
        }
    }
}
