//! The statements that have one plan: the indexes that they use, and the most rows that they read.

use super::check::Most;

pub const NO_INDEX: &[&str] = &[];
/// A share link by its name, and those of a dashboard.
const LINK_BY_NAME: &[&str] = &["idx_dashboard_project_name", "share_token_pkey"];
const LINKS: &[&str] = &["idx_dashboard_project_name", "idx_share_token_dashboard"];
const BY_NAME: &[&str] = &["idx_dashboard_project_name"];
const BY_NAME_IN_ANY_CASE: &[&str] = &["idx_dashboard_project_name_case"];
const BY_UID: &[&str] = &["dashboard_pkey"];
const REVISION: &[&str] = &["dashboard_revision_pkey"];
const BY_NAME_WITH_REVISION: &[&str] = &["idx_dashboard_project_name", "dashboard_revision_pkey"];
/// What is pruned, unless a share link pins it.
const REVISION_UNPINNED: &[&str] = &["dashboard_revision_pkey", "idx_share_token_dashboard"];
const BY_UID_WITH_UNPINNED: &[&str] = &["dashboard_pkey", "dashboard_revision_pkey", "idx_share_token_dashboard"];
/// All that a caller was granted, with the dashboards of those grants that are on one.
const GRANTS: &[&str] = &["idx_access_grant_subject", "dashboard_pkey"];
/// How many the caller of the tests has.
const GRANTS_OF_A_CALLER: u64 = 11;
const PREFERENCES: &[&str] = &["idx_user_preferences_subject"];
const FAVORITE_BY_NAME: &[&str] = &["idx_dashboard_project_name", "dashboard_favorite_pkey"];
const FAVORITES: &[&str] = &["idx_dashboard_favorite_position", "dashboard_pkey"];
const RECENTS: &[&str] = &["idx_dashboard_recent_viewed_at", "dashboard_pkey"];

/// The dashboard that a name asks for, and all favourites of a user.
const FAVORITE_AMONG_ALL: &[&str] = &["idx_dashboard_project_name", "idx_dashboard_favorite_position"];

/// Statements with a part that PostgreSQL finds by one index or by another, as its sample of the table suggests.
pub const BY_ANY_INDEX: &[(&str, Most)] = &[
    // The dashboard that is looked at, the 101 of the user for the oldest that is kept, those before it, and them again to be deleted.
    ("record_dashboard_view", Most::Rows(3 * 101 + 10)),
];

