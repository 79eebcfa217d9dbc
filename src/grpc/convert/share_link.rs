//! Share links: requests, and links presented.

use std::time::Duration;

use crate::domain::etag::EtagCondition;
use crate::domain::filter::ShareLinkFilter;
use crate::domain::mutation::WriteOptions;
use crate::domain::name::{DashboardName, ShareLinkName};
use crate::domain::order_by::OrderBy;
use crate::domain::page::PageSize;
use crate::domain::reason::Reason;
use crate::domain::share_link::{
    AllowedNetworks, CreateShareLink, Expiry, ListShareLinks, RevokeShareLink, RevokeShareLinks, ShareLimits,
    ShareLink, ShareLinkChange, ShareLinkState, SharedDashboard, UpdateShareLink, parse_max_uses, parse_note,
    parse_pinned_revision,
};
use crate::domain::violation::{Violation, Violations};
use crate::grpc::proto;
use crate::grpc::proto::share_link::Expiry as ExpiryMessage;

use super::dashboard::present_labels;
use super::mask::{Mask, unknown_path};
use super::spec::{SpecFormat, json_spec, present_specs};
use super::time::{parse_time, timestamp};

/// The fields that an update can change, by the names that a mask has for them.
const FIELDS: [&str; 4] = ["expire_time", "max_uses", "allowed_cidrs", "note"];

/// The field that the creation sets for good: an update may say it again.
const PINNED_REVISION: &str = "pinned_revision";

/// The fields that the server sets; a mask may name them, to no effect.
const OUTPUT_ONLY: &[&str] = &[
    "name",
    "dashboard_uid",
    "use_count",
    "created_by",
    "create_time",
    "last_use_time",
    "revoke_time",
    "revoked_by",
    "state",
    "etag",
];

/// Parses all of a create request but its parent, which was authorised before.
pub fn parse_create(
    request: proto::CreateShareLinkRequest,
    dashboard: DashboardName,
    limits: ShareLimits,
) -> Result<CreateShareLink, Violations> {
    let mut wrong = Violations::default();
    let message = request.share_link.unwrap_or_default();
    let pinned = parse_pinned_revision("share_link.pinned_revision", message.pinned_revision);
    let pinned_revision = wrong.note(pinned);
    let expiry = match message.expiry {
        Some(given) => wrong.note(parse_expiry(&given, Some(&limits))),
        None => Some(Expiry::default_within(&limits)),
    };
    let max_uses = wrong.note(parse_max_uses("share_link.max_uses", message.max_uses));
    let networks = AllowedNetworks::parse("share_link.allowed_cidrs", &message.allowed_cidrs);
    let allowed_networks = wrong.note(networks);
    let note = wrong.note(parse_note("share_link.note", message.note));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (pinned_revision, expiry, max_uses, allowed_networks, note, options) {
        (Some(pinned_revision), Some(expiry), Some(max_uses), Some(allowed_networks), Some(note), Some(options)) => {
            Ok(CreateShareLink {
                dashboard,
                pinned_revision,
                expiry,
                max_uses,
                allowed_networks,
                note,
                limits,
                options,
            })
        }
        _ => Err(wrong),
    }
}

/// Parses all of an update request but its name, which was authorised before.
pub fn parse_update(
    request: proto::UpdateShareLinkRequest,
    name: ShareLinkName,
) -> Result<UpdateShareLink, Violations> {
    let mut wrong = Violations::default();
    let message = request.share_link.unwrap_or_default();
    let etag = wrong.note(EtagCondition::parse_required("share_link.etag", &message.etag));
    let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
    let change = wrong.note(parse_change(message, &paths));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (etag, change, options) {
        (Some(etag), Some(change), Some(options)) => Ok(UpdateShareLink {
            name,
            etag,
            change,
            options,
        }),
        _ => Err(wrong),
    }
}

