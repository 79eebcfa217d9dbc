//! From a template's document and values to the document of a dashboard.
//!
//! It works on JSON values: an object `{"$param": "x"}` becomes the value of `x`, and the slots of a string ([`super::slot`])
//! become text inside that string, so no value can end the string that it stands in. Keys are text as they are. The order of
//! members and the text of the template's numbers stay.

use std::borrow::Cow;

use super::parameter::{Binding, Bound};
use super::slot::{Piece, SlotKind, pieces};
use super::value::Value;
use crate::domain::reason::Reason;
use crate::domain::spec::json::{self, Json, Member, Number, Written};
use crate::domain::spec::pointer::Pointer;
use crate::domain::spec::{DashboardSpec, SpecLimits};
use crate::domain::violation::{MAX_VIOLATIONS, Violation, quoted};

/// The key of an object that stands for a value.
const PARAMETER_KEY: &str = "$param";

/// Renders `template`, which is JSON text, and takes the result through the intake of dashboards.
///
/// # Errors
/// All that is wrong, at most [`MAX_VIOLATIONS`], with JSON pointers into the rendered document, which has the shape of the
/// template: `SLOT_INVALID` for a slot that is malformed, that nobody declared, or that does not take its value; if there is
/// none, the violations of [`DashboardSpec::parse`].
pub(super) fn render(template: &str, binding: &Binding, limits: &SpecLimits) -> Result<DashboardSpec, Vec<Violation>> {
    let document = json::parse(template)?;
    let rendered = Renderer::new(Some(binding), limits).render(&document)?;
    let text = serde_json::to_string(&Written(&rendered)).map_err(|error| vec![unwritable(&error)])?;
    DashboardSpec::parse(text, limits)
}

/// Checks the slots of a document before its parameters are known.
///
/// # Errors
/// `SLOT_INVALID` for each that is malformed.
pub(super) fn check_slots(document: &Json<'_>, limits: &SpecLimits) -> Result<(), Vec<Violation>> {
    Renderer::new(None, limits).render(document).map(|_| ())
}

/// A tree without numbers of its own making can be written.
fn unwritable(error: &serde_json::Error) -> Violation {
    Violation::new("", Reason::SpecMalformed, format!("can't be written as JSON: {error}"))
}

/// The result would be larger than is allowed; the violation that says so is noted.
struct TooLarge;

struct Renderer<'v> {
    /// None where any name is taken for one that is declared.
    binding: Option<&'v Binding>,
    violations: Vec<Violation>,
    /// How many more bytes values may bring into the document.
    spare_bytes: usize,
    max_bytes: usize,
}

impl<'v> Renderer<'v> {
    fn new(binding: Option<&'v Binding>, limits: &SpecLimits) -> Self {
        Self {
            binding,
            violations: Vec::new(),
            spare_bytes: limits.max_bytes,
            max_bytes: limits.max_bytes,
        }
    }

    fn render<'a>(mut self, document: &'a Json<'a>) -> Result<Json<'a>, Vec<Violation>>
    where
        'v: 'a,
    {
        match self.value(document, &Pointer::Root) {
            Ok(rendered) if self.violations.is_empty() => Ok(rendered),
            Ok(_) | Err(TooLarge) => Err(self.violations),
        }
    }

