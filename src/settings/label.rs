//! The grammar of one DNS label, which every variable of the URL has to keep before it is put into a URL.

/// Longest label that DNS allows, in bytes (RFC 1035, section 2.3.4).
const LABEL_MAX: usize = 63;

/// Whether `text` is one lower-case DNS label: letters, digits and inner hyphens, 1 to 63 of them (RFC 1123, section 2.1).
#[must_use]
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

#[cfg(test)]
mod tests {
    use super::is_label;

    #[test]
    fn labels_are_lower_case_letters_digits_and_inner_hyphens() {
        let longest = "a".repeat(63);
        for good in [
            "a",
            "0",
            "example-corp",
            "us-east-1",
            "x--y",
            longest.as_str(),
        ] {
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
