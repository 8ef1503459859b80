//! Certificates made at test time: a private authority, and good and bad ones signed by it.

use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The names under which the scripted server is reached.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate with its key, and whatever has to be sent along with it.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    certificate_pem: String,
    key_pem: String,
}

impl Identity {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            chain: vec![certificate.der().clone()],
            key: key.serialize_der(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    /// Signed by itself, so that no one trusts it.
    pub fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = for_servers(&LOOPBACK).self_signed(&key).unwrap();
        Self::new(&certificate, &key)
    }

    /// What plain `openssl req -x509` makes: an authority that signs itself and has the names of a server.
    pub fn self_signed_authority() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = for_servers(&LOOPBACK);
        params.extended_key_usages = Vec::new();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self::new(&certificate, &key)
    }

    /// Both in one file, as `--cert` takes them without `--key`.
    pub fn pem_with_key(&self) -> String {
        format!("{}{}", self.certificate_pem, self.key_pem)
    }

    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()))
    }
}

/// A private authority. Its own certificate is what `--cacert` takes.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = for_authorities("vescli test authority");
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// One that may issue certificates for other hosts alone than those at which anything listens here.
    pub fn constrained() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = for_authorities("vescli constrained authority");
        let addresses = CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8);
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![
                GeneralSubtree::DnsName("other.example".to_owned()),
                GeneralSubtree::IpAddress(addresses),
            ],
            excluded_subtrees: Vec::new(),
        });
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// A good one, for localhost, 127.0.0.1 and `::1`.
    pub fn server(&self) -> Identity {
        self.server_named(&LOOPBACK)
    }

    /// A good one for other names; the wrong one for a server on a loopback address.
    pub fn server_named(&self, names: &[&str]) -> Identity {
        self.sign(&for_servers(names))
    }

    pub fn expired(&self) -> Identity {
        let mut params = for_servers(&LOOPBACK);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    /// A good one until then, to the second.
    pub fn valid_until(&self, end: SystemTime) -> Identity {
        let mut params = for_servers(&LOOPBACK);
        params.not_after = date_time_ymd(1970, 1, 1) + end.duration_since(UNIX_EPOCH).unwrap();
        self.sign(&params)
    }

    pub fn not_yet_valid(&self) -> Identity {
        let mut params = for_servers(&LOOPBACK);
        params.not_before = date_time_ymd(2090, 1, 1);
        params.not_after = date_time_ymd(2091, 1, 1);
        self.sign(&params)
    }

    /// With dates that end before they begin.
    pub fn never_valid(&self) -> Identity {
        let mut params = for_servers(&LOOPBACK);
        params.not_before = date_time_ymd(2021, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    /// Shown by a server although it says of itself that it is an authority.
    pub fn authority_as_server(&self) -> Identity {
        let mut params = for_servers(&LOOPBACK);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.sign(&params)
    }

    /// Signed by an intermediate authority that the server does not send along.
    pub fn server_without_its_intermediate(&self) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = for_authorities("vescli test intermediate");
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let intermediate = Self { issuer: Issuer::new(params, key), certificate };
        intermediate.server()
    }

    /// For a client that shows who it is; a server that shows it has the wrong kind.
    pub fn client(&self, name: &str) -> Identity {
        self.sign(&for_clients(name))
    }

    /// For a client, and past its time.
    pub fn expired_client(&self) -> Identity {
        let mut params = for_clients("expired");
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    /// For a client, and before its time.
    pub fn client_not_yet_valid(&self) -> Identity {
        let mut params = for_clients("not yet valid");
        params.not_before = date_time_ymd(2090, 1, 1);
        params.not_after = date_time_ymd(2091, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::new(&certificate, &key)
    }
}

fn for_servers(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().copied().map(String::from).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn for_clients(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(LOOPBACK.map(String::from)).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn for_authorities(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
