//! What `build.rs` generated from `third_party/grpc`; its descriptors are part of `grpc::proto::FILE_DESCRIPTOR_SET`.

#![expect(
    missing_docs,
    clippy::missing_errors_doc,
    rustdoc::bare_urls,
    reason = "generated code; the proto carries the documentation"
)]

tonic::include_proto!("grpc.health.v1");
