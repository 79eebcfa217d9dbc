//! Which calls are audit events without a change: those that were denied, changes that failed, and reads where they are wanted.
//! They wait here, folded, until a task in the background writes them.
//!
//! What belongs here: which ended calls are events, and how much room they have to wait in. What does not: what a call is on the
//! wire (the layers say how it ended), how like calls are folded (`domain::audit::folding`), SQL. The events of changes are not
//! made here: they are written in the transaction of the change.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;
use uuid::Uuid;

use crate::access::{Asked, AuthMethod, CallOrigin, Permission, SERVER};
use crate::domain::audit::AuditResult;
use crate::domain::audit::folding::{ANONYMOUS, Due, EndedCall, Fold, FoldLimits, FoldedCalls, Overflow};
use crate::domain::reason::Reason;
use crate::telemetry::Metrics;

/// For callers that nobody knows: they can come from many addresses, and are told of all the same.
const OF_STRANGERS: FoldLimits = FoldLimits {
    per_minute: 256,
    per_subject: 64,
    waiting: 2048,
};

/// For callers that are known: twice, for what was denied and for what failed. So no stranger takes the room of these, and who may
/// change much hides no denial.
const OF_CALLERS: FoldLimits = FoldLimits {
    per_minute: 1024,
    per_subject: 64,
    waiting: 8192,
};

/// For reads, each of which is to be told of.
const OF_READS: FoldLimits = FoldLimits {
    per_minute: 50_000,
    per_subject: 50_000,
    waiting: 50_000,
};

/// What stands for the method in the event that counts calls which no other event tells of.
const OVERFLOW: &str = "audit/overflow";

/// The reason of that event.
const OVERFLOW_REASON: &str = "AUDIT_OVERFLOW";

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// It did what it was asked for.
    Succeeded,
    /// The caller is not known, or may not do this.
    Denied,
    /// Anything else.
    Failed,
}

/// Where ended calls wait to be written. Cheap to clone: all clones are the same.
#[derive(Debug, Clone)]
pub struct AuditTrail {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    strangers: Mutex<Fold>,
    denied: Mutex<Fold>,
    failed: Mutex<Fold>,
    /// None where reads are no events.
    reads: Option<Mutex<Fold>>,
    metrics: Metrics,
}

impl AuditTrail {
    /// Makes an empty one; `with_reads` says whether reads are events.
    pub fn new(with_reads: bool, metrics: Metrics) -> Self {
        Self {
            shared: Arc::new(Shared {
                strangers: Mutex::new(Fold::new(OF_STRANGERS)),
                denied: Mutex::new(Fold::new(OF_CALLERS)),
                failed: Mutex::new(Fold::new(OF_CALLERS)),
                reads: with_reads.then(|| Mutex::new(Fold::new(OF_READS))),
                metrics,
            }),
        }
    }

    /// Takes a call that ended. `method` is its full name, or one name for all that there are not; `reason` is asked for when it
    /// is an event.
    pub fn call_ended(&self, method: &str, origin: &CallOrigin, end: CallEnd, reason: impl FnOnce() -> String) {
        let looked_at = origin.course.look(|asked| {
            let result = self.result(end, asked)?;
            Some((result, asked.cloned()))
        });
        // Most calls are no events.
        let Some((result, asked)) = looked_at else {
            return;
        };
        let why = match (result, end) {
            (AuditResult::Success, _) => None,
            (AuditResult::Denied, CallEnd::Denied) | (AuditResult::Failed, _) => Some(reason()),
            // A part of it was denied: an item of a call that went on.
            (AuditResult::Denied, CallEnd::Succeeded | CallEnd::Failed) => {
                Some(Reason::PermissionDenied.as_str().to_owned())
            }
        };
        let fold = match (result, &asked, &self.shared.reads) {
            (AuditResult::Success, _, Some(reads)) => reads,
            (_, None, _) => &self.shared.strangers,
            (AuditResult::Denied, Some(_), _) => &self.shared.denied,
            (_, Some(_), _) => &self.shared.failed,
        };
        let call = ended_call(method, origin, asked, result, why);
        let is_kept = lock(fold).take(call, OffsetDateTime::now_utc());
        self.shared.metrics.count_audited_call(result.as_str(), is_kept);
    }