/// Takes from the message the fields that the mask selects.
fn parse_change(message: proto::ShareLink, paths: &[String]) -> Result<ShareLinkChange, Violations> {
    let selected = selected(paths, &message)?;
    let mut wrong = Violations::default();
    let mut change = ShareLinkChange::default();
    if selected.contains(&PINNED_REVISION) {
        change.pinned_revision = Some(message.pinned_revision);
    }
    if selected.contains(&"expire_time") {
        change.expiry = wrong.note(parse_required_expiry(message.expiry));
    }
    if selected.contains(&"max_uses") {
        change.max_uses = wrong.note(parse_max_uses("share_link.max_uses", message.max_uses));
    }
    if selected.contains(&"allowed_cidrs") {
        let networks = AllowedNetworks::parse("share_link.allowed_cidrs", &message.allowed_cidrs);
        change.allowed_networks = wrong.note(networks);
    }
    if selected.contains(&"note") {
        change.note = wrong.note(parse_note("share_link.note", message.note));
    }
    wrong.or_ok(change)
}

/// The fields that a mask selects: those that are populated without one, all with `*`. That takes the pinned revision only where it is
/// populated: it replaces what can be changed.
fn selected(paths: &[String], message: &proto::ShareLink) -> Result<Vec<&'static str>, Violation> {
    let fields = FIELDS.into_iter().chain([PINNED_REVISION]);
    let written = match Mask::of(paths)? {
        Mask::Absent => return Ok(fields.filter(|field| is_populated(field, message)).collect()),
        Mask::Everything => {
            let is_taken = |field: &&str| *field != PINNED_REVISION || is_populated(field, message);
            return Ok(fields.filter(is_taken).collect());
        }
        Mask::Paths(written) => written,
    };
    let one_name = |path: &'_ String| if path == "ttl" { "expire_time" } else { path }.to_owned();
    let named: Vec<String> = written.iter().map(one_name).collect();
    for path in &named {
        let is_known = fields.clone().any(|field| field == path) || OUTPUT_ONLY.contains(&path.as_str());
        if !is_known {
            return Err(unknown_path(path, &format!("{}, ttl and *", FIELDS.join(", "))));
        }
    }
    Ok(fields.filter(|field| named.iter().any(|path| path == field)).collect())
}

fn is_populated(field: &str, message: &proto::ShareLink) -> bool {
    match field {
        "expire_time" => message.expiry.is_some(),
        "max_uses" => message.max_uses.is_some(),
        "allowed_cidrs" => !message.allowed_cidrs.is_empty(),
        "note" => !message.note.is_empty(),
        PINNED_REVISION => message.pinned_revision.is_some(),
        _ => false,
    }
}

fn parse_required_expiry(expiry: Option<ExpiryMessage>) -> Result<Expiry, Violation> {
    let required = || {
        let description = "must be set, or ttl: every link has an end";
        Violation::new("share_link.expire_time", Reason::FieldRequired, description)
    };
    parse_expiry(&expiry.ok_or_else(required)?, None)
}

/// Parses an end; `limits` are those of a new link.
fn parse_expiry(expiry: &ExpiryMessage, limits: Option<&ShareLimits>) -> Result<Expiry, Violation> {
    match expiry {
        ExpiryMessage::ExpireTime(time) => parse_time("share_link.expire_time", time).map(Expiry::At),
        ExpiryMessage::Ttl(ttl) => {
            // What is below zero is as much out of range as zero is. The conversion of prost overflows at the least there is.
            let parts = u64::try_from(ttl.seconds).ok().zip(u32::try_from(ttl.nanos).ok());
            let life = parts.map_or(Duration::ZERO, |(seconds, nanos)| Duration::new(seconds, nanos));
            Expiry::after("share_link.ttl", life, limits)
        }
    }
}

/// Parses all of a revocation but its name, whose dashboard was authorised before.
pub fn parse_revoke(
    request: &proto::RevokeShareLinkRequest,
    name: ShareLinkName,
) -> Result<RevokeShareLink, Violation> {
    let options = WriteOptions::parse(&request.request_id, request.validate_only)?;
    Ok(RevokeShareLink { name, options })
}

/// Parses all of a revocation but the dashboard, which was authorised before.
pub fn parse_revoke_all(
    request: &proto::RevokeDashboardShareLinksRequest,
    dashboard: DashboardName,
) -> Result<RevokeShareLinks, Violation> {
    let options = WriteOptions::parse(&request.request_id, request.validate_only)?;
    Ok(RevokeShareLinks { dashboard, options })
}

