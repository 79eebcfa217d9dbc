//! The keys of advisory locks: for what has no row that could be locked.

use crate::domain::digest::Fingerprint;

/// The key of what `parts` name. Two that share one by chance wait for each other, and that is all.
pub(super) fn key(parts: Fingerprint) -> i64 {
    let digest = parts.finish();
    digest
        .as_bytes()
        .first_chunk()
        .map_or(0, |key| i64::from_be_bytes(*key))
}
