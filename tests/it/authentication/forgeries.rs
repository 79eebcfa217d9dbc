//! Tokens and headers that are made to be misread.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashboard_store::config::RoleMapping;
use dashboard_store::domain::role::Role;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use super::*;
use crate::support::requests::{as_user, assert_refused, create};
use crate::support::tokens::{ISSUER, KeyFile, Signer, claims_of, in_seconds, issuer, jwk_set};

/// A server that takes the tokens of one signer, and a connection to it.
async fn server_of(signer: &Signer) -> (TestServer, Channel, KeyFile) {
    let keys = KeyFile::new(&jwk_set(&[signer]));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let channel = server.channel().await;
    (server, channel, keys)
}

fn claims_with(claim: &str, value: Value) -> Value {
    let mut claims = claims_of("ada");
    claims[claim] = value;
    claims
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_verifies_nothing() {
    let (signer, stranger) = (Signer::es256("a"), Signer::es256("stranger"));
    let (_server, channel, _keys) = server_of(&signer).await;
    let url = "https://stranger.example/keys".to_owned();
    let plain = |id: Option<&str>| Header {
        kid: id.map(str::to_owned),
        ..stranger.header()
    };
    for id in [Some("a"), Some("stranger"), None] {
        for header in [
            Header {
                jwk: Some(serde_json::from_value(stranger.jwk()).unwrap()),
                ..plain(id)
            },
            Header {
                jku: Some(url.clone()),
                ..plain(id)
            },
            Header {
                x5u: Some(url.clone()),
                x5c: Some(vec!["AAAA".into()]),
                ..plain(id)
            },
        ] {
            let token = stranger.sign_with(&header, &claims_of("ada"));
            assert!(call_with(&channel, &token).await.is_refused(), "{header:?}");
        }
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_that_of_the_key_is_refused() {
    let (curve, edwards, rsa) = (
        Signer::es256("curve"),
        Signer::eddsa("edwards"),
        Signer::rsa("rsa", Algorithm::RS256),
    );
    let signers = [&curve, &edwards, &rsa];
    let keys = KeyFile::new(&jwk_set(&signers));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let channel = server.channel().await;
    for signer in signers {
        for other in signers.iter().filter(|other| other.header().kid != signer.header().kid) {
            let header = Header {
                kid: other.header().kid,
                ..signer.header()
            };
            let token = signer.sign_with(&header, &claims_of("ada"));
            assert!(call_with(&channel, &token).await.is_refused(), "{header:?}");
        }
    }
}

#[tokio::test]
async fn a_key_id_of_another_form_is_only_unknown() {
    let signer = Signer::es256("a");
    let (_server, channel, _keys) = server_of(&signer).await;
    for id in ["a\0", "a\n", "\u{1b}[31ma", "../a", "A", "", &"a".repeat(4096)] {
        let header = Header {
            kid: Some(id.into()),
            ..signer.header()
        };
        let outcome = call_with(&channel, &signer.sign_with(&header, &claims_of("ada"))).await;
        let text = "the token is signed with a key that its issuer does not publish";
        assert_eq!(outcome, Outcome::Refused(text.into()), "{id:?}");
    }
}

#[tokio::test]
async fn what_stands_twice_in_a_token_is_not_taken_for_one_or_the_other() {
    let signer = Signer::es256("a");
    let (_server, channel, _keys) = server_of(&signer).await;
    let claims = claims_of("ada").to_string();
    let header = serde_json::to_string(&signer.header()).unwrap();
    assert_eq!(
        call_with(&channel, &signer.sign_text(&header, &claims)).await,
        Outcome::Accepted
    );
    for member in [
        r#""sub":"eve""#,
        r#""iss":"https://issuer.example""#,
        r#""aud":"dashboard-store""#,
        r#""exp":4102444800"#,
        r#""nbf":1,"nbf":4102444800"#,
    ] {
        let doubled = claims.replacen('{', &format!("{{{member},"), 1);
        let token = signer.sign_text(&header, &doubled);
        assert!(call_with(&channel, &token).await.is_refused(), "{member}");
    }
    for member in [r#""alg":"none""#, r#""alg":"HS256""#, r#""kid":"b""#] {
        let doubled = header.replacen('{', &format!("{{{member},"), 1);
        let token = signer.sign_text(&doubled, &claims);
        assert!(call_with(&channel, &token).await.is_refused(), "{member}");
    }
}

#[tokio::test]
async fn times_that_are_no_seconds_do_not_last_for_ever() {
    let signer = Signer::es256("a");
    let (_server, channel, _keys) = server_of(&signer).await;
    let header = serde_json::to_string(&signer.header()).unwrap();
    let later = in_seconds(600);
    for exp in [format!("{later}.5"), "4.1e9".into(), "18446744073709551615".into()] {
        let claims = with_time("exp", &exp);
        let outcome = call_with(&channel, &signer.sign_text(&header, &claims)).await;
        assert_eq!(outcome, Outcome::Accepted, "exp {exp}");
    }
    for exp in [
        "-1",
        "0",
        "-4.1e9",
        "1e300",
        "1e400",
        "18446744073709551616",
        "true",
        "null",
        "[]",
        "{}",
        "\"4102444800\"",
    ] {
        let token = signer.sign_text(&header, &with_time("exp", exp));
        assert!(call_with(&channel, &token).await.is_refused(), "exp {exp}");
    }
    for nbf in ["4102444800", "4.1e9", "-1", "1e400", "true", "\"1\""] {
        let token = signer.sign_text(&header, &with_time("nbf", nbf));
        assert!(call_with(&channel, &token).await.is_refused(), "nbf {nbf}");
    }
}

/// The text of claims in which a time stands as written.
fn with_time(claim: &str, written: &str) -> String {
    let marked = claims_with(claim, json!("HERE")).to_string();
    marked.replace("\"HERE\"", written)
}

#[tokio::test]
async fn what_is_inside_is_not_read_as_claims() {
    let signer = Signer::es256("a");
    let (_server, channel, _keys) = server_of(&signer).await;
    let inner = signer.token_for("ada");
    let header = |members: &str| format!(r#"{{"alg":"ES256","kid":"a",{members}}}"#);
    for (case, token) in [
        ("nested", signer.sign_text(&header(r#""cty":"JWT""#), &inner)),
        (
            "nested as text",
            signer.sign_text(&header(r#""cty":"JWT""#), &json!(inner).to_string()),
        ),
        (
            "an array",
            signer.sign_text(&header(r#""typ":"JWT""#), &format!("[{}]", claims_of("ada"))),
        ),
        ("no JSON", signer.sign_text(&header(r#""typ":"JWT""#), "ada")),
        (
            "critical",
            signer.sign_text(&header(r#""b64":false,"crit":["b64"]"#), &claims_of("ada").to_string()),
        ),
        (
            "critical, empty",
            signer.sign_text(&header(r#""crit":[]"#), &claims_of("ada").to_string()),
        ),
    ] {
        assert!(call_with(&channel, &token).await.is_refused(), "{case}");
    }
    // Whoever signs the text itself, and not its base64, has signed something else.
    let unencoded = URL_SAFE_NO_PAD.encode(claims_of("eve").to_string());
    let good = signer.token_for("ada");
    let (head_and_claims, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = head_and_claims.split_once('.').unwrap();
    assert!(
        call_with(&channel, &format!("{head}.{unencoded}.{signature}"))
            .await
            .is_refused()
    );
}

#[tokio::test]
async fn an_audience_is_one_whole_name() {
    let signer = Signer::es256("a");
    let (_server, channel, _keys) = server_of(&signer).await;
    for audience in [json!("dashboard-store"), json!(["x", "dashboard-store"])] {
        let token = signer.sign(&claims_with("aud", audience.clone()));
        assert_eq!(call_with(&channel, &token).await, Outcome::Accepted, "{audience}");
    }
    for audience in [
        json!("dashboard-store "),
        json!("Dashboard-Store"),
        json!("dashboard-store,other"),
        json!("dashboard-store/"),
        json!({ "dashboard-store": true }),
        json!([["dashboard-store"]]),
        json!(["dashboard-store", 1]),
        json!(""),
        json!("*"),
    ] {
        let token = signer.sign(&claims_with("aud", audience.clone()));
        assert!(call_with(&channel, &token).await.is_refused(), "{audience}");
    }
}

#[tokio::test]
async fn an_issuer_is_one_whole_name() {
    let signer = Signer::es256("a");
    let (_server, channel, _keys) = server_of(&signer).await;
    for other in [
        "https://issuer.example/",
        "https://ISSUER.example",
        "https://issuer.example ",
        "https://issuer.example.evil",
        "",
    ] {
        let token = signer.sign(&claims_with("iss", json!(other)));
        assert!(call_with(&channel, &token).await.is_refused(), "{other}");
    }
    for other in [json!([ISSUER]), json!({ "url": ISSUER }), json!(1)] {
        let token = signer.sign(&claims_with("iss", other.clone()));
        assert!(call_with(&channel, &token).await.is_refused(), "{other}");
    }
}

#[tokio::test]
async fn authorization_is_one_token_of_one_scheme() {
    let signer = Signer::es256("a");
    let (_server, channel, _keys) = server_of(&signer).await;
    let token = signer.token_for("ada");
    for value in [
        format!("Basic {token}"),
        format!("Negotiate {token}"),
        format!("Bearer  {token}"),
        format!("Bearer {token},{token}"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token};x=y"),
        format!("Bearer {token} {token}"),
        format!("Bearer:{token}"),
        format!("bearer\t{token}"),
        token.clone(),
    ] {
        let outcome = call(&channel, &[("authorization", &value)]).await;
        assert!(outcome.is_refused(), "{}", value.replace(&token, "TOKEN"));
    }
    let good = format!("Bearer {token}");
    for second in ["", "Bearer x", "Basic YTpi", &good] {
        for headers in [
            [("authorization", good.as_str()), ("authorization", second)],
            [("authorization", second), ("authorization", good.as_str())],
        ] {
            assert!(call(&channel, &headers).await.is_refused(), "{second:.10}");
        }
    }
}

/// Who is called like somebody mighty is not that one: names come with the way in which they were proved, and roles from grants.
#[tokio::test]
async fn no_name_gives_a_right_by_itself() {
    let signer = Signer::es256("a");
    let prepared = TestServer::start().await;
    create(&mut prepared.dashboards().await, "d").await;
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let mut trusted = issuer(ISSUER, keys.source());
    trusted.claims.roles = vec![RoleMapping {
        claim: "groups".into(),
        value: "platform-admins".into(),
        role: Role::PlatformAdmin,
    }];
    let database = prepared.database().clone();
    let connect = database.service_config();
    let server = TestServer::launch(database, connect, |config| {
        config.authentication = authentication();
        config.authentication.issuers = vec![trusted];
    })
    .await;
    server.wait_until_ready().await;
    let mut client = server.dashboards().await;
    let mut get = async |claims: &Value| {
        let mut request = as_user(
            "",
            proto::GetDashboardRequest {
                name: "projects/p/dashboards/d".into(),
                ..Default::default()
            },
        );
        request.metadata_mut().clear();
        let bearer = format!("Bearer {}", signer.sign(claims));
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        client.get_dashboard(request).await
    };
    // The developer of the development mode, the server itself, and spellings of somebody whom the configuration names.
    for name in [
        "developer",
        "user:developer",
        "system:dashboard-store",
        "system:masters",
        "user:alice",
        "Alice",
        "\u{430}lice",
        "group:platform-admins",
        "anonymous",
        "*",
        "%",
        "me",
    ] {
        let denied = get(&claims_of(name)).await.unwrap_err();
        assert_refused(&denied, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    for groups in [
        json!(["Platform-Admins"]),
        json!(["platform-admins,x"]),
        json!("x platform-admins"),
        json!(["system:masters", "user:alice", "alice"]),
    ] {
        let denied = get(&claims_with("groups", groups)).await.unwrap_err();
        assert_refused(&denied, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    for claims in [claims_of("alice"), claims_with("groups", json!("platform-admins"))] {
        get(&claims).await.unwrap();
    }
}
