//! Bearer tokens: which are taken, and what they say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashboard_store::access::{AuthMethod, Identity};
use dashboard_store::authentication::Authenticator;
use dashboard_store::config::{IssuerConfig, PrefixedClaim, RoleMapping};
use dashboard_store::domain::role::Role;
use dashboard_store::error::{Error, Result};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::support::tokens::{AUDIENCE, ISSUER, KeyFile, Signer, claims_of, in_seconds, issuer, jwk_set};

/// Who a service that takes tokens of `issuers` finds in one.
async fn identity_of(issuers: Vec<IssuerConfig>, token: &str) -> Result<Identity> {
    let mut config = authentication();
    config.issuers = issuers;
    let authenticator = Authenticator::new(&config).unwrap();
    let value = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let (identity, method) = authenticator.authenticate(&headers, None).await?;
    assert_eq!(method, AuthMethod::Jwt);
    Ok(identity)
}

/// A token of parts that need not be valid.
fn token_of(header: &Value, claims: &Value, signature: &str) -> String {
    let encoded = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{}.{}.{signature}", encoded[0], encoded[1])
}

/// The claims of a good token, but for some; null removes one.
fn claims_with(changes: &[(&str, Value)]) -> Value {
    let mut claims = claims_of("ada");
    let members = claims.as_object_mut().unwrap();
    for (claim, value) in changes {
        match value {
            Value::Null => members.remove(*claim),
            value => members.insert((*claim).to_owned(), value.clone()),
        };
    }
    claims
}

#[tokio::test]
async fn tokens_of_every_kind_of_public_key_are_taken() {
    let signers = [
        Signer::es256("a"),
        Signer::eddsa("b"),
        Signer::rsa("c", Algorithm::RS256),
        Signer::rsa("d", Algorithm::PS384),
    ];
    let keys = KeyFile::new(&jwk_set(&signers.each_ref()));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let channel = server.channel().await;
    for signer in &signers {
        let token = signer.token_for("ada");
        for _ in 0..2 {
            let outcome = call_with(&channel, &token).await;
            assert_eq!(outcome, Outcome::Accepted, "{:?}", signer.header().alg);
        }
    }
    for scheme in ["bearer", "BEARER"] {
        let value = format!("{scheme} {}", signers[0].token_for("ada"));
        assert_eq!(call(&channel, &[("authorization", &value)]).await, Outcome::Accepted);
    }
}

#[tokio::test]
async fn claims_of_bad_tokens_are_refused_with_what_is_wrong() {
    let signer = Signer::es256("a");
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let channel = server.channel().await;
    for (changes, expected) in [
        (vec![("exp", json!(in_seconds(-90)))], "has expired"),
        (vec![("nbf", json!(in_seconds(90)))], "is not valid yet"),
        (vec![("nbf", json!("tomorrow"))], "claim nbf of the token is malformed"),
        (vec![("aud", json!("other"))], "is for another audience"),
        (vec![("aud", json!(["other", "more"]))], "is for another audience"),
        (vec![("aud", json!([]))], "is for another audience"),
        (vec![("aud", Value::Null)], "no valid claim aud"),
        (vec![("exp", Value::Null)], "no valid claim exp"),
        (vec![("exp", json!("2099-01-01"))], "no valid claim exp"),
        (vec![("iss", Value::Null)], "no valid claim iss"),
        (
            vec![("iss", json!("https://other.example"))],
            "not of an issuer that this service knows",
        ),
        (vec![("iss", json!([ISSUER]))], "no JWT"),
        (vec![("sub", Value::Null)], "no text in the claim sub"),
        (vec![("sub", json!(""))], "no text in the claim sub"),
        (vec![("sub", json!(7))], "no text in the claim sub"),
        (vec![("sub", json!("a\nb"))], "claim sub can't be a name"),
        (vec![("sub", json!("ada\u{200b}"))], "claim sub can't be a name"),
        (
            vec![("groups", json!(["makers\u{2060}"]))],
            "claim groups can't be a name",
        ),
        (vec![("sub", json!("x".repeat(513)))], "claim sub can't be a name"),
        (
            vec![("groups", json!({ "a": 1 }))],
            "claim groups of the token is neither",
        ),
        (
            vec![("groups", json!(["a", 1]))],
            "claim groups of the token is neither",
        ),
    ] {
        let outcome = call_with(&channel, &signer.sign(&claims_with(&changes))).await;
        let Outcome::Refused(text) = outcome else {
            panic!("{changes:?} is {outcome:?}");
        };
        assert!(text.contains(expected), "{changes:?}: {text}");
    }
}

