//! The documented bytes: the same as `tests/conformance/audit_format.py` makes, which shares no code with the service.

use dashboard_store::domain::audit::{AuditEvent, CheckSignature as _, Checkpoint, Seal, SignatureCheck, Signed};
use dashboard_store::domain::digest::Digest;
use data_encoding::HEXLOWER;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    public_key: String,
    events: Vec<EventVector>,
    seal: Seal,
    seal_message: String,
    checkpoint: SignedCheckpoint,
    checkpoint_message: String,
}

#[derive(Deserialize)]
struct EventVector {
    event: AuditEvent,
    canonical: String,
    sha256: Digest,
}

#[derive(Deserialize)]
struct SignedCheckpoint {
    #[serde(flatten)]
    checkpoint: Checkpoint,
    #[serde(flatten)]
    signed: Signed,
}

#[test]
fn the_examples_of_the_documentation_hold() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../conformance/audit_vectors.json")).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &vectors.public_key).unwrap();
    let keys = PublicKeys::read(file.path()).unwrap();
    for vector in &vectors.events {
        let bytes = vector.event.canonical_bytes();
        assert_eq!(HEXLOWER.encode(&bytes), vector.canonical);
        assert_eq!(Digest::of(&bytes), vector.sha256);
        let json = serde_json::to_string(&vector.event).unwrap();
        assert_eq!(serde_json::from_str::<AuditEvent>(&json).unwrap(), vector.event);
    }
    let seal = &vectors.seal;
    assert_eq!(seal.content.root(), seal.root);
    let message = seal.content.message(seal.root);
    assert_eq!(HEXLOWER.encode(&message), vectors.seal_message);
    assert_eq!(keys.check(&message, &seal.signed), SignatureCheck::Good);
    let SignedCheckpoint { checkpoint, signed } = &vectors.checkpoint;
    assert_eq!(HEXLOWER.encode(&checkpoint.message()), vectors.checkpoint_message);
    assert_eq!(keys.check(&checkpoint.message(), signed), SignatureCheck::Good);
}
