//! The table `dashboard_favorite`.

use postgres_types::{ToSql, Type};
use scoped_futures::ScopedFutureExt as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::dashboards_of_user::{PageOfUser, list_dashboards_of_user};
use crate::access::Access;
use crate::domain::audit_event::Change;
use crate::domain::dashboard::Dashboard;
use crate::domain::digest::Fingerprint;
use crate::domain::list::Page;
use crate::domain::page::Cursor;
use crate::domain::preferences::{DashboardOfUser, Favorite, ListFavorites, MAX_FAVORITES};
use crate::domain::reason::Reason;
use crate::domain::user::{PreferencesName, UserId};
use crate::error::{Error, Result};
use crate::store::dashboard::head::{missing, require_active};
use crate::store::dashboard::{basic_bytes, from_row, head_columns};
use crate::store::mutate::Mutation;
use crate::store::page::page;
use crate::store::pool::{Parameter, Transaction};
use crate::store::{Store, advisory, audit};

const LOCK_FAVORITES: &str = "-- lock_favorites
SELECT FROM pg_advisory_xact_lock($1)";

const FIND_FAVORITE: &str = concat!(
    "-- find_favorite\nSELECT ",
    head_columns!(),
    ", is_favorite, favorites
FROM dashboard, LATERAL (
    SELECT COALESCE(bool_or(dashboard_id = dashboard.id), false) AS is_favorite, count(*) AS favorites
    FROM dashboard_favorite WHERE subject = $3
) AS kept
WHERE project = $1 AND name = $2 AND ($4::uuid[] IS NULL OR id = ANY ($4))"
);

const ADD_FAVORITE: &str = "-- add_favorite
INSERT INTO dashboard_favorite (dashboard_id, subject) VALUES ($1, $2)";

const REMOVE_FAVORITE: &str = "-- remove_favorite
DELETE FROM dashboard_favorite USING dashboard
WHERE dashboard_id = id AND project = $1 AND name = $2 AND subject = $3
RETURNING dashboard_id";

const LIST_FAVORITES: &str = list_dashboards_of_user!(
    "-- list_favorites",
    "dashboard_favorite",
    "position",
    "position > COALESCE($6, 0)",
    "position"
);

/// A dashboard that shall become a favourite, and the favourites that the user has.
struct Candidate {
    dashboard: Dashboard,
    is_favorite: bool,
    favorites: i64,
}

impl Store {
    /// Puts a dashboard behind the favourites of a user; one that is there already keeps its place.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `DASHBOARD_DELETED`, `TOO_MANY_FAVORITES`.
    pub async fn add_favorite(&self, access: &Access, readable: &Access, add: DashboardOfUser) -> Result<()> {
        let mutation = Mutation::new("AddFavorite", access, &add.options, add.fingerprint());
        let request = &add;
        self.mutate(mutation, |tx| {
            async move {
                let candidate = lock(tx, readable, request).await?;
                require_active(&candidate.dashboard)?;
                if candidate.is_favorite {
                    return Ok(());
                }
                require_room(&request.user, candidate.favorites)?;
                let uid = candidate.dashboard.uid;
                tx.execute(
                    ADD_FAVORITE,
                    &[(&uid, Type::UUID), (&request.user.subject(), Type::TEXT)],
                )
                .await?;
                append_event(tx, access, request, uid).await
            }
            .scope_boxed()
        })
        .await?;
        Ok(())
    }

    /// Takes a dashboard out of the favourites of a user, if it is one.
    ///
    /// # Errors
    /// None of its own.
    pub async fn remove_favorite(&self, access: &Access, remove: DashboardOfUser) -> Result<()> {
        let mutation = Mutation::new("RemoveFavorite", access, &remove.options, remove.fingerprint());
        let request = &remove;
        self.mutate(mutation, |tx| {
            async move {
                let (project, id) = (request.dashboard.project().as_str(), request.dashboard.id());
                let rows = tx
                    .query(
                        REMOVE_FAVORITE,
                        &[
                            (&project, Type::TEXT),
                            (&id, Type::TEXT),
                            (&request.user.subject(), Type::TEXT),
                        ],
                    )
                    .await?;
                match rows.first() {
                    Some(row) => append_event(tx, access, request, row.try_get("dashboard_id")?).await,
                    None => Ok(()),
                }
            }
            .scope_boxed()
        })
        .await?;
        Ok(())
    }

    /// Lists a page of the favourites of a user.
    ///
    /// # Errors
    /// None of its own.
    pub async fn list_favorites(
        &self,
        _access: &Access,
        readable: &Access,
        query: &ListFavorites,
    ) -> Result<Page<Favorite>> {
        let after = match query.after {
            Some(Cursor::Favorite(position)) => Some(position),
            _ => None,
        };
        let page_of_user = PageOfUser::new(&query.user, readable, query.page_size);
        let cursor: [Parameter<'_>; 1] = [(&after, Type::INT8)];
        let parameters = [page_of_user.parameters().as_slice(), &cursor].concat();
        let rows = self.read(LIST_FAVORITES, &parameters).await?;
        let items = rows.iter().map(favorite).collect::<Result<Vec<_>>>()?;
        page(items, &rows, |last| query.cursor_on(last))
    }
}

/// Waits until no other call adds a favourite of the user, then looks at the dashboard and at those that there are.
async fn lock(tx: &Transaction<'_>, readable: &Access, add: &DashboardOfUser) -> Result<Candidate> {
    let subject = add.user.subject();
    let key = advisory::key(Fingerprint::new().part("favorites").part(&subject));
    let (project, id) = (add.dashboard.project().as_str(), add.dashboard.id());
    let key_parameter: [(&(dyn ToSql + Sync), Type); 1] = [(&key, Type::INT8)];
    let own_dashboards = readable.dashboards();
    let favorite_parameters: [(&(dyn ToSql + Sync), Type); 4] = [
        (&project, Type::TEXT),
        (&id, Type::TEXT),
        (&subject, Type::TEXT),
        (&own_dashboards, Type::UUID_ARRAY),
    ];
    // Sent together, run one after the other: the second sees what was committed before the lock was got.
    let locking = tx.query(LOCK_FAVORITES, &key_parameter);
    let finding = tx.query(FIND_FAVORITE, &favorite_parameters);
    let (_, rows) = futures_util::future::try_join(locking, finding).await?;
    let row = rows.first().ok_or_else(|| missing(readable, &add.dashboard))?;
    Ok(Candidate {
        dashboard: from_row(row)?,
        is_favorite: row.try_get("is_favorite")?,
        favorites: row.try_get("favorites")?,
    })
}

fn require_room(user: &UserId, favorites: i64) -> Result<()> {
    if favorites < MAX_FAVORITES {
        return Ok(());
    }
    Err(Error::FailedPrecondition {
        reason: Reason::TooManyFavorites,
        name: PreferencesName { user: user.clone() }.to_string(),
        description: format!("there are {MAX_FAVORITES} favorites, and no more are taken: remove one first"),
    })
}

async fn append_event(tx: &Transaction<'_>, access: &Access, request: &DashboardOfUser, uid: Uuid) -> Result<()> {
    let change = Change {
        resource: request.favorite_name(),
        project: None,
        uid: Some(uid),
        before: None,
        after: None,
        changed_paths: vec!["favorites"],
        details: Vec::new(),
    };
    audit::append(tx, access, &change).await
}

fn favorite(row: &Row) -> Result<Favorite> {
    Ok(Favorite {
        dashboard: from_row(row)?,
        position: row.try_get("position")?,
    })
}
