//! The key of a person in the journal: a hash of service, cname and address. It does not depend on the line of the
//! list.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The key of a person: the first half of the SHA-256 of service, cname and address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey(pub(super) [u8; 16]);

impl RowKey {
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The bits that decide the person's shard. A hash table uses other bits: with the same ones, the people of one
    /// shard would collide in it.
    pub const fn shard_bits(self) -> u64 {
        let [_, last] = *self.0.as_chunks::<8>().0 else {
            return 0;
        };
        u64::from_be_bytes(last)
    }
}

impl Hash for RowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [first, ..] = self.0.as_chunks().0 else {
            return;
        };
        state.write_u64(u64::from_be_bytes(*first));
    }
}

/// Keys are already hashes, so a hash table uses them unchanged. An attack with colliding keys is not worth its cost:
/// each such address takes many hashes to find, and only slows down the run of the author of the list.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyHasher(u64);

pub(super) type KeyMap<V> = HashMap<RowKey, V, BuildHasherDefault<KeyHasher>>;
pub(super) type KeySet = HashSet<RowKey, BuildHasherDefault<KeyHasher>>;

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

/// The service of a request: the host and port of its URL. It is part of each person's key.
///
/// The path does not count: a person who was mailed at a host is known there for all regions and namespaces. All names
/// of this machine are one host, and a trailing dot does not count (RFC 1034, section 3.1).
pub fn service_of(url: &str) -> String {
    let Ok(url) = url::Url::parse(url) else {
        return fold_name(url).into_owned();
    };
    let port = url.port_or_known_default().unwrap_or_default();
    let host = fold_name(url.host_str().unwrap_or_default());
    if is_this_machine(&host) { format!("localhost:{port}") } else { format!("{host}:{port}") }
}

/// Whether the name or address of a host is that of this machine.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A name as DNS compares it: in lower case, and without a trailing dot.
pub fn fold_name(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.chars().any(char::is_uppercase) { Cow::Owned(name.to_lowercase()) } else { Cow::Borrowed(name) }
}

/// The key of a person: from the service, the cname that is sent, and the address. Case is ignored.
pub fn key(service: &str, cname: &str, email: &str) -> RowKey {
    RowKey(hashed([service, &fold_name(cname), &email.to_lowercase()]))
}

/// The key of a row in journals of version 1: from the full URL instead of the service, and the cname as it was given.
pub(super) fn key_of_version_1(url: &str, cname: &str, email: &str) -> RowKey {
    RowKey(hashed([url, cname, &email.to_lowercase()]))
}

/// The first bytes of the hash of some texts. The length of each is hashed before it, so that `ab`, `c` and `a`, `bc`
/// differ.
pub(super) fn hashed<const N: usize>(parts: [&str; 3]) -> [u8; N] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut first = [0; N];
    first.copy_from_slice(&hash.finalize()[..N]);
    first
}

impl fmt::Display for RowKey {
    /// 32 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key has 32 lower-case hexadecimal digits")]
pub struct InvalidKey;

impl FromStr for RowKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let is_key = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = is_key.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(|number| Self(number.to_be_bytes())).ok_or(InvalidKey)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(in crate::bulk) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
