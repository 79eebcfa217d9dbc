//! What `build.rs` generated from `proto/`.

#![expect(
    clippy::missing_errors_doc,
    reason = "generated code; the protos carry the documentation"
)]

tonic::include_proto!("perses.dashboards.v1");

/// The encoded `google.protobuf.FileDescriptorSet` of the protos and all that they import, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("descriptors");
