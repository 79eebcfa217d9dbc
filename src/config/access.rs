//! Who may do everything without a grant, who is believed about others, and how far dashboards are shared.

use std::time::Duration;

use super::args::AccessArgs;
use super::problem::Reader;
use super::value;
use crate::domain::client_address::TrustedProxies;
use crate::domain::share_link::MIN_TTL;
use crate::domain::subject::Subject;

const DAY: Duration = Duration::from_secs(86_400);

/// Who may do everything without a grant, who is believed about others, and how far dashboards are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessConfig {
    /// Users and groups that are platform-admin by configuration.
    pub bootstrap_admins: Vec<Subject>,
    /// The proxies that are believed when they say whom they speak for.
    pub trusted_proxies: TrustedProxies,
    /// The longest life of a share link.
    pub share_link_max_ttl: Duration,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            bootstrap_admins: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            share_link_max_ttl: DAY * 365,
        }
    }
}

impl AccessConfig {
    /// Reads the options.
    pub(super) fn read(reader: &mut Reader, args: AccessArgs) -> Self {
        let AccessArgs {
            bootstrap_admins,
            trusted_proxies,
            share_link_max_ttl,
        } = args;
        let defaults = Self::default();
        Self {
            bootstrap_admins: reader
                .read("BOOTSTRAP_ADMINS", bootstrap_admins, subjects)
                .unwrap_or(defaults.bootstrap_admins),
            trusted_proxies: reader
                .read("TRUSTED_PROXIES", trusted_proxies, TrustedProxies::parse)
                .unwrap_or(defaults.trusted_proxies),
            share_link_max_ttl: reader
                .read("SHARE_LINK_MAX_TTL", share_link_max_ttl, |text| {
                    value::duration_within(text, MIN_TTL..=DAY * 3650)
                })
                .unwrap_or(defaults.share_link_max_ttl),
        }
    }
}

/// Parses `user:ada,group:sre`.
fn subjects(text: &str) -> Result<Vec<Subject>, String> {
    let parsed = text.split(',').map(|subject| Subject::parse("", subject.trim()));
    let all: Result<Vec<Subject>, _> = parsed.collect();
    all.map_err(|_| "must be users and groups with commas between them: user:ada,group:sre".to_owned())
}
