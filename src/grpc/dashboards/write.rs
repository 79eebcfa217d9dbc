//! The handlers that change something.

use tonic::Request;

use super::Dashboards;
use crate::domain::mutation::{PurgeProject, WriteOptions};
use crate::domain::name::{DashboardName, RevisionName, parse_project};
use crate::error::Result;
use crate::grpc::call::open;
use crate::grpc::convert::dashboard::present_written;
use crate::grpc::convert::mutation::{
    parse_apply, parse_create, parse_restore, parse_target, present_outcome, present_purged,
};
use crate::grpc::convert::update::parse_update;
use crate::grpc::proto;

impl Dashboards {
    pub(super) async fn create(
        &self,
        request: Request<proto::CreateDashboardRequest>,
    ) -> Result<proto::CreateDashboardResponse> {
        let (caller, message) = open(request)?;
        let project = parse_project("parent", &message.parent)?;
        let access = self.access.require(&caller, &project).await?;
        let create = parse_create(message, project, &self.limits)?;
        let warnings = create.content.spec.warnings().to_vec();
        let dashboard = self.store.create_dashboard(&access, create).await?;
        Ok(proto::CreateDashboardResponse {
            dashboard: Some(present_written(dashboard)),
            warnings,
        })
    }

    pub(super) async fn update(
        &self,
        request: Request<proto::UpdateDashboardRequest>,
    ) -> Result<proto::UpdateDashboardResponse> {
        let (caller, message) = open(request)?;
        let name = parse_nested_name(message.dashboard.as_ref())?;
        let access = self.access.require(&caller, &name).await?;
        let update = parse_update(message, name, &self.limits)?;
        let warnings = update.change.spec.as_ref().map(|spec| spec.warnings().to_vec());
        let dashboard = self.store.update_dashboard(&access, update).await?;
        Ok(proto::UpdateDashboardResponse {
            dashboard: Some(present_written(dashboard)),
            warnings: warnings.unwrap_or_default(),
        })
    }

    pub(super) async fn apply(
        &self,
        request: Request<proto::ApplyDashboardRequest>,
    ) -> Result<proto::ApplyDashboardResponse> {
        let (caller, message) = open(request)?;
        let name = parse_nested_name(message.dashboard.as_ref())?;
        let access = self.access.require(&caller, &name).await?;
        let apply = parse_apply(message, name, &self.limits)?;
        let warnings = apply.content.spec.warnings().to_vec();
        let (dashboard, outcome) = self.store.apply_dashboard(&access, apply).await?;
        Ok(proto::ApplyDashboardResponse {
            dashboard: Some(present_written(dashboard)),
            outcome: present_outcome(outcome).into(),
            warnings,
        })
    }

    pub(super) async fn delete(
        &self,
        request: Request<proto::DeleteDashboardRequest>,
    ) -> Result<proto::DeleteDashboardResponse> {
        let (caller, message) = open(request)?;
        let name = DashboardName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let target = parse_target(name, &message.etag, &message.request_id, message.validate_only)?;
        let dashboard = self.store.delete_dashboard(&access, target).await?;
        Ok(proto::DeleteDashboardResponse {
            dashboard: Some(present_written(dashboard)),
        })
    }

    pub(super) async fn undelete(
        &self,
        request: Request<proto::UndeleteDashboardRequest>,
    ) -> Result<proto::UndeleteDashboardResponse> {
        let (caller, message) = open(request)?;
        let name = DashboardName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let target = parse_target(name, &message.etag, &message.request_id, message.validate_only)?;
        let dashboard = self.store.undelete_dashboard(&access, target).await?;
        Ok(proto::UndeleteDashboardResponse {
            dashboard: Some(present_written(dashboard)),
        })
    }

    pub(super) async fn purge(
        &self,
        request: Request<proto::PurgeDashboardRequest>,
    ) -> Result<proto::PurgeDashboardResponse> {
        let (caller, message) = open(request)?;
        let name = DashboardName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let target = parse_target(name, &message.etag, &message.request_id, message.validate_only)?;
        self.store.purge_dashboard(&access, target).await?;
        Ok(proto::PurgeDashboardResponse {})
    }

    pub(super) async fn purge_all(
        &self,
        request: Request<proto::PurgeProjectRequest>,
    ) -> Result<proto::PurgeProjectResponse> {
        let (caller, message) = open(request)?;
        let project = parse_project("name", &message.name)?;
        let access = self.access.require(&caller, &project).await?;
        let options = WriteOptions::parse(&message.request_id, message.validate_only)?;
        let purge = PurgeProject { project, options };
        let purging = self.store.purge_project(&access, purge);
        let purged = self.access.change_grants(purging).await?;
        Ok(present_purged(purged))
    }

    pub(super) async fn restore_revision(
        &self,
        request: Request<proto::RestoreDashboardRevisionRequest>,
    ) -> Result<proto::RestoreDashboardRevisionResponse> {
        let (caller, message) = open(request)?;
        let revision = RevisionName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &revision).await?;
        let restore = parse_restore(message, revision)?;
        let dashboard = self.store.restore_dashboard_revision(&access, restore).await?;
        Ok(proto::RestoreDashboardRevisionResponse {
            dashboard: Some(present_written(dashboard)),
        })
    }
}

/// The name of a request that carries it in its dashboard.
fn parse_nested_name(dashboard: Option<&proto::Dashboard>) -> Result<DashboardName> {
    let name = dashboard.map_or("", |message| &message.name);
    Ok(DashboardName::parse("dashboard.name", name)?)
}
