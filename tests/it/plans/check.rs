//! What a statement read, beside what it may read.

use std::collections::BTreeSet;

use super::DASHBOARDS;
use super::explained::{Explained, SEQ_SCAN};

/// The most rows that a statement may read.
#[derive(Debug, Clone, Copy)]
pub enum Most {
    /// So many, whatever the database holds.
    Rows(u64),
    /// One in so many of all dashboards.
    OneIn(u64),
}

/// A statement that was run, beside what it was expected to do.
#[derive(Debug)]
pub struct Check {
    pub title: String,
    expected: BTreeSet<String>,
    most: u64,
    pub run: Explained,
}

impl Check {
    pub fn is_met(&self) -> bool {
        self.run.read_through == self.expected && self.run.rows_read <= self.most
    }

    /// A line for people.
    pub fn report(&self) -> String {
        let mark = if self.is_met() { "ok   " } else { "WRONG" };
        let Explained {
            read_through,
            rows_read,
            pages_read,
            ..
        } = &self.run;
        let mut line = format!(
            "{mark} {rows_read:>6} of {:>6} rows, {pages_read:>6} pages  {:<74} {}",
            self.most,
            self.title,
            joined(read_through)
        );
        if *read_through != self.expected {
            line += &format!(" instead of {}", joined(&self.expected));
        }
        line
    }
}

fn joined(names: &BTreeSet<String>) -> String {
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

pub fn compare(title: String, run: Explained, indexes: &[&str], most: Most) -> Check {
    Check {
        title,
        expected: indexes.iter().map(|name| (*name).to_owned()).collect(),
        most: match most {
            Most::Rows(rows) => rows,
            Most::OneIn(part) => u64::from(DASHBOARDS.cast_unsigned()) / part,
        },
        run,
    }
}

/// What triggers run, as for a foreign key, may use any index, for no more than the history of a dashboard.
pub fn of_trigger(run: Explained) -> Check {
    by_any_index("triggers".to_owned(), run, Most::Rows(100))
}

/// For a run to which several indexes are as good as each other: no table may be read as a whole.
pub fn by_any_index(title: String, run: Explained, most: Most) -> Check {
    let is_index = |name: &&String| !name.starts_with(SEQ_SCAN);
    let used: Vec<String> = run.read_through.iter().filter(is_index).cloned().collect();
    let names: Vec<&str> = used.iter().map(String::as_str).collect();
    compare(title, run, &names, most)
}

/// Of the runs of one statement the one to look at: one that is wrong, or that read most.
pub fn worst_of_each(mut checks: Vec<Check>) -> Vec<Check> {
    checks.sort_by_key(|check| {
        (
            check.title.clone(),
            check.is_met(),
            std::cmp::Reverse(check.run.rows_read),
        )
    });
    checks.dedup_by(|next, kept| next.title == kept.title);
    checks
}
