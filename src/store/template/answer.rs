//! What is kept of an answer that holds a template: everything but its parameters and its document.
//!
//! Templates have no history. So a repeated call gets these two from the template as it is now, if that is still the
//! revision that was answered, and an answer without them otherwise.

use postgres_types::Type;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{from_row, template_columns};
use crate::domain::digest::Digest;
use crate::domain::name::TemplateName;
use crate::domain::template::{Category, Parameters, Template};
use crate::error::Result;
use crate::store::Store;
use crate::store::mutate::{Answer, Answered};

const GET_REVISION: &str = concat!(
    "-- get_template_revision\nSELECT ",
    template_columns!(),
    ", spec FROM dashboard_template WHERE id = $1 AND revision = $2"
);

/// A template as it was answered, with its uid and revision in place of the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptTemplate {
    uid: Uuid,
    revision: i32,
    name: TemplateName,
    display_name: String,
    description: String,
    category: Category,
    spec_sha256: Digest,
    spec_size_bytes: i32,
    generation: i64,
    usage_count: i32,
    #[serde(with = "time::serde::rfc3339::option")]
    last_use_time: Option<OffsetDateTime>,
    created_by: String,
    updated_by: String,
    #[serde(with = "time::serde::rfc3339")]
    create_time: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    update_time: OffsetDateTime,
}

impl KeptTemplate {
    /// The answer again, with the parameters and the document of that revision where it is still there.
    fn restored(self, same_revision: Option<Template>) -> Template {
        let (parameters, spec) = match same_revision {
            Some(found) => (found.parameters, found.spec),
            None => (Parameters::default(), None),
        };
        Template {
            uid: self.uid,
            name: self.name,
            display_name: self.display_name,
            description: self.description,
            category: self.category,
            parameters,
            spec,
            spec_sha256: self.spec_sha256,
            spec_size_bytes: self.spec_size_bytes,
            revision: self.revision,
            generation: self.generation,
            usage_count: self.usage_count,
            last_use_time: self.last_use_time,
            created_by: self.created_by,
            updated_by: self.updated_by,
            create_time: self.create_time,
            update_time: self.update_time,
        }
    }
}

impl Answer for Template {
    type Kept = KeptTemplate;

    fn kept(&self) -> KeptTemplate {
        KeptTemplate {
            uid: self.uid,
            revision: self.revision,
            name: self.name.clone(),
            display_name: self.display_name.clone(),
            description: self.description.clone(),
            category: self.category,
            spec_sha256: self.spec_sha256,
            spec_size_bytes: self.spec_size_bytes,
            generation: self.generation,
            usage_count: self.usage_count,
            last_use_time: self.last_use_time,
            created_by: self.created_by.clone(),
            updated_by: self.updated_by.clone(),
            create_time: self.create_time,
            update_time: self.update_time,
        }
    }
}

impl Store {
    /// The answer of a mutation; of one that is repeated, as far as it can still be read.
    pub(super) async fn completed_template(&self, answered: Answered<Template>) -> Result<Template> {
        match answered {
            Answered::First(template) => Ok(template),
            Answered::Repeated(kept) => {
                let rows = self
                    .read(GET_REVISION, &[(&kept.uid, Type::UUID), (&kept.revision, Type::INT4)])
                    .await?;
                let same_revision = rows.first().map(from_row).transpose()?;
                Ok(kept.restored(same_revision))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers outlive the release that kept them: a field may be added with a default, none renamed or removed.
    const KEPT: &str = r#"{"uid":"018f0000-0000-7000-8000-000000000001","revision":2,
        "name":"projects/p/templates/t","display_name":"T","description":"d","category":"model_serving",
        "spec_sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","spec_size_bytes":9,
        "generation":3,"usage_count":4,"last_use_time":null,"created_by":"user:ada","updated_by":"user:grace",
        "create_time":"2026-01-01T00:00:00Z","update_time":"2026-01-02T00:00:00.5Z"}"#;

    #[test]
    fn answers_of_this_release_are_read_back() {
        let kept: KeptTemplate = serde_json::from_str(KEPT).unwrap();
        assert_eq!(kept.clone().restored(None).kept(), kept);
        let written = serde_json::to_value(&kept).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(KEPT).unwrap());
    }
}