#[tokio::test]
async fn clocks_may_be_a_minute_apart() {
    let signer = Signer::es256("a");
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let channel = server.channel().await;
    for change in [("exp", json!(in_seconds(-30))), ("nbf", json!(in_seconds(30)))] {
        let token = signer.sign(&claims_with(&[change]));
        assert_eq!(call_with(&channel, &token).await, Outcome::Accepted);
    }
    // One that was taken is remembered no longer than it is valid.
    let nearly_gone = signer.sign(&claims_with(&[("exp", json!(in_seconds(-55)))]));
    assert_eq!(call_with(&channel, &nearly_gone).await, Outcome::Accepted);
    let expired = Outcome::Refused("the token has expired".into());
    call_until(&channel, &nearly_gone, &expired).await;
}

#[tokio::test]
async fn signatures_that_prove_nothing_are_refused() {
    let (signer, stranger) = (Signer::es256("a"), Signer::es256("a"));
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let channel = server.channel().await;
    let good = signer.token_for("ada");
    let parts: Vec<&str> = good.split('.').collect();
    let admin = URL_SAFE_NO_PAD.encode(claims_of("admin").to_string());
    let critical = Header {
        crit: Some(vec!["b64".into()]),
        ..signer.header()
    };
    for (case, token) in [
        ("none", token_of(&json!({ "alg": "none" }), &claims_of("ada"), "")),
        (
            "None",
            token_of(&json!({ "alg": "None", "kid": "a" }), &claims_of("ada"), parts[2]),
        ),
        ("no alg", token_of(&json!({ "kid": "a" }), &claims_of("ada"), parts[2])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("other claims", format!("{}.{admin}.{}", parts[0], parts[2])),
        ("another key with the same name", stranger.token_for("ada")),
        (
            "another curve",
            token_of(&json!({ "alg": "ES384", "kid": "a" }), &claims_of("ada"), parts[2]),
        ),
        ("a critical extension", signer.sign_with(&critical, &claims_of("ada"))),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
        ("five parts", "a.b.c.d.e".to_owned()),
        ("an opaque token", "sha256~c2VjcmV0".to_owned()),
    ] {
        let outcome = call_with(&channel, &token).await;
        let Outcome::Refused(text) = outcome else {
            panic!("{case} is {outcome:?}");
        };
        let leaked = token
            .split('.')
            .filter(|part| part.len() > 4)
            .any(|part| text.contains(part));
        assert!(!leaked, "{case}: {text}");
    }
    assert_eq!(call_with(&channel, &good).await, Outcome::Accepted);
}

#[tokio::test]
async fn a_public_key_is_no_secret_of_hs256() {
    let rsa = Signer::rsa("a", Algorithm::RS256);
    let keys = KeyFile::new(&jwk_set(&[&rsa]));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let channel = server.channel().await;
    let modulus = rsa.jwk()["n"].as_str().unwrap().to_owned();
    let secrets = [
        URL_SAFE_NO_PAD.decode(&modulus).unwrap(),
        modulus.into_bytes(),
        rsa.jwk().to_string().into_bytes(),
        Vec::new(),
    ];
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        for secret in &secrets {
            let header = Header {
                kid: Some("a".into()),
                ..Header::new(algorithm)
            };
            let key = EncodingKey::from_secret(secret);
            let token = jsonwebtoken::encode(&header, &claims_of("ada"), &key).unwrap();
            assert!(call_with(&channel, &token).await.is_refused(), "{algorithm:?}");
        }
    }
}

#[tokio::test]
async fn secrets_in_a_set_of_keys_verify_nothing() {
    let rsa = Signer::rsa("a", Algorithm::RS256);
    let secret = URL_SAFE_NO_PAD.encode("a shared secret of thirty-two bytes");
    let mut for_encryption = rsa.jwk();
    for_encryption["use"] = json!("enc");
    for_encryption["kid"] = json!("enc");
    let mut for_another_algorithm = rsa.jwk();
    for_another_algorithm["alg"] = json!("RS512");
    for_another_algorithm["kid"] = json!("RS512");
    let symmetric = json!({ "kty": "oct", "kid": "oct", "k": secret });
    let unknown = json!({ "kty": "EC", "crv": "secp256k1", "kid": "x", "x": "AA", "y": "AA" });
    let set = json!({ "keys": [symmetric, unknown, for_encryption, for_another_algorithm, rsa.jwk()] });
    let keys = KeyFile::new(&set.to_string());
    let issuers = vec![issuer(ISSUER, keys.source())];
    assert!(identity_of(issuers.clone(), &rsa.token_for("ada")).await.is_ok());
    for id in ["enc", "RS512", "x"] {
        let header = Header {
            kid: Some(id.into()),
            ..rsa.header()
        };
        let token = rsa.sign_with(&header, &claims_of("ada"));
        let refused = identity_of(issuers.clone(), &token).await;
        assert!(matches!(refused, Err(Error::Unauthenticated(_))), "{id}: {refused:?}");
    }
    let header = Header {
        kid: Some("oct".into()),
        ..Header::new(Algorithm::HS256)
    };
    let key = EncodingKey::from_base64_secret(&secret).or_else(|_| EncodingKey::from_base64_secret("AAAA"));
    let token = jsonwebtoken::encode(&header, &claims_of("ada"), &key.unwrap()).unwrap();
    let refused = identity_of(issuers, &token).await;
    assert!(matches!(refused, Err(Error::Unauthenticated(_))), "{refused:?}");
}

