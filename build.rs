//! Compiles the protos, and embeds the migrations.
//!
//! Of the protos come the Rust types and services, the descriptor set that reflection serves, and the permission of each
//! RPC; no `protoc` is needed.

#[path = "build/migrations.rs"]
mod migrations;
#[path = "build/permissions.rs"]
mod permissions;

use std::error::Error;
use std::path::PathBuf;

/// The files that declare what this server serves; what they import comes along.
const PROTOS: &[&str] = &[
    "perses/dashboards/v1/audit_service.proto",
    "perses/dashboards/v1/dashboard_service.proto",
    "perses/dashboards/v1/errors.proto",
    "perses/dashboards/v1/preferences_service.proto",
    "perses/dashboards/v1/share_service.proto",
    "perses/dashboards/v1/template_service.proto",
    "grpc/health/v1/health.proto",
];

/// Where they and their imports are looked for.
const ROOTS: &[&str] = &["proto", "third_party/googleapis", "third_party/grpc"];

fn main() -> Result<(), Box<dyn Error>> {
    migrations::embed()?;
    compile_protos()
}

fn compile_protos() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build/permissions.rs");
    for root in ROOTS {
        println!("cargo::rerun-if-changed={root}");
    }
    let mut compiler = protox::Compiler::new(ROOTS)?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(PROTOS)?;
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out_dir.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    std::fs::write(
        out_dir.join("permissions.rs"),
        permissions::table(&compiler.descriptor_pool())?,
    )?;
    tonic_prost_build::configure()
        // Documents go from JSON to wire bytes and back without a tree of prost messages in between.
        .extern_path(".google.protobuf.Struct", "crate::grpc::structured::WireStruct")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
