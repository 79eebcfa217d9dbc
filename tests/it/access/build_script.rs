//! The part of the build script that reads permissions: an RPC without one stops the build.

use std::fs;

use protox::prost_reflect::DescriptorPool;

#[path = "../../../build/permissions.rs"]
mod permissions;

/// The option, as our protos declare it.
const ANNOTATIONS: &str = include_str!("../../../proto/perses/dashboards/v1/annotations.proto");

/// Descriptors of the service `perses.x.Things` with the RPC `Get`, which has these options; and of one that is not ours.
fn descriptors(options: &str) -> DescriptorPool {
    let root = tempfile::tempdir().unwrap();
    let annotations = root.path().join("perses/dashboards/v1");
    fs::create_dir_all(&annotations).unwrap();
    fs::write(annotations.join("annotations.proto"), ANNOTATIONS).unwrap();
    let things = format!(
        "syntax = \"proto3\"; package perses.x; import \"perses/dashboards/v1/annotations.proto\"; message M {{}}
        service Things {{ rpc Get(M) returns (M) {{ {options} }} }}"
    );
    fs::write(root.path().join("things.proto"), things).unwrap();
    let foreign = "syntax = \"proto3\"; package grpc.x; message M {} service Foreign { rpc Get(M) returns (M); }";
    fs::write(root.path().join("foreign.proto"), foreign).unwrap();
    let mut compiler = protox::Compiler::new([root.path()]).unwrap();
    compiler.open_files(["things.proto", "foreign.proto"]).unwrap();
    compiler.descriptor_pool()
}

#[test]
fn an_rpc_has_the_permission_that_it_declares() {
    let declared = descriptors(r#"option (perses.dashboards.v1.permission) = "big_things.get";"#);
    let table = "&[\n    (\"perses.x.Things/Get\", Permission::BigThingsGet),\n]";
    assert_eq!(permissions::table(&declared), Ok(table.to_owned()));
}

#[test]
fn an_rpc_without_a_permission_fails_the_build() {
    let refused = permissions::table(&descriptors("")).unwrap_err();
    assert_eq!(
        refused,
        "perses.x.Things/Get declares no permission: say `option (perses.dashboards.v1.permission) = \"resource.verb\";` in its \
         proto, with a permission of src/access/permission.rs"
    );
}

#[test]
fn a_permission_of_another_form_fails_the_build() {
    for text in ["get", "Things.get", "things.", "things.get.all", ".get", "things-.get"] {
        let options = format!("option (perses.dashboards.v1.permission) = \"{text}\";");
        let refused = permissions::table(&descriptors(&options)).unwrap_err();
        assert!(
            refused.contains("does not have the form resource.verb"),
            "{text}: {refused}"
        );
    }
}
