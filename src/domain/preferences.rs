//! What a user keeps: preferences, and in the modules below favourite and recent dashboards.

mod favorites;
mod recents;
mod settings;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

pub use favorites::{Favorite, ListFavorites, MAX_FAVORITES};
pub use recents::{ListRecentDashboards, RECENTS_KEPT, RecentDashboard};
pub use settings::{MAX_SETTINGS_BYTES, MAX_SETTINGS_LEVELS, Settings};

use super::digest::{Digest, Fingerprint};
use super::etag::{Etag, EtagCondition};
use super::mutation::WriteOptions;
use super::name::DashboardName;
use super::reason::Reason;
use super::timezone;
use super::user::{PreferencesName, UserId};
use super::violation::{Violation, quoted};

/// The most rows of a page of a table.
pub const MAX_ROWS_PER_PAGE: i32 = 500;

/// How a user interface shall look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// As the user's system is set.
    System,
}

impl Theme {
    /// Parses the text of the API; empty is none.
    ///
    /// # Errors
    /// `FIELD_INVALID` on `field`.
    pub fn parse(field: &str, text: &str) -> Result<Option<Self>, Violation> {
        match text {
            "" => Ok(None),
            "light" => Ok(Some(Self::Light)),
            "dark" => Ok(Some(Self::Dark)),
            "system" => Ok(Some(Self::System)),
            other => {
                let description = format!("{} is no theme: there are light, dark and system", quoted(other));
                Err(Violation::new(field, Reason::FieldInvalid, description))
            }
        }
    }

    /// The text of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::System => "system",
        }
    }
}

/// What a user can set. What is none is not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The dashboard to begin with; it need not exist.
    pub home_dashboard: Option<DashboardName>,
    /// How it shall look.
    pub theme: Option<Theme>,
    /// `local` or a name of the IANA database.
    pub timezone: Option<String>,
    /// 1 to [`MAX_ROWS_PER_PAGE`].
    pub rows_per_page: Option<i32>,
    /// Whatever else a user interface keeps.
    pub settings: Settings,
}

/// Parses a time zone; empty is none.
///
/// # Errors
/// `FIELD_INVALID` on `field`.
pub fn parse_timezone(field: &str, text: String) -> Result<Option<String>, Violation> {
    timezone::check(&text).map_err(|why| Violation::new(field, Reason::FieldInvalid, why))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Parses a number of rows; 0 is none.
///
/// # Errors
/// `FIELD_OUT_OF_RANGE` on `field`.
pub fn parse_rows_per_page(field: &str, rows: i32) -> Result<Option<i32>, Violation> {
    match rows {
        0 => Ok(None),
        1..=MAX_ROWS_PER_PAGE => Ok(Some(rows)),
        _ => {
            let description = format!("must be 1 to {MAX_ROWS_PER_PAGE}, or 0 to leave it to the user interface");
            Err(Violation::new(field, Reason::FieldOutOfRange, description))
        }
    }
}

/// A field of [`Preferences`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PreferencesField {
    /// [`Preferences::home_dashboard`].
    HomeDashboard,
    /// [`Preferences::theme`].
    Theme,
    /// [`Preferences::timezone`].
    Timezone,
    /// [`Preferences::rows_per_page`].
    RowsPerPage,
    /// [`Preferences::settings`].
    Settings,
}

impl PreferencesField {
    /// Every field, in the order of the API.
    pub const ALL: [Self; 5] = [
        Self::HomeDashboard,
        Self::Theme,
        Self::Timezone,
        Self::RowsPerPage,
        Self::Settings,
    ];

    /// The name in the API: a path of update masks, and of audit events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HomeDashboard => "home_dashboard",
            Self::Theme => "theme",
            Self::Timezone => "timezone",
            Self::RowsPerPage => "rows_per_page",
            Self::Settings => "settings",
        }
    }

    /// Copies the field.
    fn copy(self, from: &Preferences, to: &mut Preferences) {
        match self {
            Self::HomeDashboard => to.home_dashboard.clone_from(&from.home_dashboard),
            Self::Theme => to.theme = from.theme,
            Self::Timezone => to.timezone.clone_from(&from.timezone),
            Self::RowsPerPage => to.rows_per_page = from.rows_per_page,
            Self::Settings => to.settings.clone_from(&from.settings),
        }
    }

    fn differs(self, before: &Preferences, after: &Preferences) -> bool {
        match self {
            Self::HomeDashboard => before.home_dashboard != after.home_dashboard,
            Self::Theme => before.theme != after.theme,
            Self::Timezone => before.timezone != after.timezone,
            Self::RowsPerPage => before.rows_per_page != after.rows_per_page,
            Self::Settings => before.settings != after.settings,
        }
    }
}

impl Preferences {
    /// The fields that differ in `other`.
    pub fn fields_changed(&self, other: &Self) -> Vec<PreferencesField> {
        let fields = PreferencesField::ALL.into_iter();
        fields.filter(|field| field.differs(self, other)).collect()
    }
}

/// What an update takes of [`Preferences`]; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct PreferencesChange {
    /// The fields to take, each once.
    pub fields: Vec<PreferencesField>,
    /// Where they are taken from.
    pub values: Preferences,
}