    /// What the event of a call says of its end; none where the call is no event.
    fn result(&self, end: CallEnd, asked: Option<&Asked>) -> Option<AuditResult> {
        match (end, asked) {
            (CallEnd::Denied, _) => Some(AuditResult::Denied),
            (_, Some(asked)) if asked.is_denied => Some(AuditResult::Denied),
            // A change that is only checked, or whose request is wrong, was never begun.
            (CallEnd::Failed, Some(asked)) if asked.is_change => Some(AuditResult::Failed),
            (CallEnd::Succeeded, Some(asked)) if self.shared.reads.is_some() && asked.permission.is_ordinary_read() => {
                Some(AuditResult::Success)
            }
            (CallEnd::Failed | CallEnd::Succeeded, _) => None,
        }
    }

    /// Gives out what is to be written now.
    pub fn take_due(&self) -> Vec<FoldedCalls> {
        let now = OffsetDateTime::now_utc();
        self.take(|fold| fold.take_due(now))
    }

    /// Gives out everything, at the end.
    pub fn take_all(&self) -> Vec<FoldedCalls> {
        self.take(Fold::take_all)
    }

    fn take(&self, take: impl Fn(&mut Fold) -> Due) -> Vec<FoldedCalls> {
        let Shared {
            strangers,
            denied,
            failed,
            reads,
            metrics: _,
        } = &*self.shared;
        let mut taken = Vec::new();
        for fold in [strangers, denied, failed].into_iter().chain(reads) {
            let due = take(&mut lock(fold));
            taken.extend(due.events);
            taken.extend(due.overflow.map(overflow_event));
        }
        taken
    }
}

fn lock(fold: &Mutex<Fold>) -> MutexGuard<'_, Fold> {
    fold.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended_call(
    method: &str,
    origin: &CallOrigin,
    asked: Option<Asked>,
    result: AuditResult,
    reason: Option<String>,
) -> EndedCall {
    let anonymous = EndedCall {
        actor: ANONYMOUS.to_owned(),
        actor_groups: Vec::new(),
        auth_method: "none",
        method: method.to_owned(),
        permission: Permission::of_method(method).map_or("", Permission::as_str),
        project: None,
        resource: String::new(),
        result,
        reason,
        client_ip: origin.client_ip,
        user_agent: origin.user_agent.clone(),
        correlation_id: origin.correlation_id,
        trace_id: origin.trace_id.clone(),
    };
    let Some(asked) = asked else {
        return anonymous;
    };
    EndedCall {
        project: asked
            .target
            .scope()
            .project()
            .map(|project| project.as_str().to_owned()),
        resource: asked.target.to_string(),
        permission: asked.permission.as_str(),
        auth_method: asked.auth_method.as_str(),
        actor: asked.subject,
        actor_groups: asked.groups,
        ..anonymous
    }
}

