//! One key of a set: what it may verify.

use std::ops::RangeInclusive;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

use crate::authentication::jwt::ALGORITHMS;

/// How many bits an RSA key has: 2,048 at least (RFC 7518, 3.3), and no more than are verified with.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// A key that tokens are verified with.
#[derive(Debug)]
pub struct VerifyingKey {
    pub(super) id: Option<String>,
    /// What its issuer may sign with it.
    pub(super) algorithms: Vec<Algorithm>,
    pub(in crate::authentication) key: DecodingKey,
}

impl VerifyingKey {
    /// Reads one key; none for what verifies no token of ours: secrets, keys to encrypt with, other curves, RSA keys that are too short.
    pub(super) fn from_json(json: serde_json::Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let common = &jwk.common;
        let is_for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
        let may_verify = match &common.key_operations {
            Some(operations) => operations.contains(&KeyOperations::Verify),
            None => true,
        };
        if !is_for_signatures || !may_verify {
            return None;
        }
        let key = decoding_key(&jwk.algorithm)?;
        // The issuer may say that it uses the key with one of them alone.
        let declared = common.key_algorithm.map(|algorithm| algorithm.to_string());
        let is_declared =
            |algorithm: &Algorithm| declared.as_ref().is_none_or(|name| *name == format!("{algorithm:?}"));
        let of_key = ALGORITHMS
            .into_iter()
            .filter(|algorithm| is_for(&jwk.algorithm, *algorithm));
        let algorithms: Vec<Algorithm> = of_key.filter(is_declared).collect();
        (!algorithms.is_empty()).then(|| Self {
            id: common.key_id.clone(),
            algorithms,
            key,
        })
    }
}

/// Whether a key is for an algorithm (RFC 7518, 3.1; RFC 8037, 3.1).
fn is_for(parameters: &AlgorithmParameters, algorithm: Algorithm) -> bool {
    match (parameters, algorithm) {
        (AlgorithmParameters::RSA(_), any) => any.family() == AlgorithmFamily::Rsa,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => key.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    }
}

/// The key itself; none where its numbers have another length than they must have.
fn decoding_key(parameters: &AlgorithmParameters) -> Option<DecodingKey> {
    match parameters {
        // Some issuers write zeros before the numbers, which RFC 7518, 6.3.1.1 tells of and the verifier refuses.
        AlgorithmParameters::RSA(rsa) => {
            let (modulus, exponent) = (number(&rsa.n)?, number(&rsa.e)?);
            RSA_BITS
                .contains(&bits(&modulus))
                .then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
        }
        AlgorithmParameters::EllipticCurve(key) => {
            let length = if key.curve == EllipticCurve::P384 { 48 } else { 32 };
            let has_length = has_bytes(length, &key.x) && has_bytes(length, &key.y);
            has_length.then(|| DecodingKey::from_ec_components(&key.x, &key.y).ok())?
        }
        AlgorithmParameters::OctetKeyPair(key) => {
            has_bytes(32, &key.x).then(|| DecodingKey::from_ed_components(&key.x).ok())?
        }
        _ => None,
    }
}

/// Whether a text is so many bytes in base64url.
fn has_bytes(expected: usize, text: &str) -> bool {
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .is_ok_and(|bytes| bytes.len() == expected)
}

/// A number that is written as RFC 7518, 2 has it, without zeros before it; none for another text, or for zero.
fn number(base64url_uint: &str) -> Option<Vec<u8>> {
    let bytes = BASE64URL_NOPAD.decode(base64url_uint.as_bytes()).ok()?;
    let significant: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    (!significant.is_empty()).then_some(significant)
}

/// How many bits a number has.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros() as usize);
    number.len() * 8 - unused
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What an RSA key is for.
    const RSA: [Algorithm; 6] = [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ];

    fn rsa(bytes: usize, first: u8) -> Value {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = first;
        json!({ "kty": "RSA", "n": BASE64URL_NOPAD.encode(&modulus), "e": "AQAB" })
    }

    fn curve(kind: &str, name: &str) -> Value {
        let coordinate = BASE64URL_NOPAD.encode(&vec![1; if name == "P-384" { 48 } else { 32 }]);
        json!({ "kty": kind, "crv": name, "x": coordinate, "y": coordinate })
    }

    /// What a key with these other members is taken for.
    fn taken_for(mut key: Value, members: &Value) -> Option<Vec<Algorithm>> {
        let others = members.as_object().unwrap().clone();
        key.as_object_mut().unwrap().extend(others);
        VerifyingKey::from_json(key).map(|key| key.algorithms)
    }

    #[test]
    fn a_key_is_for_the_algorithms_of_its_kind() {
        let any = json!({});
        assert_eq!(taken_for(rsa(256, 0x80), &any), Some(RSA.to_vec()));
        assert_eq!(taken_for(curve("EC", "P-256"), &any), Some(vec![Algorithm::ES256]));
        assert_eq!(taken_for(curve("EC", "P-384"), &any), Some(vec![Algorithm::ES384]));
        assert_eq!(taken_for(curve("OKP", "Ed25519"), &any), Some(vec![Algorithm::EdDSA]));
        // Zeros before a number mean nothing.
        assert_eq!(taken_for(rsa(257, 0), &any), Some(RSA.to_vec()));
        let declared = json!({ "alg": "PS256", "use": "sig", "key_ops": ["verify"] });
        assert_eq!(taken_for(rsa(512, 0xff), &declared), Some(vec![Algorithm::PS256]));
    }

    #[test]
    fn what_verifies_no_token_is_no_key() {
        let any = json!({});
        for (key, members) in [
            (rsa(128, 0xff), &any),
            (rsa(256, 0x7f), &any),
            (rsa(256, 0), &any),
            (rsa(1025, 1), &any),
            (rsa(256, 0xff), &json!({ "n": "=" })),
            (rsa(256, 0xff), &json!({ "n": "" })),
            (rsa(256, 0xff), &json!({ "e": "" })),
            (rsa(256, 0xff), &json!({ "e": "AA" })),
            (rsa(256, 0xff), &json!({ "alg": "RSA-OAEP" })),
            (rsa(256, 0xff), &json!({ "alg": "HS256" })),
            (rsa(256, 0xff), &json!({ "alg": "ES256" })),
            (rsa(256, 0xff), &json!({ "use": "enc" })),
            (rsa(256, 0xff), &json!({ "key_ops": ["encrypt"] })),
            (curve("EC", "P-521"), &any),
            (curve("EC", "P-256"), &json!({ "alg": "ES384" })),
            (curve("EC", "P-256"), &json!({ "crv": "P-384" })),
            (curve("EC", "P-256"), &json!({ "x": "AQ" })),
            (curve("OKP", "Ed25519"), &json!({ "x": "AQ" })),
            (curve("OKP", "X25519"), &any),
            (json!({ "kty": "oct", "k": "AAAA" }), &any),
        ] {
            assert_eq!(taken_for(key.clone(), members), None, "{key} {members}");
        }
    }
}
