//! Etags: which state of a resource a caller has seen (AIP-154).
//!
//! Strong: equal etags mean that the same life of a resource (uid) went through the same number of writes (generation).
//! The quotes that HTTP puts around an etag are left out: this one travels in a field, not in a header.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::reason::Reason;
use super::violation::Violation;

/// The condition that every state fulfils.
const ANY: &str = "*";

/// The bytes of an etag: the uid, then the generation in network order.
const ETAG_BYTES: usize = 24;

/// One state of one life of a resource; as text 32 characters of URL-safe base64, opaque to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Etag {
    uid: Uuid,
    generation: i64,
}

impl Etag {
    /// The etag of the life `uid` after its `generation`th write that is visible in the API.
    pub const fn new(uid: Uuid, generation: i64) -> Self {
        Self { uid, generation }
    }

    /// Which life of the resource.
    pub const fn uid(&self) -> Uuid {
        self.uid
    }

    /// How many visible writes that life has seen.
    pub const fn generation(&self) -> i64 {
        self.generation
    }

    /// Parses what [`fmt::Display`] writes.
    fn from_text(text: &str) -> Option<Self> {
        let bytes: [u8; ETAG_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (uid, generation) = bytes.split_first_chunk::<16>()?;
        let generation = <[u8; 8]>::try_from(generation).ok()?;
        Some(Self {
            uid: Uuid::from_bytes(*uid),
            generation: i64::from_be_bytes(generation),
        })
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.uid.as_bytes().as_slice(), &self.generation.to_be_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// Which state a mutation may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtagCondition {
    /// This state alone.
    Required(Etag),
    /// Whatever is there: the explicit overwrite, written `*`.
    Any,
}

impl fmt::Display for EtagCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required(etag) => etag.fmt(f),
            Self::Any => f.write_str(ANY),
        }
    }
}

impl EtagCondition {
    /// Parses the etag of a mutation that can't do without one.
    ///
    /// # Errors
    /// On `field`: `ETAG_REQUIRED` when empty; otherwise as [`EtagCondition::parse_optional`].
    pub fn parse_required(field: &str, text: &str) -> Result<Self, Violation> {
        let required = || {
            let description = "must be set: send the etag of the last answer, or \"*\" to overwrite whatever is there";
            Violation::new(field, Reason::EtagRequired, description)
        };
        Self::parse_optional(field, text)?.ok_or_else(required)
    }

    /// Parses the etag of a mutation that can do without one; empty is none.
    ///
    /// # Errors
    /// `FIELD_INVALID` on `field` for text that this service never sends. A stale etag is no violation: whether it
    /// still holds is decided where the resource is locked.
    pub fn parse_optional(field: &str, text: &str) -> Result<Option<Self>, Violation> {
        match text {
            "" => Ok(None),
            ANY => Ok(Some(Self::Any)),
            _ => match Etag::from_text(text) {
                Some(etag) => Ok(Some(Self::Required(etag))),
                None => {
                    let description = "is not an etag of this service: send the one of the last answer unchanged";
                    Err(Violation::new(field, Reason::FieldInvalid, description))
                }
            },
        }
    }

    /// Whether a mutation under this condition may change the state `current`.
    pub fn admits(&self, current: &Etag) -> bool {
        match self {
            Self::Required(etag) => etag == current,
            Self::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UID: Uuid = Uuid::from_u128(0x018f_6b1e_0000_7000_8000_0000_0000_0001);

    #[test]
    fn the_form_stays_as_it_is() {
        assert_eq!(Etag::new(UID, 7).to_string(), "AY9rHgAAcACAAAAAAAAAAQAAAAAAAAAH");
    }

    #[test]
    fn empty_is_refused_only_where_an_etag_is_required() {
        let refused = EtagCondition::parse_required("etag", "").map_err(|violation| violation.reason);
        assert_eq!(refused, Err(Reason::EtagRequired));
        assert_eq!(EtagCondition::parse_optional("etag", ""), Ok(None));
        assert_eq!(EtagCondition::parse_required("etag", "*"), Ok(EtagCondition::Any));
    }

    #[test]
    fn foreign_text_is_invalid() {
        let etag = Etag::new(UID, 7).to_string();
        for text in [
            "W/\"1\"",
            "**",
            " *",
            &format!("\"{etag}\""),
            &format!("{etag}="),
            &format!("{etag}AAAA"),
            &etag[..31],
            &etag[..28],
            &etag.replace('A', "+"),
        ] {
            let refused = EtagCondition::parse_required("etag", text).map_err(|violation| violation.reason);
            assert_eq!(refused, Err(Reason::FieldInvalid), "{text}");
        }
    }

    #[test]
    fn only_the_same_life_and_generation_are_admitted() {
        let current = Etag::new(UID, 7);
        assert!(EtagCondition::Any.admits(&current));
        assert!(EtagCondition::Required(Etag::new(UID, 7)).admits(&current));
        assert!(!EtagCondition::Required(Etag::new(UID, 6)).admits(&current));
        assert!(!EtagCondition::Required(Etag::new(Uuid::nil(), 7)).admits(&current));
    }

    proptest! {
        #[test]
        fn etags_round_trip(uid in any::<u128>(), generation in any::<i64>()) {
            let etag = Etag::new(Uuid::from_u128(uid), generation);
            let parsed = EtagCondition::parse_required("etag", &etag.to_string());
            prop_assert_eq!(parsed, Ok(EtagCondition::Required(etag)));
        }

        #[test]
        fn what_is_read_as_an_etag_is_written_the_same(text in "[A-Za-z0-9_-]{30,34}|\\PC{0,40}") {
            if let Ok(Some(EtagCondition::Required(etag))) = EtagCondition::parse_optional("etag", &text) {
                prop_assert_eq!(etag.to_string(), text);
            }
        }
    }
}
