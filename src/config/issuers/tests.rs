use super::*;

/// The problems of a file, or the issuers in it.
fn check(text: &str) -> Result<Vec<IssuerConfig>, Vec<String>> {
    let document = file::parse(text).map_err(|problem| vec![problem])?;
    let mut problems = Problems::default();
    let issuers = problems.check_all(document);
    match problems.found.is_empty() {
        true => Ok(issuers),
        false => Err(problems.found),
    }
}

/// A file that can be read, whatever is in it.
const READABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

#[test]
fn the_least_has_the_documented_defaults() {
    let text = format!("jwt: [{{issuer: {{url: 'https://a', audiences: [d], jwksFile: {READABLE}}}}}]");
    let issuers = check(&text).unwrap();
    assert_eq!(
        issuers,
        [IssuerConfig {
            url: "https://a".into(),
            audiences: vec!["d".into()],
            keys: KeysConfig {
                source: KeySource::File(READABLE.into()),
                refresh_interval: Duration::from_secs(5),
                max_age: Duration::from_secs(86_400),
                unknown_key_interval: Duration::from_secs(10),
            },
            claims: ClaimMappings {
                username: PrefixedClaim {
                    claim: "sub".into(),
                    prefix: String::new()
                },
                groups: PrefixedClaim {
                    claim: "groups".into(),
                    prefix: String::new()
                },
                roles: vec![],
            },
        }]
    );
}

#[test]
fn every_field_is_read() {
    let authorities = authorities();
    let text = format!(
        "
jwt:
  - issuer:
      url: https://kubernetes.default.svc
      audiences: [dashboard-store, other]
      jwksURL: https://kubernetes.default.svc/openid/v1/jwks
      certificateAuthorityFile: {}
      tokenFile: {READABLE}
      jwksRefreshInterval: 1m
      jwksMaxAge: 1h
    claimMappings:
      username: {{claim: name, prefix: 'k8s:'}}
      roles:
        - {{claim: /realm_access/roles, value: admins, role: platform-admin}}
",
        authorities.path().display()
    );
    let issuers = check(&text).unwrap();
    let KeySource::Url {
        url,
        certificate_authority,
        token,
    } = &issuers[0].keys.source
    else {
        panic!("it is a URL");
    };
    assert_eq!(url, "https://kubernetes.default.svc/openid/v1/jwks");
    assert_eq!(certificate_authority.as_deref(), Some(authorities.path()));
    assert_eq!(token.as_deref(), Some(READABLE.as_ref()));
    assert_eq!(issuers[0].keys.refresh_interval, Duration::from_secs(60));
    assert_eq!(issuers[0].keys.max_age, Duration::from_secs(3600));
    let claims = &issuers[0].claims;
    assert_eq!(
        (claims.username.claim.as_str(), claims.username.prefix.as_str()),
        ("name", "k8s:")
    );
    assert_eq!(claims.groups.prefix, "k8s:", "groups are kept apart as users are");
    assert_eq!(claims.roles[0].role, Role::PlatformAdmin);
}

#[test]
fn every_problem_is_reported_at_once_with_its_place() {
    let text = "
jwt:
  - issuer: {url: 'https://a', audiences: [], jwksURL: 'http://a/keys', jwksMaxAge: 1s, tokenFile: /does/not/exist}
    claimMappings:
      roles: [{claim: groups, value: x, role: king}, {claim: '', value: '', role: viewer}]
  - issuer: {url: 'https://a', audiences: [''], jwksFile: /does/not/exist, jwksRefreshInterval: often}
  - issuer: {url: '', audiences: [d]}
    claimMappings: {username: {prefix: 'c:'}}
";
    let problems = check(text).unwrap_err();
    let places: Vec<&str> = problems
        .iter()
        .filter_map(|problem| problem.split(": ").next())
        .collect();
    assert_eq!(
        places,
        [
            "jwt[0].claimMappings.username.prefix",
            "jwt[0].claimMappings.roles[0].role",
            "jwt[0].claimMappings.roles[1].value",
            "jwt[0].claimMappings",
            "jwt[0].issuer.audiences",
            "jwt[0].issuer.jwksMaxAge",
            "jwt[0].issuer.jwksURL",
            "jwt[0].issuer.tokenFile",
            "jwt[1].issuer.url",
            "jwt[1].claimMappings.username.prefix",
            "jwt[1].issuer.audiences",
            "jwt[1].issuer.jwksRefreshInterval",
            "jwt[1].issuer.jwksFile",
            "jwt[2].issuer.url",
            "jwt[2].issuer",
        ],
        "{problems:#?}"
    );
}

