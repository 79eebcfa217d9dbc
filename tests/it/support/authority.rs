//! Authorities and the certificates that they sign, made for the test.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

use super::recording::{self, Kind};

/// Somebody who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Certified {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: KeyPair,
}

/// A URI as subject alternative name.
pub fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

/// A DNS name as subject alternative name.
pub fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

impl Authority {
    /// A new one.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("the {name} authority"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for a server at `localhost`.
    pub fn server(&self) -> Certified {
        self.sign(&[dns("localhost")], ExtendedKeyUsagePurpose::ServerAuth, 1)
    }

    /// A certificate for a client.
    pub fn client(&self, names: &[SanType]) -> Certified {
        self.sign(names, ExtendedKeyUsagePurpose::ClientAuth, 1)
    }

    /// A certificate for a client that expired a day ago.
    pub fn expired_client(&self, names: &[SanType]) -> Certified {
        self.sign(names, ExtendedKeyUsagePurpose::ClientAuth, -1)
    }

    fn sign(&self, names: &[SanType], usage: ExtendedKeyUsagePurpose, days: i64) -> Certified {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.to_vec();
        params.extended_key_usages = vec![usage];
        params.not_before = OffsetDateTime::now_utc() - Duration::days(10);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(days);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Certified {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key,
        }
    }

    /// The certificate that others trust.
    pub fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Writes it to a file.
    pub fn write(&self, path: &Path) -> PathBuf {
        fs::write(path, self.0.pem()).unwrap();
        path.to_owned()
    }
}

impl Certified {
    /// The certificate in DER.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// The key in DER.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// Writes both to files.
    pub fn write(&self, certificate: &Path, key: &Path) {
        fs::write(certificate, &self.certificate_pem).unwrap();
        let pem = self.key.serialize_pem();
        recording::secret(Kind::Key, "the key of a certificate", &pem);
        fs::write(key, pem).unwrap();
    }
}
