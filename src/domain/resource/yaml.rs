//! YAML to JSON as `sigs.k8s.io/yaml` has it, which Kubernetes and perses-operator read files with, and JSON to YAML as
//! Perses writes it.
//!
//! Reading: the events are those of `granit-parser`; what plain words mean ([`scalar`]), anchors, merge keys and limits
//! ([`reader`], [`node`]) are ours. It follows YAML 1.1 as Go does: `yes` and `on` are true, `0777` and `0o777` are octal,
//! sexagesimal numbers and dates are text, keys that are no strings become strings, merge keys take effect where they stand.
//! `tests/yaml/cases.json` is the table of what Go answers. It differs on purpose in this:
//! - a key that is there twice is refused, as in a JSON document, where Go takes the last;
//! - a number keeps its spelling if it is JSON (`1.50`), and so all its digits where Go rounds them to a double;
//! - `!!timestamp` is any text, and `!!binary` is refused if it holds no text;
//! - more than one document is refused, where Go reads the first.
//!
//! Writing ([`writer`]): the order of members is kept, the style is that of Perses' YAML library, and whatever could be read
//! as something else is quoted.

mod node;
mod number;
mod reader;
mod scalar;
mod writer;

pub(crate) use reader::to_json;
pub(super) use writer::{write_members, write_text};

/// The deepest nesting, aliases resolved: that of a spec, and the levels of a resource around it.
const MAX_DEPTH: usize = crate::domain::spec::json::MAX_DEPTH + 3;

/// The most values, aliases resolved, as for a JSON document.
const MAX_NODES: usize = crate::domain::spec::json::MAX_NODES;

/// The longest JSON text in bytes, aliases resolved.
const MAX_BYTES: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests;
