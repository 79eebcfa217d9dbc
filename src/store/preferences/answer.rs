//! What is kept of an answer that holds preferences: everything but the settings, which may be large.

use serde::{Deserialize, Serialize};

use crate::domain::name::DashboardName;
use crate::domain::preferences::{Preferences, Settings, Theme, UserPreferences, Written};
use crate::store::mutate::Answer;

/// Preferences as they were answered, with their version in place of the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptPreferences {
    home_dashboard: Option<DashboardName>,
    theme: Option<Theme>,
    timezone: Option<String>,
    rows_per_page: Option<i32>,
    written: Option<Written>,
}

impl KeptPreferences {
    /// The answer again; without the settings where the preferences, which are `current` now, were written since.
    pub fn restored(self, current: UserPreferences) -> UserPreferences {
        if current.written == self.written {
            return current;
        }
        UserPreferences {
            user: current.user,
            preferences: Preferences {
                home_dashboard: self.home_dashboard,
                theme: self.theme,
                timezone: self.timezone,
                rows_per_page: self.rows_per_page,
                settings: Settings::default(),
            },
            written: self.written,
        }
    }
}

impl Answer for UserPreferences {
    type Kept = KeptPreferences;

    fn kept(&self) -> KeptPreferences {
        let values = &self.preferences;
        KeptPreferences {
            home_dashboard: values.home_dashboard.clone(),
            theme: values.theme,
            timezone: values.timezone.clone(),
            rows_per_page: values.rows_per_page,
            written: self.written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::user::UserId;

    /// Answers outlive the release that kept them: a field may be added with a default, none renamed or removed.
    const KEPT: &str = r#"{"home_dashboard":"projects/p/dashboards/d","theme":"dark","timezone":"local","rows_per_page":25,
        "written":{"uid":"018f0000-0000-7000-8000-000000000001","generation":2,
            "create_time":"2026-01-01T00:00:00Z","update_time":"2026-01-02T00:00:00.5Z"}}"#;

    #[test]
    fn answers_of_this_release_are_read_back() {
        let kept: KeptPreferences = serde_json::from_str(KEPT).unwrap();
        let user = UserId::new("name", "ada").unwrap();
        let restored = kept.clone().restored(UserPreferences::never_written(user));
        assert_eq!(restored.kept(), kept);
        let written = serde_json::to_value(&kept).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(KEPT).unwrap());
    }
}
