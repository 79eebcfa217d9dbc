//! Uses at the same time as each other, and as what ends a link.

use futures_util::future::join_all;
use tokio_postgres::Client as Sql;
use tonic::Code;

use crate::support::audit::events;
use crate::support::blocking::wait_for_locks;
use crate::support::sharing::{assert_not_usable, for_uses, get, resolve, share, start};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_use_a_link_exactly_as_often_as_it_can_be() {
    let (server, mut client) = start().await;
    let (link, token) = share(&mut client, for_uses(100)).await;
    let users = (0..50).map(|_| {
        let (mut own, token) = (client.clone(), token.clone());
        tokio::spawn(async move {
            let (mut uses, mut unknown) = (0, 0);
            for _ in 0..4 {
                match resolve(&mut own, &token).await.map_err(|refused| refused.code()) {
                    Ok(_) => uses += 1,
                    Err(Code::PermissionDenied) => {}
                    // On a machine with other work a call may take too long: nobody knows whether it counted.
                    Err(_) => unknown += 1,
                }
            }
            (uses, unknown)
        })
    });
    let ended: Vec<(usize, usize)> = join_all(users).await.into_iter().map(Result::unwrap).collect();
    let uses: usize = ended.iter().map(|(uses, _)| uses).sum();
    let unknown: usize = ended.iter().map(|(_, unknown)| unknown).sum();
    assert!(uses <= 100 && uses + unknown >= 100, "{uses} uses, {unknown} unknown");
    assert_eq!(get(&mut client, &link.name).await.unwrap().use_count, 100);
    let counted = events(&server)
        .await
        .into_iter()
        .filter(|event| event.permission == "share_links.resolve");
    assert_eq!(counted.count(), 100);
}

/// A use that waits while `change` happens to the link, and is refused when that is committed.
async fn refused_after(change: &str) {
    let (server, mut client) = start().await;
    let (link, token) = share(&mut client, for_uses(1)).await;
    let holder: Sql = server.sql().await;
    holder
        .batch_execute("BEGIN; SELECT FROM share_token FOR UPDATE")
        .await
        .unwrap();
    let mut own = client.clone();
    let using = tokio::spawn(async move { resolve(&mut own, &token).await });
    wait_for_locks(&server.sql().await, "use_share_link", 1).await;
    holder.batch_execute(change).await.unwrap();
    holder.batch_execute("COMMIT").await.unwrap();
    assert_not_usable(using.await.unwrap());
    assert_eq!(get(&mut client, &link.name).await.unwrap().use_count, 0);
    let uses = events(&server)
        .await
        .into_iter()
        .filter(|event| event.permission == "share_links.resolve");
    assert_eq!(uses.count(), 0);
}

#[tokio::test]
async fn a_use_at_the_instant_of_revocation_is_refused() {
    refused_after("UPDATE share_token SET revoked_at = now(), revoked_by = 'user:ada'").await;
}

#[tokio::test]
async fn a_use_that_waits_while_the_dashboard_is_deleted_is_refused() {
    refused_after("UPDATE dashboard SET state = 'deleted', deleted_at = now(), purge_at = now() + interval '1 day'")
        .await;
}

#[tokio::test]
async fn a_use_that_waits_beyond_the_expiry_is_refused() {
    // It began in time, so only a second look finds out.
    refused_after(
        "UPDATE share_token SET expires_at = clock_timestamp() + interval '20 ms';
         SELECT pg_sleep(0.03)",
    )
    .await;
}
