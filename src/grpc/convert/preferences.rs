//! What users keep: requests, and preferences presented.

use std::mem;

use crate::domain::etag::EtagCondition;
use crate::domain::mutation::WriteOptions;
use crate::domain::name::DashboardName;
use crate::domain::page::PageSize;
use crate::domain::preferences::{
    DashboardOfUser, Favorite, ListFavorites, ListRecentDashboards, MAX_SETTINGS_BYTES, MAX_SETTINGS_LEVELS,
    Preferences, PreferencesChange, PreferencesField, RecentDashboard, Settings, Theme, UpdatePreferences,
    UserPreferences, parse_rows_per_page, parse_timezone,
};
use crate::domain::user::{PreferencesName, UserId};
use crate::domain::violation::{Violation, Violations, quoted};
use crate::grpc::proto;
use crate::grpc::structured::{MAX_LEVELS, WireStruct};

use super::dashboard::present_written;
use super::mask::{Mask, unknown_path, wrong_mask};
use super::time::timestamp;

/// What is taken can be read back.
const _: () = assert!(MAX_SETTINGS_LEVELS <= MAX_LEVELS);

/// The fields that the server sets; a mask may name them, to no effect.
const OUTPUT_ONLY: &[&str] = &["name", "etag", "create_time", "update_time"];

/// Parses all of an update request but its name, which was authorised before.
pub fn parse_update(
    request: proto::UpdatePreferencesRequest,
    name: PreferencesName,
) -> Result<UpdatePreferences, Violations> {
    let mut wrong = Violations::default();
    let message = request.preferences.unwrap_or_default();
    let etag = wrong.note(EtagCondition::parse_required("preferences.etag", &message.etag));
    let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
    let change = wrong.note(parse_change(message, &paths));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (etag, change, options) {
        (Some(etag), Some(change), Some(options)) => Ok(UpdatePreferences {
            name,
            etag,
            change,
            options,
        }),
        _ => Err(wrong),
    }
}

/// Takes from the message the fields that the mask selects.
fn parse_change(mut message: proto::UserPreferences, paths: &[String]) -> Result<PreferencesChange, Violations> {
    let fields = selected(paths, &message)?;
    let mut wrong = Violations::default();
    let mut values = Preferences::default();
    for field in &fields {
        let parsed = parse_field(*field, &mut message, &mut values);
        wrong.note(parsed);
    }
    wrong.or_ok(PreferencesChange { fields, values })
}

fn parse_field(
    field: PreferencesField,
    message: &mut proto::UserPreferences,
    values: &mut Preferences,
) -> Result<(), Violations> {
    let path = format!("preferences.{}", field.as_str());
    match field {
        PreferencesField::HomeDashboard => values.home_dashboard = parse_home(&path, &message.home_dashboard)?,
        PreferencesField::Theme => values.theme = Theme::parse(&path, &message.theme)?,
        PreferencesField::Timezone => values.timezone = parse_timezone(&path, mem::take(&mut message.timezone))?,
        PreferencesField::RowsPerPage => values.rows_per_page = parse_rows_per_page(&path, message.rows_per_page)?,
        PreferencesField::Settings => values.settings = parse_settings(&path, message.settings.take())?,
    }
    Ok(())
}

fn parse_home(field: &str, name: &str) -> Result<Option<DashboardName>, Violation> {
    match name {
        "" => Ok(None),
        name => DashboardName::parse(field, name).map(Some),
    }
}

fn parse_settings(field: &str, settings: Option<WireStruct>) -> Result<Settings, Violations> {
    let Some(tree) = settings else {
        return Ok(Settings::default());
    };
    let text = tree
        .to_json_within(MAX_SETTINGS_BYTES, MAX_SETTINGS_LEVELS)
        .map_err(|violation| violation.under(field))?;
    Ok(Settings::parse(field, text)?)
}

/// The fields that a mask selects: those that are populated without one, all with `*`.
fn selected(paths: &[String], message: &proto::UserPreferences) -> Result<Vec<PreferencesField>, Violation> {
    let all = PreferencesField::ALL.into_iter();
    let named = match Mask::of(paths)? {
        Mask::Absent => return Ok(all.filter(|field| is_populated(*field, message)).collect()),
        Mask::Everything => return Ok(all.collect()),
        Mask::Paths(named) => named,
    };
    for path in named {
        check_path(path)?;
    }
    let is_named = |field: &PreferencesField| named.iter().any(|path| path == field.as_str());
    Ok(all.filter(is_named).collect())
}

fn is_populated(field: PreferencesField, message: &proto::UserPreferences) -> bool {
    match field {
        PreferencesField::HomeDashboard => !message.home_dashboard.is_empty(),
        PreferencesField::Theme => !message.theme.is_empty(),
        PreferencesField::Timezone => !message.timezone.is_empty(),
        PreferencesField::RowsPerPage => message.rows_per_page != 0,
        PreferencesField::Settings => message.settings.is_some(),
    }
}

