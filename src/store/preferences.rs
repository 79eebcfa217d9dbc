//! The table `user_preferences`; in the modules below, the other tables of what users keep.

mod answer;
mod dashboards_of_user;
mod favorites;
mod recents;

use postgres_types::Type;
use scoped_futures::ScopedFutureExt as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::json_text::{JsonColumn, JsonText};
use super::mutate::{Answered, Mutation};
use super::{Store, audit};
use crate::access::Access;
use crate::domain::audit_event::Change;
use crate::domain::etag::EtagCondition;
use crate::domain::name::DashboardName;
use crate::domain::preferences::{
    Preferences, PreferencesField, Settings, Theme, UpdatePreferences, UserPreferences, Written,
};
use crate::domain::user::UserId;
use crate::domain::violation::Violation;
use crate::error::{CurrentVersion, Error, Result};
use crate::store::pool::Transaction;

/// The columns of preferences, as [`from_row`] reads them.
macro_rules! preferences_columns {
    () => {
        "id, home_dashboard, theme, timezone, rows_per_page, settings, generation, created_at, updated_at"
    };
}

const GET_PREFERENCES: &str = concat!(
    "-- get_preferences\nSELECT ",
    preferences_columns!(),
    " FROM user_preferences WHERE subject = $1"
);

const LOCK_PREFERENCES: &str = concat!(
    "-- lock_preferences\nSELECT ",
    preferences_columns!(),
    " FROM user_preferences WHERE subject = $1 FOR UPDATE"
);

const INSERT_PREFERENCES: &str = concat!(
    "-- insert_preferences
INSERT INTO user_preferences (subject, home_dashboard, theme, timezone, rows_per_page, settings, id)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
RETURNING ",
    preferences_columns!()
);

const UPDATE_PREFERENCES: &str = concat!(
    "-- update_preferences
UPDATE user_preferences SET home_dashboard = $2, theme = $3, timezone = $4, rows_per_page = $5, settings = $6,
    generation = generation + 1
WHERE subject = $1
RETURNING ",
    preferences_columns!()
);

impl Store {
    /// Reads the preferences of a user; those that were never written too.
    ///
    /// # Errors
    /// None of its own.
    pub async fn get_preferences(&self, _access: &Access, user: &UserId) -> Result<UserPreferences> {
        let subject = user.subject();
        let rows = self.read(GET_PREFERENCES, &[(&subject, Type::TEXT)]).await?;
        first_of(&rows, user)
    }

    /// Changes the preferences of a user; a change that changes nothing writes nothing.
    ///
    /// # Errors
    /// `ETAG_MISMATCH`.
    pub async fn update_preferences(&self, access: &Access, update: UpdatePreferences) -> Result<UserPreferences> {
        let mutation = Mutation::new("UpdatePreferences", access, &update.options, update.fingerprint());
        let request = &update;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let current = lock(tx, &request.name.user).await?;
                    require_version(&current, &request.etag)?;
                    let wanted = request.change.applied_to(&current.preferences);
                    let fields = current.preferences.fields_changed(&wanted);
                    if fields.is_empty() {
                        return Ok(current);
                    }
                    let written = write(tx, &current, &wanted).await?;
                    append_event(tx, access, &written, &fields).await?;
                    Ok(written)
                }
                .scope_boxed()
            })
            .await?;
        match answered {
            Answered::First(preferences) => Ok(preferences),
            Answered::Repeated(kept) => {
                let current = self.get_preferences(access, &request.name.user).await?;
                Ok(kept.restored(current))
            }
        }
    }
}

/// Locks the preferences of a user. Who never wrote any has nothing to lock: of two first writers, one inserts.
async fn lock(tx: &Transaction<'_>, user: &UserId) -> Result<UserPreferences> {
    let rows = tx.query(LOCK_PREFERENCES, &[(&user.subject(), Type::TEXT)]).await?;
    first_of(&rows, user)
}

