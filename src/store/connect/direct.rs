//! Whether a pooler stands between us and the database.

use std::io;

use tokio::io::{AsyncReadExt as _, duplex};
use tokio_postgres::tls::NoTls;
use tokio_postgres::{CancelToken, Client};

use crate::error::Cause;

/// The length of a cancel request, and where the process id stands in it (PostgreSQL, "Message Formats: CancelRequest").
const REQUEST_BYTES: usize = 16;
const PROCESS_ID: std::ops::Range<usize> = 8..12;

const BACKEND_PID: &str = "-- backend_pid\nSELECT pg_backend_pid()";

/// Tells whether the session of `client` is one of the server itself. A pooler such as PgBouncer hands out cancel keys of its
/// own, so that the process id in the key is not that of the session.
///
/// # Errors
/// When the connection is lost.
pub async fn is_direct(client: &Client) -> Result<bool, Cause> {
    let row = client.query_typed_one(BACKEND_PID, &[]).await?;
    let session: i32 = row.try_get(0)?;
    Ok(session == process_id(&client.cancel_token()).await?)
}

/// The process id in a cancel key. The driver shows it nowhere but in a cancel request, which here goes to nobody.
async fn process_id(token: &CancelToken) -> io::Result<i32> {
    let (near, mut far) = duplex(REQUEST_BYTES);
    token.cancel_query_raw(near, NoTls).await.map_err(io::Error::other)?;
    let mut request = [0; REQUEST_BYTES];
    far.read_exact(&mut request).await?;
    let mut id = [0; 4];
    id.copy_from_slice(&request[PROCESS_ID]);
    Ok(i32::from_be_bytes(id))
}
