//! Refuses what the server can't do in time, before it costs anything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::Status;

use super::layer::{Handler, Layer, Request, Response};
use super::methods::Method;
use crate::domain::reason::Reason;
use crate::error::{Error, Result};

/// When a refused caller may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Lets a number of requests in at once, a few more wait for a moment, and refuses the rest.
///
/// A stream counts until its first answer: how many may be open is bounded per connection.
#[derive(Debug)]
pub struct Shed {
    in_flight: Semaphore,
    queued: AtomicUsize,
    max_queued: usize,
    longest_wait: Duration,
}

impl Shed {
    /// Takes `max_in_flight` requests at once; `max_queued` more wait up to `longest_wait`.
    pub fn new(max_in_flight: usize, max_queued: usize, longest_wait: Duration) -> Self {
        Self {
            in_flight: Semaphore::new(max_in_flight),
            queued: AtomicUsize::new(0),
            max_queued,
            longest_wait,
        }
    }

    async fn admit(&self) -> Result<SemaphorePermit<'_>> {
        if let Ok(permit) = self.in_flight.try_acquire() {
            return Ok(permit);
        }
        let place = QueuePlace::take(&self.queued);
        if place.number > self.max_queued {
            return Err(overloaded());
        }
        match tokio::time::timeout(self.longest_wait, self.in_flight.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(overloaded()),
        }
    }
}

impl Layer for Shed {
    async fn call(&self, request: Request, next: &impl Handler) -> Response {
        if request.extensions().get::<Method>().is_some_and(|method| method.vital) {
            return next.handle(request).await;
        }
        match self.admit().await {
            Ok(_permit) => next.handle(request).await,
            Err(error) => Status::from(error).into_http(),
        }
    }
}

/// One place in the queue, given back when dropped, also by a caller that goes away.
struct QueuePlace<'a> {
    queued: &'a AtomicUsize,
    number: usize,
}

impl<'a> QueuePlace<'a> {
    fn take(queued: &'a AtomicUsize) -> Self {
        let number = queued.fetch_add(1, Ordering::Relaxed) + 1;
        Self { queued, number }
    }
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.queued.fetch_sub(1, Ordering::Relaxed);
    }
}

fn overloaded() -> Error {
    Error::Exhausted {
        reason: Reason::Overloaded,
        description: "the server has as many requests in flight as it takes: try again later".into(),
        retry_after: Some(RETRY_AFTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_queue_is_short_and_does_not_wait_for_ever() {
        let shed = Shed::new(1, 1, Duration::from_millis(100));
        let permit = shed.admit().await.unwrap();
        let (first, second) = tokio::join!(shed.admit(), shed.admit());
        assert!(matches!(first, Err(Error::Exhausted { .. })), "waits too long");
        assert!(matches!(second, Err(Error::Exhausted { .. })), "finds no place");
        drop(permit);
        assert!(shed.admit().await.is_ok());
        assert_eq!(shed.queued.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_let_in_when_a_place_is_free() {
        let shed = Shed::new(1, 1, Duration::from_millis(100));
        let permit = shed.admit().await.unwrap();
        let leave = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(permit);
        };
        let (admitted, ()) = tokio::join!(shed.admit(), leave);
        assert!(admitted.is_ok());
    }
}
