//! Templates: documents with slots, the parameters that fill them, and what a dashboard keeps of where it came from.
//!
//! What belongs here: declarations of parameters ([`parameter`]) and their values ([`value`]), the slots of a text
//! ([`slot`]), rendering, and the templates that come with the service. What does not: the rules of Perses, which are those of
//! [`super::spec`] for every result.

mod content;
pub mod parameter;
mod pattern;
mod render;
pub mod slot;
mod system;
pub mod value;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

pub use content::{Summary, TemplateChange, TemplateContent, TemplateDocument};
pub use parameter::{Parameter, ParameterType, Parameters};
pub use pattern::MAX_PATTERN_BYTES;
pub use system::SystemTemplate;
pub use value::Scalar;

use super::digest::Digest;
use super::etag::Etag;
use super::name::TemplateName;
use super::spec::{DashboardSpec, SpecLimits};
use super::violation::{Violation, Violations};

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A model that answers requests.
    ModelServing,
    /// A job that trains a model.
    TrainingJob,
    /// A notebook server.
    NotebookServer,
    /// A data pipeline.
    DataPipeline,
    /// Anything else.
    General,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 5] = [
        Self::ModelServing,
        Self::TrainingJob,
        Self::NotebookServer,
        Self::DataPipeline,
        Self::General,
    ];

    /// The text in the database; in upper case, that of filters and of the enum of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelServing => "model_serving",
            Self::TrainingJob => "training_job",
            Self::NotebookServer => "notebook_server",
            Self::DataPipeline => "data_pipeline",
            Self::General => "general",
        }
    }

    /// Reads what [`Category::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == text)
    }
}

/// A template as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Names this life of the template.
    pub uid: Uuid,
    /// The resource name; it tells system templates from those of a project.
    pub name: TemplateName,
    /// What people call it.
    pub display_name: String,
    /// What it shows.
    pub description: String,
    /// What it is for.
    pub category: Category,
    /// What callers fill in.
    pub parameters: Parameters,
    /// The JSON text of the document with its slots; none where it was not asked for.
    pub spec: Option<String>,
    /// Of the JSON text.
    pub spec_sha256: Digest,
    /// Of the JSON text.
    pub spec_size_bytes: i32,
    /// Counts changes of content, from 1.
    pub revision: i32,
    /// Counts every write that the API shows, from 1.
    pub generation: i64,
    /// How many dashboards came from it, when they were counted last.
    pub usage_count: i32,
    /// When the newest of them was made.
    pub last_use_time: Option<OffsetDateTime>,
    /// Who created it.
    pub created_by: String,
    /// Who wrote it last.
    pub updated_by: String,
    /// When it was created.
    pub create_time: OffsetDateTime,
    /// When it was written last.
    pub update_time: OffsetDateTime,
}

impl Template {
    /// The version of the whole resource.
    pub fn etag(&self) -> Etag {
        Etag::new(self.uid, self.generation)
    }
}

/// The values that a caller gives, by the names of parameters.
pub type GivenValues = BTreeMap<String, Scalar>;

/// Which template a dashboard came from. It outlives the template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateOrigin {
    /// The template.
    pub template: TemplateName,
    /// Its revision at that time.
    pub template_revision: i32,
    /// The value of every parameter: as it was given, or the default.
    pub parameters: GivenValues,
}

/// What rendering gives.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The document of a dashboard.
    pub spec: DashboardSpec,
    /// The value of every parameter: as it was given, or the default.
    pub parameters: GivenValues,
}

/// Renders a template with the values that a caller gives.
///
/// # Errors
/// All that is wrong with the values, on `parameters.name`; if nothing is, all that is wrong with the result, on `spec` and a
/// JSON pointer into it.
pub fn render(
    parameters: &Parameters,
    spec: &str,
    given: &GivenValues,
    limits: &SpecLimits,
) -> Result<Rendered, Violations> {
    let binding = parameters.bind("parameters", given)?;
    let rendered = render::render(spec, &binding, limits);
    let spec = rendered.map_err(|violations| under("spec", violations))?;
    let values = binding.into_iter().map(|(name, bound)| (name, bound.given));
    Ok(Rendered {
        spec,
        parameters: values.collect(),
    })
}

/// Puts the path of a document before what is wrong in it.
fn under(field: &str, violations: Vec<Violation>) -> Violations {
    let placed: Vec<Violation> = violations.into_iter().map(|violation| violation.under(field)).collect();
    placed.into()
}

#[cfg(test)]
mod tests;
