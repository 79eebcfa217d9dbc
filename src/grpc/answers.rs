//! Answers of streaming RPCs: a task of its own makes them, the client reads them at its own pace.
//!
//! hyper asks for the next answer only when the client has room for it. Work that waited for that would stand still in the middle
//! of a statement; a task goes on until it has something to say, and ends when the client goes away.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Status, Streaming};
use tracing::Instrument as _;

use crate::domain::reason::Reason;
use crate::error::{Error, Result};
use crate::grpc::status::unreadable_request;

/// How many answers wait for the client.
const WAITING_ANSWERS: usize = 8;

/// How long streams may last.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// How long either side may wait for the other.
    pub idle: Duration,
    /// How long the snapshot of an export is held.
    pub export: Duration,
}

/// What an export is called that takes too long, and what to do then.
pub const EXPORT: [&str; 2] = ["export", "read faster, or export with a filter"];

/// Where a task puts its answers.
#[derive(Debug)]
pub struct AnswerSink<T> {
    answers: mpsc::Sender<T>,
    idle: Duration,
}

impl<T> AnswerSink<T> {
    /// Hands one answer on, as soon as the client has read enough of those before it.
    ///
    /// # Errors
    /// `STREAM_IDLE` when it does not read.
    pub async fn send(&self, answer: T) -> Result<()> {
        match timeout(self.idle, self.answers.send(answer)).await {
            Ok(Ok(())) => Ok(()),
            // Without a reader, the task is about to be aborted.
            Ok(Err(_)) | Err(_) => Err(idle("the client reads no answers")),
        }
    }
}

/// The answers of one call, in their order; the last thing that it gives is how the work failed, if it did.
#[derive(Debug)]
pub struct Answers<T> {
    answers: mpsc::Receiver<T>,
    /// None after the end. Dropped with the answers, when the client goes away or the server closes.
    work: Option<AbortOnDropHandle<Result<(), Status>>>,
}

impl<T: Send + 'static> Answers<T> {
    /// Starts `work`, which answers through its sink; `idle` is how long it waits for the client.
    pub fn of<W, F>(idle: Duration, work: W) -> Self
    where
        W: FnOnce(AnswerSink<T>) -> F,
        F: Future<Output = Result<(), Status>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(WAITING_ANSWERS);
        let sink = AnswerSink { answers: sender, idle };
        let task = tokio::spawn(work(sink).in_current_span());
        Self {
            answers: receiver,
            work: Some(AbortOnDropHandle::new(task)),
        }
    }
}

impl<T: Send + 'static> Answers<T> {
    /// The same for work that holds a snapshot, which has to end in time; when it does not, the client is told `what` took too
    /// long, and what to do `otherwise`.
    pub fn within<W, F>(limits: StreamLimits, [what, otherwise]: [&'static str; 2], work: W) -> Self
    where
        W: FnOnce(AnswerSink<T>) -> F + Send + 'static,
        F: Future<Output = Result<(), Status>> + Send + 'static,
    {
        Self::of(limits.idle, async move |sink| {
            let ended = timeout(limits.export, work(sink)).await;
            ended.unwrap_or_else(|_elapsed| Err(too_long(what, limits.export, otherwise).into()))
        })
    }
}

fn too_long(what: &str, longest: Duration, otherwise: &str) -> Error {
    Error::StreamTimedOut {
        reason: Reason::ExportTooLong,
        description: format!("the {what} took longer than {longest:?}: {otherwise}"),
    }
}

impl<T> Stream for Answers<T> {
    type Item = Result<T, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(answer) = ready!(this.answers.poll_recv(context)) {
            return Poll::Ready(Some(Ok(answer)));
        }
        let Some(work) = &mut this.work else {
            return Poll::Ready(None);
        };
        let ended = ready!(Pin::new(work).poll(context));
        this.work = None;
        match ended {
            Ok(Ok(())) => Poll::Ready(None),
            Ok(Err(status)) => Poll::Ready(Some(Err(status))),
            // A stream that ends with OK says that it is whole: a panic is no such end.
            Err(panic) => Poll::Ready(Some(Err(Error::internal(panic).into()))),
        }
    }
}

/// Reads the next message of a client; none after its last one, and also after a stream that was cut: tonic does not tell.
///
/// # Errors
/// `STREAM_IDLE` when none comes; what tonic says of a message that can't be read.
pub async fn next_message<M>(messages: &mut Streaming<M>, idle_limit: Duration) -> Result<Option<M>, Status> {
    match timeout(idle_limit, messages.message()).await {
        Ok(received) => received.map_err(unreadable_request),
        Err(_elapsed) => Err(idle("the client sends nothing, and does not end the stream").into()),
    }
}

fn idle(who: &str) -> Error {
    Error::StreamTimedOut {
        reason: Reason::StreamIdle,
        description: format!("{who}: the stream ends here"),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use tonic_types::StatusExt as _;

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    fn reason(status: &Status) -> String {
        status.get_details_error_info().unwrap().reason
    }

    #[tokio::test]
    async fn answers_come_in_order_and_before_the_failure() {
        let mut answers = Answers::of(IDLE, async |sink| {
            for number in 0..20 {
                sink.send(number).await?;
            }
            Err(Error::DeadlineExceeded.into())
        });
        for number in 0..20 {
            assert_eq!(answers.next().await.unwrap().unwrap(), number);
        }
        assert_eq!(reason(&answers.next().await.unwrap().unwrap_err()), "DEADLINE_EXCEEDED");
        assert!(answers.next().await.is_none());
    }

    #[tokio::test]
    async fn a_panic_is_no_end_of_a_whole_stream() {
        let mut answers = Answers::<u8>::of(IDLE, async |_sink| panic!("in the middle"));
        assert_eq!(reason(&answers.next().await.unwrap().unwrap_err()), "INTERNAL");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_ends_the_work() {
        let (ended, has_ended) = tokio::sync::oneshot::channel();
        let answers = Answers::of(IDLE, async |sink| {
            loop {
                if let Err(error) = sink.send(()).await {
                    let _ = ended.send(error.to_string());
                    return Err(error.into());
                }
            }
        });
        assert!(has_ended.await.unwrap().contains("reads no answers"));
        let read: Vec<_> = answers.collect().await;
        assert_eq!(read.len(), WAITING_ANSWERS + 1);
        assert_eq!(reason(&read.last().unwrap().clone().unwrap_err()), "STREAM_IDLE");
    }

    #[tokio::test]
    async fn a_client_that_goes_away_ends_the_work() {
        let (alive, mut is_alive) = mpsc::channel::<()>(1);
        let answers = Answers::<()>::of(IDLE, async move |_sink| {
            let _alive = alive;
            std::future::pending().await
        });
        drop(answers);
        assert_eq!(is_alive.recv().await, None);
    }
}
