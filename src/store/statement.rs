//! A statement that is put together: text, and the values bound to it.

use std::fmt::{self, Write as _};

use postgres_types::{ToSql, Type};

/// SQL text with bound parameters. Text comes from this module's callers alone, values only as parameters.
#[derive(Default)]
pub struct Statement {
    text: String,
    values: Vec<(Box<dyn ToSql + Send + Sync>, Type)>,
}

impl Statement {
    /// Begins with `text`.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a parameter with its value.
    pub fn bind(&mut self, value: impl ToSql + Send + Sync + 'static, value_type: Type) -> &mut Self {
        self.values.push((Box::new(value), value_type));
        // Writing to a String does not fail.
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values, for a call of the driver.
    pub fn params(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.values
            .iter()
            .map(|(value, value_type)| (&**value as &(dyn ToSql + Sync), value_type.clone()))
            .collect()
    }
}

impl fmt::Debug for Statement {
    /// Without the values: they may be anybody's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} values)", self.text, self.values.len())
    }
}
