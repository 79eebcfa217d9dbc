//! The handlers that only read.

use tonic::Request;

use super::Preferences;
use crate::access::{Access, Permission, Scope};
use crate::domain::user::{PreferencesName, UserId};
use crate::error::Result;
use crate::grpc::call::open;
use crate::grpc::convert::preferences::{
    parse_list_favorites, parse_list_recents, present_favorite, present_preferences, present_recent,
};
use crate::grpc::proto;

impl Preferences {
    pub(super) async fn get(
        &self,
        request: Request<proto::GetPreferencesRequest>,
    ) -> Result<proto::GetPreferencesResponse> {
        let (caller, message) = open(request)?;
        let name = PreferencesName::parse("name", &message.name, caller.user())?;
        let access = self.access.require(&caller, &name).await?;
        let preferences = self.store.get_preferences(&access, &name.user).await?;
        Ok(proto::GetPreferencesResponse {
            preferences: Some(present_preferences(&preferences)),
        })
    }

    pub(super) async fn favorites(
        &self,
        request: Request<proto::ListFavoritesRequest>,
    ) -> Result<proto::ListFavoritesResponse> {
        let (caller, message) = open(request)?;
        let user = UserId::parse("parent", &message.parent, caller.user())?;
        let access = self.access.require(&caller, &user).await?;
        let readable = self.all_readable(&access).await?;
        let query = parse_list_favorites(&message, user)?;
        let page = self.store.list_favorites(&access, &readable, &query).await?;
        Ok(proto::ListFavoritesResponse {
            dashboards: page.items.into_iter().map(present_favorite).collect(),
            next_page_token: query.binding().next_token(page.next.as_ref()),
        })
    }

    pub(super) async fn recent_dashboards(
        &self,
        request: Request<proto::ListRecentDashboardsRequest>,
    ) -> Result<proto::ListRecentDashboardsResponse> {
        let (caller, message) = open(request)?;
        let user = UserId::parse("parent", &message.parent, caller.user())?;
        let access = self.access.require(&caller, &user).await?;
        let readable = self.all_readable(&access).await?;
        let query = parse_list_recents(&message, user)?;
        let page = self.store.list_recent_dashboards(&access, &readable, &query).await?;
        Ok(proto::ListRecentDashboardsResponse {
            recent_dashboards: page.items.into_iter().map(present_recent).collect(),
            next_page_token: query.binding().next_token(page.next.as_ref()),
        })
    }

    /// Proves which dashboards the caller may list: of others, nothing is shown.
    async fn all_readable(&self, own: &Access) -> Result<Access> {
        self.access
            .require_also(own, Permission::DashboardsList, Scope::AllProjects)
            .await
    }
}
