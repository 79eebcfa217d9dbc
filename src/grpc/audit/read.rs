//! ListAuditEvents, GetAuditEvent and ListAuditSeals.

use tonic::Request;

use super::AuditLog;
use crate::access::Scope;
use crate::domain::audit::ListAuditSeals;
use crate::domain::name::{AuditEventName, AuditParent, require_platform};
use crate::error::Result;
use crate::grpc::call::open;
use crate::grpc::convert::audit::{parse_list, parse_list_seals, present_event, present_seal};
use crate::grpc::proto;

impl AuditLog {
    pub(super) async fn list(
        &self,
        request: Request<proto::ListAuditEventsRequest>,
    ) -> Result<proto::ListAuditEventsResponse> {
        let (caller, message) = open(request)?;
        let parent = AuditParent::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &parent).await?;
        let query = parse_list(&message, parent)?;
        let page = self.store.list_audit_events(&access, &query).await?;
        self.store
            .record_audit_read(&access, &message.parent, message.filter.trim())
            .await?;
        Ok(proto::ListAuditEventsResponse {
            audit_events: page.items.into_iter().map(present_event).collect(),
            next_page_token: query.binding().next_token(page.next.as_ref()),
        })
    }

    pub(super) async fn get(
        &self,
        request: Request<proto::GetAuditEventRequest>,
    ) -> Result<proto::GetAuditEventResponse> {
        let (caller, message) = open(request)?;
        let name = AuditEventName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let event = self.store.get_audit_event(&access, name).await?;
        self.store.record_audit_read(&access, &message.name, "").await?;
        Ok(proto::GetAuditEventResponse {
            audit_event: Some(present_event(event)),
        })
    }

    pub(super) async fn list_seals(
        &self,
        request: Request<proto::ListAuditSealsRequest>,
    ) -> Result<proto::ListAuditSealsResponse> {
        let (caller, message) = open(request)?;
        require_platform("parent", &message.parent)?;
        let access = self.access.require(&caller, Scope::Platform).await?;
        let query = parse_list_seals(&message)?;
        let page = self.store.list_audit_seals(&access, &query).await?;
        self.store.record_audit_read(&access, &message.parent, "").await?;
        Ok(proto::ListAuditSealsResponse {
            audit_seals: page.items.into_iter().map(present_seal).collect(),
            next_page_token: ListAuditSeals::binding().next_token(page.next.as_ref()),
        })
    }
}
