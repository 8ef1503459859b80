//! The two certificates of `--tls`: an authority, and the server's, signed by it. They are made for each run. Between runs only
//! their keys differ, so they are written byte by byte (RFC 5280): a library for any certificate would add fifty kilobytes.

use std::fs;
use std::io;
use std::iter::repeat_with;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use ring::digest::{SHA256, digest};
use ring::error::Unspecified;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::commands::error::CommandError;
use crate::report::exit::Exit;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXTENSIONS: u8 = 0xa3;

const VERSION_3: &[u8] = &[0xa0, 3, INTEGER, 1, 2];
const ECDSA_WITH_SHA256: &[u8] = &[SEQUENCE, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// The bytes before the point of a public key on the curve P-256.
const P256_KEY: &[u8] =
    &[SEQUENCE, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const COMMON_NAME: &[u8] = &[6, 3, 0x55, 4, 3];
/// The longest period that this form of time allows: the keys are deleted with the sandbox, and a wrong clock is not rehearsed.
const VALID: &[u8] = b"\x30\x1e\x17\x0d000101000000Z\x17\x0d491231235959Z";

/// The last number of the identifiers of extensions, 2.5.29.N.
const SUBJECT_KEY_IDENTIFIER: u8 = 14;
const KEY_USAGE: u8 = 15;
const SUBJECT_ALTERNATIVE_NAME: u8 = 17;
const BASIC_CONSTRAINTS: u8 = 19;
const AUTHORITY_KEY_IDENTIFIER: u8 = 35;
const EXTENDED_KEY_USAGE: u8 = 37;

const IS_AUTHORITY: &[u8] = &[SEQUENCE, 3, 1, 1, 0xff];
const SIGNS_CERTIFICATES: &[u8] = &[BIT_STRING, 2, 2, 0x04];
const SIGNS_HANDSHAKES: &[u8] = &[BIT_STRING, 2, 7, 0x80];
const IS_SERVER: &[u8] = &[SEQUENCE, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
/// `localhost`, `127.0.0.1` and `::1`.
const NAMES: &[u8] = b"\x30\x23\x82\x09localhost\x87\x04\x7f\0\0\x01\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01";

const AUTHORITY: &str = "vescli sandbox authority";
const SERVER: &str = "vescli sandbox";

/// The certificates of `--tls`.
struct Certificates {
    authority: Vec<u8>,
    server: Vec<u8>,
    /// The server's key, PKCS#8. The authority's key is not needed again.
    key: Vec<u8>,
}

/// # Errors
/// If the system has no random numbers.
fn make() -> Result<Certificates, Unspecified> {
    let (authority, server) = (Key::generate()?, Key::generate()?);
    let subject = |key: &Key| extension(SUBJECT_KEY_IDENTIFIER, false, &tlv(OCTET_STRING, &[&key.identifier]));
    // Python's strict checks require both identifiers.
    let issuer = tlv(SEQUENCE, &[&tlv(0x80, &[&authority.identifier])]);
    let of_authority = [
        extension(BASIC_CONSTRAINTS, true, IS_AUTHORITY),
        extension(KEY_USAGE, true, SIGNS_CERTIFICATES),
        subject(&authority),
    ];
    let of_server = [
        extension(KEY_USAGE, true, SIGNS_HANDSHAKES),
        extension(EXTENDED_KEY_USAGE, false, IS_SERVER),
        extension(SUBJECT_ALTERNATIVE_NAME, false, NAMES),
        subject(&server),
        extension(AUTHORITY_KEY_IDENTIFIER, false, &issuer),
    ];
    Ok(Certificates {
        authority: authority.sign(AUTHORITY, &authority, &of_authority.concat())?,
        server: authority.sign(SERVER, &server, &of_server.concat())?,
        key: server.pkcs8,
    })
}

struct Key {
    pair: EcdsaKeyPair,
    pkcs8: Vec<u8>,
    /// A hash of the public key (RFC 7093, section 2), also the serial number: it is positive and different in each run.
    identifier: [u8; 20],
}

impl Key {
    fn generate() -> Result<Self, Unspecified> {
        let (algorithm, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random)?.as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &random)?;
        let mut identifier: [u8; 20] =
            *digest(&SHA256, pair.public_key().as_ref()).as_ref().first_chunk().ok_or(Unspecified)?;
        identifier[0] = identifier[0] & 0x7f | 0x40;
        Ok(Self { pair, pkcs8, identifier })
    }

    /// A certificate for `key`, signed by this one in the name of the authority.
    fn sign(&self, name: &str, key: &Self, extensions: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let point = tlv(BIT_STRING, &[&[0], key.pair.public_key().as_ref()]);
        let parts: [&[u8]; 8] = [
            VERSION_3,
            &tlv(INTEGER, &[&key.identifier]),
            ECDSA_WITH_SHA256,
            &named(AUTHORITY),
            VALID,
            &named(name),
            &tlv(SEQUENCE, &[P256_KEY, &point]),
            &tlv(EXTENSIONS, &[&tlv(SEQUENCE, &[extensions])]),
        ];
        let content = tlv(SEQUENCE, &parts);
        let signature = self.pair.sign(&SystemRandom::new(), &content)?;
        Ok(tlv(SEQUENCE, &[&content, ECDSA_WITH_SHA256, &tlv(BIT_STRING, &[&[0], signature.as_ref()])]))
    }
}

fn named(name: &str) -> Vec<u8> {
    let name = tlv(SEQUENCE, &[COMMON_NAME, &tlv(UTF8_STRING, &[name.as_bytes()])]);
    tlv(SEQUENCE, &[&tlv(SET, &[&name])])
}

fn extension(number: u8, is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if is_critical { &[1, 1, 0xff] } else { &[] };
    tlv(SEQUENCE, &[&[6, 3, 0x55, 0x1d, number], critical, &tlv(OCTET_STRING, &[value])])
}

/// A DER value: tag, length and content. Every value here is shorter than 64 KiB.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [.., high, low] = content.len().to_be_bytes();
    let length: &[u8] = match (high, low) {
        (0, 0..0x80) => &[low],
        (0, _) => &[0x81, low],
        _ => &[0x82, high, low],
    };
    [&[tag], length, &content].concat()
}

/// The server's TLS configuration, and a file with the certificate of the authority.
pub(super) fn certified() -> Result<(Arc<ServerConfig>, AuthorityFile), CommandError> {
    const FAILED: &str = "cannot make the certificate of --tls";
    // It only fails on a system without random numbers.
    let made = make().map_err(|_| CommandError::new(Exit::Internal, FAILED.to_owned()))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.key));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![CertificateDer::from(made.server)], key))
        .map_err(|cause| CommandError::new(Exit::Internal, format!("{FAILED}: {cause}")))?;
    let lines = STANDARD.encode(made.authority);
    let lines: Vec<_> = lines.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    Ok((Arc::new(config), AuthorityFile::write(&std::env::temp_dir(), &pem)?))
}

