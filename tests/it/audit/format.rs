//! The documented bytes: the same as `tests/conformance/audit_format.py` makes, which shares no code with the service.

use std::collections::BTreeMap;

use dashboard_store::domain::audit::{
    AuditEvent, AuditItem, CheckSignature as _, Checkpoint, Seal, SignatureCheck, Signed,
};
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
    empty_seal: Seal,
    empty_seal_message: String,
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
    for (seal, expected) in [
        (&vectors.seal, &vectors.seal_message),
        (&vectors.empty_seal, &vectors.empty_seal_message),
    ] {
        assert_eq!(seal.content.root(), seal.root);
        let message = seal.content.message(seal.root);
        assert_eq!(HEXLOWER.encode(&message), *expected);
        assert_eq!(keys.check(&message, &seal.signed), SignatureCheck::Good);
    }
    let SignedCheckpoint { checkpoint, signed } = &vectors.checkpoint;
    assert_eq!(HEXLOWER.encode(&checkpoint.message()), vectors.checkpoint_message);
    assert_eq!(keys.check(&checkpoint.message(), signed), SignatureCheck::Good);
}

/// Every address of IPv6 whose groups are 0, 1 or ffff, and some of IPv4, each with some length of its prefix.
const APPEND_ADDRESSES: &str =
    "INSERT INTO audit_log (actor, auth_method, method, permission, resource, correlation_id, client_ip)
    SELECT 'user:ada', 'jwt', 'test', 'test', '', gen_random_uuid(), address::inet
    FROM (
        SELECT string_agg((ARRAY['0', '1', 'ffff'])[n / (3 ^ place)::integer % 3 + 1], ':' ORDER BY place) || '/' || n % 129
        FROM generate_series(0, 6560) AS n, generate_series(0, 7) AS place GROUP BY n
        UNION ALL SELECT unnest(ARRAY['10.0.0.1', '0.0.0.0/0', '255.255.255.255/31', '::1.2.3.4', '2001:db8::abcd/64'])
    ) AS made (address)";

#[tokio::test]
async fn addresses_are_written_as_postgresql_casts_them_to_text() {
    let (_database, sql, sealed) = start().await;
    sql.batch_execute(APPEND_ADDRESSES).await.unwrap();
    let rows = sql
        .query("SELECT id, client_ip::text FROM audit_log", &[])
        .await
        .unwrap();
    let cast: BTreeMap<Uuid, Option<String>> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();

    let mut walk = sealed.store.begin_audit_walk::<Box<AuditEvent>>(1).await.unwrap();
    let mut read = BTreeMap::new();
    while let Some(items) = walk.next_portion().await.unwrap() {
        read.extend(items.into_iter().map(|item| match item {
            AuditItem::Unsealed(event) => (event.id, event.client_ip),
            other => panic!("nothing is sealed: {other:?}"),
        }));
    }
    assert_eq!(read.len(), 6561 + 5);
    assert_eq!(read, cast);
}