fn check_path(path: &str) -> Result<(), Violation> {
    let is_field = PreferencesField::ALL.iter().any(|field| field.as_str() == path);
    if is_field || OUTPUT_ONLY.contains(&path) {
        return Ok(());
    }
    if path.starts_with("settings.") {
        let description = format!("{}: the settings are replaced whole, by \"settings\"", quoted(path));
        return Err(wrong_mask(description));
    }
    let known = PreferencesField::ALL.map(PreferencesField::as_str).join(", ");
    Err(unknown_path(path, &format!("{known} and *")))
}

/// Parses all of a request about a dashboard that a user keeps, but the user, who was authorised before.
pub fn parse_dashboard_of_user(
    user: UserId,
    dashboard: &str,
    request_id: &str,
    validate_only: bool,
) -> Result<DashboardOfUser, Violations> {
    let mut wrong = Violations::default();
    let name = wrong.note(DashboardName::parse("dashboard", dashboard));
    let options = wrong.note(WriteOptions::parse(request_id, validate_only));
    match (name, options) {
        (Some(dashboard), Some(options)) => Ok(DashboardOfUser {
            user,
            dashboard,
            options,
        }),
        _ => Err(wrong),
    }
}

/// Parses all of a list request but its parent, which was authorised before.
pub fn parse_list_favorites(request: &proto::ListFavoritesRequest, user: UserId) -> Result<ListFavorites, Violation> {
    let mut query = ListFavorites {
        user,
        page_size: PageSize::parse("page_size", request.page_size)?,
        after: None,
    };
    query.after = query.binding().parse_token("page_token", &request.page_token)?;
    Ok(query)
}

/// Parses all of a list request but its parent, which was authorised before.
pub fn parse_list_recents(
    request: &proto::ListRecentDashboardsRequest,
    user: UserId,
) -> Result<ListRecentDashboards, Violation> {
    let mut query = ListRecentDashboards {
        user,
        page_size: PageSize::parse("page_size", request.page_size)?,
        after: None,
    };
    query.after = query.binding().parse_token("page_token", &request.page_token)?;
    Ok(query)
}

/// Presents preferences.
pub fn present_preferences(preferences: &UserPreferences) -> proto::UserPreferences {
    let UserPreferences {
        preferences: values,
        written,
        ..
    } = preferences;
    let home_dashboard = values.home_dashboard.as_ref().map(ToString::to_string);
    let settings = Some(&values.settings).filter(|settings| !settings.is_empty());
    proto::UserPreferences {
        name: preferences.name().to_string(),
        home_dashboard: home_dashboard.unwrap_or_default(),
        theme: values.theme.map_or("", Theme::as_str).to_owned(),
        timezone: values.timezone.clone().unwrap_or_default(),
        rows_per_page: values.rows_per_page.unwrap_or_default(),
        // They came as a tree that is no deeper: doubles carry all of their numbers.
        settings: settings.and_then(|settings| WireStruct::from_json(settings.text())),
        etag: preferences.etag().to_string(),
        create_time: written.map(|written| timestamp(written.create_time)),
        update_time: written.map(|written| timestamp(written.update_time)),
    }
}

/// Presents a favourite.
pub fn present_favorite(favorite: Favorite) -> proto::Dashboard {
    present_written(favorite.dashboard)
}

/// Presents a dashboard that a user looked at.
pub fn present_recent(recent: RecentDashboard) -> proto::RecentDashboard {
    proto::RecentDashboard {
        dashboard: Some(present_written(recent.dashboard)),
        view_time: Some(timestamp(recent.view_time)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(paths: &[&str]) -> Result<Vec<PreferencesField>, String> {
        let owned: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let message = proto::UserPreferences {
            theme: "dark".into(),
            settings: Some(WireStruct::default()),
            ..Default::default()
        };
        selected(&owned, &message).map_err(|violation| violation.description)
    }

    #[test]
    fn masks_select_fields() {
        use PreferencesField::{HomeDashboard, Settings, Theme, Timezone};
        assert_eq!(fields(&[]), Ok(vec![Theme, Settings]));
        assert_eq!(fields(&["*"]), Ok(PreferencesField::ALL.to_vec()));
        let repeated = ["timezone", "home_dashboard", "timezone", "etag", "update_time"];
        assert_eq!(fields(&repeated), Ok(vec![HomeDashboard, Timezone]));
        assert_eq!(fields(&["name"]), Ok(vec![]));
    }

    #[test]
    fn masks_that_contradict_themselves_or_name_nothing_are_refused() {
        for paths in [&["*", "theme"][..], &["settings.a"], &["theme."], &["favorites"], &[""]] {
            assert!(fields(paths).is_err(), "{paths:?}");
        }
        assert!(fields(&[&"x".repeat(100_000)]).unwrap_err().len() < 300);
    }
}
