//! Who may call: TLS, credentials, and where to listen with and without them.

use super::*;
use crate::signing::SigningKey;

/// Files that can be read; what is in them counts when the service starts.
const READABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

/// A database of yours and a key for its audit log, with these options, where `FILE` stands for a file that can be read.
fn serve_yours(options: &[&str]) -> Result<ServeConfig, ConfigErrors> {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key.pem");
    SigningKey::read_or_create(&key).unwrap();
    let with_key = format!("--audit-signing-key-file={}", key.display());
    serve_unsealed(&[options, &[with_key.as_str()]].concat())
}

/// The same without a key.
fn serve_unsealed(options: &[&str]) -> Result<ServeConfig, ConfigErrors> {
    let options: Vec<String> = options.iter().map(|option| option.replace("FILE", READABLE)).collect();
    let given = OWN_DATABASE[..2].iter().copied();
    serve(&given.chain(options.iter().map(String::as_str)).collect::<Vec<_>>())
}

/// A file with one issuer.
fn auth_config() -> tempfile::NamedTempFile {
    auth_config_with("{}")
}

/// A file with one issuer, whose claims are mapped as `claims` says.
fn auth_config_with(claims: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let issuer = format!("{{url: 'https://a', audiences: [d], jwksFile: {READABLE}}}");
    let text = format!("jwt: [{{issuer: {issuer}, claimMappings: {claims}}}]");
    std::fs::write(file.path(), text).unwrap();
    file
}

const SERVER: [&str; 2] = ["--tls-cert-file=FILE", "--tls-key-file=FILE"];
const CLIENTS: [&str; 3] = [SERVER[0], SERVER[1], "--tls-client-ca-file=FILE"];

#[test]
fn client_certificates_are_credentials_enough_to_serve_everybody() {
    let config = serve_yours(&CLIENTS).unwrap();
    assert!(!config.authentication.is_development);
    assert_eq!(config.listeners.grpc_addr.to_string(), "[::]:50051");
    assert_eq!(config.listeners.http_addr.to_string(), "[::]:8080");
    let tls = config.listeners.tls.unwrap();
    assert_eq!(tls.client_auth, ClientAuth::Optional(READABLE.into()));
    assert_eq!(tls.reload_interval, Duration::from_secs(5));

    let required = serve_yours(&[&CLIENTS[..], &["--tls-client-auth=required"]].concat()).unwrap();
    let client_auth = required.listeners.tls.map(|tls| tls.client_auth);
    assert_eq!(client_auth, Some(ClientAuth::Required(READABLE.into())));
}

#[test]
fn tokens_are_credentials_enough_and_travel_encrypted() {
    let file = auth_config();
    let tokens = format!("--auth-config-file={}", file.path().display());
    let issuers = serve_yours(&[&tokens, SERVER[0], SERVER[1]])
        .unwrap()
        .authentication
        .issuers;
    assert_eq!(issuers[0].url, "https://a");
    assert_eq!(complaints(serve_yours(&[&tokens])), ["GRPC_PLAINTEXT"]);
    assert!(serve_yours(&[&tokens, "--grpc-plaintext"]).is_ok());
    assert!(serve_yours(&[&tokens, "--grpc-addr=localhost"]).is_ok());
    // Credentials end the development mode that is the default of the embedded database.
    assert!(
        !serve(&[&tokens, "--grpc-plaintext"])
            .unwrap()
            .authentication
            .is_development
    );
}

#[test]
fn what_does_not_go_together_is_reported() {
    let with_clients = |option| [&CLIENTS[..], &[option]].concat();
    for (options, expected) in [
        (vec!["--tls-cert-file=FILE"], vec!["TLS_KEY_FILE", "INSECURE_DEV"]),
        (vec!["--tls-key-file=FILE"], vec!["TLS_CERT_FILE", "INSECURE_DEV"]),
        (SERVER.to_vec(), vec!["INSECURE_DEV"]),
        (vec!["--tls-client-ca-file=FILE"], vec!["TLS_CERT_FILE"]),
        (with_clients("--tls-client-auth=none"), vec!["TLS_CLIENT_AUTH"]),
        (with_clients("--tls-client-auth=maybe"), vec!["TLS_CLIENT_AUTH"]),
        (with_clients("--grpc-plaintext"), vec!["GRPC_PLAINTEXT"]),
        (with_clients("--insecure-dev"), vec!["INSECURE_DEV"]),
        (
            with_clients("--identity-header-peers=a,,b"),
            vec!["IDENTITY_HEADER_PEERS"],
        ),
        (
            vec!["--identity-header-peers=a", "--insecure-dev"],
            vec!["IDENTITY_HEADER_PEERS"],
        ),
        (
            vec![SERVER[0], SERVER[1], "--tls-client-auth=required", "--insecure-dev"],
            vec!["TLS_CLIENT_CA_FILE"],
        ),
        (vec!["--auth-config-file=/does/not/exist"], vec!["AUTH_CONFIG_FILE"]),
        (vec!["--auth-config-file=FILE"], vec!["AUTH_CONFIG_FILE"]),
        (
            vec![
                "--tls-cert-file=/does/not/exist",
                "--tls-key-file=/does/not/exist",
                "--tls-client-ca-file=/does/not/exist",
            ],
            vec!["TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CLIENT_CA_FILE"],
        ),
    ] {
        assert_eq!(complaints(serve_yours(&options)), expected, "{options:?}");
    }
}

