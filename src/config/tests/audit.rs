//! Whose signatures count, when the audit log is verified.

use super::*;
use crate::domain::audit::{CheckSignature as _, SignatureCheck};
use crate::signing::SigningKey;

#[test]
fn public_keys_of_earlier_keys_count_for_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let earlier = SigningKey::read_or_create(&directory.path().join("earlier.pem")).unwrap();
    let path = directory.path().join("public.pem");
    std::fs::write(&path, earlier.public_pem()).unwrap();
    let config = serve(&[&format!("--audit-public-keys-file={}", path.display())]).unwrap();
    let counts = config.audit.public_keys().check(b"x", &earlier.sign(b"x"));
    assert_eq!(counts, SignatureCheck::Good);
    assert!(config.audit.key.is_none());
    assert!(serve(&[]).unwrap().audit.public_keys().is_empty());
}

#[test]
fn what_is_wrong_with_public_keys_is_told_with_all_else() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let block = "-----BEGIN CERTIFICATE-----\nMCow\n-----END CERTIFICATE-----\n";
    std::fs::write(file.path(), block.repeat(2)).unwrap();
    let keys = format!("--audit-public-keys-file={}", file.path().display());
    let refused = serve(&[&keys, "--audit-signing-key-file=/none", "--audit-retention=0"]).unwrap_err();
    let mut settings: Vec<&str> = refused.problems().iter().map(|problem| problem.setting).collect();
    settings.sort_unstable();
    assert_eq!(
        settings,
        ["AUDIT_PUBLIC_KEYS_FILE", "AUDIT_RETENTION", "AUDIT_SIGNING_KEY_FILE"]
    );
    assert!(refused.to_string().contains("none: 1, 2."), "{refused}");
}

#[test]
fn keys_that_are_given_as_nothing_are_missing_to_verify() {
    let line = [
        "audit",
        "verify",
        "audit.jsonl",
        "--audit-public-keys-file=",
        "--audit-signing-key-file= ",
    ];
    let Command::Audit(args) = parse(&line).command else {
        panic!("audit was asked for");
    };
    let refused = AuditCommandConfig::from_args(*args, Environment::default());
    assert_eq!(complaints(refused), ["AUDIT_PUBLIC_KEYS_FILE"]);
}
