//! CreateShareLink, UpdateShareLink, RevokeShareLink, RevokeDashboardShareLinks.

use postgres_types::Type;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use scoped_futures::ScopedFutureExt as _;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::Row;
use uuid::Uuid;

use super::answer::{IssuedLink, RevokedLinks};
use super::read::lock;
use super::{creator, from_row, share_link_columns, share_link_state};
use crate::access::Access;
use crate::domain::audit_event::Change;
use crate::domain::dashboard::View;
use crate::domain::etag::EtagCondition;
use crate::domain::name::ShareLinkName;
use crate::domain::reason::Reason;
use crate::domain::share_link::{
    CreateShareLink, Expiry, RevokeShareLink, RevokeShareLinks, ShareLimits, ShareLink, ShareLinkState, ShareSecret,
    Terms, UpdateShareLink, Whose,
};
use crate::domain::violation::Violation;
use crate::error::{CurrentVersion, Error, Result};
use crate::store::dashboard::head;
use crate::store::mutate::{Answered, Mutation};
use crate::store::pool::Transaction;
use crate::store::revision::require_revision;
use crate::store::{Store, audit};

// By the clock of the database: with a time of the caller that is over, or too far, no row comes of it.
const INSERT_SHARE_LINK: &str = concat!(
    "-- insert_share_link
INSERT INTO share_token (id, dashboard_id, pinned_revision, token_sha256, expires_at, max_uses, allowed_cidrs, note,
    created_by, updated_by)
SELECT $1, $2, $3, $4, expiry, $5, $6::text[]::cidr[], $7, $8, $8
FROM (SELECT COALESCE($9, statement_timestamp() + make_interval(secs => $10)) AS expiry) AS wanted
WHERE expiry > statement_timestamp() AND expiry <= statement_timestamp() + make_interval(secs => $11)
RETURNING ",
    share_link_columns!()
);

const UPDATE_SHARE_LINK: &str = concat!(
    "-- update_share_link
UPDATE share_token SET expires_at = $2, max_uses = $3, allowed_cidrs = $4::text[]::cidr[], note = $5, updated_by = $6,
    generation = generation + 1
WHERE id = $1
RETURNING ",
    share_link_columns!()
);

const REVOKE_SHARE_LINK: &str = concat!(
    "-- revoke_share_link
UPDATE share_token SET revoked_at = clock_timestamp(), revoked_by = $2, updated_by = $2, generation = generation + 1
WHERE id = $1
RETURNING ",
    share_link_columns!()
);

const REVOKE_SHARE_LINKS: &str = concat!(
    "-- revoke_dashboard_share_links
UPDATE share_token SET revoked_at = clock_timestamp(), revoked_by = $2, updated_by = $2, generation = generation + 1
WHERE dashboard_id = $1 AND revoked_at IS NULL AND ($3::text IS NULL OR created_by = $3)
RETURNING ",
    share_link_columns!()
);

/// All fields that a caller can write, by their names in the API.
const ALL_FIELDS: [&str; 5] = ["pinned_revision", "expire_time", "max_uses", "allowed_cidrs", "note"];

