//! `google.protobuf.Struct` to JSON and back: the same value, in the eyes of prost as well.

#![no_main]

use dashboard_store_fuzz::domain::spec::json::{self, Json};
use dashboard_store_fuzz::domain::spec::{SpecLimits, canonical};
use dashboard_store_fuzz::grpc::structured::{MAX_LEVELS, WireStruct};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

fuzz_target!(|bytes: &[u8]| {
    check_wire(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        check_json(text);
    }
});

/// Any bytes as a message: what becomes JSON text that intake can read, and is no deeper than clients can, is written the
/// same the next time.
fn check_wire(bytes: &[u8]) {
    let Ok(wire) = WireStruct::decode(bytes) else {
        return;
    };
    let Ok(text) = wire.to_json(&SpecLimits::default()) else {
        return;
    };
    if json::parse(&text).is_ok_and(|document| document.levels() <= MAX_LEVELS) {
        let again = WireStruct::from_json(&text).map(|wire| wire.to_json(&SpecLimits::default()));
        assert_eq!(again, Some(Ok(text)));
    }
}

/// Any text as a document: what a `Struct` can carry comes back as the same value, also from prost's hands. Of what intake
/// refuses nothing is asked but not to panic.
fn check_json(text: &str) {
    let encoded = WireStruct::from_json(text);
    let Ok(document) = json::parse(text) else {
        return;
    };
    let is_carried =
        matches!(document, Json::Object(_)) && holds_doubles_only(&document) && document.levels() <= MAX_LEVELS;
    assert_eq!(encoded.is_some(), is_carried);
    let Some(wire) = encoded else {
        return;
    };
    let back = wire.to_json(&SpecLimits::default());
    let written = back.as_deref().map(json::parse);
    // A double that is written with an exponent beyond the limit is none that intake takes.
    if let Ok(Ok(written)) = &written {
        assert_eq!(canonical::digest(&document), canonical::digest(written));
    }
    let tree = prost_types::Struct::decode(wire.encode_to_vec().as_slice()).expect("no deeper than clients read");
    let through_prost = WireStruct::decode(tree.encode_to_vec().as_slice());
    assert_eq!(through_prost.map(|wire| wire.to_json(&SpecLimits::default())), Ok(back));
}

/// Whether each number is one that a double is equal to.
fn holds_doubles_only(value: &Json<'_>) -> bool {
    match value {
        Json::Number(number) => number.is_double(),
        Json::Array(elements) => elements.iter().all(holds_doubles_only),
        Json::Object(members) => members.iter().all(|(_, member)| holds_doubles_only(member)),
        Json::Null | Json::Bool(_) | Json::String(_) => true,
    }
}
