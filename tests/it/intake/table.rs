//! Every case of the table, held against the constructors of the domain; `dashboards::spec_intake` sends its documents over
//! the wire.

use std::collections::{BTreeMap, BTreeSet};

use dashboard_store::domain::labels::Labels;
use dashboard_store::domain::name::{DashboardName, ProjectId};
use dashboard_store::domain::spec::{DashboardSpec, SpecLimits};
use dashboard_store::domain::tags::Tags;
use dashboard_store::domain::violation::Violation;
use serde::Deserialize;
use serde_json::value::RawValue;

const TABLE: &str = include_str!("../../intake/cases.json");

/// The specification of intake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Each rule of Perses and each limit, by its id, in a sentence.
    rules: BTreeMap<String, String>,
    pub cases: Vec<Case>,
}

impl Table {
    pub fn read() -> Self {
        serde_json::from_str(TABLE).unwrap()
    }
}

/// One input, which breaks one rule or none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    rule: String,
    pub name: String,
    pub verdict: Verdict,
    // The input is one of these five.
    /// A document, taken as it is written in the table.
    spec: Option<Box<RawValue>>,
    /// The text of a document that is no JSON, or is too long to write down.
    text: Option<Text>,
    tags: Option<Vec<Text>>,
    labels: Option<BTreeMap<String, String>>,
    id: Option<Text>,
    /// Of a refused input: the JSON pointer into the document, or the field.
    path: Option<Text>,
    /// Of a refused input: the name of the reason.
    pub reason: Option<String>,
    /// Of a refused input: a part of the description, in Perses' words where Perses has some.
    says: Option<String>,
    /// Of a document that is accepted with a warning: the warning.
    warns: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Accepted,
    Refused,
}

/// Text, of which a part may be repeated.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Repeated { repeat: String, times: usize },
    Parts(Vec<Text>),
}

impl Text {
    fn write(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Repeated { repeat, times } => repeat.repeat(*times),
            Self::Parts(parts) => parts.iter().map(Self::write).collect(),
        }
    }
}

impl Case {
    /// The text of the document, if the case is about one.
    pub fn document(&self) -> Option<String> {
        let as_written = self.spec.as_ref().map(|spec| spec.get().to_owned());
        as_written.or_else(|| self.text.as_ref().map(Text::write))
    }

    /// Where a refused input is wrong.
    pub fn path(&self) -> String {
        self.path.as_ref().map(Text::write).unwrap_or_default()
    }

    /// What is not as the table says.
    fn check(&self) -> Result<(), String> {
        match (self.verdict, self.parse()?) {
            (Verdict::Accepted, Ok(warnings)) => {
                let expected: Vec<&str> = self.warns.as_deref().into_iter().collect();
                (warnings == expected)
                    .then_some(())
                    .ok_or_else(|| format!("warns {warnings:?}"))
            }
            (Verdict::Accepted, Err(violations)) => Err(format!("is refused: {violations:?}")),
            (Verdict::Refused, Ok(_)) => Err("is accepted".to_owned()),
            (Verdict::Refused, Err(violations)) => self.check_violations(&violations),
        }
    }

    fn check_violations(&self, violations: &[Violation]) -> Result<(), String> {
        let [violation] = violations else {
            return Err(format!("has {} violations: {violations:?}", violations.len()));
        };
        let (Some(reason), Some(says)) = (&self.reason, &self.says) else {
            return Err("has no reason, or says nothing, in the table".to_owned());
        };
        let is_expected = violation.field == self.path()
            && violation.reason.as_str() == reason
            && violation.description.contains(says.as_str());
        is_expected.then_some(()).ok_or_else(|| format!("{violation:?}"))
    }

    /// The warnings or the violations of the input; an error where what was accepted is not what was given.
    fn parse(&self) -> Result<Result<Vec<String>, Vec<Violation>>, String> {
        if let Some(text) = self.document() {
            return match DashboardSpec::parse(text.clone(), &SpecLimits::default()) {
                Ok(spec) if spec.text() != text => Err("comes back as another text".to_owned()),
                Ok(spec) => Ok(Ok(spec.warnings().to_vec())),
                Err(violations) => Ok(Err(violations)),
            };
        }
        if let Some(tags) = &self.tags {
            let tags = tags.iter().map(Text::write).collect();
            return Ok(Tags::parse("tags", tags).map(|_| Vec::new()));
        }
        if let Some(labels) = &self.labels {
            return Ok(Labels::parse("labels", labels.clone()).map(|_| Vec::new()));
        }
        let id = self.id.as_ref().ok_or("has no input")?.write();
        let project = ProjectId::parse("project", "p").map_err(|violation| violation.description)?;
        let named = DashboardName::new(project, "id", &id);
        Ok(named.map(|_| Vec::new()).map_err(|violation| vec![violation]))
    }
}

#[test]
fn every_case_of_the_table_holds() {
    let table = Table::read();
    let failed: Vec<String> = table
        .cases
        .iter()
        .filter_map(|case| {
            let wrong = case.check().err()?;
            let shown: String = wrong.chars().take(500).collect();
            Some(format!("{}, {}: {shown}", case.rule, case.name))
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} cases:\n{}",
        failed.len(),
        table.cases.len(),
        failed.join("\n")
    );
}

#[test]
fn every_rule_has_a_case_that_is_accepted_and_one_that_is_refused() {
    let Table { rules, cases } = Table::read();
    let shown: BTreeSet<(&str, Verdict)> = cases.iter().map(|case| (case.rule.as_str(), case.verdict)).collect();
    let one_sided: Vec<&String> = rules
        .keys()
        .filter(|rule| {
            [Verdict::Accepted, Verdict::Refused]
                .iter()
                .any(|verdict| !shown.contains(&(rule, *verdict)))
        })
        .collect();
    assert_eq!(one_sided, [""; 0]);
    let unknown: Vec<&str> = cases
        .iter()
        .map(|case| case.rule.as_str())
        .filter(|rule| !rules.contains_key(*rule))
        .collect();
    assert_eq!(unknown, [""; 0], "rules of cases that are not in the list");
}

#[test]
fn cases_have_names_of_their_own_and_one_input() {
    let Table { cases, .. } = Table::read();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "a name stands twice");
    assert!(cases.len() >= 80, "{} cases", cases.len());
    for case in &cases {
        let inputs = [
            case.spec.is_some(),
            case.text.is_some(),
            case.tags.is_some(),
            case.labels.is_some(),
            case.id.is_some(),
        ];
        assert_eq!(
            inputs.into_iter().filter(|is_there| *is_there).count(),
            1,
            "{}",
            case.name
        );
    }
}
