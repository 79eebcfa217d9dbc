//! `dashboard-store template`: tries a template of a running service.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::client::{Client, ClientError};
use crate::config::{FileFormat, RenderConfig};
use crate::domain::resource::{object_to_yaml, yaml_to_json};
use crate::domain::spec::json::{self, Written};
use crate::domain::template::{ParameterType, Scalar};
use crate::domain::violation::Violation;

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum RenderFailure {
    /// The service can't be reached, or refuses the values.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The file with parameters is no object of single values.
    #[error("--params-file must hold an object whose values are text, numbers or booleans: {0}")]
    ParametersFile(String),
    /// The service answered with what is no JSON.
    #[error("the service answered something that this version does not understand: {0}")]
    Spec(String),
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

/// Writes the spec that the template makes of the parameters to `out`.
///
/// # Errors
/// A [`RenderFailure`], whose lines are for the person who ran the command.
pub async fn render(config: RenderConfig, out: &mut (impl Write + Send)) -> Result<(), RenderFailure> {
    let mut values = match &config.parameters_file {
        Some(text) => read_file(text)?,
        None => HashMap::new(),
    };
    let client = Client::connect(&config.client).await?;
    if !config.parameters.is_empty() {
        let types = client.parameter_types(&config.name).await?;
        let typed = config.parameters.into_iter().map(|(name, text)| {
            let value = read_value(types.get(&name).copied(), text);
            (name, value)
        });
        values.extend(typed);
    }
    let spec = client.render(&config.name, values).await?;
    let shown = match config.output {
        FileFormat::Json => pretty(&spec),
        FileFormat::Yaml => object_to_yaml(&spec).map_err(|wrong| first(&wrong)),
    };
    writeln!(out, "{}", shown.map_err(RenderFailure::Spec)?.trim_end())?;
    Ok(())
}

/// Reads a file with parameters, JSON or YAML.
fn read_file(text: &str) -> Result<HashMap<String, Scalar>, RenderFailure> {
    let json = yaml_to_json(text).map_err(|wrong| RenderFailure::ParametersFile(first(&wrong)))?;
    serde_json::from_str(&json).map_err(|error| RenderFailure::ParametersFile(error.to_string()))
}

/// Reads a value of the command line. One that is not of its type is sent as text, and so is that of a parameter that the
/// template does not have: the service says what is wrong.
fn read_value(parameter_type: Option<ParameterType>, text: String) -> Scalar {
    let parsed = match parameter_type {
        Some(ParameterType::Number | ParameterType::Bool) => serde_json::from_str(&text).ok(),
        // An INT is taken as decimal digits, which are exact beyond 2^53 as well.
        Some(ParameterType::String | ParameterType::Int | ParameterType::Enum | ParameterType::Duration) | None => None,
    };
    match parsed {
        Some(scalar @ (Scalar::Bool(_) | Scalar::Number(_))) => scalar,
        Some(Scalar::Text(_)) | None => Scalar::Text(text),
    }
}

/// The same JSON value on lines of its own, its members in their order and its numbers as they are written.
fn pretty(spec: &str) -> Result<String, String> {
    let value = json::parse(spec).map_err(|wrong| first(&wrong))?;
    serde_json::to_string_pretty(&Written(&value)).map_err(|error| error.to_string())
}

fn first(wrong: &[Violation]) -> String {
    let first = wrong.first().map(|violation| violation.description.clone());
    first.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_type_that_its_parameter_declares() {
        let text = |text: &str| Scalar::Text(text.to_owned());
        for (parameter_type, typed, expected) in [
            (ParameterType::String, "5", text("5")),
            (ParameterType::String, "true", text("true")),
            (ParameterType::Enum, "1", text("1")),
            (ParameterType::Duration, "5m", text("5m")),
            (ParameterType::Int, "9007199254740993", text("9007199254740993")),
            (ParameterType::Number, "0.5", Scalar::Number(0.5)),
            (ParameterType::Number, "half", text("half")),
            (ParameterType::Bool, "true", Scalar::Bool(true)),
            (ParameterType::Bool, "\"true\"", text("\"true\"")),
        ] {
            assert_eq!(read_value(Some(parameter_type), typed.to_owned()), expected, "{typed}");
        }
        assert_eq!(read_value(None, "1".to_owned()), text("1"));
    }

    #[test]
    fn a_file_holds_values_as_json_or_yaml() {
        let expected = HashMap::from([
            ("namespace".to_owned(), Scalar::Text("ml".to_owned())),
            ("share".to_owned(), Scalar::Number(0.5)),
        ]);
        for file in ["namespace: ml\nshare: 0.5\n", r#"{"namespace": "ml", "share": 0.5}"#] {
            assert_eq!(read_file(file).unwrap(), expected);
        }
        for file in ["- a", "a: [1]", "a: null", "a: 1\na: 2", "{"] {
            assert!(read_file(file).is_err(), "{file}");
        }
    }
}
