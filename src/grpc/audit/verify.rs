//! VerifyAuditLog.

use tokio::task::spawn_blocking;
use tonic::{Request, Status};

use super::AuditLog;
use crate::access::Scope;
use crate::domain::audit::{AuditItem, DigestedEvent, Head, Verifier};
use crate::domain::reason::Reason;
use crate::error::{Error, Result};
use crate::grpc::answers::{AnswerSink, Answers};
use crate::grpc::call::open;
use crate::grpc::convert::audit::{parse_head, present_progress, present_verdict};
use crate::grpc::proto;
use crate::signing::PublicKeys;
use crate::store::AuditWalk;

/// The answers of a verification.
pub type Verification = Answers<proto::VerifyAuditLogResponse>;

/// What is looked through, as in the event of the reading.
const WHOLE_LOG: &str = "platform";

/// What it is, and what else to do where it takes too long.
const VERIFICATION: [&str; 2] = ["verification", "run dashboard-store audit verify"];

impl AuditLog {
    pub(super) async fn verify(&self, request: Request<proto::VerifyAuditLogRequest>) -> Result<Verification> {
        let (caller, message) = open(request)?;
        let access = self.access.require(&caller, Scope::Platform).await?;
        let expected = parse_head(&message)?;
        if self.keys.is_empty() {
            return Err(not_sealed());
        }
        self.store.record_audit_read(&access, WHOLE_LOG, "").await?;
        let walk = self.store.begin_audit_walk(1).await?;
        let keys = self.keys.clone();
        Ok(Answers::within(self.streams, VERIFICATION, move |sink| {
            look_through(walk, keys, expected, sink)
        }))
    }
}

/// Looks through the log, and tells how far it is after each portion.
async fn look_through(
    mut walk: AuditWalk<DigestedEvent>,
    keys: PublicKeys,
    expected: Option<Head>,
    sink: AnswerSink<proto::VerifyAuditLogResponse>,
) -> Result<(), Status> {
    let mut verifier = Verifier::new(keys, expected);
    walk.prepare(&mut verifier);
    let (mut seals, mut events) = (0, 0);
    while !verifier.is_done()
        && let Some(portion) = walk.next_portion().await?
    {
        let of_seals = portion.iter().filter(|item| item.is_seal()).count();
        seals += of_seals;
        events += portion.len() - of_seals;
        verifier = take(verifier, portion).await?;
        sink.send(present_progress(seals, events)).await?;
    }
    walk.end().await;
    sink.send(present_verdict(verifier.finish())).await?;
    Ok(())
}

/// Takes a portion. Hashing and signatures never wait: on a thread that serves calls, other calls would stand still.
async fn take(
    mut verifier: Verifier<PublicKeys>,
    portion: Vec<AuditItem<DigestedEvent>>,
) -> Result<Verifier<PublicKeys>> {
    let taken = spawn_blocking(move || {
        portion.into_iter().for_each(|item| verifier.take(item));
        verifier
    });
    taken.await.map_err(Error::internal)
}

fn not_sealed() -> Error {
    Error::FailedPrecondition {
        reason: Reason::AuditLogNotSealed,
        name: WHOLE_LOG.into(),
        description:
            "this server has no key of the audit log: set AUDIT_SIGNING_KEY_FILE, so that changes to the log are \
                      found out, or AUDIT_PUBLIC_KEYS_FILE where other servers seal it"
                .into(),
    }
}
