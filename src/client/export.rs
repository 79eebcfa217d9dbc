//! ExportDashboards, as a client reads it.

use tonic::Streaming;

use super::{Client, ClientError};
use crate::domain::name::{DashboardName, Parent};
use crate::grpc::proto;

/// What is exported.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// Of which project.
    pub parent: Parent,
    /// Which dashboards, in the syntax of ListDashboards.
    pub filter: String,
}

/// The dashboards of an export.
#[derive(Debug)]
pub struct Exported(Streaming<proto::ExportDashboardsResponse>);

impl Client {
    /// Begins an export.
    ///
    /// # Errors
    /// What the service refuses it for.
    pub async fn export(&self, request: ExportRequest) -> Result<Exported, ClientError> {
        let message = proto::ExportDashboardsRequest {
            parent: request.parent.to_string(),
            filter: request.filter,
            format: proto::ResourceFormat::Json.into(),
        };
        let answers = self.dashboards().export_dashboards(message).await?.into_inner();
        Ok(Exported(answers))
    }
}

impl Exported {
    /// The next dashboard, its name and its JSON text; none at the end of an export that is whole.
    ///
    /// # Errors
    /// What ended it, or a name that is none: names become paths, so they are not believed.
    pub async fn next(&mut self) -> Result<Option<(DashboardName, String)>, ClientError> {
        let Some(answer) = self.0.message().await? else {
            return Ok(None);
        };
        let name = DashboardName::parse("name", &answer.name)
            .map_err(|violation| ClientError::Answer(format!("a dashboard whose name {}", violation.description)))?;
        Ok(Some((name, answer.text)))
    }
}
