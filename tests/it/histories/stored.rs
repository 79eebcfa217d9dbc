//! What the database holds in the end, read past the service.

use std::collections::BTreeMap;

use tokio_postgres::Client;

/// Everything about every dashboard, by its id.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    pub lives: BTreeMap<String, Life>,
}

/// One dashboard, all its revisions, and its part of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    pub uid: String,
    pub generation: i64,
    pub is_deleted: bool,
    pub head: Version,
    /// Oldest first: the number, what it holds, and who wrote it.
    pub revisions: Vec<(Version, String)>,
    /// Oldest first; the nth of them made generation n.
    pub events: Vec<Event>,
}

/// A revision and SHA-256 of its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub revision: i32,
    pub sha256: String,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The id of the operation.
    pub actor: String,
    /// The name of the RPC, without the service.
    pub method: String,
    pub before: Option<Version>,
    pub after: Option<Version>,
}

impl Event {
    /// Whether it leaves a soft-deleted dashboard.
    pub fn deletes(&self) -> bool {
        self.method == "DeleteDashboard"
    }

    /// The revision that it made, if it made one.
    pub fn new_revision(&self) -> Option<&Version> {
        let revision_before = self.before.as_ref().map(|version| version.revision);
        self.after
            .as_ref()
            .filter(|after| Some(after.revision) != revision_before)
    }
}

const HEADS: &str = "SELECT name, id::text AS uid, generation, state = 'deleted' AS is_deleted, revision,
        encode(sha256(convert_to(spec::text, 'UTF8')), 'hex') AS sha256
    FROM dashboard";

const REVISIONS: &str =
    "SELECT name, r.revision, encode(sha256(convert_to(r.spec::text, 'UTF8')), 'hex') AS sha256, r.author
    FROM dashboard_revision AS r JOIN dashboard ON id = dashboard_id ORDER BY r.revision";

// The events of one dashboard are numbered under its lock.
const EVENTS: &str =
    "SELECT regexp_replace(resource, '.*/', '') AS name, actor, regexp_replace(method, '.*/', '') AS method,
        revision_before, encode(sha256_before, 'hex') AS sha256_before,
        revision_after, encode(sha256_after, 'hex') AS sha256_after
    FROM audit_log WHERE result = 'success' AND resource LIKE 'projects/%/dashboards/%' ORDER BY seq";

impl Stored {
    /// Reads it; nobody may be writing.
    pub async fn read(client: &Client) -> Self {
        let mut stored = Self::default();
        for row in client.query(HEADS, &[]).await.unwrap() {
            let life = Life {
                uid: row.get("uid"),
                generation: row.get("generation"),
                is_deleted: row.get("is_deleted"),
                head: Version {
                    revision: row.get("revision"),
                    sha256: row.get("sha256"),
                },
                revisions: Vec::new(),
                events: Vec::new(),
            };
            stored.lives.insert(row.get("name"), life);
        }
        for row in client.query(REVISIONS, &[]).await.unwrap() {
            let version = Version {
                revision: row.get("revision"),
                sha256: row.get("sha256"),
            };
            let author = without_kind(row.get("author"));
            stored.life(row.get("name")).revisions.push((version, author));
        }
        for row in client.query(EVENTS, &[]).await.unwrap() {
            let version = |revision: Option<i32>, sha256: Option<String>| Some((revision?, sha256?));
            let named = |(revision, sha256)| Version { revision, sha256 };
            let event = Event {
                actor: without_kind(row.get("actor")),
                method: row.get("method"),
                before: version(row.get("revision_before"), row.get("sha256_before")).map(named),
                after: version(row.get("revision_after"), row.get("sha256_after")).map(named),
            };
            stored.life(row.get("name")).events.push(event);
        }
        stored
    }

    /// A dashboard; its events may be there though it is not.
    fn life(&mut self, name: String) -> &mut Life {
        self.lives.entry(name).or_insert_with(|| Life {
            uid: String::new(),
            generation: 0,
            is_deleted: false,
            head: Version {
                revision: 0,
                sha256: String::new(),
            },
            revisions: Vec::new(),
            events: Vec::new(),
        })
    }
}

/// `user:x` is the operation x.
fn without_kind(subject: String) -> String {
    subject.strip_prefix("user:").map(str::to_owned).unwrap_or(subject)
}
