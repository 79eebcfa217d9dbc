//! The table guards itself.

use crate::support::sharing::{for_uses, share, start};

#[tokio::test]
async fn rows_that_can_not_be_violate_a_check() {
    let (server, mut client) = start().await;
    share(&mut client, for_uses(3)).await;
    let sql = server.sql().await;
    for (change, constraint) in [
        ("token_sha256 = 'psh_'", "share_token_token_sha256_check"),
        ("expires_at = created_at", "share_token_expires_at_check"),
        (
            "expires_at = created_at + interval '10 years 1 day'",
            "share_token_expires_at_check",
        ),
        ("max_uses = 0", "share_token_max_uses_check"),
        ("use_count = 4", "share_token_use_count_check"),
        ("use_count = -1", "share_token_use_count_check"),
        (
            "allowed_cidrs = array_fill('10.0.0.0/8'::cidr, ARRAY[33])",
            "share_token_allowed_cidrs_check",
        ),
        ("allowed_cidrs = '{NULL}'", "share_token_allowed_cidrs_check"),
        ("note = repeat('n', 1001)", "share_token_note_check"),
        ("revoked_at = now()", "share_token_revoked_check"),
        ("pinned_revision = 99", "share_token_revision_fkey"),
    ] {
        let refused = sql
            .execute(&format!("UPDATE share_token SET {change}"), &[])
            .await
            .unwrap_err();
        assert_eq!(
            refused.as_db_error().unwrap().constraint(),
            Some(constraint),
            "{change}"
        );
    }
}
