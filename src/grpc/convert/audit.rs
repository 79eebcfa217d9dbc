//! Audit events and seals: what is asked for, and how they are presented.

use super::time::timestamp;
use crate::domain::audit::listing::{newest_first, parse_order};
use crate::domain::audit::seal::NotAHead;
use crate::domain::audit::{
    AuditResult, Head, ListAuditEvents, ListAuditSeals, ListedEvent, ListedSeal, Record, Report,
};
use crate::domain::digest::Digest;
use crate::domain::filter::AuditFilter;
use crate::domain::name::{AuditEventName, AuditParent, AuditSealName};
use crate::domain::page::PageSize;
use crate::domain::reason::Reason;
use crate::domain::violation::{Violation, Violations};
use crate::error::{Error, Result};
use crate::grpc::proto;

/// How many events of an export are read at once.
const PORTION: PageSize = PageSize::of(PageSize::MAX);

/// Parses all of a list request but its parent, which was authorised before.
pub fn parse_list(request: &proto::ListAuditEventsRequest, parent: AuditParent) -> Result<ListAuditEvents, Violations> {
    let mut wrong = Violations::default();
    let page_size = wrong.note(PageSize::parse("page_size", request.page_size));
    let filter = wrong.note(AuditFilter::parse("filter", &request.filter));
    let order_by = wrong.note(parse_order("order_by", &request.order_by));
    let (Some(page_size), Some(filter), Some(order_by)) = (page_size, filter, order_by) else {
        return Err(wrong);
    };
    let mut query = ListAuditEvents {
        parent,
        page_size,
        filter,
        order_by,
        after: None,
    };
    query.after = query.binding().parse_token("page_token", &request.page_token)?;
    Ok(query)
}

/// Parses all of an export request but its parent, which was authorised before.
pub fn parse_export(
    request: &proto::ExportAuditEventsRequest,
    parent: AuditParent,
) -> Result<ListAuditEvents, Violation> {
    Ok(ListAuditEvents {
        parent,
        page_size: PORTION,
        filter: AuditFilter::parse("filter", &request.filter)?,
        order_by: newest_first(),
        after: None,
    })
}

/// Parses all of a list of seals but its parent, which was authorised before.
pub fn parse_list_seals(request: &proto::ListAuditSealsRequest) -> Result<ListAuditSeals, Violations> {
    let mut wrong = Violations::default();
    let page_size = wrong.note(PageSize::parse("page_size", request.page_size));
    let after = wrong.note(ListAuditSeals::binding().parse_token("page_token", &request.page_token));
    match (page_size, after) {
        (Some(page_size), Some(after)) => Ok(ListAuditSeals { page_size, after }),
        _ => Err(wrong),
    }
}

/// Parses the head that a verification shall find; none where none was given.
pub fn parse_head(request: &proto::VerifyAuditLogRequest) -> Result<Option<Head>, Violation> {
    match request.expected_head.as_str() {
        "" => Ok(None),
        head => head
            .parse()
            .map(Some)
            .map_err(|error: NotAHead| Violation::new("expected_head", Reason::FieldInvalid, error.to_string())),
    }
}

/// Presents an event.
pub fn present_event(listed: ListedEvent) -> proto::AuditEvent {
    let ListedEvent { event, seal } = listed;
    let hex = |digest: Option<Digest>| digest.map_or_else(String::new, |digest| digest.to_string());
    proto::AuditEvent {
        name: AuditEventName { uid: event.id }.to_string(),
        time: Some(timestamp(event.event_time)),
        actor: Some(proto::AuditActor {
            subject: event.actor,
            groups: event.actor_groups,
            auth_method: event.auth_method,
        }),
        method: event.method,
        permission: event.permission,
        resource: event.resource,
        resource_uid: event.resource_uid.map_or_else(String::new, |uid| uid.to_string()),
        revision_before: event.revision_before,
        revision_after: event.revision_after,
        sha256_before: hex(event.sha256_before),
        sha256_after: hex(event.sha256_after),
        changed_paths: event.changed_paths,
        result: present_result(&event.result).into(),
        reason: event.reason.unwrap_or_default(),
        client_ip: event
            .client_ip
            .map_or_else(String::new, |address| present_address(&address)),
        user_agent: event.user_agent,
        correlation_id: event.correlation_id.to_string(),
        trace_id: event.trace_id.unwrap_or_default(),
        count: event.event_count,
        seal: seal.map_or_else(String::new, |number| AuditSealName { number }.to_string()),
        details: event.details,
    }
}