/// The problems of two issuers with these prefixes.
fn check_prefixes(first: &str, second: &str) -> Vec<String> {
    let issuer = |index: usize, prefix: &str| {
        let place = format!("url: 'https://{index}', audiences: [d], jwksFile: {READABLE}");
        format!("{{issuer: {{{place}}}, claimMappings: {{username: {{prefix: '{prefix}'}}}}}}")
    };
    let text = format!("jwt: [{}, {}]", issuer(0, first), issuer(1, second));
    check(&text).err().unwrap_or_default()
}

#[test]
fn no_issuer_can_name_whom_another_one_means() {
    for (first, second) in [("a:", "a:b:"), ("a:b:", "a:"), ("", "a:")] {
        let problems = check_prefixes(first, second);
        let [username, groups] = &problems[..] else {
            panic!("{first:?}, {second:?}: {problems:?}");
        };
        assert!(
            username.starts_with("jwt[1].claimMappings.username.prefix: ")
                && username.contains("of jwt[0] begin alike"),
            "{username}"
        );
        assert!(groups.starts_with("jwt[1].claimMappings.groups.prefix: "), "{groups}");
    }
    // Both mean the same people, or nobody of the other's.
    for (first, second) in [("", ""), ("a:", "a:"), ("a:", "b:")] {
        assert_eq!(check_prefixes(first, second), [""; 0], "{first:?}, {second:?}");
    }
}

#[test]
fn a_file_of_another_form_is_refused_with_the_place() {
    for (text, expected) in [
        ("jwt: []", "jwt: must have at least one issuer"),
        ("{}", "missing field `jwt`"),
        ("", "is empty: it needs a mapping with the list jwt"),
        ("# nothing yet", "is empty"),
        ("[]", "must be a mapping with the list jwt"),
        ("x", "must be a mapping with the list jwt"),
        (
            "jwt: [x]",
            "jwt[0]: invalid type: string \"x\", expected a mapping with issuer",
        ),
        ("jwt: [[]]", "jwt[0]: invalid length 0, expected a mapping with issuer"),
        (
            "jwt: [{issuer: x}]",
            "jwt[0].issuer: invalid type: string \"x\", expected a mapping with url and audiences",
        ),
        (
            "jwt: [{issuer: {url: x, audiences: [d], jwksUrl: y}}]",
            "jwt[0].issuer.jwksUrl: unknown field `jwksUrl`",
        ),
        (
            "jwt: [{issuer: {url: 1, audiences: [d]}}]",
            "jwt[0].issuer.url: invalid type: integer `1`",
        ),
        ("jwt: [", "is not YAML that can be read"),
        ("jwt: 1\njwt: 2", "is not YAML that can be read"),
    ] {
        let problems = check(text).unwrap_err().join("\n");
        assert!(problems.contains(expected), "{text}: {problems}");
    }
}

#[test]
fn a_file_may_say_that_it_has_the_form_of_kubernetes() {
    let issuer = format!("jwt: [{{issuer: {{url: x, audiences: [d], jwksFile: {READABLE}}}}}]");
    for version in ["v1", "v1beta1", "v1alpha1"] {
        let head = format!("apiVersion: apiserver.config.k8s.io/{version}\nkind: AuthenticationConfiguration");
        assert!(check(&format!("{head}\n{issuer}")).is_ok(), "{version}");
    }
    let others = "apiVersion: v1\nkind: authenticationconfiguration\njwt: []";
    assert_eq!(
        check(others).unwrap_err(),
        [
            "apiVersion: must be one of apiserver.config.k8s.io/v1, apiserver.config.k8s.io/v1beta1, \
             apiserver.config.k8s.io/v1alpha1, or left out",
            "kind: must be AuthenticationConfiguration, or left out",
            "jwt: must have at least one issuer",
        ]
    );
}

/// The fields whose prefixes are reported of an issuer with these.
fn refused_prefixes(claims: &str) -> Vec<String> {
    let issuer = format!("issuer: {{url: x, audiences: [d], jwksFile: {READABLE}}}");
    let problems = check(&format!("jwt: [{{{issuer}, claimMappings: {{{claims}}}}}]"));
    let places = problems.err().unwrap_or_default();
    let field = |problem: &String| {
        problem
            .split(": must be what a name can begin with")
            .next()
            .map(str::to_owned)
    };
    places.iter().filter_map(field).collect()
}

