//! The statements that the service really sends, for the controls: read from PostgreSQL's log, with their values.

use std::fs;
use std::path::Path;

use super::Outcome;

/// A statement as it was sent.
#[derive(Debug, Clone)]
pub struct Statement {
    name: String,
    text: String,
    /// The values that were bound to `$1` and so on; none for null.
    values: Vec<Option<String>>,
}

/// Finds the last run of each statement in a log.
pub fn read(log: &Path) -> Outcome<Vec<Statement>> {
    let log_text = fs::read_to_string(log)?;
    let mut found: Vec<Statement> = Vec::new();
    let mut lines = log_text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((_, first)) = line
            .split_once(": -- ")
            .filter(|(before, _)| before.contains("LOG:  execute "))
        else {
            continue;
        };
        let mut text = String::new();
        while let Some(continued) = lines.next_if(|next| next.starts_with('\t')) {
            text.push_str(continued.trim_start_matches('\t'));
            text.push('\n');
        }
        let detail = lines.next_if(|next| next.contains("DETAIL:  "));
        let values = detail.and_then(|detail| detail.split_once("arameters: "));
        let statement = Statement {
            name: first.to_owned(),
            text,
            values: values.map_or_else(Vec::new, |(_, list)| parse_values(list)),
        };
        found.retain(|other| other.name != statement.name);
        found.push(statement);
    }
    Ok(found)
}

/// Reads `$1 = 'a', $2 = NULL`; a quote in a value is doubled.
fn parse_values(list: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let mut rest = list;
    while let Some((_, after)) = rest.split_once(" = ") {
        let Some(mut quoted) = after.strip_prefix('\'') else {
            values.push(None);
            rest = after;
            continue;
        };
        let mut value = String::new();
        while let Some((before, behind)) = quoted.split_once('\'') {
            value.push_str(before);
            quoted = behind;
            let Some(doubled) = behind.strip_prefix('\'') else {
                break;
            };
            value.push('\'');
            quoted = doubled;
        }
        values.push(Some(value));
        rest = quoted;
    }
    values
}

impl Statement {
    /// The statement of this name.
    pub fn find<'a>(statements: &'a [Self], name: &str) -> Outcome<&'a Self> {
        let found = statements.iter().find(|statement| statement.name == name);
        Ok(found.ok_or_else(|| format!("the service sent no statement {name}"))?)
    }

    /// The text for pgbench: a variable in place of each parameter, or what `instead` says for its number.
    pub fn script(&self, instead: &[(usize, &str)]) -> String {
        let mut text = self.text.trim_end().to_owned();
        // From the last one on: `$1` is the beginning of `$10`.
        for (index, value) in self.values.iter().enumerate().rev() {
            let number = index + 1;
            let other = instead.iter().find(|(wanted, _)| *wanted == number);
            let variable = match (other, value) {
                (Some((_, expression)), _) => (*expression).to_owned(),
                // pgbench takes no empty variable.
                (None, Some(text)) if text.is_empty() => "''".to_owned(),
                (None, Some(_)) => format!(":{}", self.variable(number)),
                (None, None) => "NULL".to_owned(),
            };
            text = text.replace(&format!("${number}"), &variable);
        }
        text
    }

    /// The variables of [`Self::script`], each as `name=value`.
    pub fn variables(&self) -> impl Iterator<Item = String> {
        let numbered = self.values.iter().zip(1..);
        let given = numbered.filter_map(|(value, number)| Some((value.as_ref()?, number)));
        given
            .filter(|(value, _)| !value.is_empty())
            .map(|(value, number)| format!("{}={value}", self.variable(number)))
    }

    fn variable(&self, number: usize) -> String {
        format!("{}_{number}", self.name)
    }
}
