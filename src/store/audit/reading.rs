//! That somebody read the audit log is an event itself.

use postgres_types::Type;
use serde_json::json;

use crate::access::Access;
use crate::domain::share_link::without_secret;
use crate::error::Result;
use crate::store::Store;

const RECORD: &str = "-- record_audit_read
INSERT INTO audit_log (actor, actor_groups, auth_method, method, permission, project, resource,
    client_ip, user_agent, correlation_id, trace_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

impl Store {
    /// Writes that the caller reads `resource`: what of the log was looked at. `filter` is the text of its filter, or empty.
    ///
    /// Nothing is answered before it is written, so no reading goes unseen.
    ///
    /// # Errors
    /// None of its own.
    pub async fn record_audit_read(&self, access: &Access, resource: &str, filter: &str) -> Result<()> {
        let caller = access.caller();
        let origin = caller.origin();
        let project = access.scope().project().map(|project| project.as_str());
        let details = if filter.is_empty() {
            json!({})
        } else {
            json!({ "filter": without_secret(filter) })
        };
        self.read(
            RECORD,
            &[
                (&caller.subject(), Type::TEXT),
                (&caller.groups(), Type::TEXT_ARRAY),
                (&caller.auth_method().as_str(), Type::TEXT),
                (&origin.method, Type::TEXT),
                (&access.permission().as_str(), Type::TEXT),
                (&project, Type::TEXT),
                (&resource, Type::TEXT),
                (&origin.client_ip, Type::INET),
                (&origin.user_agent, Type::TEXT),
                (&origin.correlation_id, Type::UUID),
                (&origin.trace_id, Type::TEXT),
                (&details, Type::JSONB),
            ],
        )
        .await?;
        Ok(())
    }
}
