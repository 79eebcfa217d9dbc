//! `google.protobuf.Struct` to JSON and back: the same value, in the eyes of prost as well.

#![no_main]

use dashboard_store_fuzz::domain::spec::{SpecLimits, canonical, json};
use dashboard_store_fuzz::grpc::structured::WireStruct;
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

fuzz_target!(|bytes: &[u8]| {
    check_wire(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        check_json(text);
    }
});

/// Any bytes as a message: what becomes JSON text that intake can read is written the same the next time.
fn check_wire(bytes: &[u8]) {
    let Ok(wire) = WireStruct::decode(bytes) else {
        return;
    };
    let Ok(text) = wire.to_json(&SpecLimits::default()) else {
        return;
    };
    if json::parse(&text).is_ok() {
        let again = WireStruct::from_json(&text).map(|wire| wire.to_json(&SpecLimits::default()));
        assert_eq!(again, Some(Ok(text)));
    }
}

/// Any text as a document: what a `Struct` can carry comes back as the same value, also from prost's hands.
fn check_json(text: &str) {
    let Some(wire) = WireStruct::from_json(text) else {
        return;
    };
    let back = wire.to_json(&SpecLimits::default());
    let written = back.as_deref().map(json::parse);
    // A double that is written with an exponent beyond the limit is none that intake takes.
    if let Ok(Ok(written)) = &written {
        let sent = json::parse(text).map(|document| canonical::digest(&document));
        assert_eq!(sent, Ok(canonical::digest(written)));
    }
    // prost takes less nesting than this service.
    if let Ok(tree) = prost_types::Struct::decode(wire.encode_to_vec().as_slice()) {
        let through_prost = WireStruct::decode(tree.encode_to_vec().as_slice());
        assert_eq!(through_prost.map(|wire| wire.to_json(&SpecLimits::default())), Ok(back));
    }
}