/// Checks that the preferences are the version that the caller has seen.
fn require_version(current: &UserPreferences, condition: &EtagCondition) -> Result<()> {
    if condition.admits(&current.etag()) {
        return Ok(());
    }
    Err(Error::EtagMismatch {
        name: current.name().to_string(),
        current: current.written.map(|written| CurrentVersion {
            revision: i32::try_from(written.generation).unwrap_or(i32::MAX),
            author: current.user.subject(),
            time: written.update_time,
        }),
    })
}

/// Writes all that a user sets, in place of `current`, which was locked.
async fn write(tx: &Transaction<'_>, current: &UserPreferences, wanted: &Preferences) -> Result<UserPreferences> {
    let subject = current.user.subject();
    let home_dashboard = wanted.home_dashboard.as_ref().map(ToString::to_string);
    let home_dashboard_text = home_dashboard.unwrap_or_default();
    let theme = wanted.theme.map_or("", Theme::as_str);
    let timezone = wanted.timezone.as_deref().unwrap_or_default();
    let rows_per_page = wanted.rows_per_page.unwrap_or_default();
    let settings = JsonText(wanted.settings.text());
    let uid = Uuid::now_v7();
    let values = [
        (&subject as _, Type::TEXT),
        (&home_dashboard_text as _, Type::TEXT),
        (&theme as _, Type::TEXT),
        (&timezone as _, Type::TEXT),
        (&rows_per_page as _, Type::INT4),
        (&settings as _, Type::JSON),
        (&uid as _, Type::UUID),
    ];
    let rows = match current.written {
        Some(_) => tx.query(UPDATE_PREFERENCES, &values[..6]).await?,
        None => tx.query(INSERT_PREFERENCES, &values).await?,
    };
    match rows.first() {
        Some(row) => from_row(row, &current.user),
        // Somebody else wrote the first ones meanwhile: the next try finds them.
        None => Err(Error::SerializationFailure),
    }
}

async fn append_event(
    tx: &Transaction<'_>,
    access: &Access,
    written: &UserPreferences,
    fields: &[PreferencesField],
) -> Result<()> {
    let change = Change {
        resource: written.name().to_string(),
        project: None,
        uid: Some(written.etag().uid()),
        before: None,
        after: None,
        changed_paths: fields.iter().map(|field| field.as_str()).collect(),
        details: Vec::new(),
    };
    audit::append(tx, access, &change).await
}

/// The preferences of `user` out of the rows that were found.
fn first_of(rows: &[Row], user: &UserId) -> Result<UserPreferences> {
    match rows.first() {
        Some(row) => from_row(row, user),
        None => Ok(UserPreferences::never_written(user.clone())),
    }
}

fn from_row(row: &Row, user: &UserId) -> Result<UserPreferences> {
    let home_dashboard: &str = row.try_get("home_dashboard")?;
    let timezone: String = row.try_get("timezone")?;
    let rows_per_page: i32 = row.try_get("rows_per_page")?;
    let JsonColumn(settings) = row.try_get("settings")?;
    Ok(UserPreferences {
        user: user.clone(),
        preferences: Preferences {
            home_dashboard: match home_dashboard {
                "" => None,
                name => Some(DashboardName::parse("home_dashboard", name).map_err(unreadable)?),
            },
            theme: Theme::parse("theme", row.try_get("theme")?).map_err(unreadable)?,
            timezone: Some(timezone).filter(|timezone| !timezone.is_empty()),
            rows_per_page: Some(rows_per_page).filter(|rows| *rows != 0),
            settings: Settings::trusted(settings),
        },
        written: Some(Written {
            uid: row.try_get("id")?,
            generation: row.try_get("generation")?,
            create_time: row.try_get("created_at")?,
            update_time: row.try_get("updated_at")?,
        }),
    })
}

/// The database's checks let no such value in.
fn unreadable(violation: Violation) -> Error {
    Error::internal(format!(
        "{} in the database: {}",
        violation.field, violation.description
    ))
}
