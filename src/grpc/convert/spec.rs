//! Documents: both forms in, the asked one out.

use prost::Message as _;

use crate::domain::list::MAX_PAGE_BYTES;
use crate::domain::reason::Reason;
use crate::domain::spec::{DashboardSpec, SpecLimits};
use crate::domain::violation::Violation;
use crate::grpc::proto;
use crate::grpc::proto::dashboard_spec::Content;
use crate::grpc::structured::WireStruct;

/// The field that every path into a document begins with.
const FIELD: &str = "dashboard.spec";

/// The form in which a caller wants documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecFormat {
    /// Exact JSON text.
    Json,
    /// A `google.protobuf.Struct` where it can carry the document exactly.
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
    let required = || Violation::new(FIELD, Reason::FieldRequired, "must be set, as json or as structured");
    let content = spec
        .and_then(|message| message.content)
        .ok_or_else(|| vec![required()])?;
    let text = match content {
        Content::Json(text) => text,
        Content::Structured(tree) => tree.to_json(limits).map_err(|violation| vec![violation.under(FIELD)])?,
    };
    DashboardSpec::parse(text, limits)
        .map_err(|violations| violations.into_iter().map(|violation| violation.under(FIELD)).collect())
}

/// Presents the documents of one answer in the form that was asked for.
///
/// A tree can take several times the bytes of its JSON text, and pages are cut by the latter. A document whose tree would
/// make those of the answer exceed [`MAX_PAGE_BYTES`] stays JSON.
#[derive(Debug)]
pub struct SpecPresenter {
    format: SpecFormat,
    /// How many bytes trees may still take beyond those of the JSON text.
    spare_bytes: usize,
}

impl SpecPresenter {
    /// Begins an answer with these documents.
    pub fn new<'a>(format: SpecFormat, texts: impl Iterator<Item = &'a String>) -> Self {
        Self::within(MAX_PAGE_BYTES as usize, format, texts)
    }

    fn within<'a>(max_bytes: usize, format: SpecFormat, texts: impl Iterator<Item = &'a String>) -> Self {
        let json_bytes: usize = texts.map(String::len).sum();
        Self {
            format,
            spare_bytes: max_bytes.saturating_sub(json_bytes),
        }
    }

    /// Presents the next document.
    pub fn present(&mut self, text: String) -> proto::DashboardSpec {
        let content = match self.tree(&text) {
            Some(tree) => Content::Structured(tree),
            None => Content::Json(text),
        };
        proto::DashboardSpec { content: Some(content) }
    }

    /// The document as a tree, where one was asked for, can carry it, and fits.
    fn tree(&mut self, text: &str) -> Option<WireStruct> {
        if self.format == SpecFormat::Json {
            return None;
        }
        let tree = WireStruct::from_json(text)?;
        self.spare_bytes = (self.spare_bytes + text.len()).checked_sub(tree.encoded_len())?;
        Some(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: &str = r#"{"n":[1,2,3,4,5,6,7,8,9]}"#;

    /// Which of the documents come as trees, and how many bytes all of them take.
    fn presented(max_bytes: usize, texts: &[&str]) -> (Vec<bool>, usize) {
        let owned: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let mut presenter = SpecPresenter::within(max_bytes, SpecFormat::Structured, owned.iter());
        let mut bytes = 0;
        let are_trees = owned.into_iter().map(|text| match presenter.present(text).content {
            Some(Content::Structured(tree)) => {
                bytes += tree.encoded_len();
                true
            }
            Some(Content::Json(json)) => {
                bytes += json.len();
                false
            }
            None => panic!("no content"),
        });
        let are_trees = are_trees.collect();
        (are_trees, bytes)
    }

    #[test]
    fn documents_stay_json_where_their_trees_would_make_the_answer_too_large() {
        let tree_bytes = WireStruct::from_json(NUMBERS).unwrap().encoded_len();
        let json_bytes = NUMBERS.len();
        assert!(tree_bytes > 2 * json_bytes, "{tree_bytes}");
        let three = [NUMBERS; 3];
        for (max_bytes, trees) in [
            (3 * tree_bytes, [true, true, true]),
            (3 * tree_bytes - 1, [true, true, false]),
            (tree_bytes + 2 * json_bytes, [true, false, false]),
            (tree_bytes + 2 * json_bytes - 1, [false, false, false]),
            (0, [false, false, false]),
        ] {
            let (are_trees, bytes) = presented(max_bytes, &three);
            assert_eq!(are_trees, trees, "{max_bytes}");
            assert!(bytes <= max_bytes.max(3 * json_bytes), "{bytes} of {max_bytes}");
        }
    }

    #[test]
    fn a_document_that_stays_json_takes_no_room_from_those_after_it() {
        let small = r#"{"n":1}"#;
        let max_bytes = NUMBERS.len() + WireStruct::from_json(small).unwrap().encoded_len();
        assert_eq!(presented(max_bytes, &[NUMBERS, small]).0, [false, true]);
    }
}
