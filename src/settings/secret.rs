//! A text that is never shown: no `Debug`, no `Display`, no serialisation gives its value away. It is overwritten when it is
//! dropped. What cannot be overwritten from here are the process's own environment, the header of a request while it is
//! on its way, and what TLS and PKCS#12 keep of a key; against those stands that no core file is written.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A token or a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the value in.
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// Takes in the bytes of a text; `None`, and the bytes overwritten, if they are no UTF-8. One line end at the end is no
    /// part of the secret, and `\r` alone is no line end.
    pub fn of_line(bytes: Vec<u8>) -> Option<Self> {
        let mut text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                error.into_bytes().zeroize();
                return None;
            }
        };
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        Some(Self(text))
    }

    /// The value, for the one place that has to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// How long it is, in characters: enough to tell one credential from another, or an empty file from a full one.
    pub fn length(&self) -> usize {
        self.0.chars().count()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} characters)", self.length())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set, {} characters", self.length())
    }
}

/// Lets no core file be written from now on: memory holds the secrets in clear text. The limit of zero is inherited by the
/// processes that are started from here. A core pattern that is a pipe ignores it, so the process is made non-dumpable as
/// well, where that exists; this also keeps the user's other processes from reading its memory. Where neither can be set,
/// nothing is lost but these precautions.
pub fn keep_out_of_core_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let maximum = getrlimit(Resource::Core).maximum;
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};

        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_the_value() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?} {secret}"), "Secret(7 characters) set, 7 characters");
    }

    #[test]
    fn one_line_end_is_no_part_of_a_secret() {
        for (bytes, text) in [
            (&b"a"[..], Some("a")),
            (b"a\n", Some("a")),
            (b"a\r\n", Some("a")),
            (b"a\r", Some("a\r")),
            (b"a\n\n", Some("a\n")),
            (b"\xff", None),
        ] {
            let secret = Secret::of_line(bytes.to_vec());
            assert_eq!(secret.as_ref().map(Secret::expose), text);
        }
    }

    #[test]
    fn whatever_holds_a_secret_is_overwritten_when_it_is_dropped() {
        fn is_overwritten<T: ZeroizeOnDrop>() {
            assert!(std::mem::needs_drop::<T>());
        }
        is_overwritten::<Secret>();
        is_overwritten::<crate::settings::identity::Parts>();
    }
}
