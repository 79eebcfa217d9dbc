//! Who is calling: every credential, good and bad, and what happens to it on bad days.

mod certificates;
mod forgeries;
mod keys;
mod logs;
mod open;
mod proxies;
mod reload;
mod tokens;

use dashboard_store::config::IssuerConfig;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::preferences_service_client::PreferencesServiceClient;
use http::uri::PathAndQuery;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::requests::reason;
use crate::support::tls_server::authentication;
use crate::support::waiting::until;

/// What every caller may read that proves who it is.
const OWN_PREFERENCES: &str = "users/me/preferences";

/// What became of a call, as far as authentication decides it.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// It went on to authorisation.
    Accepted,
    /// The credential was refused, with this text.
    Refused(String),
    /// Nobody can tell whether the credential is good.
    Unavailable,
}

impl Outcome {
    fn of(status: Option<&Status>) -> Self {
        match status.map(|status| (status, status.code())) {
            Some((status, Code::Unauthenticated)) => {
                assert_eq!(reason(status), "UNAUTHENTICATED");
                Self::Refused(status.message().to_owned())
            }
            Some((status, Code::Unavailable)) => {
                assert_eq!(reason(status), "SIGNING_KEYS_UNAVAILABLE");
                Self::Unavailable
            }
            Some((status, Code::PermissionDenied)) => {
                assert_eq!(reason(status), "PERMISSION_DENIED");
                Self::Accepted
            }
            Some((status, _)) => panic!("{status:?}"),
            None => Self::Accepted,
        }
    }

    fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

/// Calls with these headers, of which several may have one name.
async fn call(channel: &Channel, headers: &[(&'static str, &str)]) -> Outcome {
    let mut request = Request::new(proto::GetPreferencesRequest {
        name: OWN_PREFERENCES.into(),
    });
    append(request.metadata_mut(), headers);
    let mut client = PreferencesServiceClient::new(channel.clone());
    Outcome::of(client.get_preferences(request).await.as_ref().err())
}

/// Calls with a bearer token.
async fn call_with(channel: &Channel, token: &str) -> Outcome {
    call(channel, &[("authorization", &format!("Bearer {token}"))]).await
}

fn append(metadata: &mut MetadataMap, headers: &[(&'static str, &str)]) {
    for (name, value) in headers {
        metadata.append(*name, MetadataValue::try_from(*value).unwrap());
    }
}

/// Asks a path for an answer, with an empty message, whatever method it is of; of a stream the first message counts.
async fn ask(channel: &Channel, path: &str) -> Status {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let codec: ProstCodec<(), ()> = ProstCodec::default();
    let path = PathAndQuery::try_from(path).unwrap();
    let first = match grpc.server_streaming(Request::new(()), path, codec).await {
        Ok(answer) => answer.into_inner().message().await,
        Err(status) => Err(status),
    };
    first.err().unwrap_or_else(|| Status::ok(""))
}

/// Calls with a bearer token until this is what becomes of it.
async fn call_until(channel: &Channel, token: &str, expected: &Outcome) {
    until(format_args!("{expected:?}"), async || {
        call_with(channel, token).await == *expected
    })
    .await;
}

/// A service that takes the tokens of these issuers.
async fn server_for(issuers: Vec<IssuerConfig>) -> TestServer {
    TestServer::start_with(|config| {
        config.authentication = authentication();
        config.authentication.issuers = issuers;
    })
    .await
}
