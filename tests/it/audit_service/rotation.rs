//! VerifyAuditLog after a change of the key that signs.

use std::fs;

use dashboard_store::signing::PublicKeys;

use super::*;

#[tokio::test]
async fn seals_by_an_earlier_key_count_where_its_public_key_is_given() {
    let (earlier, later) = (new_key(), new_key());
    let server = TestServer::start_with(|config| config.audit.key = Some(Arc::clone(&earlier))).await;
    let oldest = wait_for_seal_by(&mut client(&server).await, &earlier).await;

    let server = restart(server, |config| config.audit.key = Some(Arc::clone(&later))).await;
    let mut changed = client(&server).await;
    let newest = wait_for_seal_by(&mut changed, &later).await;
    assert!(newest.number > oldest.number, "{oldest:?} {newest:?}");
    let verdict = verify(&mut changed, "").await;
    let unknown = format!("seal 1 is signed by the key {}", earlier.id());
    assert!(
        !verdict.intact && verdict.finding.starts_with(&unknown),
        "{}",
        verdict.finding
    );

    let path = directory().join(format!("public-{}.pem", Uuid::new_v4()));
    fs::write(&path, earlier.public_pem()).unwrap();
    let server = restart(server, |config| {
        config.audit.key = Some(Arc::clone(&later));
        config.audit.earlier_keys = PublicKeys::read(&path).unwrap();
    })
    .await;
    let head = format!("{}:{}", newest.number, newest.root);
    let verdict = verify(&mut client(&server).await, &head).await;
    assert!(verdict.intact && verdict.head_checked, "{verdict:?}");
}
