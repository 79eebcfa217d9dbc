//! ListAuditSeals.

use dashboard_store::domain::audit::{CheckSignature as _, Month, SealContent, Signature, SignatureCheck, Signed};
use dashboard_store::domain::digest::Digest;
use dashboard_store::signing::PublicKeys;
use time::OffsetDateTime;
use tonic::Code;

use super::*;
use crate::support::audit::disable_guards;
use crate::support::requests::{assert_invalid, assert_refused};

/// Inserts seals with these numbers, which nobody signed.
async fn insert_seals(sql: &Sql, from: i64, to: i64) {
    let statement = "INSERT INTO audit_seal (number, epoch, after_seq, month, from_xid, to_xid, to_seq, last_seq,
            event_count, event_digests, previous_root, root, sealed_at, key_id, signature)
        SELECT n, 1, 0, '2026-11', '7', '8', 9, 9, 1, sha256(''), sha256(''), sha256(''), now(), 'mine', sha256('') || sha256('')
        FROM generate_series($1::bigint, $2::bigint) AS n";
    sql.execute(statement, &[&from, &to]).await.unwrap();
}

fn request(page_size: i32, page_token: &str) -> proto::ListAuditSealsRequest {
    proto::ListAuditSealsRequest {
        parent: "platform".into(),
        page_size,
        page_token: page_token.into(),
    }
}

/// The content of a seal as it is listed. Only the number of its events counts for the signature.
fn content(seal: &proto::AuditSeal) -> SealContent {
    let time = seal.seal_time.unwrap();
    let nanoseconds = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    SealContent {
        number: seal.number,
        epoch: seal.epoch,
        after_seq: seal.after_seq,
        month: Month::parse(&seal.month).unwrap(),
        from_xid: seal.from_xid.try_into().unwrap(),
        to_xid: seal.to_xid.try_into().unwrap(),
        to_seq: seal.to_seq,
        last_seq: seal.last_seq,
        event_digests: vec![Digest::of(b""); seal.event_count.try_into().unwrap()],
        previous_root: seal.previous_root.clone().try_into().unwrap(),
        sealed_at: OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap(),
    }
}

#[tokio::test]
async fn a_seal_at_the_end_of_time_is_listed() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    insert_seals(&sql, 1, 2).await;
    disable_guards(&sql).await;
    for time in ["infinity", "-infinity", "200000-01-01", "4000-01-01 BC"] {
        let edit = format!("UPDATE audit_seal SET sealed_at = '{time}' WHERE number = 1");
        sql.batch_execute(&edit).await.unwrap();
        let listed = list_seals(&mut client(&server).await, 0).await;
        assert_eq!(listed.len(), 2, "{time}");
    }
}

#[tokio::test]
async fn seals_come_newest_first_and_pages_stand_still_while_seals_are_added() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    let mut client = client(&server).await;
    assert_eq!(list_seals(&mut client, 0).await, []);
    insert_seals(&sql, 1, 6).await;
    let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = client.list_audit_seals(request(2, &token)).await.unwrap().into_inner();
        seen.extend(page.audit_seals.iter().map(|seal| seal.number));
        insert_seals(&sql, 7 + pages, 7 + pages).await;
        pages += 1;
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((seen, pages), (vec![6, 5, 4, 3, 2, 1], 3));
}

#[tokio::test]
async fn a_listed_seal_has_all_that_its_signature_covers() {
    let key = new_key();
    let server = TestServer::start_with(|config| config.audit.key = Some(Arc::clone(&key))).await;
    let mut client = client(&server).await;
    // Another one before it, which it is chained to.
    let first = wait_for_seal_by(&mut client, &key).await;
    let seals = found("another seal", async || {
        let newest = list_seals(&mut client, 2).await;
        (newest[0].number > first.number).then_some(newest)
    })
    .await;
    let seal = &seals[0];
    assert_eq!(seal.name, format!("auditSeals/{}", seal.number));
    assert_eq!(seal.previous_root, seals[1].root);

    let keys = PublicKeys::default().with(&key);
    let signed = Signed {
        key_id: seal.key_id.clone(),
        signature: Signature::try_from(seal.signature.clone()).unwrap(),
    };
    let root: Digest = seal.root.clone().try_into().unwrap();
    let mut content = content(seal);
    assert_eq!(keys.check(&content.message(root), &signed), SignatureCheck::Good);
    content.last_seq += 1;
    assert_eq!(keys.check(&content.message(root), &signed), SignatureCheck::Bad);
}

