//! `dashboard-store import`: files into a running service.
//!
//! `sources` finds them, `reader` reads them one by one in a thread of its own, `report` tells what became of each. No more of
//! them is in memory than the service has yet to take.

mod reader;
mod report;
mod sources;

use std::io::{self, Write};
use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use self::reader::{Origin, Read, Reader};
use self::report::Report;
use self::sources::Sources;
use crate::client::{Client, ClientError, ImportAnswers, ImportRequest};
use crate::config::ImportConfig;

/// Why the command failed. What became of each document, and the counts, are printed before.
#[derive(Debug, thiserror::Error)]
pub enum ImportFailure {
    /// There is no service, or it refuses the import as a whole before it takes a document.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Documents were refused.
    #[error("{refused} of {documents} documents were refused{}", if *.is_atomic { ", so nothing was stored" } else { "" })]
    Refused {
        /// How many.
        refused: usize,
        /// Of how many.
        documents: usize,
        /// Whether the others did not go in for it.
        is_atomic: bool,
    },
    /// The import ended before its time.
    #[error("{cause}\n{}", after_break(.kind))]
    BrokenOff {
        /// Why.
        cause: String,
        /// What kind of import it was, on which it depends what is stored.
        kind: ImportKind,
    },
    /// The system gives no thread, or no signals.
    #[error("the import could not begin: {0}")]
    Begin(#[source] io::Error),
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

/// What an import that broke off leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportKind {
    /// Document by document.
    EachByItself,
    /// All or nothing.
    Atomic,
    /// Nothing.
    DryRun,
}

impl ImportKind {
    fn of(config: &ImportConfig) -> Self {
        match (config.is_dry_run, config.is_atomic) {
            (true, _) => Self::DryRun,
            (false, true) => Self::Atomic,
            (false, false) => Self::EachByItself,
        }
    }
}

fn after_break(kind: &ImportKind) -> &'static str {
    match kind {
        ImportKind::EachByItself => {
            "what was counted as created, updated or restored is stored, and up to 4 documents behind it may be: \
             run the same command again, and what is there is unchanged"
        }
        ImportKind::Atomic => "an atomic import is stored whole or not at all: run the same command again",
        ImportKind::DryRun => "it was a dry run: nothing was stored",
    }
}

/// Imports what `config` says, and tells `out` about it; on a terminal a bar shows how far it is.
///
/// # Errors
/// An [`ImportFailure`], whose lines are for the person who ran the command.
pub async fn run(config: ImportConfig, out: &mut (impl Write + Send)) -> Result<(), ImportFailure> {
    let kind = ImportKind::of(&config);
    let client = Client::connect(&config.client).await?;
    let request = ImportRequest {
        on_conflict: config.on_conflict,
        is_atomic: config.is_atomic,
        is_dry_run: config.is_dry_run,
        change_note: config.change_note,
    };
    let found = Sources::find(&config.inputs);
    let mut report = Report::new(out, found.sources.len(), kind);
    let (documents, answers) = client.import(request).await?;
    let interrupts = signal(SignalKind::interrupt()).map_err(ImportFailure::Begin)?;
    let (reads, origins) = mpsc::unbounded_channel();
    let reader = Reader {
        sources: found.sources,
        placement: config.placement,
        is_atomic: config.is_atomic,
        documents,
        reads,
    };
    // Not a task: one that waits for standard input would hold up the end of the program.
    thread::Builder::new()
        .name("import-reader".to_owned())
        .spawn(|| reader.run())
        .map_err(ImportFailure::Begin)?;
    let ended = follow(answers, origins, interrupts, &mut report).await;
    report.conclude(&found.passed_over)?;
    let refused = report.refused();
    match ended {
        Ok(()) if refused == 0 => Ok(()),
        Err(Ended::Output(error)) => Err(error.into()),
        Err(Ended::Interrupt) => Err(broken_off("interrupted", kind)),
        // That of an atomic import with refusals says no more than they do.
        Err(Ended::Service(error)) if refused == 0 || !config.is_atomic => Err(broken_off(error, kind)),
        Ok(()) | Err(Ended::Service(_)) => Err(ImportFailure::Refused {
            refused,
            documents: report.documents(),
            is_atomic: config.is_atomic,
        }),
    }
}

fn broken_off(cause: impl ToString, kind: ImportKind) -> ImportFailure {
    let cause = cause.to_string();
    ImportFailure::BrokenOff { cause, kind }
}

/// What ended an import before its time.
enum Ended {
    Service(ClientError),
    Interrupt,
    Output(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Tells what becomes of each document, until the service has said it of all.
async fn follow<W: Write + Send>(
    mut answers: ImportAnswers,
    mut origins: mpsc::UnboundedReceiver<Read>,
    mut interrupts: Signal,
    report: &mut Report<'_, W>,
) -> Result<(), Ended> {
    let ended = loop {
        let next = tokio::select! {
            next = answers.next() => next,
            _ = interrupts.recv() => break Err(Ended::Interrupt),
        };
        match next {
            Ok(Some(answer)) => {
                let origin = origin_of_next(&mut origins, report).await?;
                report.tell(&origin, &answer)?;
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(Ended::Service(error)),
        }
    };
    // The reader may wait for standard input: what it has not said by now does not count.
    while let Ok(read) = origins.try_recv() {
        if let Read::Refused(origin, why) = read {
            report.tell_unsent(&origin, &why)?;
        }
    }
    ended
}

/// Where the document of the next answer comes from; what was read before it and not sent is told.
async fn origin_of_next<W: Write + Send>(
    origins: &mut mpsc::UnboundedReceiver<Read>,
    report: &mut Report<'_, W>,
) -> Result<Origin, Ended> {
    loop {
        match origins.recv().await {
            Some(Read::Sent(origin)) => return Ok(origin),
            Some(Read::Refused(origin, why)) => report.tell_unsent(&origin, &why)?,
            None => {
                let error = ClientError::Answer("an answer to a document that was not sent".to_owned());
                return Err(Ended::Service(error));
            }
        }
    }
}
