//! What a dashboard may be, and how much of it is kept.

use std::time::Duration;

use super::args::DashboardArgs;
use super::problem::Reader;
use super::value;

const DAY: Duration = Duration::from_secs(86_400);
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// An answer holds the document and, at worst, all of its text once more as its display name: both fit into a message.
const LARGEST_SPEC: usize = 3 * MIB / 2;

/// What a dashboard may be, and how much of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DashboardsConfig {
    /// The largest document, in bytes.
    pub spec_max_bytes: usize,
    /// How many of the newest revisions are kept.
    pub revisions_kept: u32,
    /// How long a deleted dashboard can be brought back before it is purged.
    pub deleted_retention: Duration,
}

impl Default for DashboardsConfig {
    fn default() -> Self {
        Self {
            spec_max_bytes: MIB,
            revisions_kept: 100,
            deleted_retention: DAY * 30,
        }
    }
}

impl DashboardsConfig {
    /// Reads the options.
    pub(super) fn read(reader: &mut Reader, args: DashboardArgs) -> Self {
        let DashboardArgs {
            spec_max_bytes,
            revisions_kept,
            deleted_retention,
        } = args;
        let defaults = Self::default();
        Self {
            spec_max_bytes: reader
                .read("SPEC_MAX_BYTES", spec_max_bytes, |text| {
                    value::bytes(text, KIB..=LARGEST_SPEC)
                })
                .unwrap_or(defaults.spec_max_bytes),
            revisions_kept: self::revisions_kept(reader, revisions_kept).unwrap_or(defaults.revisions_kept),
            deleted_retention: reader
                .read("DELETED_RETENTION", deleted_retention, |text| {
                    value::duration_within(text, Duration::ZERO..=DAY * 3650)
                })
                .unwrap_or(defaults.deleted_retention),
        }
    }
}

/// Reads how many of the newest revisions are kept.
pub(super) fn revisions_kept(reader: &mut Reader, raw: Option<String>) -> Option<u32> {
    reader.read("REVISIONS_KEPT", raw, |text| value::number(text, 1..=100_000))
}
