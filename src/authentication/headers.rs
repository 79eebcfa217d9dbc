//! The headers that hold credentials.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{checked_name, refused};
use crate::access::Identity;
use crate::error::Result;

/// The user that a proxy states.
const REMOTE_USER: HeaderName = HeaderName::from_static("x-remote-user");

/// A group of that user; there may be many.
const REMOTE_GROUP: HeaderName = HeaderName::from_static("x-remote-group");

/// The user that the headers state, with its groups. Whether the peer may state one is for others to say.
pub(super) fn stated_identity(headers: &HeaderMap) -> Result<Option<Identity>> {
    let Some(user) = only_one(headers, &REMOTE_USER)? else {
        if headers.contains_key(REMOTE_GROUP) {
            return Err(refused("x-remote-group comes without x-remote-user"));
        }
        return Ok(None);
    };
    let groups = headers.get_all(REMOTE_GROUP).iter();
    let groups = groups.map(|value| name(&REMOTE_GROUP, value));
    Ok(Some(Identity {
        user: name(&REMOTE_USER, user)?,
        groups: groups.collect::<Result<_>>()?,
        roles: Vec::new(),
    }))
}

/// The token of `authorization: Bearer TOKEN`.
pub(super) fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = only_one(headers, &AUTHORIZATION)? else {
        return Ok(None);
    };
    let token = value.to_str().ok().and_then(|text| text.split_once(' '));
    let token = token.filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && is_token(token));
    let malformed = || refused("the authorization header must be \"Bearer\", a blank and one token");
    token.map(|(_, token)| Some(token)).ok_or_else(malformed)
}

/// The syntax of bearer tokens (RFC 6750, 2.1).
fn is_token(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

/// The value of a header that may be there once at most: two would be two credentials.
fn only_one<'a>(headers: &'a HeaderMap, header: &HeaderName) -> Result<Option<&'a HeaderValue>> {
    let mut values = headers.get_all(header).iter();
    let (first, second) = (values.next(), values.next());
    match second {
        Some(_) => Err(refused(format!("{header} must be given once"))),
        None => Ok(first),
    }
}

fn name(header: &HeaderName, value: &HeaderValue) -> Result<String> {
    let text = value
        .to_str()
        .map_err(|_| refused(format!("{header} must be printable ASCII")))?;
    checked_name(header.as_str(), text)
}
