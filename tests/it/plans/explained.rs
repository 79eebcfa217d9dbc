//! The plans of statements that the service ran, as PostgreSQL's `auto_explain` writes them into the server's log.
//!
//! So they are those of the statements that are really sent, with the values and settings that they were sent with.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use serde_json::Value;

use crate::support::cluster::{TestDatabase, log_path};

/// Makes every session that begins from now on explain what it ran.
const EXPLAIN_ALL: [&str; 7] = [
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_analyze = on",
    "auto_explain.log_buffers = on",
    "auto_explain.log_timing = off",
    "auto_explain.log_nested_statements = on",
    "auto_explain.log_format = json",
];

/// Stands before the name of a table that was read from end to end.
pub const SEQ_SCAN: &str = "seq scan of ";

/// How a node of a plan tells how many rows it read, beside those that it passed on.
const ROWS_READ_IN_VAIN: [&str; 3] = [
    "Rows Removed by Filter",
    "Rows Removed by Index Recheck",
    "Rows Removed by Join Filter",
];

/// How a statement was run.
#[derive(Debug)]
pub struct Explained {
    /// The name of a statement of the service; those of triggers and functions have none.
    pub statement: Option<String>,
    /// What it read through: names of indexes, and [`SEQ_SCAN`] with the names of tables that were read from end to end.
    pub read_through: BTreeSet<String>,
    /// The rows of tables and entries of indexes that it read.
    pub rows_read: u64,
    /// The pages that it read, from memory or not.
    pub pages_read: u64,
}

/// The log of a database whose sessions explain themselves.
pub struct ExplainedLog {
    file: File,
    /// What stands before each plan of this database.
    heading: String,
}

impl ExplainedLog {
    /// Makes the sessions that begin from now on explain what they run.
    pub async fn of(database: &TestDatabase) -> Self {
        let name = &database.config().dbname;
        let sql = database.connect().await;
        for setting in EXPLAIN_ALL {
            let statement = format!("ALTER DATABASE {name} SET {setting}");
            sql.batch_execute(&statement).await.unwrap();
        }
        let mut file = File::open(log_path()).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        Self {
            file,
            heading: format!("@{name} LOG:  duration: "),
        }
    }

    /// What was run since the last call. PostgreSQL writes a plan before it answers, so all that was answered is there.
    pub fn take(&mut self) -> Vec<Explained> {
        let mut text = String::new();
        self.file.read_to_string(&mut text).unwrap();
        let mut explained = Vec::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if !line.contains(&self.heading) {
                continue;
            }
            let mut json = String::new();
            while let Some(continued) = lines.next_if(|next| next.starts_with('\t')) {
                json.push_str(continued);
            }
            explained.push(Explained::parse(&json));
        }
        explained
    }
}

impl Explained {
    /// Whether it is the statement of this name.
    pub fn is_of(&self, name: &str) -> bool {
        self.statement.as_deref() == Some(name)
    }

    fn parse(json: &str) -> Self {
        let document: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
        let text = document["Query Text"].as_str().unwrap();
        let name = text.strip_prefix("-- ").and_then(|rest| rest.lines().next());
        let plan = &document["Plan"];
        let mut explained = Self {
            statement: name.map(str::to_owned),
            read_through: BTreeSet::new(),
            rows_read: 0,
            pages_read: count(plan, "Shared Hit Blocks") + count(plan, "Shared Read Blocks"),
        };
        explained.add(plan);
        explained
    }

    /// Adds what a node and those below it read.
    fn add(&mut self, node: &Value) {
        let node_type = node["Node Type"].as_str().unwrap();
        let index = node["Index Name"].as_str().map(of_any_month);
        let table = node["Relation Name"].as_str().map(of_any_month);
        let of_table = table.filter(|_| node_type == "Seq Scan");
        let read_through = index.or_else(|| of_table.map(|table| format!("{SEQ_SCAN}{table}")));
        let is_heap_of_bitmap = node_type == "Bitmap Heap Scan";
        if read_through.is_some() || is_heap_of_bitmap {
            self.rows_read += rows_read(node);
        }
        self.read_through.extend(read_through);
        for below in node["Plans"].as_array().into_iter().flatten() {
            self.add(below);
        }
    }
}

/// The name of a partition of the audit log, or of its index, without the month.
fn of_any_month(name: &str) -> String {
    let is_month = |c: char| c == '_' || c.is_ascii_digit();
    match name.strip_prefix("audit_log_") {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            let of_index = rest.trim_start_matches(is_month);
            format!("audit_log{}{of_index}", if of_index.is_empty() { "" } else { "_" })
        }
        _ => name.to_owned(),
    }
}

/// Rows are averages over the times that a node ran.
fn rows_read(node: &Value) -> u64 {
    let in_vain: f64 = ROWS_READ_IN_VAIN.iter().map(|key| number(node, key)).sum();
    let rows = (number(node, "Actual Rows") + in_vain) * number(node, "Actual Loops");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of rows is small and not negative"
    )]
    let whole = rows.ceil() as u64;
    whole
}

fn number(node: &Value, key: &str) -> f64 {
    node[key].as_f64().unwrap_or_default()
}

fn count(node: &Value, key: &str) -> u64 {
    node[key].as_u64().unwrap_or_default()
}
