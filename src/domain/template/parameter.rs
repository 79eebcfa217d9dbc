//! The parameters that a template declares, and the values that callers bind to them.

mod declaration;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::value::{Scalar, Value};
use crate::domain::digest::Fingerprint;
use crate::domain::reason::Reason;
use crate::domain::violation::{Violation, Violations, quoted};

/// The most parameters of one template.
pub const MAX_PARAMETERS: usize = 50;

/// The most values that one parameter may be restricted to.
pub const MAX_ALLOWED_VALUES: usize = 100;

/// The longest name of a parameter in bytes.
pub const MAX_NAME_BYTES: usize = 63;

/// The longest display name in characters, of parameters and of templates.
pub const MAX_DISPLAY_NAME_CHARS: usize = 200;

/// The longest description in characters, of parameters and of templates.
pub const MAX_DESCRIPTION_CHARS: usize = 2000;

/// All texts of the parameters of one template have no more bytes than this.
pub const MAX_DECLARATION_BYTES: usize = 64 * 1024;

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterType {
    /// Text.
    String,
    /// An integer of 64 bits: a number, or from 2^53 on its decimal digits as text.
    Int,
    /// A double.
    Number,
    /// True or false.
    Bool,
    /// One of the texts that are allowed.
    Enum,
    /// A duration in the grammar of Perses, such as `1h30m`.
    Duration,
}

impl ParameterType {
    /// Every type.
    pub const ALL: [Self; 6] = [
        Self::String,
        Self::Int,
        Self::Number,
        Self::Bool,
        Self::Enum,
        Self::Duration,
    ];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Number => "NUMBER",
            Self::Bool => "BOOL",
            Self::Enum => "ENUM",
            Self::Duration => "DURATION",
        }
    }

    /// Whether values can be compared with a minimum and a maximum.
    const fn has_magnitude(self) -> bool {
        matches!(self, Self::Int | Self::Number | Self::Duration)
    }
}

/// The declaration of one parameter. Nothing about it is checked but by [`Parameters::parse`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// What slots call it.
    pub name: String,
    /// What people call it; may be empty.
    pub display_name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What values it takes.
    #[serde(rename = "type")]
    pub parameter_type: ParameterType,
    /// Whether a caller has to give a value.
    pub required: bool,
    /// The value where the caller gives none. One that is required may have it too: it shows people what is meant.
    pub default_value: Option<Scalar>,
    /// The only values that it takes; empty for any of the type.
    pub allowed_values: Vec<Scalar>,
    /// What a text has to match as a whole; empty for anything.
    pub pattern: String,
    /// The smallest value; seconds for durations.
    pub minimum: Option<f64>,
    /// The largest value; seconds for durations.
    pub maximum: Option<f64>,
}

/// The value of a parameter in one rendering.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// As it was given.
    pub given: Scalar,
    /// As the type has it.
    pub value: Value,
    /// The value inside a text; of a number its JSON text.
    pub text: String,
}

impl Bound {
    fn new(given: Scalar, value: Value) -> Self {
        let text = value.to_text().into_owned();
        Self { given, value, text }
    }
}

/// The values of all parameters of a template, by name.
pub type Binding = BTreeMap<String, Bound>;

/// The parameters of a template: each sound by itself, no two of the same name.
///
/// Deserialising is for the store and trusts it; everything else goes through [`Parameters::parse`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(Vec<Parameter>);

impl Parameters {
    /// Takes declarations, each with its place in the request.
    ///
    /// # Errors
    /// All that is wrong, on `field` or on `field[i].…`: `FIELD_REQUIRED`, `FIELD_TOO_LONG`, `FIELD_INVALID` for a
    /// declaration that contradicts itself, `PARAMETER_INVALID` for a default or an allowed value that the parameter itself
    /// would refuse.
    pub fn parse(field: &str, declarations: Vec<(usize, Parameter)>) -> Result<Self, Violations> {
        let mut wrong = Violations::default();
        if declarations.len() > MAX_PARAMETERS {
            let description = format!("cannot contain more than {MAX_PARAMETERS} parameters");
            return Err(Violation::new(field, Reason::FieldTooLong, description).into());
        }
        let mut names = BTreeSet::new();
        for (position, parameter) in &declarations {
            let place = format!("{field}[{position}]");
            wrong.note(parameter.check(&place));
            if !names.insert(parameter.name.as_str()) {
                let description = format!("{} is declared already", quoted(&parameter.name));
                let twice = Violation::new(format!("{place}.name"), Reason::FieldInvalid, description);
                wrong.note(Err::<(), _>(twice));
            }
        }
        let parameters: Vec<Parameter> = declarations.into_iter().map(|(_, parameter)| parameter).collect();
        let bytes: usize = parameters.iter().map(Parameter::text_bytes).sum();
        if bytes > MAX_DECLARATION_BYTES {
            let description = format!("have {bytes} bytes of text: at most {MAX_DECLARATION_BYTES} are taken");
            wrong.note(Err::<(), _>(Violation::new(field, Reason::FieldTooLong, description)));
        }
        wrong.or_ok(Self(parameters))
    }

