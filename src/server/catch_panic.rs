//! A panic in a handler costs its call, not the server.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tonic::Status;

use super::layer::{Handler, Layer, Request, Response};
use crate::error::Error;

/// Turns a panic into INTERNAL; where it happened is logged by the hook of [`crate::telemetry`].
#[derive(Debug)]
pub struct CatchPanic;

/// What the log says beside the line of the hook.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked")]
struct Panicked;

impl Layer for CatchPanic {
    async fn call(&self, request: Request, next: &impl Handler) -> Response {
        // Nothing of the call outlives its future, except what other tasks may see half done behind a lock: those
        // locks are tokio's, or poisoned.
        let caught = AssertUnwindSafe(next.handle(request)).catch_unwind().await;
        caught.unwrap_or_else(|_payload| Status::from(Error::internal(Panicked)).into_http())
    }
}