impl Store {
    /// Creates a link on a live dashboard.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `DASHBOARD_DELETED`, `REVISION_NOT_FOUND`, `REVISION_PRUNED`; `FIELD_OUT_OF_RANGE` for a time that
    /// is over or too far away; `SHARE_TOKEN_ALREADY_ISSUED` for a call that repeats one that was answered.
    pub async fn create_share_link(&self, access: &Access, create: CreateShareLink) -> Result<IssuedLink> {
        let mutation = Mutation::new("CreateShareLink", access, &create.options, create.fingerprint());
        let (request, secret) = (&create, &new_secret()?);
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let link = insert(tx, access, request, secret).await?;
                    append_event(tx, access, &link, ALL_FIELDS.into()).await?;
                    Ok(IssuedLink {
                        link,
                        secret: secret.clone(),
                    })
                }
                .scope_boxed()
            })
            .await?;
        match answered {
            Answered::First(issued) => Ok(issued),
            Answered::Repeated(kept) => {
                // As any repetition it leaves no event, for all that it is refused.
                access.caller().origin().course.repeat_change();
                Err(already_issued(&kept.name))
            }
        }
    }

    /// Tightens a link; a change that changes nothing writes nothing.
    ///
    /// # Errors
    /// `SHARE_LINK_NOT_FOUND`, `SHARE_LINK_REVOKED`, `ETAG_MISMATCH`, `SHARE_LINK_WIDENED`; `FIELD_OUT_OF_RANGE` for a time that is
    /// over and for fewer uses than there were.
    pub async fn update_share_link(&self, access: &Access, whose: Whose, update: UpdateShareLink) -> Result<ShareLink> {
        let mutation = Mutation::new("UpdateShareLink", access, &update.options, update.fingerprint());
        let request = &update;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let (link, now) = lock(tx, access, whose, &request.name).await?;
                    require_version(&link, &request.etag)?;
                    require_unrevoked(&link)?;
                    let new = request.change.terms(&link, now)?;
                    let old = Terms::of(&link);
                    require_tighter(&link, new.wider_than(&old))?;
                    match new.differences(&old) {
                        same if same.is_empty() => Ok(link),
                        changed => write(tx, access, &link, &new, changed).await,
                    }
                }
                .scope_boxed()
            })
            .await?;
        Ok(first_or_repeated(answered))
    }

    /// Makes a link of no use; one that was revoked stays as it is.
    ///
    /// # Errors
    /// `SHARE_LINK_NOT_FOUND`.
    pub async fn revoke_share_link(&self, access: &Access, whose: Whose, revoke: RevokeShareLink) -> Result<ShareLink> {
        let mutation = Mutation::new("RevokeShareLink", access, &revoke.options, revoke.fingerprint());
        let request = &revoke;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let (link, _) = lock(tx, access, whose, &request.name).await?;
                    if link.state == ShareLinkState::Revoked {
                        return Ok(link);
                    }
                    let author = access.caller().subject();
                    let rows = tx
                        .query(
                            REVOKE_SHARE_LINK,
                            &[(&link.name.uid, Type::UUID), (&author, Type::TEXT)],
                        )
                        .await?;
                    let revoked = written(&rows, &link.name)?;
                    append_event(tx, access, &revoked, vec!["state"]).await?;
                    Ok(revoked)
                }
                .scope_boxed()
            })
            .await?;
        Ok(first_or_repeated(answered))
    }

    /// Makes all links of a dashboard, live or soft-deleted, of no use, and tells how many there were.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`.
    pub async fn revoke_share_links(&self, access: &Access, whose: Whose, revoke: RevokeShareLinks) -> Result<i32> {
        let options = &revoke.options;
        let mutation = Mutation::new("RevokeDashboardShareLinks", access, options, revoke.fingerprint());
        let request = &revoke;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let head = head::lock(tx, access, &request.dashboard, View::Basic).await?.dashboard;
                    let (author, owner) = (access.caller().subject(), creator(whose, access));
                    let parameters = [
                        (&head.uid as _, Type::UUID),
                        (&author as _, Type::TEXT),
                        (&owner as _, Type::TEXT),
                    ];
                    let rows = tx.query(REVOKE_SHARE_LINKS, &parameters).await?;
                    let revoked = |row| Ok(change(&from_row(row, &request.dashboard)?, vec!["state"]));
                    let changes = rows.iter().map(revoked).collect::<Result<Vec<_>>>()?;
                    audit::append_all(tx, access, &changes).await?;
                    Ok(RevokedLinks(i32::try_from(rows.len()).map_err(Error::internal)?))
                }
                .scope_boxed()
            })
            .await?;
        match answered {
            Answered::First(RevokedLinks(count)) | Answered::Repeated(RevokedLinks(count)) => Ok(count),
        }
    }
}

/// A secret of 32 bytes of the operating system's, which nobody has seen before.
fn new_secret() -> Result<ShareSecret> {
    let mut random = [0; 32];
    OsRng.try_fill_bytes(&mut random).map_err(Error::internal)?;
    Ok(ShareSecret::from_random(&random))
}

/// Inserts a link on a dashboard that it locks: so no writer prunes the revision that the link pins.
async fn insert(
    tx: &Transaction<'_>,
    access: &Access,
    create: &CreateShareLink,
    secret: &ShareSecret,
) -> Result<ShareLink> {
    let head = head::lock(tx, access, &create.dashboard, View::Basic).await?.dashboard;
    head::require_active(&head)?;
    if let Some(revision) = create.pinned_revision {
        require_revision(tx, &head, revision).await?;
    }
    let (time, seconds) = match create.expiry {
        Expiry::At(time) => (Some(time), None),
        Expiry::After(ttl) => (None, Some(ttl.as_secs_f64())),
    };
    let author = access.caller().subject();
    let rows = tx
        .query(
            INSERT_SHARE_LINK,
            &[
                (&Uuid::new_v4(), Type::UUID),
                (&head.uid, Type::UUID),
                (&create.pinned_revision, Type::INT4),
                (&secret.sha256().as_bytes(), Type::BYTEA),
                (&create.max_uses, Type::INT4),
                (&create.allowed_networks.to_texts(), Type::TEXT_ARRAY),
                (&create.note, Type::TEXT),
                (&author, Type::TEXT),
                (&time, Type::TIMESTAMPTZ),
                (&seconds, Type::FLOAT8),
                (&create.limits.max_ttl.as_secs_f64(), Type::FLOAT8),
            ],
        )
        .await?;
    let row = rows.first().ok_or_else(|| beyond(&create.limits))?;
    from_row(row, &create.dashboard)
}

