//! The handlers that change something.
//!
//! A dashboard is authorised too, as for reading it; to forget one takes no more than being the user.

use tonic::Request;

use super::Preferences;
use crate::access::{Access, Permission};
use crate::domain::name::DashboardName;
use crate::domain::user::{PreferencesName, UserId};
use crate::error::Result;
use crate::grpc::call::open;
use crate::grpc::convert::preferences::{parse_dashboard_of_user, parse_update, present_preferences};
use crate::grpc::proto;

impl Preferences {
    pub(super) async fn update(
        &self,
        request: Request<proto::UpdatePreferencesRequest>,
    ) -> Result<proto::UpdatePreferencesResponse> {
        let (caller, message) = open(request)?;
        let given_name = message.preferences.as_ref().map_or("", |preferences| &preferences.name);
        let name = PreferencesName::parse("preferences.name", given_name, caller.user())?;
        let access = self.access.require(&caller, &name).await?;
        let update = parse_update(message, name)?;
        let preferences = self.store.update_preferences(&access, update).await?;
        Ok(proto::UpdatePreferencesResponse {
            preferences: Some(present_preferences(&preferences)),
        })
    }

    pub(super) async fn add(&self, request: Request<proto::AddFavoriteRequest>) -> Result<proto::AddFavoriteResponse> {
        let (caller, message) = open(request)?;
        let user = UserId::parse("parent", &message.parent, caller.user())?;
        let access = self.access.require(&caller, &user).await?;
        let add = parse_dashboard_of_user(user, &message.dashboard, &message.request_id, message.validate_only)?;
        let readable = self.require_readable(&access, &add.dashboard).await?;
        self.store.add_favorite(&access, &readable, add).await?;
        Ok(proto::AddFavoriteResponse {})
    }

    pub(super) async fn remove(
        &self,
        request: Request<proto::RemoveFavoriteRequest>,
    ) -> Result<proto::RemoveFavoriteResponse> {
        let (caller, message) = open(request)?;
        let user = UserId::parse("parent", &message.parent, caller.user())?;
        let access = self.access.require(&caller, &user).await?;
        let remove = parse_dashboard_of_user(user, &message.dashboard, &message.request_id, message.validate_only)?;
        self.store.remove_favorite(&access, remove).await?;
        Ok(proto::RemoveFavoriteResponse {})
    }

    pub(super) async fn record_view(
        &self,
        request: Request<proto::RecordDashboardViewRequest>,
    ) -> Result<proto::RecordDashboardViewResponse> {
        let (caller, message) = open(request)?;
        let user = UserId::parse("parent", &message.parent, caller.user())?;
        let access = self.access.require(&caller, &user).await?;
        let view = parse_dashboard_of_user(user, &message.dashboard, &message.request_id, message.validate_only)?;
        let readable = self.require_readable(&access, &view.dashboard).await?;
        self.store.record_dashboard_view(&access, &readable, &view).await?;
        Ok(proto::RecordDashboardViewResponse {})
    }

    /// Proves that the caller may read the dashboard, too.
    async fn require_readable(&self, own: &Access, dashboard: &DashboardName) -> Result<Access> {
        self.access
            .require_also(own, Permission::DashboardsGet, dashboard)
            .await
    }
}
