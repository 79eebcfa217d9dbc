//! ExportDashboards.

use tonic::{Request, Status};

use super::Dashboards;
use crate::domain::name::Parent;
use crate::error::Result;
use crate::grpc::answers::{AnswerSink, Answers, EXPORT};
use crate::grpc::call::open;
use crate::grpc::convert::export::{ResourceFormat, parse_export, present_exported};
use crate::grpc::proto;
use crate::store::DashboardExport;

/// The answers of an export.
pub type Exported = Answers<proto::ExportDashboardsResponse>;

impl Dashboards {
    pub(super) async fn export(&self, request: Request<proto::ExportDashboardsRequest>) -> Result<Exported> {
        let (caller, message) = open(request)?;
        let parent = Parent::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &parent).await?;
        let (filter, format) = parse_export(&message)?;
        let export = self.store.begin_export(&access, parent, filter).await?;
        Ok(Answers::within(self.streams, EXPORT, move |sink| {
            give_out(export, format, sink)
        }))
    }
}

/// Gives all dashboards out. Ended before its time, it takes the transaction with it.
async fn give_out(
    mut export: DashboardExport,
    format: ResourceFormat,
    sink: AnswerSink<proto::ExportDashboardsResponse>,
) -> Result<(), Status> {
    while let Some(portion) = export.next_portion().await? {
        for dashboard in &portion {
            sink.send(present_exported(dashboard, format)?).await?;
        }
    }
    export.end().await?;
    Ok(())
}
