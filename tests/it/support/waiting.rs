//! Waiting for what must happen.

use std::time::Duration;

/// How long a test waits for what must happen before it fails. Where it does happen, a long limit costs nothing, and a machine that is
/// slow fails no test.
pub const LIMIT: Duration = Duration::from_secs(180);

/// How often is looked.
const POLL: Duration = Duration::from_millis(10);

/// Waits for the end of something; `what` says what never came.
pub async fn in_time<T>(what: &str, happening: impl Future<Output = T>) -> T {
    let happened = tokio::time::timeout(LIMIT, happening).await;
    happened.unwrap_or_else(|_elapsed| panic!("in {LIMIT:?} it did not come: {what}"))
}

/// Waits until it is so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    found(what, async || is_so().await.then_some(())).await;
}

/// Waits until there is something to be found.
pub async fn found<T>(what: &str, mut find: impl AsyncFnMut() -> Option<T>) -> T {
    in_time(what, async {
        loop {
            if let Some(found) = find().await {
                return found;
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .await
}
