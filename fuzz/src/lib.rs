//! The part of the service that reads foreign bytes and nothing else: what the targets in `fuzz_targets/` call.
//!
//! It is compiled from the files of the service, without the rest of it. What a fuzzer needs of it builds in a minute; the
//! whole, with TLS, HTTP and a database, takes ten times as long under the flags of a fuzzer.

/// The module tree of the service, as far as it is needed.
#[path = "../../src"]
mod service {
    pub mod domain;

    pub mod grpc {
        pub mod structured;
    }
}

// The files say `crate::domain`.
pub use service::{domain, grpc};