/// The event that counts calls which no other event tells of.
fn overflow_event(overflow: Overflow) -> FoldedCalls {
    let Overflow {
        count,
        first_time,
        last_time,
    } = overflow;
    FoldedCalls {
        first: EndedCall {
            actor: SERVER.to_owned(),
            actor_groups: Vec::new(),
            auth_method: AuthMethod::Server.as_str(),
            method: OVERFLOW.to_owned(),
            permission: "",
            project: None,
            resource: "auditEvents".to_owned(),
            result: AuditResult::Failed,
            reason: Some(OVERFLOW_REASON.to_owned()),
            client_ip: None,
            user_agent: String::new(),
            correlation_id: Uuid::new_v4(),
            trace_id: None,
        },
        count,
        first_time,
        last_time,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::access::{AccessControl, Caller, Grant, GrantSource, Identity, Scope};
    use crate::domain::name::DashboardName;
    use crate::domain::role::Role;
    use crate::error::Result;

    /// Where nothing was granted to anybody.
    #[derive(Debug)]
    struct NoGrants;

    impl GrantSource for NoGrants {
        fn grants_of<'a>(&'a self, _subjects: &'a [String]) -> BoxFuture<'a, Result<Vec<Grant>>> {
            async { Ok(Vec::new()) }.boxed()
        }
    }

    /// A user with these roles deletes a dashboard, which fails if it may.
    async fn fail_to_delete(trail: &AuditTrail, user: &str, roles: &[Role], id: u32) {
        let method = "perses.dashboards.v1.DashboardService/DeleteDashboard";
        let origin = Arc::new(CallOrigin {
            method: method.to_owned(),
            ..call_from([10, 0, 0, 1])
        });
        let identity = Identity {
            user: user.to_owned(),
            groups: Vec::new(),
            roles: roles.to_vec(),
        };
        let caller = Caller::new(identity, AuthMethod::Jwt, origin.clone());
        let name = DashboardName::parse("name", &format!("projects/p/dashboards/d-{id}")).unwrap();
        let scope = Scope::Dashboard(name);
        let control = AccessControl::new(Vec::new(), Arc::new(NoGrants));
        let end = match control.require(&caller, scope).await {
            Ok(access) => {
                origin.course.begin_change(access.permission(), access.target());
                CallEnd::Failed
            }
            Err(_) => CallEnd::Denied,
        };
        trail.call_ended(method, &origin, end, || "X".into());
    }

    fn trail(with_reads: bool) -> AuditTrail {
        AuditTrail::new(with_reads, Metrics::new().unwrap())
    }

    fn call_from(address: [u8; 4]) -> CallOrigin {
        CallOrigin {
            correlation_id: Uuid::new_v4(),
            client_ip: Some(address.into()),
            user_agent: String::new(),
            trace_id: None,
            method: "a.B/C".to_owned(),
            course: Arc::default(),
        }
    }

    #[test]
    fn a_flood_of_strangers_is_a_handful_of_events_with_a_count() {
        let trail = trail(false);
        for number in 0..100_000_u32 {
            let [_, _, _, last] = (number % 4).to_be_bytes();
            trail.call_ended("a.B/C", &call_from([10, 0, 0, last]), CallEnd::Denied, || "X".into());
        }
        let events = trail.take_all();
        // One more of each where the minute turned.
        assert!(events.len() <= 8, "{}", events.len());
        assert_eq!(events.iter().map(|calls| calls.count).sum::<u64>(), 100_000);
        assert!(events.iter().all(|calls| calls.first.actor == ANONYMOUS));
    }

    #[test]
    fn a_flood_from_everywhere_fills_its_own_room_and_says_so() {
        let trail = trail(false);
        for number in 0..10_000_u32 {
            let address = (u32::from_be_bytes([10, 0, 0, 0]) + number).to_be_bytes();
            trail.call_ended("a.B/C", &call_from(address), CallEnd::Denied, || "X".into());
        }
        let events = trail.take_all();
        assert!(events.len() <= 2 * (OF_STRANGERS.per_minute + 1), "{}", events.len());
        assert_eq!(events.iter().map(|calls| calls.count).sum::<u64>(), 10_000);
        let told = events.iter().find(|calls| calls.first.method == OVERFLOW).unwrap();
        assert_eq!(told.first.reason.as_deref(), Some(OVERFLOW_REASON));
        let text = trail.shared.metrics.render().unwrap();
        assert!(text.contains("audit_calls_overflowed_total"), "{text}");
    }

    #[tokio::test]
    async fn who_fails_at_many_things_hides_nothing_of_others() {
        let trail = trail(false);
        // More than a minute has room for, alone and together.
        for id in 0..2000 {
            fail_to_delete(&trail, "eve", &[Role::PlatformAdmin], id).await;
        }
        for number in 0..4096 {
            let user = format!("helper-{}", number % 64);
            fail_to_delete(&trail, &user, &[Role::PlatformAdmin], number / 64).await;
        }
        fail_to_delete(&trail, "bob", &[], 0).await;

        let events = trail.take_all();
        let of = |actor: &str| {
            let own = events.iter().filter(|calls| calls.first.actor == actor);
            own.map(|calls| calls.count).sum::<u64>()
        };
        assert_eq!((of("user:eve"), of("user:bob")), (2000, 1));
        assert!(of("user:helper-0") > 0);
        assert!(events.iter().any(|calls| calls.first.method == OVERFLOW));
    }

    #[test]
    fn calls_that_were_not_authorised_are_events_only_when_denied() {
        let trail = trail(true);
        for end in [CallEnd::Succeeded, CallEnd::Failed] {
            trail.call_ended("a.B/C", &call_from([10, 0, 0, 1]), end, || "X".into());
        }
        assert_eq!(trail.take_all(), []);
    }
}
