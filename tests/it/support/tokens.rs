//! Issuers of tokens: keys made for the test, tokens signed with them, JWK Sets.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashboard_store::config::{ClaimMappings, IssuerConfig, KeySource, KeysConfig, PrefixedClaim};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::recording::{self, Kind};

/// The issuer of most tokens.
pub const ISSUER: &str = "https://issuer.example";
/// The audience that this service is.
pub const AUDIENCE: &str = "dashboard-store";

/// The header of PKCS #8 before the key of RSA of 2048 bits itself.
const RSA_HEADER_BYTES: usize = 26;

/// A key that signs tokens.
pub struct Signer {
    id: String,
    algorithm: Algorithm,
    key: EncodingKey,
    jwk: Value,
}

impl Signer {
    /// An elliptic curve (P-256).
    pub fn es256(id: &str) -> Self {
        Self::es256_with(id, &rcgen::KeyPair::generate().unwrap())
    }

    /// The same with a given key.
    pub fn es256_with(id: &str, key: &rcgen::KeyPair) -> Self {
        let (x, y) = key.public_key_raw()[1..].split_at(32);
        let coordinates = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        Self {
            id: id.into(),
            algorithm: Algorithm::ES256,
            key: EncodingKey::from_ec_der(&key.serialize_der()),
            jwk: json!({ "kty": "EC", "crv": "P-256", "x": coordinates[0], "y": coordinates[1] }),
        }
    }

    /// Ed25519.
    pub fn eddsa(id: &str) -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Self {
            id: id.into(),
            algorithm: Algorithm::EdDSA,
            key: EncodingKey::from_ed_der(&key.serialize_der()),
            jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.public_key_raw()) }),
        }
    }

    /// RSA, with one of its algorithms.
    pub fn rsa(id: &str, algorithm: Algorithm) -> Self {
        let key = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let key = EncodingKey::from_rsa_der(&pkcs8.as_ref()[RSA_HEADER_BYTES..]);
        let jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
        Self {
            id: id.into(),
            algorithm,
            key,
            jwk: serde_json::to_value(jwk).unwrap(),
        }
    }

    /// The public key as it stands in a JWK Set.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The header of its tokens.
    pub fn header(&self) -> Header {
        Header {
            kid: Some(self.id.clone()),
            ..Header::new(self.algorithm)
        }
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    /// A token with another header.
    pub fn sign_with(&self, header: &Header, claims: &Value) -> String {
        let token = jsonwebtoken::encode(header, claims, &self.key).unwrap();
        recording::secret(Kind::Token, "a bearer token", &token);
        token
    }

    /// A token of a header and claims that are texts, whatever they say.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }

    /// A good token for a user.
    pub fn token_for(&self, user: &str) -> String {
        self.sign(&claims_of(user))
    }
}

/// The claims of a good token.
pub fn claims_of(user: &str) -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "exp": in_seconds(600), "sub": user, "groups": ["makers"] })
}

/// The second since 1970 that comes in so many.
pub fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() + seconds
}

/// A JWK Set.
pub fn jwk_set(signers: &[&Signer]) -> String {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    json!({ "keys": keys }).to_string()
}

/// A JWK Set in a file.
pub struct KeyFile(NamedTempFile);

impl KeyFile {
    /// A new file.
    pub fn new(jwk_set: &str) -> Self {
        let file = Self(NamedTempFile::new().unwrap());
        file.publish(jwk_set);
        file
    }

    /// Holds another set from now on.
    pub fn publish(&self, jwk_set: &str) {
        fs::write(self.path(), jwk_set).unwrap();
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where it is, for the configuration of a service.
    pub fn source(&self) -> KeySource {
        KeySource::File(self.path().to_owned())
    }
}

/// What a service has to know of an issuer; keys are read often, so that tests need not wait.
pub fn issuer(url: &str, source: KeySource) -> IssuerConfig {
    let claim = |name: &str| PrefixedClaim {
        claim: name.into(),
        prefix: String::new(),
    };
    IssuerConfig {
        url: url.into(),
        audiences: vec![AUDIENCE.into()],
        keys: KeysConfig {
            source,
            refresh_interval: Duration::from_millis(50),
            max_age: Duration::from_secs(600),
            unknown_key_interval: Duration::ZERO,
        },
        claims: ClaimMappings {
            username: claim("sub"),
            groups: claim("groups"),
            roles: vec![],
        },
    }
}
