//! The fields of audit events that a filter may name, and what each means.
//!
//! | field | operators | meaning |
//! |---|---|---|
//! | `actor` | `=` `!=` | who: `user:ada`, `system:dashboard-store`, or `anonymous` where authentication failed |
//! | `method` | `=` `!=` | the RPC by its full name, `perses.dashboards.v1.DashboardService/GetDashboard` |
//! | `permission` | `=` `!=` | what was asked for: `dashboards.update` |
//! | `project` | `=` `!=` `:` | the id of the project; `project:*` asks whether the event is about one |
//! | `resource` | `=` `!=` | the resource name |
//! | `time` | `=` `!=` `<` `<=` `>` `>=` | RFC 3339, compared to the microsecond |
//! | `result` | `=` `!=` | `SUCCESS`, `DENIED` or `FAILED` |
//! | `reason` | `=` `!=` `:` | why it was denied or failed: `ETAG_MISMATCH`; `reason:*` asks whether there is one |
//! | `client_ip` | `=` `!=` `:` | an address; `:` takes a range too, `client_ip:10.0.0.0/8` |
//! | `correlation_id` | `=` `!=` | the id of the call, as in `x-request-id` |
//! | `details.KEY` | `=` `!=` `:` | a text or a number of `details`; `details.KEY:*` and `details:KEY` ask whether it is set |
//!
//! Fields of other resources do not belong here.

use std::net::IpAddr;

use time::OffsetDateTime;
use uuid::Uuid;

use super::syntax::{Comparison, Expr, Operator, Value};
use super::values::{
    TIME_OPERATORS, TimeOrder, bad_value, check_operator, non_empty, text, time, unknown_field, with_sign,
};
use super::{Meaning, Problem};
use crate::domain::audit::AuditResult;
use crate::domain::violation::quoted;

/// What one event has to fulfil. Each is true or false and never unknown, so that its negation finds all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// This subject acted; not empty.
    ActorIs(String),
    /// This RPC was called; not empty.
    MethodIs(String),
    /// This permission was asked for; not empty.
    PermissionIs(String),
    /// It is about the project with this id; not empty.
    ProjectIs(String),
    /// It is about a project.
    HasProject,
    /// It is about the resource of this name; not empty.
    ResourceIs(String),
    /// When, against a time in UTC of whole microseconds.
    Time(TimeOrder, OffsetDateTime),
    /// How it ended.
    ResultIs(AuditResult),
    /// Why it was denied or failed; not empty.
    ReasonIs(String),
    /// It was denied or failed.
    HasReason,
    /// The caller's address is in this range.
    ClientIpIn(AddressRange),
    /// It belongs to this call.
    CorrelationIdIs(Uuid),
    /// `details` has this key with this value, as a text or as a number.
    DetailIs {
        /// The key; not empty.
        key: String,
        /// The value as text.
        value: String,
    },
    /// `details` has this key.
    HasDetail {
        /// The key; not empty.
        key: String,
    },
}

/// The addresses whose first bits are those of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    /// The address.
    pub address: IpAddr,
    /// How many bits: up to 32, or 128 of an IPv6 address.
    pub prefix: u8,
}

/// The fields that a filter may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field<'a> {
    Actor,
    Method,
    Permission,
    Project,
    Resource,
    Time,
    Result,
    Reason,
    ClientIp,
    CorrelationId,
    Details,
    Detail(&'a str),
}

/// The fields in words, for whoever named another one.
const FIELDS: &str =
    "actor, method, permission, project, resource, time, result, reason, client_ip, correlation_id and details.KEY";

impl<'a> Field<'a> {
    fn parse(comparison: &'a Comparison) -> Result<Self, Problem> {
        let path: Vec<&str> = comparison.path.iter().map(String::as_str).collect();
        let problem = |description: String| Err(Problem::new(comparison.path_offset, description));
        match path.as_slice() {
            ["actor"] => Ok(Self::Actor),
            ["method"] => Ok(Self::Method),
            ["permission"] => Ok(Self::Permission),
            ["project"] => Ok(Self::Project),
            ["resource"] => Ok(Self::Resource),
            ["time"] => Ok(Self::Time),
            ["result"] => Ok(Self::Result),
            ["reason"] => Ok(Self::Reason),
            ["client_ip"] => Ok(Self::ClientIp),
            ["correlation_id"] => Ok(Self::CorrelationId),
            ["details"] => Ok(Self::Details),
            ["details", ""] => problem("the key of a detail is not empty".into()),
            ["details", key] => Ok(Self::Detail(key)),
            _ => Err(unknown_field(comparison, FIELDS)),
        }
    }

