//! Update requests: which fields they take, by mask (AIP-134, AIP-161).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::dashboard::ContentChange;
use crate::domain::etag::EtagCondition;
use crate::domain::labels::{Labels, LabelsChange};
use crate::domain::mutation::{ChangeNote, UpdateDashboard, WriteOptions};
use crate::domain::name::DashboardName;
use crate::domain::spec::SpecLimits;
use crate::domain::tags::Tags;
use crate::domain::violation::{Violation, Violations, quoted};
use crate::grpc::proto;

use super::mask::{Mask, unknown_path, wrong_mask};
use super::spec::parse_spec;

/// The fields that the server sets; a mask may name them, to no effect.
const OUTPUT_ONLY: &[&str] = &[
    "name",
    "uid",
    "display_name",
    "description",
    "spec_sha256",
    "spec_size_bytes",
    "state",
    "revision",
    "created_by",
    "updated_by",
    "create_time",
    "update_time",
    "delete_time",
    "purge_time",
    "etag",
    "template_origin",
];

/// Parses all of an update request but its name, which was authorised before.
pub fn parse_update(
    request: proto::UpdateDashboardRequest,
    name: DashboardName,
    limits: &SpecLimits,
) -> Result<UpdateDashboard, Violations> {
    let mut wrong = Violations::default();
    let dashboard = request.dashboard.unwrap_or_default();
    let etag = wrong.note(EtagCondition::parse_required("dashboard.etag", &dashboard.etag));
    let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
    let change = wrong.note(parse_change(dashboard, &paths, limits));
    let change_note = wrong.note(ChangeNote::parse(request.change_note));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (etag, change, change_note, options) {
        (Some(etag), Some(change), Some(change_note), Some(options)) => Ok(UpdateDashboard {
            name,
            etag,
            change,
            change_note,
            options,
        }),
        _ => Err(wrong),
    }
}

/// Takes from the message the fields that the mask selects.
fn parse_change(
    dashboard: proto::Dashboard,
    paths: &[String],
    limits: &SpecLimits,
) -> Result<ContentChange, Violations> {
    let selected = Selected::parse(paths, &dashboard)?;
    let mut wrong = Violations::default();
    let mut change = ContentChange::default();
    if selected.spec {
        change.spec = wrong.note(parse_spec(dashboard.spec, limits));
    }
    if selected.tags {
        change.tags = wrong.note(Tags::parse("dashboard.tags", dashboard.tags));
    }
    change.labels = match selected.labels {
        SelectedLabels::None => None,
        SelectedLabels::All => {
            let labels = wrong.note(Labels::parse("dashboard.labels", dashboard.labels));
            labels.map(LabelsChange::Replace)
        }
        SelectedLabels::Keys(keys) => {
            let (set, cleared) = split_labels(dashboard.labels.into_iter().collect(), keys);
            let labels = wrong.note(Labels::parse("dashboard.labels", set));
            labels.map(|set| LabelsChange::Patch { set, cleared })
        }
    };
    wrong.or_ok(change)
}

/// Of the keys that the mask names: the labels that are given, and the keys of those that are not.
fn split_labels(
    mut labels: BTreeMap<String, String>,
    keys: BTreeSet<String>,
) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let mut cleared = BTreeSet::new();
    let mut set = BTreeMap::new();
    for key in keys {
        match labels.remove(&key) {
            Some(value) => {
                set.insert(key, value);
            }
            None => {
                cleared.insert(key);
            }
        }
    }
    (set, cleared)
}

/// The fields that a mask selects.
#[derive(Debug, PartialEq, Eq)]
struct Selected {
    spec: bool,
    tags: bool,
    labels: SelectedLabels,
}

#[derive(Debug, PartialEq, Eq)]
enum SelectedLabels {
    None,
    All,
    Keys(BTreeSet<String>),
}

impl Selected {
    /// An absent mask selects the fields that are populated; `*` selects all.
    fn parse(paths: &[String], dashboard: &proto::Dashboard) -> Result<Self, Violation> {
        let named = match Mask::of(paths)? {
            Mask::Absent => return Ok(Self::populated(dashboard)),
            Mask::Everything => return Ok(Self::everything()),
            Mask::Paths(named) => named,
        };
        let mut selected = Self::nothing();
        for path in named {
            selected.add(path)?;
        }
        Ok(selected)
    }

