//! The reader is prost, with the limit that it has by default.

use std::collections::HashMap;

use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::value::Kind;
use prost_types::{DescriptorProto, FileDescriptorSet, ListValue, Struct, Value};

use super::MAX_LEVELS;
use crate::domain::spec::SpecLimits;
use crate::domain::spec::json::MAX_DEPTH;
use crate::grpc::convert::spec::{SpecFormat, json_spec, present_specs};
use crate::grpc::proto;
use crate::grpc::structured::WireStruct;

/// What clients read: so many messages inside the one that is sent.
const READABLE_MESSAGES: usize = 100;

/// `ListDashboardsResponse`, as a client has it whose `Struct` is one of messages.
#[derive(Clone, PartialEq, prost::Message)]
struct Page {
    #[prost(message, repeated, tag = "1")]
    dashboards: Vec<Dashboard>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Dashboard {
    #[prost(message, optional, tag = "7")]
    spec: Option<Spec>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Spec {
    #[prost(message, optional, tag = "2")]
    structured: Option<Struct>,
}

/// What makes one level around a value, in a message and in text.
type Wrap = (fn(Value) -> Kind, &'static str, &'static str);

const OBJECT: Wrap = (|value| Kind::StructValue(object(value)), r#"{"a":"#, "}");
const ARRAY: Wrap = (|value| Kind::ListValue(ListValue { values: vec![value] }), "[", "]");

fn object(value: Value) -> Struct {
    Struct {
        fields: [("a".to_owned(), value)].into(),
    }
}

/// The text of an object with so many levels, all below the first made by `wrap`.
fn text(levels: usize, (_, open, close): Wrap) -> String {
    format!(r#"{{"a":{}true{}}}"#, open.repeat(levels - 1), close.repeat(levels - 1))
}

/// The same document in a page, as a client has it.
fn page(levels: usize, (kind, _, _): Wrap) -> Page {
    let leaf = Value {
        kind: Some(Kind::BoolValue(true)),
    };
    let below = (1..levels).fold(leaf, |value, _| Value {
        kind: Some(kind(value)),
    });
    Page {
        dashboards: vec![Dashboard {
            spec: Some(Spec {
                structured: Some(object(below)),
            }),
        }],
    }
}

/// The bytes of the page with this document that the service answers.
fn answered(document: String) -> Vec<u8> {
    let mut dashboards = [proto::Dashboard {
        spec: Some(json_spec(document)),
        ..Default::default()
    }];
    present_specs(&mut dashboards, SpecFormat::Structured, |dashboard| &mut dashboard.spec);
    let response = proto::ListDashboardsResponse {
        dashboards: dashboards.into(),
        ..Default::default()
    };
    response.encode_to_vec()
}

#[test]
fn the_deepest_document_that_is_answered_as_a_tree_can_be_read() {
    for wrap in [OBJECT, ARRAY] {
        let read = Page::decode(answered(text(MAX_LEVELS, wrap)).as_slice());
        assert_eq!(read, Ok(page(MAX_LEVELS, wrap)));
    }
}

#[test]
fn one_level_more_could_not_be_read_and_is_answered_as_json() {
    let unreadable = Page::decode(page(MAX_LEVELS + 1, OBJECT).encode_to_vec().as_slice());
    let error = unreadable.unwrap_err().to_string();
    assert!(error.contains("recursion limit reached"), "{error}");
    for wrap in [OBJECT, ARRAY] {
        for levels in [MAX_LEVELS + 1, MAX_DEPTH] {
            let as_json = proto::ListDashboardsResponse {
                dashboards: vec![proto::Dashboard {
                    spec: Some(json_spec(text(levels, wrap))),
                    ..Default::default()
                }],
                ..Default::default()
            };
            assert_eq!(answered(text(levels, wrap)), as_json.encode_to_vec());
        }
    }
}

#[test]
fn trees_that_clients_could_not_read_are_taken_all_the_same() {
    for wrap in [OBJECT, ARRAY] {
        let sent = page(MAX_DEPTH, wrap).encode_to_vec();
        let mut received = proto::ListDashboardsResponse::decode(sent.as_slice()).unwrap();
        let content = received.dashboards.remove(0).spec.unwrap().content;
        let Some(proto::dashboard_spec::Content::Structured(tree)) = content else {
            panic!("no tree");
        };
        assert_eq!(tree.to_json(&SpecLimits::default()), Ok(text(MAX_DEPTH, wrap)));
        assert!(tree.to_json_within(usize::MAX, MAX_DEPTH - 1).is_err());
        assert_eq!(WireStruct::from_json(&text(MAX_DEPTH, wrap)), None);
    }
}

/// Which messages each message can hold, by full names.
type Messages = HashMap<String, Vec<String>>;

fn add_message(messages: &mut Messages, scope: &str, message: &DescriptorProto) {
    let name = format!("{scope}.{}", message.name());
    for nested in &message.nested_type {
        add_message(messages, &name, nested);
    }
    let fields = message.field.iter().filter(|field| field.r#type() == Type::Message);
    let held = fields.map(|field| field.type_name().to_owned()).collect();
    messages.insert(name, held);
}

/// How many messages inside `message` a `Struct` is, at its deepest; none where it holds none.
///
/// Values beside those of a `Struct` are parameters of templates: scalars.
fn deepest_struct(messages: &Messages, message: &str) -> Option<usize> {
    match message {
        ".google.protobuf.Struct" => Some(0),
        ".google.protobuf.Value" => None,
        _ => {
            let held = messages[message].iter();
            let deepest = held.filter_map(|inner| deepest_struct(messages, inner)).max();
            deepest.map(|depth| depth + 1)
        }
    }
}

#[test]
fn the_limit_is_as_high_as_the_deepest_answer_allows() {
    let set = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut messages = Messages::new();
    for file in &set.file {
        for message in &file.message_type {
            add_message(&mut messages, &format!(".{}", file.package()), message);
        }
    }
    let methods = set
        .file
        .iter()
        .flat_map(|file| &file.service)
        .flat_map(|service| &service.method);
    let depth = methods
        .filter_map(|method| deepest_struct(&messages, method.output_type()))
        .max();
    // The `Struct` is one of the three messages of the first level.
    let most_messages = |levels: usize| depth.unwrap() - 1 + 3 * levels;
    assert!(most_messages(MAX_LEVELS) <= READABLE_MESSAGES);
    assert!(most_messages(MAX_LEVELS + 1) > READABLE_MESSAGES);
}
