//! A fatal TLS alert of choice on a connection that is up. rustls sends alerts only for what it finds wrong itself, so
//! the record is made here, with the keys of the session and with rustls' own ciphers (RFC 8446, sections 5.2 and 6).

use rustls::crypto::cipher::{AeadKey, Iv, MessageEncrypter, OutboundPlainMessage};
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConnection, SupportedCipherSuite};

/// The level of an alert after which the connection is over.
const FATAL: u8 = 2;

/// The bytes of the record. The session is used up: nothing can follow a fatal alert.
pub(super) fn encrypted(session: ServerConnection, description: u8) -> Vec<u8> {
    let suite = session.negotiated_cipher_suite().unwrap();
    let secrets = session.dangerous_extract_secrets().unwrap();
    let (number, secrets) = secrets.tx;
    let (ConnectionTrafficSecrets::Aes128Gcm { key, iv }
    | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
    | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = secrets
    else {
        panic!("a cipher that no one expects")
    };
    let alert = [FATAL, description];
    let message = OutboundPlainMessage {
        typ: ContentType::Alert,
        version: ProtocolVersion::TLSv1_2,
        payload: alert.as_slice().into(),
    };
    let record = encrypter(suite, key, iv).encrypt(message, number);
    record.unwrap().encode()
}

fn encrypter(suite: SupportedCipherSuite, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
    match suite {
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
        SupportedCipherSuite::Tls12(_) => panic!("alerts of choice are made for TLS 1.3 alone"),
    }
}
