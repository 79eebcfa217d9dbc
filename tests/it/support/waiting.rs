//! Waiting for what must happen.

use std::fmt::Display;
use std::time::Duration;

/// How long a test waits for what must happen. It costs nothing where that happens, so it is long: a machine may be ten times as slow
/// as another, and busy with other tests.
pub const LIMIT: Duration = Duration::from_secs(180);

/// A limit of the service that is not reached before [`LIMIT`]: for tests where what they wait for must not come of it.
pub const UNREACHED: Duration = Duration::from_secs(3600);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits for the end of something; a test that waits in vain fails, and tells `what` never came.
pub async fn in_time<T>(what: impl Display, happening: impl Future<Output = T>) -> T {
    let happened = tokio::time::timeout(LIMIT, happening).await;
    happened.unwrap_or_else(|_elapsed| panic!("never: {what}"))
}

/// Waits until it is so.
pub async fn until(what: impl Display, mut is_so: impl AsyncFnMut() -> bool) {
    found(what, async || is_so().await.then_some(())).await;
}

/// Waits until there is something to be found.
pub async fn found<T>(what: impl Display, mut find: impl AsyncFnMut() -> Option<T>) -> T {
    let finding = async {
        loop {
            if let Some(found) = find().await {
                return found;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    in_time(what, finding).await
}
