//! The sidecar, as a probe or a scraper asks it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::recording;

/// Reads `path`: the status code and the body.
pub async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    recording::output(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, body.to_owned())
}

/// Reads `path`, which answers with JSON.
pub async fn get_json(address: SocketAddr, path: &str) -> (u16, Value) {
    let (code, body) = get(address, path).await;
    (code, serde_json::from_str(&body).unwrap())
}

/// The path of every value of a document that is no object, as in `checks.database.status`.
pub fn leaves(value: &Value) -> BTreeSet<String> {
    let Value::Object(members) = value else {
        return BTreeSet::from([String::new()]);
    };
    let below = members.iter().flat_map(|(key, member)| {
        leaves(member).into_iter().map(move |leaf| match leaf.is_empty() {
            true => key.clone(),
            false => format!("{key}.{leaf}"),
        })
    });
    below.collect()
}
