//! What a caller writes of a template, and that its parts fit together.

use super::parameter::{MAX_DESCRIPTION_CHARS, MAX_DISPLAY_NAME_CHARS, Parameters, check_text};
use super::render::{check_slots, render};
use super::{Category, Template, under};
use crate::domain::digest::{Digest, Fingerprint};
use crate::domain::spec::{SpecLimits, parse_object};
use crate::domain::violation::{Violation, Violations};

/// A text for people about a template: its display name, or its description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary(String);

impl Summary {
    /// Takes a display name.
    ///
    /// # Errors
    /// `FIELD_TOO_LONG` or `FIELD_INVALID` on `field`.
    pub fn display_name(field: &str, text: String) -> Result<Self, Violation> {
        check_text(field, &text, MAX_DISPLAY_NAME_CHARS).map(|()| Self(text))
    }

    /// Takes a description.
    ///
    /// # Errors
    /// `FIELD_TOO_LONG` or `FIELD_INVALID` on `field`.
    pub fn description(field: &str, text: String) -> Result<Self, Violation> {
        check_text(field, &text, MAX_DESCRIPTION_CHARS).map(|()| Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The JSON text of a template's document: an object, whose slots are well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateDocument {
    text: String,
    sha256: Digest,
}

impl TemplateDocument {
    /// Takes `text` as it is. Whether its slots are declared, and what they make of it, is seen in
    /// [`TemplateDocument::check`].
    ///
    /// # Errors
    /// All that is wrong, with JSON pointers as fields: the reasons of [`json::parse`](crate::domain::spec::json::parse),
    /// `SPEC_LIMIT_EXCEEDED`, `SPEC_MALFORMED` for what is no object, `SLOT_INVALID`.
    pub fn parse(text: String, limits: &SpecLimits) -> Result<Self, Vec<Violation>> {
        let document = parse_object(&text, limits)?;
        check_slots(&document, limits)?;
        let sha256 = Digest::of(text.as_bytes());
        Ok(Self { text, sha256 })
    }

    /// Renders the document with the defaults, or with sample values where there is none, as a dashboard would be.
    ///
    /// # Errors
    /// On `field` and a JSON pointer: `SLOT_INVALID` for what `parameters` do not declare, and the violations of the intake of
    /// dashboards.
    pub fn check(&self, field: &str, parameters: &Parameters, limits: &SpecLimits) -> Result<(), Violations> {
        check(field, &self.text, parameters, limits)
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text.
    pub fn sha256(&self) -> Digest {
        self.sha256
    }
}

fn check(field: &str, text: &str, parameters: &Parameters, limits: &SpecLimits) -> Result<(), Violations> {
    match render(text, &parameters.samples(), limits) {
        Ok(_) => Ok(()),
        Err(violations) => Err(under(field, violations)),
    }
}

/// All that a caller can write of a template; its parts fit together.
#[derive(Debug, Clone)]
pub struct TemplateContent {
    /// What people call it.
    pub display_name: Summary,
    /// What it shows.
    pub description: Summary,
    /// What it is for.
    pub category: Category,
    /// What callers fill in.
    pub parameters: Parameters,
    /// The document.
    pub document: TemplateDocument,
}

impl TemplateContent {
    /// Adds the content to the fingerprint of a request.
    pub(crate) fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        let described = request
            .part(self.display_name.as_str())
            .part(self.description.as_str())
            .part(self.category.as_str());
        self.parameters
            .fingerprint(described)
            .part(self.document.sha256().as_bytes())
    }
}

/// What an update takes of a template's content; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct TemplateChange {
    /// The new display name.
    pub display_name: Option<Summary>,
    /// The new description.
    pub description: Option<Summary>,
    /// The new category.
    pub category: Option<Category>,
    /// The new parameters.
    pub parameters: Option<Parameters>,
    /// The new document.
    pub document: Option<TemplateDocument>,
}

impl From<TemplateContent> for TemplateChange {
    /// Replaces everything.
    fn from(content: TemplateContent) -> Self {
        Self {
            display_name: Some(content.display_name),
            description: Some(content.description),
            category: Some(content.category),
            parameters: Some(content.parameters),
            document: Some(content.document),
        }
    }
}

impl TemplateChange {
    /// The fields that would be others than those of `current`, by their names in the API.
    pub fn differences(&self, current: &Template) -> Vec<&'static str> {
        let text_differs = |new: &Option<Summary>, old: &str| new.as_ref().is_some_and(|new| new.as_str() != old);
        let parameters = self.parameters.as_ref();
        let document = self.document.as_ref();
        [
            ("display_name", text_differs(&self.display_name, &current.display_name)),
            ("description", text_differs(&self.description, &current.description)),
            ("category", self.category.is_some_and(|new| new != current.category)),
            ("parameters", parameters.is_some_and(|new| *new != current.parameters)),
            ("spec", document.is_some_and(|new| new.sha256() != current.spec_sha256)),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
    }

    /// Checks that the changed template would fit together: new parameters with the document that stays, and the other way
    /// round. `spec` is the document of `current`.
    ///
    /// # Errors
    /// As [`TemplateDocument::check`], on `template.spec`.
    pub fn check(&self, current: &Template, spec: &str, limits: &SpecLimits) -> Result<(), Violations> {
        if self.parameters.is_none() && self.document.is_none() {
            return Ok(());
        }
        let parameters = self.parameters.as_ref().unwrap_or(&current.parameters);
        let text = self.document.as_ref().map_or(spec, TemplateDocument::text);
        check("template.spec", text, parameters, limits)
    }

    /// Adds the change to the fingerprint of a request.
    pub(crate) fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        let described = request
            .optional_part(self.display_name.as_ref().map(Summary::as_str))
            .optional_part(self.description.as_ref().map(Summary::as_str))
            .optional_part(self.category.map(Category::as_str));
        let with_parameters = match &self.parameters {
            Some(parameters) => parameters.fingerprint(described.part("parameters")),
            None => described.part("no parameters"),
        };
        let sha256 = self.document.as_ref().map(TemplateDocument::sha256);
        with_parameters.optional_part(sha256.as_ref().map(Digest::as_bytes))
    }
}
