//! The templates that come with the service: the files of `templates/`, which are a part of the program.
//!
//! A file is one YAML document with `id`, `version`, `display_name`, `description`, `category` and `parameters` as the messages
//! Template and TemplateParameter have them (enum values without their prefixes), and `spec`, a document with slots. Whoever
//! changes any of it raises `version`, or the change reaches no database that has the template already.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::value::RawValue;

use super::{
    Category, Parameter, ParameterType, Parameters, Scalar, Summary, TemplateContent, TemplateDocument, under,
};
use crate::domain::name::TemplateName;
use crate::domain::reason::Reason;
use crate::domain::resource::yaml;
use crate::domain::spec::SpecLimits;
use crate::domain::violation::{Violation, Violations};

/// The files of `templates/`, each called after its id.
const FILES: [&str; 4] = [
    include_str!("../../../templates/data-pipeline.yaml"),
    include_str!("../../../templates/model-serving.yaml"),
    include_str!("../../../templates/notebook-server.yaml"),
    include_str!("../../../templates/training-job.yaml"),
];

/// A template that comes with the service.
#[derive(Debug, Clone)]
pub struct SystemTemplate {
    /// Its name: a system one.
    pub name: TemplateName,
    /// Counts the changes from release to release, from 1.
    pub version: i32,
    /// Its content in that version.
    pub content: TemplateContent,
}

impl SystemTemplate {
    /// Reads the templates of this release, in the order of their ids.
    ///
    /// # Errors
    /// What is wrong with a file, which the tests rule out.
    pub fn all() -> Result<Vec<Self>, Violations> {
        FILES.into_iter().map(Self::parse).collect()
    }

    /// Reads one file, as strictly as the template of a caller.
    fn parse(file: &str) -> Result<Self, Violations> {
        let json = yaml::to_json(file)?;
        let template: File<'_> = serde_json::from_str(&json).map_err(|error| malformed(&error))?;
        let limits = SpecLimits::default();
        let mut wrong = Violations::default();
        let name = wrong.note(TemplateName::parse("id", &format!("templates/{}", template.id)));
        let version = wrong.note(parse_version(template.version));
        let display_name = wrong.note(Summary::display_name("display_name", template.display_name));
        let description = wrong.note(Summary::description("description", template.description));
        let declarations = template.parameters.into_iter().map(Parameter::from).enumerate();
        let parameters = wrong.note(Parameters::parse("parameters", declarations.collect()));
        let document = TemplateDocument::parse(template.spec.get().to_owned(), &limits);
        let document = wrong.note(document.map_err(|violations| under("spec", violations)));
        let (Some(name), Some(version), Some(display_name), Some(description), Some(parameters), Some(document)) =
            (name, version, display_name, description, parameters, document)
        else {
            return Err(wrong);
        };
        document.check("spec", &parameters, &limits)?;
        let content = TemplateContent {
            display_name,
            description,
            category: template.category,
            parameters,
            document,
        };
        Ok(Self { name, version, content })
    }
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    id: String,
    version: i32,
    display_name: String,
    description: String,
    #[serde(deserialize_with = "category")]
    category: Category,
    parameters: Vec<Declaration>,
    #[serde(borrow)]
    spec: &'a RawValue,
}

/// A parameter as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    name: String,
    display_name: String,
    description: String,
    #[serde(rename = "type", deserialize_with = "parameter_type")]
    parameter_type: ParameterType,
    #[serde(default)]
    required: bool,
    default_value: Option<Scalar>,
    #[serde(default)]
    allowed_values: Vec<Scalar>,
    #[serde(default)]
    pattern: String,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

impl From<Declaration> for Parameter {
    fn from(declaration: Declaration) -> Self {
        Self {
            name: declaration.name,
            display_name: declaration.display_name,
            description: declaration.description,
            parameter_type: declaration.parameter_type,
            required: declaration.required,
            default_value: declaration.default_value,
            allowed_values: declaration.allowed_values,
            pattern: declaration.pattern,
            minimum: declaration.minimum,
            maximum: declaration.maximum,
        }
    }
}

fn category<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Category, D::Error> {
    let word = String::deserialize(deserializer)?;
    let named = Category::ALL
        .into_iter()
        .find(|category| category.as_str().to_ascii_uppercase() == word);
    named.ok_or_else(|| D::Error::custom(format!("{word:?} is no category")))
}

fn parameter_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ParameterType, D::Error> {
    let word = String::deserialize(deserializer)?;
    let named = ParameterType::ALL.into_iter().find(|known| known.as_str() == word);
    named.ok_or_else(|| D::Error::custom(format!("{word:?} is no type of parameters")))
}

fn parse_version(version: i32) -> Result<i32, Violation> {
    match version {
        1.. => Ok(version),
        _ => Err(Violation::new("version", Reason::FieldOutOfRange, "must be 1 or more")),
    }
}

fn malformed(error: &serde_json::Error) -> Violation {
    Violation::new("", Reason::SpecMalformed, format!("is no template: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "
id: small
version: 3
display_name: Small
description: A small one.
category: TRAINING_JOB
parameters:
  - name: seconds
    display_name: Seconds
    description: How long.
    type: NUMBER
    default_value: 5
    minimum: 0
spec:
  panels: {}
  limit: { $param: seconds }
";

    /// The fields that are wrong in the small template when `part` of it is replaced.
    fn wrong_with(part: &str, replacement: &str) -> Vec<String> {
        assert!(SMALL.contains(part), "{part}");
        let refused = SystemTemplate::parse(&SMALL.replace(part, replacement)).unwrap_err();
        let violations: Vec<Violation> = refused.into();
        violations.into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn a_file_is_a_template_with_a_version() {
        let template = SystemTemplate::parse(SMALL).unwrap();
        assert_eq!(
            (template.name.to_string().as_str(), template.version),
            ("templates/small", 3)
        );
        let content = template.content;
        assert_eq!(
            (content.display_name.as_str(), content.description.as_str()),
            ("Small", "A small one.")
        );
        assert_eq!(content.category, Category::TrainingJob);
        assert_eq!(content.document.text(), r#"{"panels":{},"limit":{"$param":"seconds"}}"#);
        let [seconds] = content.parameters.as_slice() else {
            panic!("{:?}", content.parameters);
        };
        assert_eq!(seconds.parameter_type, ParameterType::Number);
        assert_eq!(seconds.default_value, Some(Scalar::Number(5.0)));
        assert_eq!((seconds.minimum, seconds.maximum), (Some(0.0), None));
    }

    #[test]
    fn a_file_with_mistakes_is_refused() {
        for (part, replacement, fields) in [
            ("version: 3", "version: 0", &["version"][..]),
            ("version: 3", "version: later", &[""]),
            ("id: small", "id: a/b", &["id"]),
            ("category: TRAINING_JOB", "category: training_job", &[""]),
            ("type: NUMBER", "type: number", &[""]),
            ("version: 3", "version: 3\nauthor: me", &[""]),
            ("    minimum: 0", "    least: 0", &[""]),
            ("minimum: 0", "minimum: 6", &["parameters[0].default_value"]),
            ("$param: seconds", "$param: minutes", &["spec/limit"]),
            ("panels: {}", "panels: []", &["spec/panels"]),
            ("id: small\nversion: 3", "id: ''\nversion: 0", &["id", "version"]),
        ] {
            assert_eq!(wrong_with(part, replacement), fields, "{replacement}");
        }
    }
}