/// Parses all of a list request but its parent, which was authorised before.
pub fn parse_list(
    request: &proto::ListShareLinksRequest,
    dashboard: DashboardName,
) -> Result<ListShareLinks, Violations> {
    let mut wrong = Violations::default();
    let page_size = wrong.note(PageSize::parse("page_size", request.page_size));
    let filter = wrong.note(ShareLinkFilter::parse("filter", &request.filter));
    let order_by = wrong.note(OrderBy::parse("order_by", &request.order_by));
    let (Some(page_size), Some(filter), Some(order_by)) = (page_size, filter, order_by) else {
        return Err(wrong);
    };
    let mut query = ListShareLinks {
        dashboard,
        page_size,
        filter,
        order_by,
        after: None,
    };
    query.after = query.binding().parse_token("page_token", &request.page_token)?;
    Ok(query)
}

/// Presents a link.
pub fn present_link(link: ShareLink) -> proto::ShareLink {
    let etag = link.etag().to_string();
    proto::ShareLink {
        name: link.name.to_string(),
        dashboard_uid: link.dashboard_uid.to_string(),
        pinned_revision: link.pinned_revision,
        expiry: Some(ExpiryMessage::ExpireTime(timestamp(link.expire_time))),
        max_uses: link.max_uses,
        use_count: link.use_count,
        allowed_cidrs: link.allowed_networks.into(),
        note: link.note,
        created_by: link.created_by,
        create_time: Some(timestamp(link.create_time)),
        last_use_time: link.last_use_time.map(timestamp),
        revoke_time: link.revoke_time.map(timestamp),
        revoked_by: link.revoked_by.unwrap_or_default(),
        state: present_state(link.state).into(),
        etag,
    }
}

fn present_state(state: ShareLinkState) -> proto::ShareLinkState {
    match state {
        ShareLinkState::Active => proto::ShareLinkState::Active,
        ShareLinkState::Expired => proto::ShareLinkState::Expired,
        ShareLinkState::Exhausted => proto::ShareLinkState::Exhausted,
        ShareLinkState::Revoked => proto::ShareLinkState::Revoked,
    }
}

/// Presents what a link shows.
pub fn present_shared(shared: SharedDashboard, format: SpecFormat) -> proto::ResolveShareLinkResponse {
    // Documents are far smaller than 2 GiB.
    let spec_size_bytes = i32::try_from(shared.spec.text.len()).unwrap_or(i32::MAX);
    let dashboard = proto::Dashboard {
        name: shared.name.to_string(),
        uid: shared.uid.to_string(),
        display_name: shared.display_name,
        description: shared.description,
        tags: shared.tags.as_slice().to_vec(),
        labels: present_labels(&shared.labels),
        spec_sha256: shared.spec.sha256.to_string(),
        spec_size_bytes,
        spec: Some(json_spec(shared.spec.text)),
        state: proto::DashboardState::Active.into(),
        revision: shared.revision,
        create_time: Some(timestamp(shared.create_time)),
        update_time: Some(timestamp(shared.update_time)),
        ..Default::default()
    };
    let mut dashboards = [dashboard];
    present_specs(&mut dashboards, format, |message| &mut message.spec);
    let [dashboard] = dashboards;
    proto::ResolveShareLinkResponse {
        dashboard: Some(dashboard),
        redacted_paths: shared.spec.redacted_paths,
        share_link_name: shared.link.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected_by(paths: &[&str]) -> Result<Vec<&'static str>, String> {
        let owned: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let message = proto::ShareLink {
            note: "n".into(),
            max_uses: Some(0),
            ..Default::default()
        };
        selected(&owned, &message).map_err(|violation| violation.description)
    }

    #[test]
    fn masks_select_fields() {
        assert_eq!(selected_by(&[]), Ok(vec!["max_uses", "note"]));
        assert_eq!(selected_by(&["*"]), Ok(FIELDS.into()));
        assert_eq!(selected_by(&["ttl", "etag", "expire_time"]), Ok(vec!["expire_time"]));
        assert_eq!(selected_by(&["pinned_revision"]), Ok(vec!["pinned_revision"]));
    }

    #[test]
    fn masks_that_contradict_themselves_or_name_nothing_are_refused() {
        for paths in [&["*", "note"][..], &["token"], &[""], &["allowed_cidrs.x"]] {
            assert!(selected_by(paths).is_err(), "{paths:?}");
        }
    }
}
