//! Grants: requests, and grants presented.

use crate::domain::access_grant::{AccessGrant, GrantAccess, ListAccessGrants, RevokeAccess, check_role};
use crate::domain::mutation::WriteOptions;
use crate::domain::name::{AccessGrantName, GrantParent};
use crate::domain::page::PageSize;
use crate::domain::reason::Reason;
use crate::domain::role::Role;
use crate::domain::subject::Subject;
use crate::domain::violation::{Violation, Violations};
use crate::grpc::proto;

use super::time::timestamp;

/// Parses all of a request for a grant but its parent, which was authorised before.
pub fn parse_grant(request: proto::GrantAccessRequest, parent: GrantParent) -> Result<GrantAccess, Violations> {
    let mut wrong = Violations::default();
    let message = request.access_grant.unwrap_or_default();
    let subject = wrong.note(Subject::parse("access_grant.subject", &message.subject));
    let role = wrong.note(parse_role("access_grant.role", message.role, &parent));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (subject, role, options) {
        (Some(subject), Some(role), Some(options)) => Ok(GrantAccess {
            parent,
            subject,
            role,
            options,
        }),
        _ => Err(wrong),
    }
}

fn parse_role(field: &str, number: i32, parent: &GrantParent) -> Result<Role, Violation> {
    let role = match proto::Role::try_from(number) {
        Ok(proto::Role::Unspecified) => return Err(Violation::new(field, Reason::FieldRequired, "must be set")),
        Ok(proto::Role::Viewer) => Role::Viewer,
        Ok(proto::Role::Editor) => Role::Editor,
        Ok(proto::Role::Admin) => Role::Admin,
        Ok(proto::Role::Auditor) => Role::Auditor,
        Ok(proto::Role::Gateway) => Role::Gateway,
        Ok(proto::Role::PlatformAdmin) => Role::PlatformAdmin,
        Err(_) => {
            let description = format!("{number} is no role that this server knows");
            return Err(Violation::new(field, Reason::EnumUnknown, description));
        }
    };
    check_role(field, role, parent)
}

/// Parses all of a list request but its parent, which was authorised before.
pub fn parse_list(
    request: &proto::ListAccessGrantsRequest,
    parent: GrantParent,
) -> Result<ListAccessGrants, Violations> {
    let page_size = PageSize::parse("page_size", request.page_size)?;
    let mut query = ListAccessGrants {
        parent,
        page_size,
        after: None,
    };
    query.after = query.binding().parse_token("page_token", &request.page_token)?;
    Ok(query)
}

/// Parses all of a request for a revocation but its name, whose parent was authorised before.
pub fn parse_revoke(
    request: &proto::RevokeAccessRequest,
    name: AccessGrantName,
    may_be_last_admin: bool,
) -> Result<RevokeAccess, Violation> {
    let options = WriteOptions::parse(&request.request_id, request.validate_only)?;
    Ok(RevokeAccess {
        name,
        may_be_last_admin,
        options,
    })
}

/// Presents a grant.
pub fn present_grant(grant: AccessGrant) -> proto::AccessGrant {
    let etag = grant.etag().to_string();
    proto::AccessGrant {
        name: grant.name.to_string(),
        resource_uid: grant.resource_uid.map(|uid| uid.to_string()).unwrap_or_default(),
        subject: grant.subject.into(),
        role: present_role(grant.role).into(),
        created_by: grant.created_by,
        create_time: Some(timestamp(grant.create_time)),
        etag,
    }
}

fn present_role(role: Role) -> proto::Role {
    match role {
        Role::Viewer => proto::Role::Viewer,
        Role::Editor => proto::Role::Editor,
        Role::Admin => proto::Role::Admin,
        Role::Auditor => proto::Role::Auditor,
        Role::Gateway => proto::Role::Gateway,
        Role::PlatformAdmin => proto::Role::PlatformAdmin,
    }
}