    fn operators(self) -> &'static [Operator] {
        use Operator::{Equal, Has, NotEqual};
        match self {
            Self::Actor | Self::Method | Self::Permission | Self::Resource | Self::Result | Self::CorrelationId => {
                &[Equal, NotEqual]
            }
            Self::Project | Self::Reason | Self::ClientIp | Self::Detail(_) => &[Equal, NotEqual, Has],
            Self::Details => &[Has],
            Self::Time => TIME_OPERATORS,
        }
    }
}

impl Meaning for Term {
    fn of(comparison: Comparison) -> Result<Expr<Self>, Problem> {
        let field = Field::parse(&comparison)?;
        check_operator(&comparison, field.operators())?;
        Ok(with_sign(comparison.operator, positive_term(field, &comparison)?))
    }
}

/// The term without its negation: `!=` is read as `=`.
fn positive_term(field: Field<'_>, comparison: &Comparison) -> Result<Term, Problem> {
    let anything = comparison.operator == Operator::Has && comparison.value == Value::Anything;
    match field {
        Field::Actor => non_empty(comparison).map(Term::ActorIs),
        Field::Method => non_empty(comparison).map(Term::MethodIs),
        Field::Permission => non_empty(comparison).map(Term::PermissionIs),
        Field::Project if anything => Ok(Term::HasProject),
        Field::Project => non_empty(comparison).map(Term::ProjectIs),
        Field::Resource => non_empty(comparison).map(Term::ResourceIs),
        Field::Time => time(comparison).map(|(order, time)| Term::Time(order, time)),
        Field::Result => result(comparison).map(Term::ResultIs),
        Field::Reason if anything => Ok(Term::HasReason),
        Field::Reason => non_empty(comparison).map(Term::ReasonIs),
        Field::ClientIp => addresses(comparison).map(Term::ClientIpIn),
        Field::CorrelationId => correlation_id(comparison).map(Term::CorrelationIdIs),
        Field::Details => non_empty(comparison).map(|key| Term::HasDetail { key }),
        Field::Detail(key) if anything => Ok(Term::HasDetail { key: key.to_owned() }),
        Field::Detail(key) => text(comparison).map(|value| Term::DetailIs {
            key: key.to_owned(),
            value: value.to_owned(),
        }),
    }
}

fn result(comparison: &Comparison) -> Result<AuditResult, Problem> {
    let written = text(comparison)?;
    // The long form is what an answer shows.
    let short = written.strip_prefix("AUDIT_RESULT_").unwrap_or(written);
    let known = AuditResult::ALL
        .into_iter()
        .find(|result| result.as_str().to_ascii_uppercase() == short);
    known.ok_or_else(|| {
        let description = format!("{} is no result: SUCCESS, DENIED and FAILED are", quoted(written));
        bad_value(comparison, description)
    })
}

fn correlation_id(comparison: &Comparison) -> Result<Uuid, Problem> {
    let written = text(comparison)?;
    Uuid::try_parse(written).map_err(|_| bad_value(comparison, format!("{} is no UUID", quoted(written))))
}

/// An address, or a range of them where the operator is `:`.
fn addresses(comparison: &Comparison) -> Result<AddressRange, Problem> {
    let written = text(comparison)?;
    let (address, bits) = match written.split_once('/') {
        Some((address, bits)) if comparison.operator == Operator::Has => (address, Some(bits)),
        _ => (written, None),
    };
    range(address, bits).ok_or_else(|| {
        let description = format!(
            "{} is no IP address; with : it may be a range such as 10.0.0.0/8",
            quoted(written)
        );
        bad_value(comparison, description)
    })
}

