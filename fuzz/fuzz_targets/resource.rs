//! Files: any text is split and read or refused, and a resource that is read is written and read back as it is.

#![no_main]

use dashboard_store_fuzz::domain::resource::{DashboardResource, documents};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &str| {
    for document in documents(stream) {
        match DashboardResource::parse(document, None) {
            Err(violations) => assert!(!violations.is_empty()),
            Ok(resource) => {
                let json = resource.to_json().expect("what was read is JSON");
                assert_eq!(DashboardResource::parse(&json, None), Ok(resource.clone()));
                // A spec beyond the limits of intake is not written as YAML.
                if let Ok(yaml) = resource.to_yaml() {
                    let read = DashboardResource::parse(&yaml, None).expect("what was written is a resource");
                    assert_eq!(read.to_yaml(), Ok(yaml));
                }
            }
        }
    }
});
