//! PreferencesService: name → authorise → parse → call → present.

mod read;
mod write;

use tonic::{Request, Response, Status, async_trait};

use super::call::answer;
use crate::access::AccessControl;
use crate::grpc::proto::preferences_service_server::PreferencesService;
use crate::grpc::proto::{
    AddFavoriteRequest, AddFavoriteResponse, GetPreferencesRequest, GetPreferencesResponse, ListFavoritesRequest,
    ListFavoritesResponse, ListRecentDashboardsRequest, ListRecentDashboardsResponse, RecordDashboardViewRequest,
    RecordDashboardViewResponse, RemoveFavoriteRequest, RemoveFavoriteResponse, UpdatePreferencesRequest,
    UpdatePreferencesResponse,
};
use crate::store::Store;

/// The handlers of PreferencesService.
#[derive(Debug, Clone)]
pub struct Preferences {
    store: Store,
    access: AccessControl,
}

impl Preferences {
    /// Creates the service.
    pub fn new(store: Store, access: AccessControl) -> Self {
        Self { store, access }
    }
}

/// One line per RPC: each handler is a method of the same name in `read` or `write`.
#[async_trait]
impl PreferencesService for Preferences {
    async fn get_preferences(
        &self,
        request: Request<GetPreferencesRequest>,
    ) -> Result<Response<GetPreferencesResponse>, Status> {
        answer(self.get(request).await)
    }

    async fn update_preferences(
        &self,
        request: Request<UpdatePreferencesRequest>,
    ) -> Result<Response<UpdatePreferencesResponse>, Status> {
        answer(self.update(request).await)
    }

    async fn add_favorite(
        &self,
        request: Request<AddFavoriteRequest>,
    ) -> Result<Response<AddFavoriteResponse>, Status> {
        answer(self.add(request).await)
    }

    async fn remove_favorite(
        &self,
        request: Request<RemoveFavoriteRequest>,
    ) -> Result<Response<RemoveFavoriteResponse>, Status> {
        answer(self.remove(request).await)
    }

    async fn list_favorites(
        &self,
        request: Request<ListFavoritesRequest>,
    ) -> Result<Response<ListFavoritesResponse>, Status> {
        answer(self.favorites(request).await)
    }

    async fn record_dashboard_view(
        &self,
        request: Request<RecordDashboardViewRequest>,
    ) -> Result<Response<RecordDashboardViewResponse>, Status> {
        answer(self.record_view(request).await)
    }

    async fn list_recent_dashboards(
        &self,
        request: Request<ListRecentDashboardsRequest>,
    ) -> Result<Response<ListRecentDashboardsResponse>, Status> {
        answer(self.recent_dashboards(request).await)
    }
}
