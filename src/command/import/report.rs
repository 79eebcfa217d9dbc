//! What became of each document, for the person who ran the command.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, IsTerminal as _, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::ImportKind;
use super::reader::Origin;
use crate::client::{ImportAnswer, Outcome};

/// How the bar looks: files, not documents, since nobody knows how many a file holds.
const BAR: &str = "importing [{bar:30}] {pos}/{len} files {elapsed}";

/// Counts what became of documents, and tells it.
pub(super) struct Report<'a, W> {
    out: &'a mut W,
    bar: Option<ProgressBar>,
    kind: ImportKind,
    counts: BTreeMap<Outcome, usize>,
    /// Where each dashboard came from first, by its name as the service tells names apart.
    first_origins: HashMap<String, Origin>,
}

impl<'a, W: Write> Report<'a, W> {
    /// Begins a report about `files`. On a terminal a bar shows how far it is, and only what needs attention has a line.
    pub(super) fn new(out: &'a mut W, files: usize, kind: ImportKind) -> Self {
        let is_watched = io::stdout().is_terminal() && io::stderr().is_terminal();
        let bar = is_watched.then(|| {
            let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(u64::try_from(files).unwrap_or(u64::MAX)).with_style(style)
        });
        Self {
            out,
            bar,
            kind,
            counts: BTreeMap::new(),
            first_origins: HashMap::new(),
        }
    }

    /// Tells what became of the document at `origin`.
    pub(super) fn tell(&mut self, origin: &Origin, answer: &ImportAnswer) -> io::Result<()> {
        self.count(origin, answer.outcome);
        let earlier = self.note_origin(&answer.name, origin);
        let needs_attention = matches!(answer.outcome, Outcome::Skipped | Outcome::Refused);
        if self.bar.is_some() && !needs_attention && self.kind != ImportKind::DryRun {
            return Ok(());
        }
        let mut lines = vec![line(answer.outcome, origin, answer)];
        for wrong in &answer.violations {
            let place = if wrong.field.is_empty() {
                "the document"
            } else {
                &wrong.field
            };
            lines.push(format!("    {place}: {}", wrong.description));
        }
        if let Some(earlier) = earlier.filter(|_| answer.outcome == Outcome::Refused) {
            lines.push(format!("    {earlier} has the same name"));
        }
        if self.kind == ImportKind::DryRun {
            lines.extend(answer.warnings.iter().map(|warning| format!("    warning: {warning}")));
        }
        self.print(&lines)
    }

    /// Tells of what was not even sent.
    pub(super) fn tell_unsent(&mut self, origin: &Origin, why: &str) -> io::Result<()> {
        self.count(origin, Outcome::Refused);
        self.print(&[format!("{:<9}  {origin}: {why}", word(Outcome::Refused))])
    }

    /// Tells how many of what there were.
    pub(super) fn conclude(&mut self, passed_over: &BTreeMap<&'static str, usize>) -> io::Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let mut lines = Vec::new();
        let kinds: Vec<String> = passed_over
            .iter()
            .filter(|(_, files)| **files > 0)
            .map(|(kind, files)| format!("{files} in {kind}"))
            .collect();
        if !kinds.is_empty() {
            lines.push(format!(
                "passed over, since they are no dashboards: {}",
                kinds.join(", ")
            ));
        }
        let always = [
            Outcome::Created,
            Outcome::Updated,
            Outcome::Unchanged,
            Outcome::Skipped,
            Outcome::Refused,
        ];
        let shown = [Outcome::Restored, Outcome::Abandoned]
            .into_iter()
            .filter(|outcome| self.counts.contains_key(outcome))
            .chain(always);
        let mut outcomes: Vec<Outcome> = shown.collect();
        outcomes.sort();
        let counts: Vec<String> = outcomes
            .iter()
            .map(|outcome| format!("{} {}", self.counts.get(outcome).unwrap_or(&0), word(*outcome)))
            .collect();
        let beginning = if self.kind == ImportKind::DryRun {
            "dry run, nothing was stored: "
        } else {
            ""
        };
        lines.push(format!("{beginning}{}", counts.join(", ")));
        self.print(&lines)
    }

    /// How many documents were refused.
    pub(super) fn refused(&self) -> usize {
        self.counts.get(&Outcome::Refused).copied().unwrap_or_default()
    }

    /// How many documents were told about.
    pub(super) fn documents(&self) -> usize {
        self.counts.values().sum()
    }

    /// Notes where a dashboard comes from; where it came from before if it is there again.
    fn note_origin(&mut self, name: &str, origin: &Origin) -> Option<Origin> {
        let (project, id) = name.split_once("/dashboards/")?;
        let key = format!("{project}/{}", id.to_ascii_lowercase());
        match self.first_origins.entry(key) {
            Entry::Vacant(free) => {
                free.insert(origin.clone());
                None
            }
            Entry::Occupied(earlier) => Some(earlier.get().clone()),
        }
    }

    fn count(&mut self, origin: &Origin, outcome: Outcome) {
        *self.counts.entry(outcome).or_default() += 1;
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(origin.position).unwrap_or(u64::MAX));
        }
    }

    fn print(&mut self, lines: &[String]) -> io::Result<()> {
        let out = &mut *self.out;
        let mut print = || lines.iter().try_for_each(|line| writeln!(out, "{line}"));
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

/// The line about one document. Where single things are wrong, those say it.
fn line(outcome: Outcome, origin: &Origin, answer: &ImportAnswer) -> String {
    let mut parts = vec![format!("{:<9}  {origin}", word(outcome))];
    let description = Some(answer.description.as_str()).filter(|_| answer.violations.is_empty());
    let description = description.unwrap_or_default();
    parts.extend(
        [&answer.name]
            .into_iter()
            .filter(|name| !name.is_empty() && !description.starts_with(*name))
            .cloned(),
    );
    parts.extend(Some(description.to_owned()).filter(|text| !text.is_empty()));
    parts.join(": ")
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "created",
        Outcome::Updated => "updated",
        Outcome::Restored => "restored",
        Outcome::Unchanged => "unchanged",
        Outcome::Skipped => "skipped",
        Outcome::Refused => "refused",
        Outcome::Abandoned => "abandoned",
    }
}
