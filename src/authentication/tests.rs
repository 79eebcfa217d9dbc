//! What credentials say, without a connection.

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use rcgen::{CertificateParams, KeyPair, SanType};
use time::OffsetDateTime;

use super::*;
use crate::domain::role::Role;

const USER: HeaderName = HeaderName::from_static("x-remote-user");
const GROUP: HeaderName = HeaderName::from_static("x-remote-group");

fn headers(pairs: &[(HeaderName, &'static [u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn identity(user: &str, groups: &[&str]) -> Identity {
    Identity {
        user: user.into(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        roles: vec![],
    }
}

/// What a certificate with these names says, which is valid for so many days from now.
fn certificate(names: &[SanType], days: i64) -> PeerCertificate {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.to_vec();
    params.not_before = OffsetDateTime::now_utc() - time::Duration::days(10);
    params.not_after = OffsetDateTime::now_utc() + time::Duration::days(days);
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    PeerCertificate::from_der(certificate.der()).unwrap()
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

/// The user that a certificate stands for.
fn principal(names: &[SanType]) -> Option<String> {
    let principal = certificate(names, 1).principal();
    principal.ok().map(|identity| identity.user)
}

fn proving(header_peers: &[&str]) -> Authenticator {
    Authenticator::new(&AuthenticationConfig {
        is_development: false,
        identity_header_peers: header_peers.iter().map(|name| (*name).to_owned()).collect(),
        issuers: vec![],
        open_reflection: false,
    })
    .unwrap()
}

#[tokio::test]
async fn in_development_callers_name_themselves_or_are_the_developer() {
    let development = Authenticator::development();
    let developer = Identity {
        roles: vec![Role::PlatformAdmin],
        ..identity("developer", &[])
    };
    for (given, expected) in [
        (headers(&[]), developer),
        (headers(&[(USER, b"ada")]), identity("ada", &[])),
        (
            headers(&[(USER, b"ada"), (GROUP, b"a"), (GROUP, b"b")]),
            identity("ada", &["a", "b"]),
        ),
    ] {
        let found = development.authenticate(&given, None).await.unwrap();
        assert_eq!(found, (expected, AuthMethod::Development));
    }
}

#[tokio::test]
async fn unclear_credentials_are_refused_in_every_mode() {
    let proxy = certificate(&[dns("proxy")], 1);
    for given in [
        &[(USER, &b"ada"[..]), (USER, b"bob")][..],
        &[(USER, b"")],
        &[(USER, b"\xff")],
        &[(USER, b"a\tb")],
        &[(USER, b"ada"), (GROUP, b"")],
        &[(GROUP, b"admins")],
        &[(AUTHORIZATION, b"Bearer x"), (USER, b"ada")],
        &[(AUTHORIZATION, b"Bearer x"), (AUTHORIZATION, b"Bearer x")],
        &[(AUTHORIZATION, b"Bearer x")],
        &[(AUTHORIZATION, b"Bearer  ")],
        &[(AUTHORIZATION, b"Bearer")],
        &[(AUTHORIZATION, b"Bearer x y")],
        &[(AUTHORIZATION, b"Basic YTpi")],
        &[(AUTHORIZATION, b"")],
    ] {
        for authenticator in [Authenticator::development(), proving(&["proxy"])] {
            let found = authenticator.authenticate(&headers(given), Some(&proxy)).await;
            assert!(matches!(found, Err(Error::Unauthenticated(_))), "{given:?}: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_user_is_stated_by_the_peers_that_may_and_by_nobody_else() {
    let authenticator = proving(&["Proxy.example", "spiffe://a/Proxy"]);
    let given = headers(&[(USER, b"ada"), (GROUP, b"admins")]);
    for trusted in [dns("proxy.EXAMPLE"), uri("spiffe://a/Proxy")] {
        let peer = certificate(&[dns("other"), trusted], 1);
        let found = authenticator.authenticate(&given, Some(&peer)).await.unwrap();
        assert_eq!(found, (identity("ada", &["admins"]), AuthMethod::IdentityHeaders));
    }
    let strangers = [
        vec![dns("proxy.example.org")],
        vec![uri("spiffe://a/proxy")],
        vec![dns("*.example")],
        // Of two ids nobody knows which is its own.
        vec![uri("spiffe://a/Proxy"), uri("spiffe://a/service")],
        vec![uri("spiffe://a/service"), uri("spiffe://a/Proxy")],
        // Each stands where the other one belongs.
        vec![uri("proxy.example")],
        vec![dns("spiffe://a/Proxy")],
    ];
    for peer in strangers
        .map(|names| Some(certificate(&names, 1)))
        .into_iter()
        .chain([None])
    {
        let found = authenticator.authenticate(&given, peer.as_ref()).await;
        assert!(matches!(found, Err(Error::Unauthenticated(_))), "{peer:?}: {found:?}");
    }
}

#[test]
fn a_certificate_stands_for_its_uri_or_else_its_first_dns_name() {
    assert_eq!(
        principal(&[dns("a"), uri("spiffe://x/y")]).as_deref(),
        Some("spiffe://x/y")
    );
    assert_eq!(principal(&[dns("A.example"), dns("b")]).as_deref(), Some("a.example"));
    assert_eq!(principal(&[dns("*.example"), dns("b")]).as_deref(), Some("b"));
    assert_eq!(principal(&[uri("spiffe://x/y"), uri("spiffe://x/z")]), None);
    assert_eq!(principal(&[dns("*.example")]), None);
    assert_eq!(
        principal(&[SanType::Rfc822Name("ada@example.org".try_into().unwrap())]),
        None
    );
    assert_eq!(principal(&[]), None);
    // As written, whatever it means to others: it is compared, and nothing else.
    for odd in ["spiffe://x/a%2Fb", "spiffe://x/../y", "SPIFFE://X/y", "https://x/?q#f"] {
        assert_eq!(principal(&[uri(odd)]).as_deref(), Some(odd));
    }
    for control in [
        "spiffe://x/a\nb",
        "spiffe://x/\0",
        "\u{7f}",
        "",
        " spiffe://x/y",
        "spiffe://x/y ",
    ] {
        assert_eq!(principal(&[uri(control)]), None, "{control:?}");
    }
    assert_eq!(principal(&[uri(&format!("spiffe://x/{}", "y".repeat(512)))]), None);
}

#[test]
fn a_certificate_stands_for_nobody_by_a_name_of_another_kind() {
    for stranger in [dns("spiffe://x/y"), dns("user:ada"), uri("ada"), uri("a.example")] {
        assert_eq!(principal(std::slice::from_ref(&stranger)), None, "{stranger:?}");
    }
    assert_eq!(principal(&[dns("spiffe://x/y"), dns("b")]).as_deref(), Some("b"));
    // The URI is what it says first, and that is nobody.
    assert_eq!(principal(&[uri("ada"), dns("b")]), None);
}

#[tokio::test]
async fn a_certificate_that_expires_while_its_connection_lasts_is_refused() {
    let authenticator = proving(&["proxy"]);
    let expired = certificate(&[dns("proxy")], -1);
    for given in [headers(&[]), headers(&[(USER, b"ada")])] {
        let found = authenticator.authenticate(&given, Some(&expired)).await;
        let Err(Error::Unauthenticated(text)) = found else {
            panic!("{found:?}");
        };
        assert!(text.contains("expired"), "{text}");
    }
}