    /// The declarations, in their order.
    pub fn as_slice(&self) -> &[Parameter] {
        &self.0
    }

    /// Gives every parameter its value: the one that is given, else the default.
    ///
    /// # Errors
    /// All that is wrong, on `field.name`: `FIELD_REQUIRED` for one that has to be given, `PARAMETER_INVALID` for a value
    /// that its declaration refuses, `PARAMETER_UNKNOWN` for one that nobody declared.
    pub fn bind(&self, field: &str, given: &BTreeMap<String, Scalar>) -> Result<Binding, Violations> {
        let mut wrong = Violations::default();
        let mut binding = Binding::new();
        for parameter in &self.0 {
            let place = format!("{field}.{}", parameter.name);
            if let Some(bound) = wrong.note(parameter.bind(&place, given.get(&parameter.name))) {
                binding.insert(parameter.name.clone(), bound);
            }
        }
        let is_declared = |name: &str| self.0.iter().any(|parameter| parameter.name == name);
        for name in given.keys().filter(|name| !is_declared(name)) {
            let shown: String = name.chars().take(MAX_NAME_BYTES).collect();
            let description = format!("the template declares no parameter {}", quoted(name));
            let unknown = Violation::new(format!("{field}.{shown}"), Reason::ParameterUnknown, description);
            wrong.note(Err::<(), _>(unknown));
        }
        wrong.or_ok(binding)
    }

    /// A value for every parameter, to render with before anybody gave one: the default, else the first that is allowed, else
    /// one of the type within its limits. What a pattern asks for can't be made up, so a sample text may not match it: the
    /// shape of the document is what is checked with it.
    pub fn samples(&self) -> Binding {
        let sample = |parameter: &Parameter| (parameter.name.clone(), parameter.sample());
        self.0.iter().map(sample).collect()
    }

    /// Adds the declarations to the fingerprint of a request.
    pub(crate) fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        let counted = request.part((self.0.len() as u64).to_be_bytes());
        self.0
            .iter()
            .fold(counted, |parts, parameter| parameter.fingerprint(parts))
    }
}

impl Parameter {
    /// Binds what a caller gave, or the default.
    fn bind(&self, place: &str, given: Option<&Scalar>) -> Result<Bound, Violations> {
        let fallback = self.default_value.as_ref().filter(|_| !self.required);
        let Some(scalar) = given.or(fallback) else {
            let description = format!("must be set: a value of type {}", self.parameter_type.as_str());
            return Err(Violation::new(place, Reason::FieldRequired, description).into());
        };
        let pattern = self.parse_pattern(place)?;
        let value = self.admit(place, scalar, pattern.as_ref())?;
        Ok(Bound::new(scalar.clone(), value))
    }

    /// Reads a value and holds it against the declaration.
    fn admit(&self, place: &str, given: &Scalar, pattern: Option<&Pattern>) -> Result<Value, Violations> {
        let refused = |description: String| Violation::new(place, Reason::ParameterInvalid, description);
        let value = Value::read(self.parameter_type, given).map_err(refused)?;
        let mut wrong = Violations::default();
        let mut refuse = |description: String| wrong.note(Err::<(), _>(refused(description)));
        if !self.allows(&value) {
            refuse(format!("must be one of {}", self.allowed_for_people()));
        }
        if pattern.is_some_and(|pattern| !pattern.matches(&value.to_text())) {
            refuse(format!("must match the pattern {} as a whole", quoted(&self.pattern)));
        }
        let unit = match self.parameter_type {
            ParameterType::Duration => " seconds",
            _ => "",
        };
        if let (Some(magnitude), Some(minimum)) = (value.magnitude(), self.minimum)
            && magnitude < minimum
        {
            refuse(format!("must be {minimum}{unit} or more"));
        }
        if let (Some(magnitude), Some(maximum)) = (value.magnitude(), self.maximum)
            && magnitude > maximum
        {
            refuse(format!("must be {maximum}{unit} or less"));
        }
        wrong.or_ok(value)
    }