/// Presents a seal.
pub fn present_seal(listed: ListedSeal) -> proto::AuditSeal {
    let xid = |id: u64| id.try_into().unwrap_or(i64::MAX);
    proto::AuditSeal {
        name: listed.name.to_string(),
        number: listed.name.number,
        epoch: listed.epoch,
        month: listed.month.to_string(),
        from_xid: xid(listed.from_xid),
        to_xid: xid(listed.to_xid),
        to_seq: listed.to_seq,
        after_seq: listed.after_seq,
        last_seq: listed.last_seq,
        event_count: listed.event_count,
        previous_root: listed.previous_root.to_string(),
        root: listed.root.to_string(),
        seal_time: Some(timestamp(listed.sealed_at)),
        key_id: listed.signed.key_id,
        signature: listed.signed.signature.into(),
    }
}

/// Presents an event of an export, with its line.
///
/// # Errors
/// An event that can't be written as JSON, of which there is none.
pub fn present_exported(listed: ListedEvent) -> Result<proto::ExportAuditEventsResponse> {
    let event = Box::new(listed.event.clone());
    let record = match listed.seal {
        Some(_) => Record::Event(event),
        None => Record::Unsealed(event),
    };
    Ok(proto::ExportAuditEventsResponse {
        json_line: serde_json::to_string(&record).map_err(Error::internal)?,
        audit_event: Some(present_event(listed)),
    })
}

/// Presents how far a verification is.
pub fn present_progress(seals: usize, events: usize) -> proto::VerifyAuditLogResponse {
    let progress = proto::VerifyProgress {
        seals: seals.try_into().unwrap_or(i64::MAX),
        events: events.try_into().unwrap_or(i64::MAX),
    };
    proto::VerifyAuditLogResponse {
        content: Some(proto::verify_audit_log_response::Content::Progress(progress)),
    }
}

/// Presents what a verification found.
pub fn present_verdict(report: Report) -> proto::VerifyAuditLogResponse {
    let count = |number: u64| number.try_into().unwrap_or(i64::MAX);
    let verdict = proto::VerifyVerdict {
        intact: report.finding.is_none(),
        finding: report.finding.map_or_else(String::new, |finding| finding.to_string()),
        seals: count(report.seals),
        events: count(report.events),
        unsealed_events: count(report.unsealed),
        head: report.head.map_or_else(String::new, |head| head.to_string()),
        kept_from: report.kept_from.map_or_else(String::new, |month| month.to_string()),
        head_checked: report.is_head_checked,
    };
    proto::VerifyAuditLogResponse {
        content: Some(proto::verify_audit_log_response::Content::Verdict(verdict)),
    }
}

fn present_result(text: &str) -> proto::AuditResult {
    match AuditResult::parse(text) {
        Some(AuditResult::Success) => proto::AuditResult::Success,
        Some(AuditResult::Denied) => proto::AuditResult::Denied,
        Some(AuditResult::Failed) => proto::AuditResult::Failed,
        None => proto::AuditResult::Unspecified,
    }
}

/// An address as people write it, without the length of a prefix that is all of it.
fn present_address(text: &str) -> String {
    let whole = text.strip_suffix("/32").filter(|address| !address.contains(':'));
    whole.or_else(|| text.strip_suffix("/128")).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_a_prefix_that_says_nothing() {
        for (kept, shown) in [
            ("10.0.0.1/32", "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("::1/128", "::1"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(present_address(kept), shown);
        }
    }
}