    fn populated(dashboard: &proto::Dashboard) -> Self {
        Self {
            spec: dashboard.spec.is_some(),
            tags: !dashboard.tags.is_empty(),
            labels: match dashboard.labels.is_empty() {
                true => SelectedLabels::None,
                false => SelectedLabels::All,
            },
        }
    }

    fn everything() -> Self {
        Self {
            spec: true,
            tags: true,
            labels: SelectedLabels::All,
        }
    }

    fn nothing() -> Self {
        Self {
            spec: false,
            tags: false,
            labels: SelectedLabels::None,
        }
    }

    fn add(&mut self, path: &str) -> Result<(), Violation> {
        match path.split_once('.') {
            None if path == "spec" => self.spec = true,
            None if path == "tags" => self.tags = true,
            None if path == "labels" => self.add_labels(SelectedLabels::All)?,
            None if OUTPUT_ONLY.contains(&path) => {}
            Some(("labels", key)) => self.add_labels(SelectedLabels::Keys(BTreeSet::from([label_key(key)?])))?,
            Some(("spec", _)) => {
                let description = format!("{}: the spec is replaced whole, by \"spec\"", quoted(path));
                return Err(wrong_mask(description));
            }
            _ => return Err(unknown_path(path, "spec, tags, labels, labels.KEY and *")),
        }
        Ok(())
    }

    fn add_labels(&mut self, more: SelectedLabels) -> Result<(), Violation> {
        match (&mut self.labels, more) {
            (labels @ SelectedLabels::None, more) => *labels = more,
            (SelectedLabels::Keys(keys), SelectedLabels::Keys(more)) => keys.extend(more),
            (SelectedLabels::All, SelectedLabels::All) => {}
            (_, _) => return Err(wrong_mask("\"labels\" and \"labels.KEY\" contradict each other".into())),
        }
        Ok(())
    }
}

/// The key of a path `labels.KEY`, also where it stands in backticks (AIP-161).
fn label_key(key: &str) -> Result<String, Violation> {
    let bare = key
        .strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
        .unwrap_or(key);
    match bare {
        "" => Err(wrong_mask("\"labels.\" lacks a key".into())),
        _ => Ok(bare.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(paths: &[&str]) -> Result<Selected, String> {
        let owned: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let dashboard = proto::Dashboard {
            tags: vec!["a".into()],
            ..Default::default()
        };
        Selected::parse(&owned, &dashboard).map_err(|violation| violation.description)
    }

    #[test]
    fn masks_select_fields() {
        let tags = || Selected {
            tags: true,
            ..Selected::nothing()
        };
        assert_eq!(selected(&[]), Ok(tags()));
        assert_eq!(selected(&["tags", "tags", "uid", "etag"]), Ok(tags()));
        assert_eq!(selected(&["*"]), Ok(Selected::everything()));
        assert_eq!(selected(&["spec", "tags", "labels"]), Ok(Selected::everything()));
        let keys = Selected {
            labels: SelectedLabels::Keys(BTreeSet::from(["team".into(), "app.kubernetes.io/name".into()])),
            ..Selected::nothing()
        };
        assert_eq!(selected(&["labels.team", "labels.`app.kubernetes.io/name`"]), Ok(keys));
    }

    #[test]
    fn masks_that_contradict_themselves_or_name_nothing_are_refused() {
        for paths in [
            &["*", "tags"][..],
            &["labels", "labels.a"],
            &["labels.a", "labels"],
            &["labels."],
            &["spec.panels"],
            &["tags.0"],
            &["nonsense"],
            &[""],
        ] {
            assert!(selected(paths).is_err(), "{paths:?}");
        }
    }

    #[test]
    fn long_paths_are_cut_in_what_is_said_of_them() {
        for path in ["x".repeat(100_000), format!("spec.{}", "x".repeat(100_000))] {
            let description = selected(&[&path]).unwrap_err();
            assert!(description.len() < 200, "{}", description.len());
        }
    }
}
