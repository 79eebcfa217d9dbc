//! Reads files one by one, splits them into documents, and sends each.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::sources::Source;
use crate::client::ImportDocuments;
use crate::config::Placement;
use crate::domain::name::ProjectId;
use crate::domain::resource::{DashboardResource, documents};
use crate::grpc::MAX_MESSAGE_BYTES;

/// The largest document that a message has room for: a larger one would end the import of all the others.
const MAX_DOCUMENT_BYTES: usize = MAX_MESSAGE_BYTES - 64;

/// Reads files, and sends their documents.
pub(super) struct Reader {
    /// What is read.
    pub(super) sources: Vec<Source>,
    /// Which projects documents go into.
    pub(super) placement: Placement,
    /// Whether nothing shall be stored where something can't be read.
    pub(super) is_atomic: bool,
    /// Where documents are sent to.
    pub(super) documents: ImportDocuments,
    /// Where it is said of each where it comes from, before it is sent.
    pub(super) reads: UnboundedSender<Read>,
}

/// What was read.
#[derive(Debug)]
pub(super) enum Read {
    /// A document that was sent, or will be: an answer comes.
    Sent(Origin),
    /// What can't be sent, and why.
    Refused(Origin, String),
}

/// What was sent of a file.
enum Sent {
    /// Every document.
    All,
    /// What could be sent.
    NotAll,
    /// Nothing more can be: the import is over.
    Over,
}

/// Where a document comes from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// How many sources were read before.
    pub(super) position: usize,
    /// The file as it was found; shared by its documents.
    file: Arc<Path>,
    /// The number of the document in it, from 1; none if it is the only one.
    document: Option<usize>,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        match self.document {
            Some(number) => write!(f, ", document {number}"),
            None => Ok(()),
        }
    }
}

impl Reader {
    /// Sends all documents.
    pub(super) fn run(self) {
        let mut is_complete = true;
        for (position, source) in self.sources.iter().enumerate() {
            match self.send_file(source, position) {
                Sent::All => {}
                Sent::NotAll => is_complete = false,
                Sent::Over => return,
            }
        }
        // Without its end, nothing of an atomic import is stored.
        if is_complete || !self.is_atomic {
            self.documents.end();
        }
    }

    fn send_file(&self, source: &Source, position: usize) -> Sent {
        let of_file = Origin {
            position,
            file: Arc::from(source.path()),
            document: None,
        };
        let text = match source.read() {
            Ok(text) => text,
            Err(why) => return self.refuse(of_file, why),
        };
        let mut numbered = documents(&text).enumerate().peekable();
        if numbered.peek().is_none() {
            return self.refuse(of_file, "holds no document".to_owned());
        }
        let mut sent = Sent::All;
        while let Some((index, document)) = numbered.next() {
            let is_only = index == 0 && numbered.peek().is_none();
            let origin = Origin {
                document: (!is_only).then_some(index + 1),
                ..of_file.clone()
            };
            match self.send_document(origin, document) {
                Sent::All => {}
                Sent::NotAll => sent = Sent::NotAll,
                Sent::Over => return Sent::Over,
            }
        }
        sent
    }

    fn send_document(&self, origin: Origin, document: &str) -> Sent {
        let placed = self.place(&origin.file, document);
        if placed.len() > MAX_DOCUMENT_BYTES {
            let why = format!("has {} bytes: at most {MAX_DOCUMENT_BYTES} are taken", placed.len());
            return self.refuse(origin, why);
        }
        match self.reads.send(Read::Sent(origin)).is_ok() && self.documents.send(placed.into_owned()) {
            true => Sent::All,
            false => Sent::Over,
        }
    }

    fn refuse(&self, origin: Origin, why: String) -> Sent {
        match self.reads.send(Read::Refused(origin, why)) {
            Ok(()) => Sent::NotAll,
            Err(_) => Sent::Over,
        }
    }

    /// The document as it is sent: in the project where it shall go. One that is wrong is sent as it is, for the service to say
    /// what is wrong.
    fn place<'a>(&self, file: &Path, document: &'a str) -> Cow<'a, str> {
        let placed = match (self.placement.project_of(file), &self.placement.default) {
            (Some(project), _) => in_project(document, project),
            (None, Some(default)) => DashboardResource::parse(document, Some(default)).ok(),
            (None, None) => None,
        };
        let written = placed.and_then(|resource| resource.to_json().ok());
        written.map_or(Cow::Borrowed(document), Cow::Owned)
    }
}

/// The dashboard of a document in another project than it names, or than it leaves out.
fn in_project(document: &str, project: &ProjectId) -> Option<DashboardResource> {
    if let Ok(resource) = DashboardResource::parse(document, Some(project)) {
        return Some(resource);
    }
    let resource = DashboardResource::parse(document, None).ok()?;
    Some(DashboardResource {
        name: resource.name.in_project(project),
        ..resource
    })
}

impl Source {
    /// The file, for people.
    fn path(&self) -> &Path {
        match self {
            Self::Stdin => Path::new("standard input"),
            Self::File(path) | Self::Nothing(path, _) => path,
        }
    }

    fn read(&self) -> Result<String, String> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidData => "is not text in UTF-8".to_owned(),
            _ => format!("can't be read: {error}"),
        };
        match self {
            Self::Stdin => io::read_to_string(io::stdin()).map_err(unreadable),
            Self::File(path) => fs::read_to_string(path).map_err(unreadable),
            Self::Nothing(_, why) => Err(why.clone()),
        }
    }
}
