//! Has every call say who sends it.

use std::sync::Arc;

use http::{Extensions, HeaderMap};
use tonic::Status;

use super::layer::{Handler, Layer, Request, Response};
use super::methods::Method;
use crate::access::{CallOrigin, Caller};
use crate::authentication::{Authenticator, PeerCertificate};
use crate::error::{Error, Result};

/// Puts a [`Caller`] into the extensions of the request, where handlers find it. Without one, only open methods are called.
#[derive(Debug)]
pub struct Authenticate {
    /// Finds out who it is.
    pub authenticator: Arc<Authenticator>,
}

impl Layer for Authenticate {
    async fn call(&self, mut request: Request, next: &impl Handler) -> Response {
        if request.extensions().get::<Method>().is_some_and(|method| method.open) {
            return next.handle(request).await;
        }
        match self.caller(request.headers(), request.extensions()).await {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                next.handle(request).await
            }
            Err(error) => Status::from(error).into_http(),
        }
    }
}

impl Authenticate {
    async fn caller(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Caller> {
        let origin = extensions.get::<Arc<CallOrigin>>().cloned();
        let origin = origin.ok_or_else(|| Error::internal("the call has no origin: the identity layer is missing"))?;
        let peer = extensions.get::<Arc<PeerCertificate>>().map(Arc::as_ref);
        let (identity, method) = self.authenticator.authenticate(headers, peer).await?;
        Ok(Caller::new(identity, method, origin))
    }
}
