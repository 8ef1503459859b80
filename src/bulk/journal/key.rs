//! What a row is called in the journal: a hash of what makes its mail, and nothing of where it stood in the list.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The name of a row: the first half of the SHA-256 of URL, cname and address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey([u8; 16]);

impl Hash for RowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [first, ..] = self.0.as_chunks().0 else {
            return;
        };
        state.write_u64(u64::from_be_bytes(*first));
    }
}

/// Keys are hashes already, and serve a table as they are. Nobody gains from a list whose keys fall into few places of the
/// table: each such address takes many hashes to find, and all it does is slow down the run of its author.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The key of a row: the full URL of the request, the cname that is sent, and the address, whose case does not count.
/// Each part is hashed with its length in front, so that no two sets of parts run into each other.
#[must_use]
pub fn key(url: &str, cname: &str, email: &str) -> RowKey {
    let mut hash = Sha256::new();
    for part in [url, cname, &email.to_lowercase()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    RowKey(half)
}

impl fmt::Display for RowKey {
    /// 32 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

/// A text is no key of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key has 32 lower-case hexadecimal digits")]
pub struct NoKey;

impl FromStr for RowKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(NoKey),
        };
        let bytes = text.as_bytes();
        if bytes.len() != 32 {
            return Err(NoKey);
        }
        let mut half = [0; 16];
        for (byte, pair) in half.iter_mut().zip(bytes.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(half))
    }
}

fn write_hex(bytes: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

/// Bytes as lower-case hexadecimal digits.
pub(in crate::bulk) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
