//! The `metadata` column: tags and labels as one jsonb object.

use postgres_types::Json;
use serde::{Deserialize, Serialize};

use crate::domain::labels::Labels;
use crate::domain::tags::Tags;

/// What the column holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// An array of text.
    pub tags: Tags,
    /// An object of text.
    pub labels: Labels,
}

impl Metadata {
    /// As a parameter.
    pub fn json(&self) -> Json<&Self> {
        Json(self)
    }
}
