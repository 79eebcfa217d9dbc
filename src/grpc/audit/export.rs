//! ExportAuditEvents.

use tonic::{Request, Status};

use super::AuditLog;
use crate::domain::name::AuditParent;
use crate::error::Result;
use crate::grpc::answers::{AnswerSink, Answers, EXPORT};
use crate::grpc::call::open;
use crate::grpc::convert::audit::{parse_export, present_exported};
use crate::grpc::proto;
use crate::store::AuditExport;

/// The answers of an export.
pub type ExportedEvents = Answers<proto::ExportAuditEventsResponse>;

impl AuditLog {
    pub(super) async fn export(&self, request: Request<proto::ExportAuditEventsRequest>) -> Result<ExportedEvents> {
        let (caller, message) = open(request)?;
        let parent = AuditParent::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &parent).await?;
        let query = parse_export(&message, parent)?;
        self.store
            .record_audit_read(&access, &message.parent, message.filter.trim())
            .await?;
        let export = self.store.begin_audit_export(&access, query).await?;
        Ok(Answers::within(self.streams, EXPORT, move |sink| {
            give_out(export, sink)
        }))
    }
}

/// Gives all events out. Ended before its time, it takes the transaction with it.
async fn give_out(mut export: AuditExport, sink: AnswerSink<proto::ExportAuditEventsResponse>) -> Result<(), Status> {
    while let Some(portion) = export.next_portion().await? {
        for event in portion {
            sink.send(present_exported(event)?).await?;
        }
    }
    export.end().await?;
    Ok(())
}
