//! Documents: both forms in, the asked one out.

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

/// Presents a document in the form that was asked for.
pub fn present_spec(text: String, format: SpecFormat) -> proto::DashboardSpec {
    let tree = match format {
        SpecFormat::Json => None,
        SpecFormat::Structured => WireStruct::from_json(&text),
    };
    let content = tree.map_or(Content::Json(text), Content::Structured);
    proto::DashboardSpec { content: Some(content) }
}
