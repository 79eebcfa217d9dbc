//! Reflection, in the version that is standard and in the one that older tools speak.

use futures_util::stream;
use http::uri::PathAndQuery;
use prost::Message as _;
use prost_types::FileDescriptorProto;
use tonic::Request;
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::support::TestServer;

/// The messages of both are the same on the wire.
const VERSIONS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Asks one question, and gives the answer to it.
async fn ask(server: &TestServer, version: &'static str, question: MessageRequest) -> MessageResponse {
    let mut grpc = tonic::client::Grpc::new(server.channel().await);
    grpc.ready().await.unwrap();
    let codec: ProstCodec<ServerReflectionRequest, ServerReflectionResponse> = ProstCodec::default();
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let questions = Request::new(stream::iter([request]));
    let answers = grpc
        .streaming(questions, PathAndQuery::from_static(version), codec)
        .await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    answer.message_response.unwrap()
}

#[tokio::test]
async fn reflection_lists_every_service() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let answer = ask(&server, version, MessageRequest::ListServices(String::new())).await;
        let MessageResponse::ListServicesResponse(list) = answer else {
            panic!("{version}: {answer:?}");
        };
        let mut services: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
        services.sort();
        let expected = [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
            "perses.dashboards.v1.AuditService",
            "perses.dashboards.v1.DashboardService",
            "perses.dashboards.v1.PreferencesService",
            "perses.dashboards.v1.ShareService",
            "perses.dashboards.v1.TemplateService",
        ];
        assert_eq!(services, expected, "{version}");
    }
}

#[tokio::test]
async fn reflection_knows_the_details_of_errors() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let question = MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".into());
        let answer = ask(&server, version, question).await;
        let MessageResponse::FileDescriptorResponse(files) = answer else {
            panic!("{version}: {answer:?}");
        };
        let describes = |bytes: &Vec<u8>| {
            let file = FileDescriptorProto::decode(bytes.as_slice()).unwrap();
            file.message_type.iter().any(|message| message.name() == "ErrorInfo")
        };
        assert!(files.file_descriptor_proto.iter().any(describes), "{version}");
    }
}
