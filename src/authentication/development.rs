//! Development mode: nobody proves anything, and the server listens on loopback alone.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::{headers, refused};
use crate::access::Identity;
use crate::domain::role::Role;
use crate::error::Result;

/// Who a caller is that does not name itself; it may do everything. Any other name has what grants give it.
const DEVELOPER: &str = "developer";

/// Who the caller says it is; a credential that can't be checked is never passed over.
pub(super) fn identity(headers: &HeaderMap) -> Result<Identity> {
    if headers.contains_key(AUTHORIZATION) {
        return Err(refused(
            "development mode checks no tokens: name yourself with x-remote-user instead",
        ));
    }
    let stated = headers::stated_identity(headers)?;
    let mut identity = stated.unwrap_or_else(|| Identity {
        user: DEVELOPER.to_owned(),
        groups: Vec::new(),
        roles: Vec::new(),
    });
    if identity.user == DEVELOPER {
        identity.roles.push(Role::PlatformAdmin);
    }
    Ok(identity)
}
