//! The mutations of templates, and the one that makes a dashboard of a template.

use super::{ChangeNote, WriteOptions};
use crate::domain::digest::{Digest, Fingerprint};
use crate::domain::etag::EtagCondition;
use crate::domain::name::{DashboardName, TemplateName};
use crate::domain::spec::SpecLimits;
use crate::domain::tags::Tags;
use crate::domain::template::{GivenValues, TemplateChange, TemplateContent};

/// Asks for a new template.
#[derive(Debug, Clone)]
pub struct CreateTemplate {
    /// The name that it shall have.
    pub name: TemplateName,
    /// Its content.
    pub content: TemplateContent,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl CreateTemplate {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        let named = Fingerprint::new().part(self.name.to_string());
        self.content.fingerprint(named).finish()
    }
}

/// Asks for a change of a template.
#[derive(Debug, Clone)]
pub struct UpdateTemplate {
    /// Which.
    pub name: TemplateName,
    /// In which version.
    pub etag: EtagCondition,
    /// What to change.
    pub change: TemplateChange,
    /// What the dashboards that it makes have to keep to: whether new and old parts fit together is seen where both are known.
    pub limits: SpecLimits,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl UpdateTemplate {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        let named = Fingerprint::new()
            .part(self.name.to_string())
            .part(self.etag.to_string());
        self.change.fingerprint(named).finish()
    }
}

/// Asks for a template in one version to be deleted.
#[derive(Debug, Clone)]
pub struct DeleteTemplate {
    /// Which.
    pub name: TemplateName,
    /// In which version.
    pub etag: EtagCondition,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl DeleteTemplate {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new()
            .part(self.name.to_string())
            .part(self.etag.to_string())
            .finish()
    }
}

/// Asks for a dashboard that a template makes.
#[derive(Debug, Clone)]
pub struct InstantiateTemplate {
    /// The template.
    pub template: TemplateName,
    /// The name that the dashboard shall have.
    pub dashboard: DashboardName,
    /// The values that the caller gives.
    pub parameters: GivenValues,
    /// Perses' tags of the dashboard.
    pub tags: Tags,
    /// Why.
    pub change_note: ChangeNote,
    /// What the dashboard has to keep to.
    pub limits: SpecLimits,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl InstantiateTemplate {
    /// Digests all that the caller asks for, request id aside. What the template makes of it is not among that: a repeated
    /// call gets the first answer, whatever became of the template.
    pub fn fingerprint(&self) -> Digest {
        let named = Fingerprint::new()
            .part(self.template.to_string())
            .part(self.dashboard.to_string())
            .parts(self.tags.as_slice().iter())
            .part(self.change_note.as_str())
            .part((self.parameters.len() as u64).to_be_bytes());
        let values = self.parameters.iter();
        values
            .fold(named, |parts, (name, value)| value.fingerprint(parts.part(name)))
            .finish()
    }
}
