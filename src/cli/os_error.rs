//! Errors of the system in words: the number that the standard library appends helps nobody.

/// A text without each ` (os error N)` in it, which the standard library appends.
#[must_use]
pub fn without_numbers(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let behind = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        match behind.strip_prefix(')') {
            Some(behind) => plain.push_str(behind),
            None => plain.push_str(&format!(" (os error {part}")),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn the_number_of_an_error_is_left_out() {
        for (text, plain) in [
            ("no room (os error 28)", "no room"),
            ("a (os error 1): b (os error -2)", "a: b"),
            ("a (os error x)", "a (os error x)"),
        ] {
            assert_eq!(without_numbers(text), plain);
        }
    }
}