/// The authority's certificate in a private folder of its own. Dropping this removes both.
#[derive(Debug)]
pub(super) struct AuthorityFile(pub(super) PathBuf);

impl AuthorityFile {
    /// Writes `pem` to a new folder below `parent`. The path is absolute, so that it is valid in any folder of the command.
    ///
    /// # Errors
    /// With the path that cannot be written.
    fn write(parent: &Path, pem: &str) -> Result<Self, CommandError> {
        let failed = |path: &Path| {
            let what = format!("cannot write the certificate {path:?}; set TMPDIR to a folder that can be written");
            move |cause: io::Error| CommandError::io(format!("{what}: {cause}"))
        };
        let random: String = repeat_with(fastrand::alphanumeric).take(12).collect();
        let folder = std::path::absolute(parent).map_err(failed(parent))?.join(format!("vescli-sandbox-{random}"));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // Fails if the folder exists: another user may have prepared it.
        builder.create(&folder).map_err(failed(&folder))?;
        let written = Self(folder.join("ca.pem"));
        fs::write(&written.0, pem).map_err(failed(&written.0))?;
        Ok(written)
    }
}

impl Drop for AuthorityFile {
    fn drop(&mut self) {
        // Removes only what was made here: files that the command has put into the folder stay.
        if let (Ok(()), Some(folder)) = (fs::remove_file(&self.0), self.0.parent()) {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::prelude::*;

    #[test]
    fn another_reader_finds_what_was_written() {
        let made = make().unwrap();
        let read = |der| {
            let (rest, certificate) = X509Certificate::from_der(der).unwrap();
            assert!(rest.is_empty());
            certificate
        };
        let (authority, server) = (read(&made.authority), read(&made.server));
        assert_eq!(authority.subject().to_string(), "CN=vescli sandbox authority");
        assert_eq!((server.issuer(), server.subject().to_string()), (authority.subject(), "CN=vescli sandbox".into()));
        assert!(authority.is_ca() && !server.is_ca());
        assert!(server.validity().is_valid() && server.version() == X509Version::V3);
        let names = server.subject_alternative_name().unwrap().unwrap().value;
        let names: Vec<String> = names.general_names.iter().map(ToString::to_string).collect();
        let addresses = ["IPAddress(7f:00:00:01)", "IPAddress(00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:01)"];
        assert_eq!(names, ["DNSName(localhost)", addresses[0], addresses[1]]);
        // Each has its own identifier, and the server's names the authority's.
        let identifier = |certificate: &X509Certificate, number: u8| {
            let extensions = certificate.extensions().iter();
            let found = extensions.filter(|one| one.oid.as_bytes() == [0x55, 0x1d, number]).collect::<Vec<_>>();
            found.first().map(|one| one.value[one.value.len() - 20..].to_vec())
        };
        assert_eq!(identifier(&server, AUTHORITY_KEY_IDENTIFIER), identifier(&authority, SUBJECT_KEY_IDENTIFIER));
        assert_ne!(identifier(&server, SUBJECT_KEY_IDENTIFIER), identifier(&authority, SUBJECT_KEY_IDENTIFIER));
        assert!(identifier(&server, AUTHORITY_KEY_IDENTIFIER).is_some());
        assert!(server.extended_key_usage().unwrap().unwrap().value.server_auth);
        assert!(server.key_usage().unwrap().unwrap().value.digital_signature());
        assert!(authority.key_usage().unwrap().unwrap().value.key_cert_sign());
        assert_ne!(authority.raw_serial(), read(&make().unwrap().authority).raw_serial());
    }

    #[test]
    fn lengths_have_the_shortest_form() {
        for (length, head) in
            [(0, &[0][..]), (127, &[127]), (128, &[0x81, 128]), (255, &[0x81, 255]), (256, &[0x82, 1, 0])]
        {
            assert_eq!(tlv(OCTET_STRING, &[&vec![0; length]])[1..=head.len()], *head, "{length}");
        }
    }

    #[test]
    fn the_file_is_private_and_gone_with_its_folder() {
        let parent = tempfile::tempdir().unwrap();
        let file = AuthorityFile::write(parent.path(), "pem").unwrap();
        assert_eq!(fs::read_to_string(&file.0).unwrap(), "pem");
        assert!(file.0.is_absolute());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(file.0.parent().unwrap()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        drop(file);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_in_the_error() {
        let parent = tempfile::tempdir().unwrap();
        let missing = parent.path().join("missing");
        let error = AuthorityFile::write(&missing, "pem").unwrap_err().to_string();
        let named = format!("cannot write the certificate \"{}/", missing.display());
        assert!(error.starts_with(&named), "{error}");
    }
}
