//! What an error of a socket says to people, and whether it is a lack of this machine.

use std::io;

/// The error in words, without the number that the standard library appends.
pub(super) fn in_words(error: &io::Error) -> String {
    without_number(&error.to_string())
}

/// A text of a library without the ` (os error N)` in it.
pub fn without_number(text: &str) -> String {
    const MARK: &str = " (os error ";
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        let behind = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        plain.push_str(before);
        rest = if let Some(behind) = behind.strip_prefix(')') {
            behind
        } else {
            plain.push_str(MARK);
            after
        };
    }
    plain.push_str(rest);
    plain
}

/// What this machine lacks, if that is the error: then nobody else had a part in it.
pub(super) fn lack(error: &io::Error) -> Option<&'static str> {
    let number = error.raw_os_error()?;
    let is = |numbers: &[i32]| numbers.contains(&number);
    if is(OF_PROCESS) {
        Some("vescli may open no more files and sockets: its limit is reached (`ulimit -n` shows and raises it)")
    } else if is(OF_MACHINE) {
        Some("this machine can open no more files and sockets")
    } else {
        None
    }
}

/// No more descriptors for the process: `EMFILE` and, on Windows, `WSAEMFILE`.
#[cfg(unix)]
const OF_PROCESS: &[i32] = &[rustix::io::Errno::MFILE.raw_os_error()];
#[cfg(not(unix))]
const OF_PROCESS: &[i32] = &[10024];

/// No more descriptors for anybody: `ENFILE`.
#[cfg(unix)]
const OF_MACHINE: &[i32] = &[rustix::io::Errno::NFILE.raw_os_error()];
#[cfg(not(unix))]
const OF_MACHINE: &[i32] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_left_out_wherever_it_stands() {
        for (text, plain) in [
            ("Connection refused (os error 111)", "Connection refused"),
            ("a (os error 1): b (os error -2)", "a: b"),
            ("a (os error x)", "a (os error x)"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(without_number(text), plain);
        }
        let refused = io::Error::from_raw_os_error(111);
        assert!(!in_words(&refused).contains("os error"));
    }

    #[test]
    #[cfg(unix)]
    fn a_lack_of_descriptors_is_known_by_its_number() {
        for (number, found) in [(24, true), (23, true), (111, false)] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(lack(&error).is_some(), found, "{number}");
        }
        assert_eq!(lack(&io::Error::other("x")), None);
    }
}