/// Those of dashboards, preferences, grants, share links and maintenance.
pub const STATEMENTS: &[(&str, &[&str], Most)] = &[
    // Reads.
    ("get_dashboard", BY_NAME, Most::Rows(1)),
    ("batch_get_dashboards", BY_NAME, Most::Rows(100)),
    ("find_dashboard_names", BY_NAME, Most::Rows(100)),
    // A portion of 100, and one candidate more; its index has no soft-deleted ones.
    ("export_dashboards", &["idx_dashboard_active"], Most::Rows(101)),
    ("get_dashboard_revision", BY_NAME_WITH_REVISION, Most::Rows(2)),
    ("list_dashboard_revisions", BY_NAME_WITH_REVISION, Most::Rows(52)),
    ("diff_dashboard_revisions", BY_NAME_WITH_REVISION, Most::Rows(3)),
    // Every decision about a caller whose grants are not known: an entry of the index, a row, and a dashboard for each.
    ("find_grants", GRANTS, Most::Rows(3 * GRANTS_OF_A_CALLER)),
    // What gives rights that stay, by a caller with one grant.
    ("hold_grants", GRANTS, Most::Rows(3)),
    // Every mutation.
    ("lock_request", NO_INDEX, Most::Rows(0)),
    ("find_answer", &["mutation_request_pkey"], Most::Rows(1)),
    ("append_audit_event", NO_INDEX, Most::Rows(0)),
    ("keep_answer", NO_INDEX, Most::Rows(0)),
    ("get_document", REVISION, Most::Rows(1)),
    // Several imported dashboards: as many as a batch has at the most, of which half are there already.
    ("lock_requests", NO_INDEX, Most::Rows(0)),
    ("find_answers", &["mutation_request_pkey"], Most::Rows(0)),
    ("find_dashboard_heads", BY_NAME_IN_ANY_CASE, Most::Rows(16)),
    ("insert_dashboards", NO_INDEX, Most::Rows(0)),
    ("append_audit_events", NO_INDEX, Most::Rows(0)),
    ("keep_answers", NO_INDEX, Most::Rows(0)),
    // One or some of them.
    ("lock_dashboard_head", BY_NAME_IN_ANY_CASE, Most::Rows(1)),
    ("find_name_holder", BY_NAME_IN_ANY_CASE, Most::Rows(1)),
    ("insert_dashboard", REVISION_UNPINNED, Most::Rows(1)),
    ("update_dashboard", BY_UID_WITH_UNPINNED, Most::Rows(2)),
    ("revision_exists", REVISION, Most::Rows(1)),
    ("restore_dashboard_revision", BY_UID_WITH_UNPINNED, Most::Rows(3)),
    ("delete_dashboard", BY_UID, Most::Rows(1)),
    ("undelete_dashboard", BY_UID, Most::Rows(1)),
    ("purge_dashboard", BY_UID, Most::Rows(1)),
    // What users keep. It may be read twice, as entries of the index and as rows; in lists come the dashboards.
    ("get_preferences", PREFERENCES, Most::Rows(1)),
    ("lock_preferences", PREFERENCES, Most::Rows(1)),
    ("insert_preferences", NO_INDEX, Most::Rows(0)),
    ("update_preferences", PREFERENCES, Most::Rows(1)),
    ("lock_favorites", NO_INDEX, Most::Rows(0)),
    ("find_favorite", FAVORITE_AMONG_ALL, Most::Rows(1 + 2 * 450)),
    ("add_favorite", NO_INDEX, Most::Rows(0)),
    ("remove_favorite", FAVORITE_BY_NAME, Most::Rows(2)),
    ("list_favorites", FAVORITES, Most::Rows(3 * (51 + 20))),
    ("list_recent_dashboards", RECENTS, Most::Rows(3 * (51 + 20))),
    // Grants: an entry of the index and a row of each; of the subject of the calls, 7.
    ("insert_access_grant", NO_INDEX, Most::Rows(0)),
    (
        "find_grant_of_subject",
        &["idx_access_grant_subject"],
        Most::Rows(2 * 7),
    ),
    (
        "find_access_grant",
        &["access_grant_pkey", "dashboard_pkey"],
        Most::Rows(3),
    ),
    ("find_platform_admin", &["idx_access_grant_platform"], Most::Rows(2 * 3)),
    (
        "lock_platform_admins",
        &["idx_access_grant_platform"],
        Most::Rows(2 * 3),
    ),
    ("delete_access_grant", &["access_grant_pkey"], Most::Rows(1)),
    (
        "list_access_grants",
        &["idx_dashboard_project_name", "idx_access_grant_dashboard"],
        Most::Rows(1 + 51),
    ),
    ("share_project", NO_INDEX, Most::Rows(0)),
    ("claim_project", NO_INDEX, Most::Rows(0)),
    // A project with 2 of each.
    (
        "purge_dashboards_of_project",
        &["idx_dashboard_project_name", "dashboard_pkey"],
        Most::Rows(2 * 2),
    ),
    (
        "purge_templates_of_project",
        &["idx_dashboard_template_project"],
        Most::Rows(2),
    ),
    ("purge_grants_of_project", &["idx_access_grant_project"], Most::Rows(2)),
    ("record_project_purge", NO_INDEX, Most::Rows(0)),
    // Share links. That of the calls is a new one on a dashboard that has no other.
    ("get_share_link", LINK_BY_NAME, Most::Rows(2)),
    ("lock_share_link", LINK_BY_NAME, Most::Rows(2)),
    ("list_share_links", LINKS, Most::Rows(4)),
    ("insert_share_link", NO_INDEX, Most::Rows(0)),
    ("update_share_link", &["share_token_pkey"], Most::Rows(2)),
    ("revoke_share_link", &["share_token_pkey"], Most::Rows(3)),
    (
        "revoke_dashboard_share_links",
        &["idx_share_token_active"],
        Most::Rows(2),
    ),
    ("use_share_link", &["idx_share_token_sha256"], Most::Rows(1)),
    (
        "find_shared_dashboard",
        &["idx_share_token_sha256", "dashboard_pkey", "dashboard_revision_pkey"],
        Most::Rows(4),
    ),
    ("remove_expired_share_links", NO_INDEX, Most::Rows(0)),
    // Maintenance, a batch of each task. Its own table has a row for each task. What is purged was written twice, when it was
    // deleted too, and has two entries in the index.
    ("lock_maintenance", NO_INDEX, Most::Rows(0)),
    (
        "list_maintenance_tasks",
        &["seq scan of maintenance_task"],
        Most::Rows(10),
    ),
    ("claim_maintenance_task", NO_INDEX, Most::Rows(0)),
    ("record_maintenance_batch", &["maintenance_task_pkey"], Most::Rows(2)),
    ("make_audit_partitions", NO_INDEX, Most::Rows(0)),
    ("count_template_usage", NO_INDEX, Most::Rows(0)),
    (
        "remove_expired_request_ids",
        &["idx_mutation_request_created_at"],
        Most::Rows(1000),
    ),
    ("lock_expired_dashboards", &["idx_dashboard_purge_at"], Most::Rows(50)),
    ("purge_expired_dashboards", BY_UID, Most::Rows(3 * 50)),
    ("prune_old_revisions", BY_UID_WITH_UNPINNED, Most::Rows(1000 + 1000)),
];
