//! The parameters of templates and their values, both ways.

use std::collections::{BTreeMap, HashMap};

use prost_types::Value;
use prost_types::value::Kind;

use crate::domain::reason::Reason;
use crate::domain::template::{GivenValues, Parameter, ParameterType, Parameters, Scalar};
use crate::domain::violation::{Violation, Violations};
use crate::grpc::convert::spec::unknown_enum;
use crate::grpc::proto;

/// The most characters of a caller's key in the path of a violation.
const MAX_KEY_CHARS: usize = 63;

/// Parses declarations; those that can't be read do not keep the others from being checked.
pub fn parse(field: &str, messages: Vec<proto::TemplateParameter>) -> Result<Parameters, Violations> {
    let mut wrong = Violations::default();
    let mut declarations = Vec::with_capacity(messages.len());
    for (position, message) in messages.into_iter().enumerate() {
        let declaration = wrong.note(parse_declaration(&format!("{field}[{position}]"), message));
        declarations.extend(declaration.map(|parameter| (position, parameter)));
    }
    let parameters = wrong.note(Parameters::parse(field, declarations));
    wrong.or_ok(parameters.unwrap_or_default())
}

fn parse_declaration(field: &str, message: proto::TemplateParameter) -> Result<Parameter, Violations> {
    let mut wrong = Violations::default();
    let parameter_type = wrong.note(parse_type(&format!("{field}.type"), message.r#type));
    let default = message.default_value;
    let default_value = default.map(|value| parse_scalar(&format!("{field}.default_value"), value));
    let default_value = wrong.note(default_value.transpose());
    let mut allowed_values = Vec::with_capacity(message.allowed_values.len());
    for (position, value) in message.allowed_values.into_iter().enumerate() {
        let place = format!("{field}.allowed_values[{position}]");
        allowed_values.extend(wrong.note(parse_scalar(&place, value)));
    }
    let (Some(parameter_type), Some(default_value)) = (parameter_type, default_value) else {
        return Err(wrong);
    };
    wrong.or_ok(Parameter {
        name: message.name,
        display_name: message.display_name,
        description: message.description,
        parameter_type,
        required: message.required,
        default_value,
        allowed_values,
        pattern: message.pattern,
        minimum: message.minimum,
        maximum: message.maximum,
    })
}

fn parse_type(field: &str, value: i32) -> Result<ParameterType, Violation> {
    match proto::TemplateParameterType::try_from(value) {
        Ok(proto::TemplateParameterType::String) => Ok(ParameterType::String),
        Ok(proto::TemplateParameterType::Int) => Ok(ParameterType::Int),
        Ok(proto::TemplateParameterType::Number) => Ok(ParameterType::Number),
        Ok(proto::TemplateParameterType::Bool) => Ok(ParameterType::Bool),
        Ok(proto::TemplateParameterType::Enum) => Ok(ParameterType::Enum),
        Ok(proto::TemplateParameterType::Duration) => Ok(ParameterType::Duration),
        Ok(proto::TemplateParameterType::Unspecified) => {
            Err(Violation::new(field, Reason::FieldRequired, "must be set"))
        }
        Err(_) => Err(unknown_enum(field, value)),
    }
}

/// Parses the values that a caller gives.
pub fn parse_values(field: &str, values: HashMap<String, Value>) -> Result<GivenValues, Violations> {
    let mut wrong = Violations::default();
    let mut given = GivenValues::new();
    // Maps of protobuf have no order; answers have one.
    for (name, value) in BTreeMap::from_iter(values) {
        let shown: String = name.chars().take(MAX_KEY_CHARS).collect();
        if let Some(scalar) = wrong.note(parse_scalar(&format!("{field}.{shown}"), value)) {
            given.insert(name, scalar);
        }
    }
    wrong.or_ok(given)
}

fn parse_scalar(field: &str, value: Value) -> Result<Scalar, Violation> {
    let refused = |found: &str| {
        let description = format!("must be a string, a number or a boolean, not {found}");
        Err(Violation::new(field, Reason::ParameterInvalid, description))
    };
    match value.kind {
        Some(Kind::StringValue(text)) => Ok(Scalar::Text(text)),
        Some(Kind::NumberValue(double)) => Ok(Scalar::Number(double)),
        Some(Kind::BoolValue(truth)) => Ok(Scalar::Bool(truth)),
        Some(Kind::ListValue(_)) => refused("a list"),
        Some(Kind::StructValue(_)) => refused("an object"),
        Some(Kind::NullValue(_)) | None => refused("null: leave out what has no value"),
    }
}

/// Presents declarations.
pub fn present(parameters: &Parameters) -> Vec<proto::TemplateParameter> {
    let declarations = parameters.as_slice().iter();
    declarations
        .map(|parameter| proto::TemplateParameter {
            name: parameter.name.clone(),
            display_name: parameter.display_name.clone(),
            description: parameter.description.clone(),
            r#type: present_type(parameter.parameter_type).into(),
            required: parameter.required,
            default_value: parameter.default_value.as_ref().map(present_scalar),
            allowed_values: parameter.allowed_values.iter().map(present_scalar).collect(),
            pattern: parameter.pattern.clone(),
            minimum: parameter.minimum,
            maximum: parameter.maximum,
        })
        .collect()
}

fn present_type(parameter_type: ParameterType) -> proto::TemplateParameterType {
    match parameter_type {
        ParameterType::String => proto::TemplateParameterType::String,
        ParameterType::Int => proto::TemplateParameterType::Int,
        ParameterType::Number => proto::TemplateParameterType::Number,
        ParameterType::Bool => proto::TemplateParameterType::Bool,
        ParameterType::Enum => proto::TemplateParameterType::Enum,
        ParameterType::Duration => proto::TemplateParameterType::Duration,
    }
}

/// Presents a value.
pub fn present_scalar(scalar: &Scalar) -> Value {
    let kind = match scalar {
        Scalar::Text(text) => Kind::StringValue(text.clone()),
        Scalar::Number(double) => Kind::NumberValue(*double),
        Scalar::Bool(truth) => Kind::BoolValue(*truth),
    };
    Value { kind: Some(kind) }
}