    fn allows(&self, value: &Value) -> bool {
        let is_same =
            |allowed: &Scalar| Value::read(self.parameter_type, allowed).is_ok_and(|known| known.is_same(value));
        self.allowed_values.is_empty() || self.allowed_values.iter().any(is_same)
    }

    fn allowed_for_people(&self) -> String {
        /// The most values that a description lists.
        const MAX_LISTED: usize = 10;
        let shown = self
            .allowed_values
            .iter()
            .take(MAX_LISTED)
            .map(|allowed| match allowed {
                Scalar::Text(text) => quoted(text),
                Scalar::Number(double) => double.to_string(),
                Scalar::Bool(truth) => truth.to_string(),
            });
        let listed: Vec<String> = shown.collect();
        let more = if self.allowed_values.len() > MAX_LISTED {
            ", …"
        } else {
            ""
        };
        format!("{}{more}", listed.join(", "))
    }

    /// A value to render with.
    fn sample(&self) -> Bound {
        let made_up = match self.parameter_type {
            ParameterType::String | ParameterType::Enum => Scalar::Text("sample".into()),
            ParameterType::Int => Scalar::Text(format!("{:.0}", self.clamp(1.0))),
            ParameterType::Number => Scalar::Number(self.clamp(1.0)),
            ParameterType::Bool => Scalar::Bool(true),
            ParameterType::Duration => Scalar::Text(format!("{:.0}ms", self.clamp(300.0) * 1000.0)),
        };
        let given = self.default_value.as_ref().or(self.allowed_values.first());
        let scalar = given.cloned().unwrap_or(made_up);
        // Limits between which there is no value leave nothing better than a text.
        let value = Value::read(self.parameter_type, &scalar).unwrap_or_else(|_| Value::Text("sample".into()));
        Bound::new(scalar, value)
    }

    /// The number that is nearest to `wished` within the limits.
    fn clamp(&self, wished: f64) -> f64 {
        let raised = self.minimum.map_or(wished, |minimum| wished.max(minimum));
        let limited = self.maximum.map_or(raised, |maximum| raised.min(maximum));
        match self.parameter_type {
            ParameterType::Int if limited < raised => limited.floor(),
            ParameterType::Int => limited.ceil(),
            ParameterType::Duration => limited.max(0.0),
            _ => limited,
        }
    }

    /// How many bytes its texts have.
    fn text_bytes(&self) -> usize {
        let text_of = |scalar: &Scalar| match scalar {
            Scalar::Text(text) => text.len(),
            Scalar::Bool(_) | Scalar::Number(_) => 0,
        };
        let values = self.allowed_values.iter().chain(&self.default_value);
        let fixed = self.name.len() + self.display_name.len() + self.description.len() + self.pattern.len();
        fixed + values.map(text_of).sum::<usize>()
    }

    fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        let limit = |limit: Option<f64>| limit.map(|double| double.to_bits().to_be_bytes());
        let texts = request
            .part(&self.name)
            .part(&self.display_name)
            .part(&self.description)
            .part(self.parameter_type.as_str())
            .part([u8::from(self.required)])
            .part(&self.pattern)
            .optional_part(limit(self.minimum))
            .optional_part(limit(self.maximum));
        let with_default = match &self.default_value {
            Some(default) => default.fingerprint(texts.part("default")),
            None => texts.part("no default"),
        };
        let counted = with_default.part((self.allowed_values.len() as u64).to_be_bytes());
        self.allowed_values
            .iter()
            .fold(counted, |parts, allowed| allowed.fingerprint(parts))
    }
}

/// Checks a text for people.
///
/// # Errors
/// `FIELD_TOO_LONG` or `FIELD_INVALID` on `field`.
pub(super) fn check_text(field: &str, text: &str, max_chars: usize) -> Result<(), Violation> {
    if text.chars().nth(max_chars).is_some() {
        let description = format!("cannot contain more than {max_chars} characters");
        return Err(Violation::new(field, Reason::FieldTooLong, description));
    }
    if text.contains('\0') {
        let description = "cannot contain the character U+0000";
        return Err(Violation::new(field, Reason::FieldInvalid, description));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
