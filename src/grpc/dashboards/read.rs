//! The handlers that only read.

use tokio::task::spawn_blocking;
use tonic::Request;

use super::Dashboards;
use crate::domain::diff::json_patch;
use crate::domain::name::{DashboardName, Parent, RevisionName};
use crate::error::{Error, Result};
use crate::grpc::call::open;
use crate::grpc::convert::dashboard::{present_dashboard, present_dashboards, present_revision, present_revisions};
use crate::grpc::convert::read::{parse_batch, parse_diff, parse_get, parse_list, parse_list_revisions};
use crate::grpc::convert::search::{parse_search, present_results};
use crate::grpc::convert::spec::SpecFormat;
use crate::grpc::proto;

impl Dashboards {
    pub(super) async fn get(
        &self,
        request: Request<proto::GetDashboardRequest>,
    ) -> Result<proto::GetDashboardResponse> {
        let (caller, message) = open(request)?;
        let name = DashboardName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let (view, format) = parse_get(&message)?;
        let dashboard = self.store.get_dashboard(&access, &name, view).await?;
        Ok(proto::GetDashboardResponse {
            dashboard: Some(present_dashboard(dashboard, format)),
        })
    }

    pub(super) async fn batch_get(
        &self,
        request: Request<proto::BatchGetDashboardsRequest>,
    ) -> Result<proto::BatchGetDashboardsResponse> {
        let (caller, message) = open(request)?;
        let parent = Parent::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &parent).await?;
        let (names, view, format) = parse_batch(message, &parent)?;
        let dashboards = self.store.batch_get_dashboards(&access, &names, view).await?;
        Ok(proto::BatchGetDashboardsResponse {
            dashboards: present_dashboards(dashboards, format),
        })
    }

    pub(super) async fn list(
        &self,
        request: Request<proto::ListDashboardsRequest>,
    ) -> Result<proto::ListDashboardsResponse> {
        let (caller, message) = open(request)?;
        let parent = Parent::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &parent).await?;
        let (query, format) = parse_list(&message, parent)?;
        let page = self.store.list_dashboards(&access, &query).await?;
        Ok(proto::ListDashboardsResponse {
            dashboards: present_dashboards(page.items, format),
            next_page_token: query.binding().next_token(page.next.as_ref()),
        })
    }

    pub(super) async fn search(
        &self,
        request: Request<proto::SearchDashboardsRequest>,
    ) -> Result<proto::SearchDashboardsResponse> {
        let (caller, message) = open(request)?;
        let parent = Parent::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &parent).await?;
        let search = parse_search(&message)?;
        let results = self.store.search_dashboards(&access, &search).await?;
        Ok(present_results(results))
    }

    pub(super) async fn list_revisions(
        &self,
        request: Request<proto::ListDashboardRevisionsRequest>,
    ) -> Result<proto::ListDashboardRevisionsResponse> {
        let (caller, message) = open(request)?;
        let name = DashboardName::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &name).await?;
        let (query, format) = parse_list_revisions(&message, name)?;
        let page = self.store.list_dashboard_revisions(&access, &query).await?;
        Ok(proto::ListDashboardRevisionsResponse {
            revisions: present_revisions(page.items, format),
            next_page_token: query.binding().next_token(page.next.as_ref()),
        })
    }

    pub(super) async fn get_revision(
        &self,
        request: Request<proto::GetDashboardRevisionRequest>,
    ) -> Result<proto::GetDashboardRevisionResponse> {
        let (caller, message) = open(request)?;
        let name = RevisionName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let format = SpecFormat::parse(message.spec_format)?;
        let revision = self.store.get_dashboard_revision(&access, &name).await?;
        Ok(proto::GetDashboardRevisionResponse {
            revision: Some(present_revision(revision, format)),
        })
    }

    pub(super) async fn diff_revisions(
        &self,
        request: Request<proto::DiffDashboardRevisionsRequest>,
    ) -> Result<proto::DiffDashboardRevisionsResponse> {
        let (caller, message) = open(request)?;
        let name = DashboardName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let range = parse_diff(&message)?;
        let (from, to) = self.store.diff_dashboard_revisions(&access, &name, range).await?;
        // Comparing never waits: on a thread that serves calls no deadline could end it, and other calls would stand still.
        let compared = spawn_blocking(move || json_patch(&from, &to)).await;
        let patch = compared.map_err(Error::internal)?.map_err(Error::internal)?;
        Ok(proto::DiffDashboardRevisionsResponse { json_patch: patch })
    }
}
