//! What callers show where it counts who they are: tokens of an issuer that the bench is, and the secrets of share links.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use dashboard_store::grpc::proto;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use prost::Message as _;
use serde_json::json;

use super::client::Clients;
use super::{Outcome, STREAMS};

const CREATE_LINK: &str = "/perses.dashboards.v1.ShareService/CreateShareLink";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "dashboard-store";
const KEY_ID: &str = "bench";
/// How long tokens are good, in seconds.
const LIFE: i64 = 24 * 60 * 60;

/// Signs the tokens of the users of the bench.
pub struct Issuer {
    key: EncodingKey,
    config: PathBuf,
}

impl Issuer {
    /// Makes a key, and writes into `directory` how a service knows its tokens.
    pub fn new(directory: &Path) -> Outcome<Self> {
        let pair = Ed25519KeyPair::generate()?;
        let (keys, config) = (directory.join("jwks.json"), directory.join("authentication.yaml"));
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": KEY_ID, "x": x }] });
        fs::write(&keys, set.to_string())?;
        // JSON is YAML.
        let issuer = json!({ "url": ISSUER, "audiences": [AUDIENCE], "jwksFile": keys });
        fs::write(&config, json!({ "jwt": [{ "issuer": issuer }] }).to_string())?;
        Ok(Self {
            key: EncodingKey::from_ed_der(pair.to_pkcs8v1()?.as_ref()),
            config,
        })
    }

    /// The file for `AUTH_CONFIG_FILE`.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The token of a user, with two groups.
    pub fn token(&self, user: &str) -> Outcome<String> {
        let header = Header {
            kid: Some(KEY_ID.into()),
            ..Header::new(Algorithm::EdDSA)
        };
        let claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user,
            "groups": ["makers", "viewers"],
            "exp": time::OffsetDateTime::now_utc().unix_timestamp() + LIFE,
        });
        Ok(encode(&header, &claims, &self.key)?)
    }
}

/// Makes a link to a dashboard for each stream; gives the requests that use them. One link for all would be one row to wait for.
pub async fn share_links(service: SocketAddr, dashboard: &str) -> Outcome<Vec<Bytes>> {
    let clients = Clients::connect(service, CREATE_LINK).await?;
    let request = proto::CreateShareLinkRequest {
        parent: dashboard.into(),
        ..Default::default()
    };
    let mut resolving = Vec::new();
    for _ in 0..STREAMS {
        let answer = clients.call(request.encode_to_vec().into()).await?;
        let token = proto::CreateShareLinkResponse::decode(answer)?.token;
        let resolve = proto::ResolveShareLinkRequest {
            token,
            ..Default::default()
        };
        resolving.push(resolve.encode_to_vec().into());
    }
    Ok(resolving)
}