    fn value<'a>(&mut self, value: &'a Json<'a>, pointer: &Pointer<'_>) -> Result<Json<'a>, TooLarge>
    where
        'v: 'a,
    {
        match value {
            Json::Null | Json::Bool(_) | Json::Number(_) => Ok(value.clone()),
            Json::String(text) => self.text(text, pointer).map(Json::String),
            Json::Array(elements) => {
                let rendered = elements.iter().enumerate();
                let values = rendered.map(|(index, element)| self.value(element, &pointer.index(index)));
                values.collect::<Result<_, _>>().map(Json::Array)
            }
            Json::Object(members) => match value.get(PARAMETER_KEY) {
                Some(name) => self.parameter(name, members.len(), pointer),
                None => self.members(members, pointer).map(Json::Object),
            },
        }
    }

    fn members<'a>(&mut self, members: &'a [Member<'a>], pointer: &Pointer<'_>) -> Result<Vec<Member<'a>>, TooLarge>
    where
        'v: 'a,
    {
        let rendered = members.iter().map(|(key, member)| {
            let value = self.value(member, &pointer.key(key))?;
            Ok((Cow::Borrowed(key.as_ref()), value))
        });
        rendered.collect()
    }

    /// Renders an object of `size` members, of which `name` stands under the key of a parameter.
    fn parameter<'a>(&mut self, name: &'a Json<'a>, size: usize, pointer: &Pointer<'_>) -> Result<Json<'a>, TooLarge>
    where
        'v: 'a,
    {
        let Some(name) = name.as_str().filter(|_| size == 1) else {
            let description =
                format!("an object with the key {PARAMETER_KEY} holds the name of a parameter and nothing else");
            self.refuse(pointer, description);
            return Ok(Json::Null);
        };
        let Some(bound) = self.find(name, pointer) else {
            return Ok(Json::Null);
        };
        self.take(bound.text.len(), pointer)?;
        Ok(self.typed(bound, pointer))
    }

    /// The value as JSON of its type.
    fn typed<'a>(&mut self, bound: &'a Bound, pointer: &Pointer<'_>) -> Json<'a> {
        match &bound.value {
            Value::Text(_) | Value::Duration(_, _) => Json::String(Cow::Borrowed(&bound.text)),
            Value::Bool(truth) => Json::Bool(*truth),
            Value::Int(_) | Value::Number(_, _) => match Number::new(&bound.text) {
                Ok(number) => Json::Number(number),
                Err(exceeded) => {
                    self.refuse(pointer, exceeded);
                    Json::Null
                }
            },
        }
    }

    /// Renders the slots of a text.
    fn text<'a>(&mut self, text: &'a str, pointer: &Pointer<'_>) -> Result<Cow<'a, str>, TooLarge> {
        if !text.contains("%{") {
            return Ok(Cow::Borrowed(text));
        }
        let found = match pieces(text) {
            Ok(found) => found,
            Err(description) => {
                self.refuse(pointer, description);
                return Ok(Cow::Borrowed(text));
            }
        };
        let mut rendered = String::with_capacity(text.len());
        for piece in found {
            match piece {
                Piece::Text(text) => rendered.push_str(text),
                Piece::Slot { name, kind } => self.slot(name, kind, pointer, &mut rendered)?,
            }
        }
        Ok(Cow::Owned(rendered))
    }

    fn slot(
        &mut self,
        name: &str,
        kind: SlotKind,
        pointer: &Pointer<'_>,
        rendered: &mut String,
    ) -> Result<(), TooLarge> {
        let Some(bound) = self.find(name, pointer) else {
            return Ok(());
        };
        match kind.write(&bound.text) {
            Ok(written) => {
                self.take(written.len(), pointer)?;
                rendered.push_str(&written);
            }
            Err(refused) => self.refuse(
                pointer,
                format!(
                    "the slot %{{{name}}} does not take the value of {name:?}, which holds {refused:?}: it takes none of \
                     \" \\ {{ }} $ and no line break"
                ),
            ),
        }
        Ok(())
    }

    /// The value of `name`; none, with a violation where it is not declared.
    fn find(&mut self, name: &str, pointer: &Pointer<'_>) -> Option<&'v Bound> {
        let bound = self.binding?.get(name);
        if bound.is_none() {
            self.refuse(pointer, format!("the template declares no parameter {}", quoted(name)));
        }
        bound
    }

    /// Accounts for bytes that a value brings; many slots of one long value would take more memory than there is.
    fn take(&mut self, bytes: usize, pointer: &Pointer<'_>) -> Result<(), TooLarge> {
        match self.spare_bytes.checked_sub(bytes) {
            Some(left) => {
                self.spare_bytes = left;
                Ok(())
            }
            None => {
                let description = format!(
                    "the document would have more than {} bytes with its values",
                    self.max_bytes
                );
                self.violations.truncate(MAX_VIOLATIONS - 1);
                self.violations.push(Violation::new(
                    pointer.to_field(),
                    Reason::SpecLimitExceeded,
                    description,
                ));
                Err(TooLarge)
            }
        }
    }

    fn refuse(&mut self, pointer: &Pointer<'_>, description: String) {
        if self.violations.len() < MAX_VIOLATIONS {
            let violation = Violation::new(pointer.to_field(), Reason::SlotInvalid, description);
            self.violations.push(violation);
        }
    }
}
