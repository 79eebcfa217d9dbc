//! What all handlers begin and end with.

use tonic::{Request, Response, Status};

use crate::access::Caller;
use crate::error::{Error, Result};

/// Takes a request apart: who calls, and what for.
pub fn open<T>(request: Request<T>) -> Result<(Caller, T)> {
    let (_, extensions, message) = request.into_parts();
    let caller = extensions
        .get::<Caller>()
        .ok_or_else(|| Error::internal("the authentication layer is missing"))?;
    Ok((caller.clone(), message))
}

/// Answers, or says what went wrong.
pub fn answer<T>(result: Result<T>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(Status::from)
}
