//! Documents: both forms in, the asked one out.

use prost::Message;

use crate::domain::list::MAX_PAGE_BYTES;
use crate::domain::reason::Reason;
use crate::domain::spec::{DashboardSpec, SpecLimits};
use crate::domain::violation::Violation;
use crate::grpc::proto;
use crate::grpc::proto::dashboard_spec::Content;
use crate::grpc::structured::WireStruct;

/// The field that every path into a dashboard's document begins with.
const FIELD: &str = "dashboard.spec";

/// The form in which a caller wants documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecFormat {
    /// Exact JSON text.
    Json,
    /// A `google.protobuf.Struct` where it can carry the document exactly, and clients can read it.
    Structured,
}

impl SpecFormat {
    /// Parses the enum of the proto.
    pub fn parse(value: i32) -> Result<Self, Violation> {
        match proto::SpecFormat::try_from(value) {
            Ok(proto::SpecFormat::Unspecified | proto::SpecFormat::Json) => Ok(Self::Json),
            Ok(proto::SpecFormat::Structured) => Ok(Self::Structured),
            Err(_) => Err(unknown_enum("spec_format", value)),
        }
    }
}

/// The violation of an enum value that this server does not know.
pub fn unknown_enum(field: &str, value: i32) -> Violation {
    Violation::new(
        field,
        Reason::EnumUnknown,
        format!("{value} is not a value of this enum"),
    )
}

/// Parses the document of a request; all its violations at once.
pub fn parse_spec(spec: Option<proto::DashboardSpec>, limits: &SpecLimits) -> Result<DashboardSpec, Vec<Violation>> {
    let text = spec_text(FIELD, spec, limits)?;
    DashboardSpec::parse(text, limits)
        .map_err(|violations| violations.into_iter().map(|violation| violation.under(FIELD)).collect())
}

/// The JSON text of the document in `field`, in whichever form it came.
pub fn spec_text(
    field: &str,
    spec: Option<proto::DashboardSpec>,
    limits: &SpecLimits,
) -> Result<String, Vec<Violation>> {
    let required = || Violation::new(field, Reason::FieldRequired, "must be set, as json or as structured");
    let content = spec
        .and_then(|message| message.content)
        .ok_or_else(|| vec![required()])?;
    match content {
        Content::Json(text) => Ok(text),
        Content::Structured(tree) => tree.to_json(limits).map_err(|violation| vec![violation.under(field)]),
    }
}

/// Presents a document as JSON text.
pub fn json_spec(text: String) -> proto::DashboardSpec {
    let content = Some(Content::Json(text));
    proto::DashboardSpec { content }
}

/// Gives the documents of one answer, which are JSON text, the form that was asked for.
///
/// A tree can take several times the bytes of its JSON text, and pages are cut by the latter. A document whose tree would
/// make the answer exceed [`MAX_PAGE_BYTES`] stays JSON.
pub fn present_specs<M: Message>(messages: &mut [M], format: SpecFormat, spec: SpecOf<M>) {
    match format {
        SpecFormat::Json => {}
        SpecFormat::Structured => structure(messages, spec, MAX_PAGE_BYTES as usize),
    }
}

/// Where a message has its document.
pub type SpecOf<M> = fn(&mut M) -> &mut Option<proto::DashboardSpec>;

/// Makes trees of the documents, one after the other, as long as the messages have no more than `max_bytes` in all.
fn structure<M: Message>(messages: &mut [M], spec: SpecOf<M>, max_bytes: usize) {
    let bytes: usize = messages.iter().map(Message::encoded_len).sum();
    let mut spare_bytes = max_bytes.saturating_sub(bytes);
    for document in messages.iter_mut().filter_map(|message| spec(message).as_mut()) {
        let Some(Content::Json(text)) = &document.content else {
            continue;
        };
        let Some(tree) = WireStruct::from_json(text) else {
            continue;
        };
        if let Some(left) = (spare_bytes + text.len()).checked_sub(tree.encoded_len()) {
            spare_bytes = left;
            document.content = Some(Content::Structured(tree));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: &str = r#"{"n":[1,2,3,4,5,6,7,8,9]}"#;

    fn message(text: &str) -> proto::Dashboard {
        let content = Some(Content::Json(text.into()));
        proto::Dashboard {
            name: "projects/p/dashboards/d".into(),
            spec: Some(proto::DashboardSpec { content }),
            ..Default::default()
        }
    }

    /// How many bytes more a document takes as a tree.
    fn growth(text: &str) -> usize {
        WireStruct::from_json(text).unwrap().encoded_len() - text.len()
    }

    fn bytes(messages: &[proto::Dashboard]) -> usize {
        messages.iter().map(Message::encoded_len).sum()
    }

    /// Which of the documents come as trees, where these messages may take `max_bytes`.
    fn are_trees(mut messages: Vec<proto::Dashboard>, max_bytes: usize) -> Vec<bool> {
        let as_json = bytes(&messages);
        structure(&mut messages, |dashboard| &mut dashboard.spec, max_bytes);
        assert!(bytes(&messages) <= max_bytes.max(as_json), "{max_bytes}");
        let contents = messages.into_iter().map(|message| message.spec.unwrap().content);
        contents
            .map(|content| matches!(content, Some(Content::Structured(_))))
            .collect()
    }

    #[test]
    fn documents_stay_json_where_their_trees_would_make_the_answer_too_large() {
        let three = vec![message(NUMBERS); 3];
        let as_json = bytes(&three);
        for (max_bytes, trees) in [
            (as_json + 3 * growth(NUMBERS), [true, true, true]),
            (as_json + 3 * growth(NUMBERS) - 1, [true, true, false]),
            (as_json + growth(NUMBERS), [true, false, false]),
            (as_json + growth(NUMBERS) - 1, [false, false, false]),
            (0, [false, false, false]),
        ] {
            assert_eq!(are_trees(three.clone(), max_bytes), trees, "{max_bytes}");
        }
    }

    #[test]
    fn a_document_that_stays_json_takes_no_room_from_those_after_it() {
        let small = r#"{"n":1}"#;
        let messages = vec![message(NUMBERS), message(small)];
        let max_bytes = bytes(&messages) + growth(small);
        assert_eq!(are_trees(messages, max_bytes), [false, true]);
    }
}
