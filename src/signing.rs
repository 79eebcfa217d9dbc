//! The Ed25519 keys (RFC 8032) that vouch for the audit log: read from files, made, and used.
//!
//! A private key is a PEM file as `openssl genpkey -algorithm ed25519` writes it, public keys are one as `openssl pkey -pubout`
//! writes it, one after the other. What does not belong here: what is signed (`domain::audit`), and when.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::{PemObject as _, SectionKind};

use crate::domain::audit::{CheckSignature, Signature, SignatureCheck, Signed};
use crate::domain::digest::Digest;

/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const PUBLIC_KEY_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The characters of a line of PEM (RFC 7468).
const PEM_LINE: usize = 64;

/// How many digits of a digest name a key.
const KEY_ID_CHARS: usize = 16;

/// Why a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read or written.
    #[error("can't be read: {0}")]
    Io(#[from] io::Error),
    /// It has no private key.
    #[error("has no Ed25519 private key: make one with `openssl genpkey -algorithm ed25519`")]
    NotPrivate,
    /// It has no public key.
    #[error("holds no Ed25519 public key: `openssl pkey -in KEY -pubout` writes the one of a private key")]
    NoPublic,
    /// It has something else than public keys.
    #[error(
        "must hold Ed25519 public keys alone; PEM blocks that are none: {}. `openssl pkey -in KEY -pubout` writes the public \
         key of a private one",
        listed(.blocks)
    )]
    NotPublic {
        /// Which blocks, from 1.
        blocks: Vec<usize>,
    },
    /// A new key could not be made.
    #[error("no key can be made: the system gives no random numbers")]
    NoRandomness,
}

fn listed(numbers: &[usize]) -> String {
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// A private key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    id: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// When it can't be read, or holds no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read(path)?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|_| KeyError::NotPrivate)?;
        let pair = Ed25519KeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|_| KeyError::NotPrivate)?;
        Ok(Self::of(pair))
    }

    /// Reads a PEM file, or makes it with a new key where there is none. Only its owner may read it.
    ///
    /// # Errors
    /// When it can't be read or made, or holds no such key.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::read(path) {
            Err(KeyError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            read => read,
        }
    }

    fn create(path: &Path) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::NoRandomness)?;
        let der = pair.to_pkcs8v1().map_err(|_| KeyError::NoRandomness)?;
        // Whole or not at all: half a key would not be made anew.
        let unfinished = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(to_pem("PRIVATE KEY", der.as_ref()).as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        Ok(Self::of(pair))
    }

    fn of(pair: Ed25519KeyPair) -> Self {
        let id = key_id(pair.public_key().as_ref());
        Self { pair, id }
    }

    /// What names the key: the beginning of the SHA-256 of the public key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Signed {
        Signed {
            key_id: self.id.clone(),
            signature: Signature(self.pair.sign(message).as_ref().to_vec()),
        }
    }

    /// The public key, as PEM.
    pub fn public_pem(&self) -> String {
        let der = [&PUBLIC_KEY_PREFIX, self.pair.public_key().as_ref()].concat();
        to_pem("PUBLIC KEY", &der)
    }
}

/// Public keys, by their ids.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys(HashMap<String, Vec<u8>>);

impl PublicKeys {
    /// Reads a PEM file of one or more.
    ///
    /// # Errors
    /// When it can't be read, or holds none or anything else: then with everything that is no public key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read(path)?;
        let mut keys = Self::default();
        let mut others = Vec::new();
        for (number, block) in (1..).zip(<(SectionKind, Vec<u8>)>::pem_slice_iter(&text)) {
            let der = block.ok().filter(|(kind, _)| *kind == SectionKind::PublicKey);
            match der.as_ref().and_then(|(_, der)| public_key(der)) {
                Some(key) => keys.add(key),
                None => others.push(number),
            }
        }
        if !others.is_empty() {
            return Err(KeyError::NotPublic { blocks: others });
        }
        if keys.is_empty() {
            return Err(KeyError::NoPublic);
        }
        Ok(keys)
    }

    /// Adds the public key of a private one.
    #[must_use]
    pub fn with(mut self, key: &SigningKey) -> Self {
        self.add(key.pair.public_key().as_ref());
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, key: &[u8]) {
        self.0.insert(key_id(key), key.to_vec());
    }
}

impl CheckSignature for PublicKeys {
    fn check(&self, message: &[u8], signed: &Signed) -> SignatureCheck {
        let Some(key) = self.0.get(&signed.key_id) else {
            return SignatureCheck::UnknownKey;
        };
        match UnparsedPublicKey::new(&ED25519, key).verify(message, &signed.signature.0) {
            Ok(()) => SignatureCheck::Good,
            Err(_) => SignatureCheck::Bad,
        }
    }
}

/// The 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo; none for other keys.
fn public_key(der: &[u8]) -> Option<&[u8]> {
    der.strip_prefix(&PUBLIC_KEY_PREFIX).filter(|key| key.len() == 32)
}

fn key_id(public_key: &[u8]) -> String {
    let mut digest = Digest::of(public_key).to_string();
    digest.truncate(KEY_ID_CHARS);
    digest
}

fn to_pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(PEM_LINE) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// What `openssl genpkey -algorithm ed25519` wrote, and `openssl pkey -pubout` made of it: the first key of RFC 8032.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn keys_of_openssl_are_taken_and_their_signatures_are_those_of_the_rfc() {
        let key = SigningKey::read(file(PRIVATE).path()).unwrap();
        assert_eq!(key.public_pem(), PUBLIC);
        let signed = key.sign(b"");
        let expected = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
            d25bf5f0595bbe24655141438e7a100b";
        assert_eq!(String::from(signed.signature.clone()), expected);
        let keys = PublicKeys::read(file(PUBLIC).path()).unwrap();
        assert_eq!(keys.check(b"", &signed), SignatureCheck::Good);
        assert_eq!(keys.check(b"x", &signed), SignatureCheck::Bad);
        let other = SigningKey::of(Ed25519KeyPair::generate().unwrap());
        assert_eq!(keys.check(b"", &other.sign(b"")), SignatureCheck::UnknownKey);
        let both = file(&(PUBLIC.to_owned() + &other.public_pem()));
        let rotated = PublicKeys::read(both.path()).unwrap();
        assert_eq!(rotated.check(b"", &other.sign(b"")), SignatureCheck::Good);
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        let made = SigningKey::read_or_create(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(SigningKey::read_or_create(&path).unwrap().id(), made.id());
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(matches!(
            SigningKey::read(file(PUBLIC).path()),
            Err(KeyError::NotPrivate)
        ));
        assert!(matches!(PublicKeys::read(file("").path()), Err(KeyError::NoPublic)));
        assert!(matches!(
            SigningKey::read_or_create(file("x").path()),
            Err(KeyError::NotPrivate)
        ));
    }

    #[test]
    fn all_that_is_no_public_key_is_told_of_at_once() {
        let longer = to_pem("PUBLIC KEY", &[PUBLIC_KEY_PREFIX.as_slice(), &[0; 33]].concat());
        let text = [PRIVATE, PUBLIC, &longer, "-----BEGIN PUBLIC KEY-----\nMCow\n"].concat();
        let refused = PublicKeys::read(file(&text).path()).unwrap_err();
        assert!(
            matches!(&refused, KeyError::NotPublic { blocks } if *blocks == [1, 3, 4]),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("none: 1, 3, 4."), "{refused}");
    }
}
