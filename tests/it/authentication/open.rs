//! What is open to callers that say nothing of themselves: health, and nothing else.

use dashboard_store::grpc::DESCRIPTOR_SETS;
use dashboard_store::server::Methods;
use prost::Message as _;
use prost_types::FileDescriptorSet;

use super::*;
use crate::support::http;
use crate::support::tokens::{ISSUER, KeyFile, Signer, issuer, jwk_set};

const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// The path of every method that the descriptors of the service tell of.
fn every_path() -> Vec<String> {
    let mut paths = Vec::new();
    for set in DESCRIPTOR_SETS {
        for file in FileDescriptorSet::decode(*set).unwrap().file {
            for service in &file.service {
                let name = format!("{}.{}", file.package(), service.name());
                paths.extend(service.method.iter().map(|method| format!("/{name}/{}", method.name())));
            }
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

/// The paths that are not refused for want of a credential.
async fn open_paths(server: &TestServer, paths: &[String]) -> Vec<String> {
    let channel = server.channel().await;
    let mut open = Vec::new();
    for path in paths {
        if ask(&channel, path).await.code() != Code::Unauthenticated {
            open.push(path.clone());
        }
    }
    open
}

#[tokio::test]
async fn only_health_is_open() {
    let server = server_for(vec![]).await;
    let paths = every_path();
    assert!(paths.len() > Methods::from_descriptor_sets(DESCRIPTOR_SETS).unwrap().services().len());
    let open = open_paths(&server, &paths).await;
    assert!(
        !open.is_empty() && open.iter().all(|path| path.contains(HEALTH)),
        "{open:?}"
    );
}

#[tokio::test]
async fn reflection_is_open_when_it_is_configured_so() {
    let server = TestServer::start_with(|config| {
        config.authentication = authentication();
        config.authentication.open_reflection = true;
    })
    .await;
    let open = open_paths(&server, &every_path()).await;
    let of_reflection = open
        .iter()
        .filter(|path| !path.contains(HEALTH))
        .cloned()
        .collect::<Vec<_>>();
    let expected = REFLECTION.map(|service| format!("/{service}/ServerReflectionInfo"));
    assert_eq!(of_reflection, expected);
}

#[tokio::test]
async fn reflection_answers_whoever_proves_who_it_is() {
    let signer = Signer::es256("a");
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let mut grpc = tonic::client::Grpc::new(server.channel().await);
    grpc.ready().await.unwrap();
    let mut request = Request::new(futures_util::stream::empty::<()>());
    append(
        request.metadata_mut(),
        &[("authorization", &format!("Bearer {}", signer.token_for("ada")))],
    );
    let path = PathAndQuery::from_static("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    let codec: ProstCodec<(), ()> = ProstCodec::default();
    assert!(grpc.streaming(request, path, codec).await.is_ok());
}

/// Grafana checked some paths and forgot others. Here a path decides nothing: what is not open needs a credential, whether
/// it exists or not, however it is spelled.
#[tokio::test]
async fn cve_2025_3260_no_path_passes_the_check() {
    let server = server_for(vec![]).await;
    let paths = [
        "/",
        "/perses.dashboards.v1.DashboardService/Invented",
        "/perses.dashboards.v2.DashboardService/GetDashboard",
        "//perses.dashboards.v1.DashboardService/GetDashboard",
        "/perses.dashboards.v1.DashboardService/GetDashboard/",
        "/perses.dashboards.v1.DashboardService%2FGetDashboard",
        "/grpc.health.v1.Health/../perses.dashboards.v1.DashboardService/GetDashboard",
        "/grpc.health.v1.Health/Invented",
        "/grpc.health.v1.Health/",
        "/grpc.health.v1.health/Check",
        "/healthz",
    ];
    let open = open_paths(&server, &paths.map(str::to_owned)).await;
    assert_eq!(open, [""; 0]);
}

/// Grafana took an empty key for one that fits. Here nothing is no credential, in whatever form it comes.
#[tokio::test]
async fn cve_2021_39226_an_empty_credential_is_none() {
    let server = server_for(vec![]).await;
    let channel = server.channel().await;
    for headers in [
        &[][..],
        &[("authorization", "")],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Bearer ..")],
        &[("authorization", "Bearer :token")],
        &[("authorization", "Basic ")],
        &[("x-remote-user", "")],
        &[("x-remote-user", " ")],
        &[("cookie", "session=x")],
        &[("x-forwarded-user", "ada")],
        &[("x_remote_user", "ada")],
    ] {
        assert!(call(&channel, headers).await.is_refused(), "{headers:?}");
    }
}

#[tokio::test]
async fn health_says_whether_callers_are_taken_at_their_word() {
    for is_development in [true, false] {
        let server = TestServer::start_with(|config| {
            if !is_development {
                config.authentication = authentication();
            }
        })
        .await;
        let (_, body) = http::get_json(server.http_addr(), "/api/v1/health").await;
        assert_eq!(
            body["insecure_dev"],
            if is_development {
                true.into()
            } else {
                serde_json::Value::Null
            }
        );
    }
}
