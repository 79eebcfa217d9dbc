//! Documents as wire bytes: text that is no text, and the form `structured`.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::structured::WireStruct;
use prost::Message as _;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::channel::Channel;
use crate::support::requests::{create_request, json_text, reason, spec_of_levels, violations};

/// `CreateDashboardRequest`, as bytes that prost would not write.
#[derive(Clone, PartialEq, prost::Message)]
struct RawCreateRequest {
    #[prost(string, tag = "1")]
    parent: String,
    #[prost(string, tag = "2")]
    dashboard_id: String,
    #[prost(message, optional, tag = "3")]
    dashboard: Option<RawDashboard>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RawDashboard {
    #[prost(message, optional, tag = "7")]
    spec: Option<RawSpec>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RawSpec {
    #[prost(bytes = "vec", optional, tag = "1")]
    json: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    structured: Option<Vec<u8>>,
}

async fn create_raw(channel: Channel, spec: RawSpec) -> Result<proto::CreateDashboardResponse, Status> {
    let message = RawCreateRequest {
        parent: "projects/p".into(),
        dashboard_id: "gpu".into(),
        dashboard: Some(RawDashboard { spec: Some(spec) }),
    };
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/perses.dashboards.v1.DashboardService/CreateDashboard");
    let codec = ProstCodec::<RawCreateRequest, proto::CreateDashboardResponse>::default();
    let answer = client.unary(Request::new(message), path, codec).await?;
    Ok(answer.into_inner())
}

#[tokio::test]
async fn text_that_is_not_utf8_is_no_message() {
    let server = TestServer::start().await;
    let spec = RawSpec {
        json: Some(b"{\"panels\":{},\"x\":\"\xff\"}".to_vec()),
        structured: None,
    };
    let refused = create_raw(server.channel().await, spec).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::InvalidArgument, "FIELD_INVALID")
    );
    assert_eq!(
        violations(&refused),
        [("request".to_owned(), "FIELD_INVALID".to_owned())]
    );
    assert_eq!(stored(&server).await, "");
}

fn structured(tree: Vec<u8>) -> RawSpec {
    RawSpec {
        json: None,
        structured: Some(tree),
    }
}

fn struct_of(key: &str, kind: prost_types::value::Kind) -> prost_types::Struct {
    let value = prost_types::Value { kind: Some(kind) };
    prost_types::Struct {
        fields: [(key.to_owned(), value)].into(),
    }
}

#[tokio::test]
async fn structured_documents_that_are_no_json_are_refused() {
    use prost_types::value::Kind;

    let server = TestServer::start().await;
    let nested = |levels: usize| {
        let leaf = prost_types::Struct::default();
        (1..levels)
            .fold(leaf, |tree, _| struct_of("x", Kind::StructValue(tree)))
            .encode_to_vec()
    };
    let twice = [
        struct_of("x", Kind::BoolValue(true)),
        struct_of("x", Kind::BoolValue(true)),
    ];
    let no_kind = prost_types::Struct {
        fields: [("x".to_owned(), prost_types::Value { kind: None })].into(),
    };
    for (tree, expected, path) in [
        (
            struct_of("x", Kind::NumberValue(f64::NAN)).encode_to_vec(),
            "SPEC_MALFORMED",
            "",
        ),
        (
            struct_of("x", Kind::NumberValue(f64::INFINITY)).encode_to_vec(),
            "SPEC_MALFORMED",
            "",
        ),
        (no_kind.encode_to_vec(), "SPEC_MALFORMED", ""),
        (b"\x0a\x03\x0a\x01\xff".to_vec(), "SPEC_MALFORMED", ""),
        (
            struct_of("x", Kind::StringValue("a\0b".into())).encode_to_vec(),
            "SPEC_MALFORMED",
            "/x",
        ),
        (nested(65), "SPEC_LIMIT_EXCEEDED", ""),
        (
            struct_of("x", Kind::StringValue("a".repeat(1024 * 1024 + 1))).encode_to_vec(),
            "SPEC_LIMIT_EXCEEDED",
            "",
        ),
        (
            twice.iter().flat_map(prost_types::Struct::encode_to_vec).collect(),
            "SPEC_DUPLICATE_KEY",
            "/x",
        ),
        (
            struct_of("duration", Kind::StringValue("soon".into())).encode_to_vec(),
            "SPEC_INVALID",
            "/duration",
        ),
    ] {
        let refused = create_raw(server.channel().await, structured(tree)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(
            violations(&refused),
            [(format!("dashboard.spec{path}"), expected.to_owned())],
            "{refused:?}"
        );
    }
    let cut_short = create_raw(server.channel().await, structured(b"\x0a\x05abc".to_vec())).await;
    assert_eq!(cut_short.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(stored(&server).await, "");
}

#[tokio::test]
async fn structured_documents_are_taken_as_deep_as_any() {
    use prost_types::value::Kind;

    let server = TestServer::start().await;
    let innermost = struct_of("a", Kind::BoolValue(true));
    let deep = (2..64).fold(innermost, |tree, _| struct_of("a", Kind::StructValue(tree)));
    let tree = [
        struct_of("deep", Kind::StructValue(deep)),
        struct_of("panels", Kind::StructValue(prost_types::Struct::default())),
    ];
    let fields = tree.iter().flat_map(prost_types::Struct::encode_to_vec).collect();

    let created = create_raw(server.channel().await, structured(fields)).await.unwrap();

    let stored_text = json_text(created.dashboard.unwrap().spec);
    assert_eq!(stored_text, spec_of_levels(64));
}

#[tokio::test]
async fn structured_documents_are_stored_as_json_and_replayed_in_any_order_of_keys() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request_id = Uuid::new_v4().to_string();
    let mut answers = Vec::new();
    for text in [
        r#"{"panels":{},"x":{"b":[1,2.50],"a":null}}"#,
        r#"{"x":{"a":null,"b":[1.0,2.5]},"panels":{}}"#,
    ] {
        let tree = WireStruct::from_json(text).unwrap();
        let spec = proto::DashboardSpec {
            content: Some(proto::dashboard_spec::Content::Structured(tree)),
        };
        let request = proto::CreateDashboardRequest {
            dashboard: Some(proto::Dashboard {
                spec: Some(spec),
                ..Default::default()
            }),
            request_id: request_id.clone(),
            ..create_request("gpu")
        };
        answers.push(client.create_dashboard(request).await.unwrap().into_inner());
    }
    assert_eq!(answers[0], answers[1]);
    let dashboard = answers.remove(0).dashboard.unwrap();
    assert_eq!(json_text(dashboard.spec), r#"{"panels":{},"x":{"a":null,"b":[1,2.5]}}"#);
    assert_eq!(events(&server).await.len(), 1);
}
