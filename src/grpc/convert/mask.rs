//! Update masks (AIP-134, AIP-161): what they say as a whole, and how they are refused. Which fields there are, each message says.

use crate::domain::reason::Reason;
use crate::domain::violation::{Violation, quoted};

/// What an update asks to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask<'a> {
    /// It has no mask: the fields that are populated.
    Absent,
    /// `*`: all fields.
    Everything,
    /// The fields of these paths; none of them is `*`.
    Paths(&'a [String]),
}

impl<'a> Mask<'a> {
    /// Reads the paths of a mask.
    ///
    /// # Errors
    /// `INVALID_UPDATE_MASK` for `*` beside other paths.
    pub(super) fn of(paths: &'a [String]) -> Result<Self, Violation> {
        match paths {
            [] => Ok(Self::Absent),
            [all] if all == "*" => Ok(Self::Everything),
            _ if paths.iter().any(|path| path == "*") => Err(wrong_mask("\"*\" stands alone".into())),
            _ => Ok(Self::Paths(paths)),
        }
    }
}

/// The violation of a path that names no field; `known` are those that there are.
pub(super) fn unknown_path(path: &str, known: &str) -> Violation {
    wrong_mask(format!("no field {} can be updated: there are {known}", quoted(path)))
}

/// The violation of a mask.
pub(super) fn wrong_mask(description: String) -> Violation {
    Violation::new("update_mask", Reason::InvalidUpdateMask, description)
}
