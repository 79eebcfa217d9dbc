//! Whether a declaration makes sense, before anybody gives a value.

use super::{
    MAX_ALLOWED_VALUES, MAX_DESCRIPTION_CHARS, MAX_DISPLAY_NAME_CHARS, MAX_NAME_BYTES, Parameter, ParameterType,
    check_text,
};
use crate::domain::reason::Reason;
use crate::domain::template::pattern::Pattern;
use crate::domain::violation::{Violation, Violations, quoted};

impl Parameter {
    /// Checks the declaration, and that its own values obey it.
    pub(super) fn check(&self, place: &str) -> Result<(), Violations> {
        let mut wrong = Violations::default();
        let at = |part: &str| format!("{place}.{part}");
        wrong.note(check_name(&at("name"), &self.name));
        wrong.note(check_text(
            &at("display_name"),
            &self.display_name,
            MAX_DISPLAY_NAME_CHARS,
        ));
        wrong.note(check_text(&at("description"), &self.description, MAX_DESCRIPTION_CHARS));
        wrong.note(self.check_limits(place));
        let pattern = wrong.note(self.parse_pattern(&at("pattern")));
        if self.default_value.is_none() && !self.required {
            let description = "must be set: what is not required needs a value for callers that give none";
            let missing = Violation::new(at("default_value"), Reason::FieldRequired, description);
            wrong.note(Err::<(), _>(missing));
        }
        wrong.note(self.check_allowed_values(&at("allowed_values")));
        // Its values are held against the rest of the declaration only where that is sound.
        if let (Some(default), Some(pattern)) = (&self.default_value, pattern) {
            wrong.note(self.admit(&at("default_value"), default, pattern.as_ref()));
        }
        wrong.or_ok(())
    }

    fn check_limits(&self, place: &str) -> Result<(), Violations> {
        let mut wrong = Violations::default();
        let limits = [("minimum", self.minimum), ("maximum", self.maximum)];
        for (name, limit) in limits.iter().filter_map(|(name, limit)| Some((name, (*limit)?))) {
            let description = match self.parameter_type.has_magnitude() {
                true if limit.is_finite() => continue,
                true => "must be a finite number".to_owned(),
                false => format!(
                    "is for INT, NUMBER and DURATION, not for {}",
                    self.parameter_type.as_str()
                ),
            };
            let refused = Violation::new(format!("{place}.{name}"), Reason::FieldInvalid, description);
            wrong.note(Err::<(), _>(refused));
        }
        if let (Some(minimum), Some(maximum)) = (self.minimum, self.maximum)
            && minimum > maximum
        {
            let description = format!("{maximum} is below the minimum of {minimum}");
            let empty = Violation::new(format!("{place}.maximum"), Reason::FieldInvalid, description);
            wrong.note(Err::<(), _>(empty));
        }
        wrong.or_ok(())
    }

    /// Compiles the pattern, if there is one.
    pub(super) fn parse_pattern(&self, place: &str) -> Result<Option<Pattern>, Violation> {
        let refused = |description: String| Violation::new(place, Reason::FieldInvalid, description);
        match (self.pattern.as_str(), self.parameter_type) {
            ("", _) => Ok(None),
            (pattern, ParameterType::String) => Pattern::parse(pattern).map(Some).map_err(refused),
            (_, other) => Err(refused(format!("is for STRING, not for {}", other.as_str()))),
        }
    }

    fn check_allowed_values(&self, place: &str) -> Result<(), Violations> {
        let refused = |reason: Reason, description: String| Err(Violation::new(place, reason, description).into());
        match (self.parameter_type, self.allowed_values.len()) {
            (ParameterType::Enum, 0) => {
                return refused(Reason::FieldRequired, "must hold the values of the ENUM".into());
            }
            (_, MAX_ALLOWED_VALUES..) if self.allowed_values.len() > MAX_ALLOWED_VALUES => {
                let description = format!("cannot contain more than {MAX_ALLOWED_VALUES} values");
                return refused(Reason::FieldTooLong, description);
            }
            (ParameterType::Bool, 1..) => return refused(Reason::FieldInvalid, "is not for BOOL".into()),
            _ => {}
        }
        let mut wrong = Violations::default();
        let pattern = self.parse_pattern(place).ok().flatten();
        for (position, allowed) in self.allowed_values.iter().enumerate() {
            wrong.note(self.admit(&format!("{place}[{position}]"), allowed, pattern.as_ref()));
        }
        wrong.or_ok(())
    }
}

/// Checks that `name` is one that slots can use: a letter or `_`, then letters, digits and `_`.
fn check_name(field: &str, name: &str) -> Result<(), Violation> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = name.bytes().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit());
    let refused = |reason: Reason, description: String| Err(Violation::new(field, reason, description));
    match name.len() {
        0 => refused(Reason::FieldRequired, "must be set".into()),
        1..=MAX_NAME_BYTES if is_name => Ok(()),
        _ => refused(
            Reason::FieldInvalid,
            format!(
                "{} is not 1 to {MAX_NAME_BYTES} of a-z A-Z 0-9 _, beginning with no digit",
                quoted(name)
            ),
        ),
    }
}