impl PreferencesChange {
    /// The preferences after the change.
    pub fn applied_to(&self, current: &Preferences) -> Preferences {
        let mut changed = current.clone();
        for field in &self.fields {
            field.copy(&self.values, &mut changed);
        }
        changed
    }

    /// Adds the change to the fingerprint of a request.
    fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        let Preferences {
            home_dashboard,
            theme,
            timezone,
            rows_per_page,
            settings,
        } = self.applied_to(&Preferences::default());
        request
            .parts(self.fields.iter().map(|field| field.as_str()))
            .optional_part(home_dashboard.map(String::from))
            .optional_part(theme.map(Theme::as_str))
            .optional_part(timezone)
            .optional_part(rows_per_page.map(i32::to_be_bytes))
            .part(settings.text())
    }
}

/// The preferences of a user in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPreferences {
    /// Whose.
    pub user: UserId,
    /// What is set.
    pub preferences: Preferences,
    /// When and how often they were written; none when they never were.
    pub written: Option<Written>,
}

/// When and how often preferences were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Names them in etags.
    pub uid: Uuid,
    /// How often, from 1.
    pub generation: i64,
    /// When first.
    #[serde(with = "time::serde::rfc3339")]
    pub create_time: OffsetDateTime,
    /// When last.
    #[serde(with = "time::serde::rfc3339")]
    pub update_time: OffsetDateTime,
}

impl UserPreferences {
    /// Those of a user who never wrote any.
    pub fn never_written(user: UserId) -> Self {
        Self {
            user,
            preferences: Preferences::default(),
            written: None,
        }
    }

    /// The resource name.
    pub fn name(&self) -> PreferencesName {
        PreferencesName {
            user: self.user.clone(),
        }
    }

    /// The version; preferences that were never written have generation 0.
    pub fn etag(&self) -> Etag {
        match &self.written {
            Some(written) => Etag::new(written.uid, written.generation),
            None => Etag::new(Uuid::nil(), 0),
        }
    }
}

/// Asks for a change of preferences.
#[derive(Debug, Clone)]
pub struct UpdatePreferences {
    /// Whose.
    pub name: PreferencesName,
    /// In which version.
    pub etag: EtagCondition,
    /// What to change.
    pub change: PreferencesChange,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl UpdatePreferences {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        let named = Fingerprint::new()
            .part(self.name.to_string())
            .part(self.etag.to_string());
        self.change.fingerprint(named).finish()
    }
}

/// Asks for a dashboard to be a favourite of a user, or none any more, or to have been looked at.
#[derive(Debug, Clone)]
pub struct DashboardOfUser {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub dashboard: DashboardName,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl DashboardOfUser {
    /// What audit events call the favourite.
    pub fn favorite_name(&self) -> String {
        format!("{}/favorites/{}", self.user, self.dashboard)
    }

    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new()
            .part(self.user.to_string())
            .part(self.dashboard.to_string())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Preferences with every field set.
    fn full() -> Preferences {
        Preferences {
            home_dashboard: DashboardName::parse("name", "projects/p/dashboards/d").ok(),
            theme: Some(Theme::Dark),
            timezone: Some("Europe/Berlin".into()),
            rows_per_page: Some(25),
            settings: Settings::parse("settings", r#"{"a":1}"#.into()).unwrap(),
        }
    }

    #[test]
    fn a_change_takes_the_fields_that_it_names_and_no_other() {
        for field in PreferencesField::ALL {
            let (clear, set) = (Preferences::default(), full());
            let setting = PreferencesChange {
                fields: vec![field],
                values: set.clone(),
            };
            let clearing = PreferencesChange {
                fields: vec![field],
                values: clear.clone(),
            };
            assert_eq!(clear.fields_changed(&setting.applied_to(&clear)), [field]);
            assert_eq!(set.fields_changed(&clearing.applied_to(&set)), [field]);
            assert_eq!(setting.applied_to(&set), set);
        }
    }

    #[test]
    fn each_field_counts_in_the_fingerprint() {
        let digest = |fields: Vec<PreferencesField>, values| {
            let change = PreferencesChange { fields, values };
            change.fingerprint(Fingerprint::new()).finish()
        };
        for field in PreferencesField::ALL {
            let (set, cleared) = (digest(vec![field], full()), digest(vec![field], Preferences::default()));
            assert_ne!(set, cleared, "{field:?}");
            assert_ne!(cleared, digest(vec![], full()), "{field:?}");
        }
        // What is not taken is no content.
        assert_eq!(digest(vec![], full()), digest(vec![], Preferences::default()));
    }

    #[test]
    fn texts_and_numbers_out_of_their_sets_are_refused() {
        for theme in [Theme::Light, Theme::Dark, Theme::System] {
            assert_eq!(Theme::parse("theme", theme.as_str()), Ok(Some(theme)));
        }
        assert_eq!(Theme::parse("theme", ""), Ok(None));
        assert!(Theme::parse("theme", "Dark").is_err());
        assert_eq!(parse_timezone("timezone", String::new()), Ok(None));
        assert_eq!(parse_timezone("timezone", "local".into()), Ok(Some("local".into())));
        assert!(parse_timezone("timezone", "europe/berlin".into()).is_err());
        for (rows, is_taken) in [(-1, false), (0, true), (1, true), (500, true), (501, false)] {
            assert_eq!(parse_rows_per_page("rows_per_page", rows).is_ok(), is_taken, "{rows}");
        }
    }
}