fn range(address: &str, bits: Option<&str>) -> Option<AddressRange> {
    let parsed: IpAddr = address.parse().ok()?;
    let all = if parsed.is_ipv4() { 32 } else { 128 };
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match bits {
        // Events have the address of IPv4 where it came mapped into one of IPv6.
        None => Some(AddressRange {
            address: parsed.to_canonical(),
            prefix: if parsed.to_canonical().is_ipv4() { 32 } else { 128 },
        }),
        Some(text) => {
            let prefix = Some(text)
                .filter(is_number)?
                .parse()
                .ok()
                .filter(|prefix| *prefix <= all)?;
            Some(AddressRange {
                address: parsed,
                prefix,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::super::AuditFilter;
    use super::*;

    /// The expression of `filter`, or the sentence that refuses it.
    fn parse(filter: &str) -> Result<Expr<Term>, String> {
        match AuditFilter::parse("filter", filter) {
            Ok(Some(parsed)) => Ok(parsed.expr().clone()),
            Ok(None) => Err("blank".into()),
            Err(violation) => Err(violation.description),
        }
    }

    fn in_range(address: [u8; 4], prefix: u8) -> Term {
        Term::ClientIpIn(AddressRange {
            address: IpAddr::from(address),
            prefix,
        })
    }

    #[test]
    fn each_field_has_its_meaning() {
        let new_year = OffsetDateTime::UNIX_EPOCH + Duration::days(365);
        let key = || "dropped_events".to_owned();
        for (filter, term) in [
            ("actor = user:ada", Term::ActorIs("user:ada".into())),
            ("method = \"a.B/C\"", Term::MethodIs("a.B/C".into())),
            (
                "permission = dashboards.get",
                Term::PermissionIs("dashboards.get".into()),
            ),
            ("project = p", Term::ProjectIs("p".into())),
            ("project:*", Term::HasProject),
            ("resource = projects/p", Term::ResourceIs("projects/p".into())),
            ("time < 1971-01-01T00:00:00Z", Term::Time(TimeOrder::Before, new_year)),
            ("result = DENIED", Term::ResultIs(AuditResult::Denied)),
            ("result = AUDIT_RESULT_SUCCESS", Term::ResultIs(AuditResult::Success)),
            ("reason = ETAG_MISMATCH", Term::ReasonIs("ETAG_MISMATCH".into())),
            ("reason:*", Term::HasReason),
            ("client_ip = 10.0.0.1", in_range([10, 0, 0, 1], 32)),
            ("client_ip = \"::ffff:10.0.0.1\"", in_range([10, 0, 0, 1], 32)),
            ("client_ip:10.0.0.0/8", in_range([10, 0, 0, 0], 8)),
            (
                "correlation_id = 00000000-0000-0000-0000-000000000007",
                Term::CorrelationIdIs(Uuid::from_u128(7)),
            ),
            (
                "details.dropped_events = 7",
                Term::DetailIs {
                    key: key(),
                    value: "7".into(),
                },
            ),
            ("details.dropped_events:*", Term::HasDetail { key: key() }),
            ("details:dropped_events", Term::HasDetail { key: key() }),
        ] {
            assert_eq!(parse(filter), Ok(Expr::Term(term)), "{filter}");
        }
        let others = Expr::Not(Box::new(Expr::Term(Term::ActorIs("user:ada".into()))));
        assert_eq!(parse("actor != user:ada"), Ok(others));
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_what_has() {
        for (filter, part) in [
            ("who = ada", "no field \"who\""),
            ("actor:ada", "does not take :"),
            ("actor = ''", "must not be empty"),
            ("result = REFUSED", "is no result"),
            ("result = *", "bare *"),
            ("client_ip = 10.0.0.0/8", "is no IP address"),
            ("client_ip:10.0.0.0/33", "is no IP address"),
            ("client_ip:10.0.0.0/+8", "is no IP address"),
            ("correlation_id = 7", "is no UUID"),
            ("time > yesterday", "RFC 3339"),
            ("details.a.b = c", "no field"),
        ] {
            let refused = parse(filter).unwrap_err();
            assert!(refused.contains(part), "{filter}: {refused}");
        }
    }
}
