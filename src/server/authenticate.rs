//! Finds out who is calling.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use tonic::Status;

use super::layer::{Handler, Layer, Request, Response};
use super::methods::Method;
use crate::access::{CallOrigin, Caller};
use crate::error::{Error, Result};

/// The user that a caller of development mode says it is.
const REMOTE_USER: HeaderName = HeaderName::from_static("x-remote-user");

/// Puts a [`Caller`] into the extensions of the request, where handlers find it.
///
/// Development mode is the only one so far: nobody proves anything, and the server listens on loopback alone.
#[derive(Debug)]
pub struct Authenticate;

impl Layer for Authenticate {
    async fn call(&self, mut request: Request, next: &impl Handler) -> Response {
        if request.extensions().get::<Method>().is_some_and(|method| method.open) {
            return next.handle(request).await;
        }
        match caller(&request) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                next.handle(request).await
            }
            Err(error) => Status::from(error).into_http(),
        }
    }
}

fn caller(request: &Request) -> Result<Caller> {
    let user = remote_user(request.headers())?;
    let origin = request.extensions().get::<Arc<CallOrigin>>().cloned();
    let origin = origin.ok_or_else(|| Error::internal("the call has no origin: the identity layer is missing"))?;
    Caller::development(user, origin).map_err(Error::Unauthenticated)
}

/// The user name, if there is one; a credential that can't be checked is never passed over.
fn remote_user(headers: &HeaderMap) -> Result<Option<&str>> {
    if headers.contains_key(AUTHORIZATION) {
        let text = "development mode checks no tokens: name yourself with x-remote-user instead";
        return Err(Error::Unauthenticated(text.into()));
    }
    let mut values = headers.get_all(REMOTE_USER).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Error::Unauthenticated("x-remote-user must be given once".into()));
    }
    let unreadable = |_| Error::Unauthenticated("x-remote-user must be printable ASCII".into());
    first.map(|value| value.to_str().map_err(unreadable)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(HeaderName, &'static [u8])]) -> Result<Option<String>> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, http::HeaderValue::from_bytes(value).unwrap());
        }
        remote_user(&headers).map(|user| user.map(str::to_owned))
    }

    #[test]
    fn one_user_or_none_is_taken() {
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&[(REMOTE_USER, b"ada")]).unwrap().as_deref(), Some("ada"));
    }

    #[test]
    fn unclear_credentials_are_refused() {
        for headers in [
            &[(REMOTE_USER, &b"ada"[..]), (REMOTE_USER, b"bob")][..],
            &[(REMOTE_USER, b"\xff")],
            &[(AUTHORIZATION, b"Bearer x"), (REMOTE_USER, b"ada")],
        ] {
            assert!(matches!(read(headers), Err(Error::Unauthenticated(_))));
        }
    }
}