#[test]
fn a_prefix_is_what_a_name_can_begin_with() {
    let username = "jwt[0].claimMappings.username.prefix";
    let groups = "jwt[0].claimMappings.groups.prefix";
    for bad in ["\\u200b", " ", " k8s:", "a\\n", &"x".repeat(512)] {
        assert_eq!(
            refused_prefixes(&format!("username: {{prefix: \"{bad}\"}}")),
            [username],
            "{bad}"
        );
        assert_eq!(
            refused_prefixes(&format!("groups: {{prefix: \"{bad}\"}}")),
            [groups],
            "{bad}"
        );
        let both = format!("username: {{prefix: \"{bad}\"}}, groups: {{prefix: \"{bad}\"}}");
        assert_eq!(refused_prefixes(&both), [username, groups], "{bad}");
    }
    for good in ["", "k8s:", "team ", &"x".repeat(511)] {
        assert_eq!(
            refused_prefixes(&format!("username: {{prefix: \"{good}\"}}")),
            [""; 0],
            "{good}"
        );
    }
}

#[test]
fn a_directory_is_no_file_of_an_issuer() {
    let directory = env!("CARGO_MANIFEST_DIR");
    for (source, place) in [
        (format!("jwksFile: {directory}"), "jwksFile"),
        (format!("jwksURL: 'https://a', tokenFile: {directory}"), "tokenFile"),
    ] {
        let problems = check(&format!("jwt: [{{issuer: {{url: x, audiences: [d], {source}}}}}]")).unwrap_err();
        let expected = format!("jwt[0].issuer.{place}: {directory:?} is a directory: name a file");
        assert_eq!(problems, [expected]);
    }
}

/// What is reported of an issuer with this URL, and this file of authorities.
fn check_url(url: &str, authorities: &str) -> Vec<String> {
    let source = format!("jwksURL: {url:?}, certificateAuthorityFile: {authorities:?}");
    let text = format!("jwt: [{{issuer: {{url: x, audiences: [d], {source}}}}}]");
    check(&text).err().unwrap_or_default()
}

#[test]
fn where_keys_are_fetched_from_is_an_address_without_a_password() {
    let authorities = authorities();
    for good in [
        "https://a",
        "https://a:8443/keys?x=%20#y",
        "https://[::1]/keys",
        "https://a/@",
    ] {
        assert_eq!(check_url(good, authorities.path().to_str().unwrap()), [""; 0], "{good}");
    }
    for bad in [
        "",
        "http://a/keys",
        "https:a",
        "https://",
        "https:///",
        "https://exa mple/x",
        "https://a:99999/",
        "https://scott@localhost/Tiger",
        "https://scott:Tiger@localhost/keys?Tiger",
        "https://:Tiger@localhost",
    ] {
        let problems = check_url(bad, authorities.path().to_str().unwrap());
        assert!(
            problems.len() == 1 && problems[0].starts_with("jwt[0].issuer.jwksURL: ") && !problems[0].contains("Tiger"),
            "{bad}: {problems:?}"
        );
    }
}

#[test]
fn a_file_of_authorities_has_certificates_that_can_be_used() {
    let pem = std::fs::read_to_string(authorities().path()).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    assert_reported(&file, &pem.repeat(2), &[]);
    for bad in [
        "",
        "garbage",
        &key,
        &pem[..pem.len() / 2],
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        &format!("{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        assert_reported(&file, bad, &["jwt[0].issuer.certificateAuthorityFile"]);
    }
}

/// Asserts which places are reported when the file of authorities has this in it.
fn assert_reported(file: &tempfile::NamedTempFile, text: &str, expected: &[&str]) {
    std::fs::write(file.path(), text).unwrap();
    let problems = check_url("https://a", file.path().to_str().unwrap());
    let places: Vec<&str> = problems
        .iter()
        .filter_map(|problem| problem.split(": ").next())
        .collect();
    assert_eq!(places, expected, "{text}: {problems:?}");
}

/// A file with the certificate of an authority.
fn authorities() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    std::fs::write(file.path(), certificate.pem()).unwrap();
    file
}