#[tokio::test]
async fn a_token_without_key_id_is_taken_where_there_is_no_choice() {
    let (first, second) = (Signer::es256("a"), Signer::es256("b"));
    let header = Header {
        kid: None,
        ..first.header()
    };
    let token = first.sign_with(&header, &claims_of("ada"));
    let keys = KeyFile::new(&jwk_set(&[&first]));
    assert!(identity_of(vec![issuer(ISSUER, keys.source())], &token).await.is_ok());
    keys.publish(&jwk_set(&[&first, &second]));
    let refused = identity_of(vec![issuer(ISSUER, keys.source())], &token).await;
    assert!(matches!(refused, Err(Error::Unauthenticated(_))), "{refused:?}");
}

#[tokio::test]
async fn claims_say_who_the_caller_is() {
    let signer = Signer::es256("a");
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let mut mapped = issuer(ISSUER, keys.source());
    mapped.audiences.push("second".into());
    mapped.claims.username = PrefixedClaim {
        claim: "https://claims.example/name".into(),
        prefix: "corp:".into(),
    };
    mapped.claims.groups = PrefixedClaim {
        claim: "/realm_access/roles".into(),
        prefix: "kc:".into(),
    };
    let role = |claim: &str, value: &str, role| RoleMapping {
        claim: claim.into(),
        value: value.into(),
        role,
    };
    mapped.claims.roles = vec![
        role("/realm_access/roles", "boss", Role::PlatformAdmin),
        role("department", "boss", Role::PlatformAdmin),
        role("department", "audit", Role::Auditor),
        role("/realm_access/roles/0", "maker", Role::Gateway),
        role("/missing/claim", "x", Role::Editor),
    ];
    let token = signer.sign(&claims_with(&[
        ("aud", json!(["unknown", "second"])),
        ("https://claims.example/name", json!("ada")),
        ("realm_access", json!({ "roles": ["maker", "boss"] })),
        ("department", json!("audit")),
    ]));
    assert_eq!(
        identity_of(vec![mapped], &token).await.unwrap(),
        Identity {
            user: "corp:ada".into(),
            groups: vec!["kc:maker".into(), "kc:boss".into()],
            roles: vec![Role::PlatformAdmin, Role::Auditor, Role::Gateway],
        }
    );
}

#[tokio::test]
async fn the_same_name_of_two_issuers_is_two_users() {
    let (first, second) = (Signer::es256("a"), Signer::es256("a"));
    let files = [&first, &second].map(|signer| KeyFile::new(&jwk_set(&[signer])));
    let urls = ["https://one.example", "https://two.example"];
    let issuers: Vec<IssuerConfig> = (0..2)
        .map(|index| {
            let mut issuer = issuer(urls[index], files[index].source());
            issuer.claims.username.prefix = format!("{index}:");
            issuer
        })
        .collect();
    for (index, signer) in [&first, &second].into_iter().enumerate() {
        let token = signer.sign(&claims_with(&[("iss", json!(urls[index]))]));
        let identity = identity_of(issuers.clone(), &token).await.unwrap();
        assert_eq!(identity.user, format!("{index}:ada"));
        // Neither signs for the other.
        let forged = signer.sign(&claims_with(&[("iss", json!(urls[1 - index]))]));
        let refused = identity_of(issuers.clone(), &forged).await;
        assert!(matches!(refused, Err(Error::Unauthenticated(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_header_of_a_megabyte_is_refused_and_costs_nobody_else_a_thing() {
    let signer = Signer::es256("a");
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let good = signer.token_for("ada");
    let mut request = Request::new(proto::GetPreferencesRequest {
        name: OWN_PREFERENCES.into(),
    });
    let huge = format!("Bearer {}", "x".repeat(1024 * 1024));
    append(request.metadata_mut(), &[("authorization", &huge)]);
    let (own, others) = (server.channel().await, server.channel().await);
    assert_eq!(call_with(&others, &good).await, Outcome::Accepted);
    let mut client = PreferencesServiceClient::new(own.clone());
    let refused = client.get_preferences(request).await.unwrap_err();
    // HTTP/2 ends the connection before anybody is asked who calls.
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(format!("{refused:?}").contains("ENHANCE_YOUR_CALM"), "{refused:?}");
    assert!(!refused.message().contains("xxx"), "{refused:?}");

    // Its client goes on with a new one, and others with theirs.
    assert_eq!(call_with(&own, &good).await, Outcome::Accepted);
    assert_eq!(call_with(&others, &good).await, Outcome::Accepted);
    let within_the_limit = format!("{AUDIENCE}{}", "x".repeat(8 * 1024));
    assert!(call_with(&others, &within_the_limit).await.is_refused());
}