async fn write(
    tx: &Transaction<'_>,
    access: &Access,
    link: &ShareLink,
    terms: &Terms,
    changed_paths: Vec<&'static str>,
) -> Result<ShareLink> {
    let author = access.caller().subject();
    let rows = tx
        .query(
            UPDATE_SHARE_LINK,
            &[
                (&link.name.uid, Type::UUID),
                (&terms.expire_time, Type::TIMESTAMPTZ),
                (&terms.max_uses, Type::INT4),
                (&terms.allowed_networks.to_texts(), Type::TEXT_ARRAY),
                (&terms.note, Type::TEXT),
                (&author, Type::TEXT),
            ],
        )
        .await?;
    let tightened = written(&rows, &link.name)?;
    append_event(tx, access, &tightened, changed_paths).await?;
    Ok(tightened)
}

fn written(rows: &[Row], name: &ShareLinkName) -> Result<ShareLink> {
    let row = rows.first().ok_or_else(|| Error::internal("a locked row is gone"))?;
    from_row(row, &name.dashboard)
}

fn first_or_repeated(answered: Answered<ShareLink>) -> ShareLink {
    match answered {
        Answered::First(link) | Answered::Repeated(link) => link,
    }
}

/// Appends the event of a change of a link.
async fn append_event(
    tx: &Transaction<'_>,
    access: &Access,
    link: &ShareLink,
    changed_paths: Vec<&'static str>,
) -> Result<()> {
    audit::append(tx, access, &change(link, changed_paths)).await
}

fn change(link: &ShareLink, changed_paths: Vec<&'static str>) -> Change {
    Change {
        resource: link.name.to_string(),
        project: Some(link.name.dashboard.project().clone()),
        uid: Some(link.name.uid),
        before: None,
        after: None,
        changed_paths,
        details: details(link),
    }
}

/// What a link allows: once it is removed, nobody can look it up.
fn details(link: &ShareLink) -> Vec<(&'static str, String)> {
    let expire_time = link.expire_time.format(&Rfc3339).unwrap_or_default();
    let fields = [
        (
            "pinned_revision",
            link.pinned_revision.map(|revision| revision.to_string()),
        ),
        ("expire_time", Some(expire_time)),
        ("max_uses", link.max_uses.map(|most| most.to_string())),
        ("allowed_cidrs", Some(link.allowed_networks.to_texts().join(","))),
    ];
    let known = fields.into_iter().filter_map(|(field, value)| Some((field, value?)));
    known.filter(|(_, value)| !value.is_empty()).collect()
}

fn require_version(link: &ShareLink, condition: &EtagCondition) -> Result<()> {
    if condition.admits(&link.etag()) {
        return Ok(());
    }
    Err(Error::EtagMismatch {
        name: link.name.to_string(),
        current: Some(CurrentVersion {
            revision: i32::try_from(link.generation).unwrap_or(i32::MAX),
            author: link.updated_by.clone(),
            time: link.update_time,
        }),
    })
}

fn require_unrevoked(link: &ShareLink) -> Result<()> {
    if link.state != ShareLinkState::Revoked {
        return Ok(());
    }
    Err(Error::FailedPrecondition {
        reason: Reason::ShareLinkRevoked,
        name: link.name.to_string(),
        description: format!("{} is revoked and can't be changed: create another one", link.name),
    })
}

fn require_tighter(link: &ShareLink, wider: Vec<&'static str>) -> Result<()> {
    if wider.is_empty() {
        return Ok(());
    }
    let fields = wider.join(", ");
    Err(Error::FailedPrecondition {
        reason: Reason::ShareLinkWidened,
        name: link.name.to_string(),
        description: format!("a link can only be tightened, and this would allow more by {fields}: create another one"),
    })
}

fn already_issued(name: &ShareLinkName) -> Error {
    Error::AlreadyExists {
        reason: Reason::ShareTokenAlreadyIssued,
        name: name.to_string(),
        description: format!(
            "{name} was created by this request before, and its token is not kept: revoke it if it is lost"
        ),
    }
}

/// The violation of a time that is over, or too far away.
fn beyond(limits: &ShareLimits) -> Violation {
    let longest = limits.max_ttl.as_secs();
    let description = format!("must be in the future, and at most {longest} seconds away");
    Violation::new("share_link.expire_time", Reason::FieldOutOfRange, description)
}
