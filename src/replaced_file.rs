//! Files that others replace while we run, as Kubernetes does with those of secrets.

use std::io;
use std::path::Path;

use tokio::fs;

/// Reads such a file.
///
/// # Errors
/// What the operating system says; what is no regular file, as a pipe that nobody writes to, is not waited for.
pub async fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path).await?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    fs::read(path).await
}

/// Reads such a file with a text in it.
///
/// # Errors
/// As [`read`]; it is not UTF-8.
pub async fn read_to_string(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(read(path).await?);
    text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}
