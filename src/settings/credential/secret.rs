//! A text that is never shown: neither `Debug` nor `Display` shows its value, and dropping it overwrites it. Some copies cannot
//! be overwritten: those in the environment of the process, in the header of a request while it is sent, and of keys in the
//! TLS and PKCS#12 libraries. Because of them, no core file is written.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::args::environment::Environment;
use crate::args::layer::{Origin, ValueError};
use crate::settings::sources::Level;

/// A token or a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// Makes a secret of bytes without the line end, if there is one; `\r` alone is not a line end. If the bytes are not UTF-8,
    /// it overwrites them and returns `None`.
    pub fn of_line(bytes: Vec<u8>) -> Option<Self> {
        let mut text = String::from_utf8(bytes).map_err(|error| error.into_bytes().zeroize()).ok()?;
        if let Some(line) = text.strip_suffix('\n') {
            text.truncate(line.strip_suffix('\r').unwrap_or(line).len());
        }
        Some(Self::new(text))
    }

    /// The value, for places that have to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its length in characters. It may be shown, and helps to tell one credential from another.
    pub fn length(&self) -> usize {
        self.0.chars().count()
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

/// The secret in the variable of a level: vescli's own, or that of F5's tools. The other levels have none.
pub(super) fn of_variable<T>(
    level: Level,
    environment: &Environment,
    [own, f5]: [&str; 2],
    source: fn(String, Secret) -> T,
) -> Result<Option<(T, Origin)>, ValueError> {
    let (name, origin): (_, fn(String) -> Origin) = match level {
        Level::Variable => (own, Origin::Variable),
        Level::Foreign => (f5, Origin::ForeignVariable),
        Level::Flag | Level::File | Level::BuiltIn => return Ok(None),
    };
    let text = environment.text(name)?;
    Ok(text.map(|text| (source(name.to_owned(), Secret::new(text.to_owned())), origin(name.to_owned()))))
}

/// Turns off core files, because memory contains the secrets in clear text. Child processes inherit the limit of zero. If the
/// core pattern is a pipe, the limit does not apply, so the process also becomes non-dumpable, on systems that have this. Then
/// the user's other processes cannot read its memory either. Both are precautions: if one fails, vescli continues.
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
    fn one_line_end_is_not_part_of_a_secret() {
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
}