#[tokio::test]
async fn the_newest_seal_is_a_head_that_shows_when_it_was_cut_off() {
    let key = new_key();
    let server = TestServer::start_with(|config| config.audit.key = Some(Arc::clone(&key))).await;
    let mut sealing = client(&server).await;
    let newest = wait_for_seal_by(&mut sealing, &key).await;
    let head = format!("{}:{}", newest.number, newest.root);
    let verdict = verify(&mut sealing, &head).await;
    assert!(verdict.intact && verdict.head_checked, "{verdict:?}");

    // One that has the public key alone seals nothing, and verifies.
    let server = restart(server, |config| {
        config.audit.earlier_keys = PublicKeys::default().with(&key);
    })
    .await;
    let mut reading = client(&server).await;
    assert!(verify(&mut reading, &head).await.intact);
    let sql = server.sql().await;
    disable_guards(&sql).await;
    let cut_off = format!(
        "DELETE FROM audit_log WHERE xid >= (SELECT from_xid FROM audit_seal WHERE number = {number});
        DELETE FROM audit_seal WHERE number >= {number}",
        number = newest.number
    );
    sql.batch_execute(&cut_off).await.unwrap();
    // What remains is in order.
    assert!(verify(&mut reading, "").await.intact);
    let verdict = verify(&mut reading, &head).await;
    let removed = format!("seal {head} was removed, with all that followed it");
    assert_eq!((verdict.intact, verdict.finding), (false, removed));
}

#[tokio::test]
async fn seals_are_for_whoever_reads_everything() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    grant(&sql, "user:pia", "admin", Some("p")).await;
    grant(&sql, "user:otto", "auditor", None).await;
    let mut client = client(&server).await;
    let refused = client
        .list_audit_seals(as_user("pia", request(0, "")))
        .await
        .unwrap_err();
    assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
    client.list_audit_seals(as_user("otto", request(0, ""))).await.unwrap();
}

#[tokio::test]
async fn reading_the_seals_leaves_an_event() {
    let server = TestServer::start().await;
    list_seals(&mut client(&server).await, 0).await;
    let event = Stored {
        actor: "user:alice".into(),
        method: "perses.dashboards.v1.AuditService/ListAuditSeals".into(),
        permission: "audit_events.list".into(),
        resource: "platform".into(),
        project: None,
        result: "success".into(),
        reason: None,
        count: 1,
    };
    assert_eq!(stored_after_stop(server).await, [event]);
}

#[tokio::test]
async fn fields_that_are_wrong_are_refused() {
    let server = TestServer::start().await;
    let mut client = client(&server).await;
    for (parent, reason) in [("", "FIELD_REQUIRED"), ("projects/p", "INVALID_NAME")] {
        let wrong = proto::ListAuditSealsRequest {
            parent: parent.into(),
            ..Default::default()
        };
        let refused = client.list_audit_seals(wrong).await.unwrap_err();
        assert_invalid(&refused, &[("parent", reason)]);
    }
    let refused = client.list_audit_seals(request(-1, "")).await.unwrap_err();
    assert_invalid(&refused, &[("page_size", "FIELD_OUT_OF_RANGE")]);
    let refused = client.list_audit_seals(request(0, "made-up")).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN");
    // A token of another list.
    insert_events(&server.sql().await, 1, 2).await;
    let of_events = proto::ListAuditEventsRequest {
        page_size: 1,
        ..list_request("platform", "")
    };
    let page = client.list_audit_events(of_events).await.unwrap().into_inner();
    let refused = client
        .list_audit_seals(request(0, &page.next_page_token))
        .await
        .unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN");
}