#[test]
fn roles_come_from_bootstrap_admins_claims_or_development() {
    let with_clients = |option: &[&str]| serve_yours(&[&CLIENTS[..], option].concat()).unwrap().gives_roles();
    assert!(!with_clients(&[]));
    assert!(with_clients(&["--bootstrap-admins=group:sre"]));
    let with_issuer = |file: &tempfile::NamedTempFile| {
        let tokens = format!("--auth-config-file={}", file.path().display());
        with_clients(&[&tokens])
    };
    assert!(!with_issuer(&auth_config()));
    let mapping = "{roles: [{claim: groups, value: admins, role: platform-admin}]}";
    assert!(with_issuer(&auth_config_with(mapping)));
    assert!(serve(&[]).unwrap().gives_roles());
}

#[test]
fn proxies_are_named_as_certificates_name_them() {
    let with_peers =
        |peers: &str| serve_yours(&[&CLIENTS[..], &[&format!("--identity-header-peers={peers}")]].concat());
    let peers =
        "proxy, Proxy.example.com,a_b-c.example,spiffe://cluster.local/ns/a/sa/b,urn:uuid:6ae43457,https://a/?b#c";
    let expected: Vec<&str> = peers.split(',').map(str::trim).collect();
    assert_eq!(
        with_peers(peers).unwrap().authentication.identity_header_peers,
        expected
    );
    for bad in [
        "CN=proxy",
        "CN=proxy,O=example",
        "/CN=proxy",
        "*.example.com",
        "proxy.example.com.",
        "proxy.example.com:443",
        "DNS:proxy.example.com",
        "URI:spiffe://a/b",
        "192.0.2.7",
        "::1",
        "a b",
        "spiffe:/a/b",
        "://a",
        "spiffe://a/ b",
        "proxy,a\u{200b}",
    ] {
        let problems = with_peers(bad).unwrap_err().to_string();
        assert!(
            problems.lines().count() == 1
                && problems.starts_with("IDENTITY_HEADER_PEERS ")
                && problems.contains("DNS names or URIs"),
            "{bad}: {problems}"
        );
    }
}

#[test]
fn a_service_that_nobody_could_call_says_what_to_set() {
    let message = serve_yours(&[]).unwrap_err().to_string();
    for setting in ["TLS_CLIENT_CA_FILE", "AUTH_CONFIG_FILE", "--insecure-dev"] {
        assert!(message.contains(setting), "{message}");
    }
}

#[test]
fn outside_development_the_audit_log_of_a_database_of_yours_is_sealed() {
    const KEY: &str = "AUDIT_SIGNING_KEY_FILE";
    let message = serve_unsealed(&CLIENTS).unwrap_err().to_string();
    for part in [KEY, "openssl genpkey -algorithm ed25519"] {
        assert!(message.contains(part), "{message}");
    }
    let with_clients = |option| [&CLIENTS[..], &[option]].concat();
    for (options, expected) in [
        (CLIENTS.to_vec(), vec![KEY]),
        // An empty one counts as absent, and one that can't be read is one complaint.
        (with_clients("--audit-signing-key-file="), vec![KEY]),
        (with_clients("--audit-signing-key-file=/does/not/exist"), vec![KEY]),
        (with_clients("--audit-signing-key-file=FILE"), vec![KEY]),
        (
            vec!["--identity-header-peers=a"],
            vec!["IDENTITY_HEADER_PEERS", "INSECURE_DEV", KEY],
        ),
        (vec!["--insecure-dev"], vec![]),
    ] {
        assert_eq!(complaints(serve_unsealed(&options)), expected, "{options:?}");
    }
    // The embedded database has a key of its own.
    let tls: Vec<String> = CLIENTS.iter().map(|option| option.replace("FILE", READABLE)).collect();
    let embedded = serve(&tls.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    assert!(!embedded.authentication.is_development && embedded.audit.key.is_none());
}
