//! Says in the log that nobody can grant a role, where it is so: such a service takes its callers, and lets them do nothing.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::store::Store;

/// The time until the next question while the database is away or not ready.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Asks whether anybody was granted `platform-admin`, once the database is there, and warns where nobody was. It is for a
/// service whose configuration gives nobody a role.
pub async fn ask_until(stopping: CancellationToken, store: Store) {
    let asked = async {
        loop {
            match store.has_platform_admin().await {
                Err(Error::Unavailable { .. }) => sleep(ASK_AGAIN).await,
                answer => return answer,
            }
        }
    };
    match stopping.run_until_cancelled(asked).await {
        Some(Ok(true)) => tracing::debug!("somebody is platform-admin"),
        Some(Ok(false)) => tracing::warn!(
            "nobody is platform-admin, so nobody can grant a role, and callers without one may do nothing: set \
             BOOTSTRAP_ADMINS, as in user:ada or group:sre, or map a claim of tokens to a role (AUTH_CONFIG_FILE)"
        ),
        Some(Err(error)) => tracing::debug!(
            cause = error.causes(),
            "it is not known whether anybody is platform-admin"
        ),
        None => {}
    }
}
