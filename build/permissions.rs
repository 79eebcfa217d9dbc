//! Writes the permission that each RPC declares in its proto as Rust source, so that no handler says it a second time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use protox::prost_reflect::{DescriptorPool, MethodDescriptor, Value};

/// The option of RPCs that names their permission.
const OPTION: &str = "perses.dashboards.v1.permission";

/// Our own packages; services of others, such as health, stand apart.
const OWN_PACKAGES: &str = "perses.";

/// The expression of a slice of `(&str, Permission)`, ordered by the names of the RPCs: `package.Service/Method`.
///
/// # Errors
/// A line that names an RPC of ours which declares no permission, or none of the form `resource.verb`.
pub(crate) fn table(descriptors: &DescriptorPool) -> Result<String, String> {
    let services = descriptors.services();
    let methods = services
        .filter(|service| service.full_name().starts_with(OWN_PACKAGES))
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut variants = BTreeMap::new();
    for method in methods {
        let name = format!("{}/{}", method.parent_service().full_name(), method.name());
        let permission = declared(descriptors, &method);
        let variant = variant(&permission).ok_or_else(|| complaint(&name, &permission))?;
        variants.insert(name, variant);
    }
    let mut source = String::from("&[\n");
    for (name, variant) in variants {
        // Writing to a String does not fail.
        let _ = writeln!(source, "    ({name:?}, Permission::{variant}),");
    }
    source.push(']');
    Ok(source)
}

/// The text of the option; empty where it is absent.
fn declared(descriptors: &DescriptorPool, method: &MethodDescriptor) -> String {
    let option = descriptors.get_extension_by_name(OPTION);
    let options = method.options();
    let value = option.map(|option| options.get_extension(&option).into_owned());
    match value {
        Some(Value::String(text)) => text,
        _ => String::new(),
    }
}

/// The variant of `Permission`: `DashboardsGet` of `dashboards.get`. A permission that there is not does not compile.
fn variant(permission: &str) -> Option<String> {
    let (resource, verb) = permission.split_once('.')?;
    let words = resource.split('_').chain(verb.split('_'));
    words.map(capitalised).collect()
}

fn capitalised(word: &str) -> Option<String> {
    let (first, rest) = word.split_at_checked(1)?;
    let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase());
    is_word.then(|| first.to_ascii_uppercase() + rest)
}

fn complaint(method: &str, permission: &str) -> String {
    let wrong = match permission {
        "" => "declares no permission".to_owned(),
        other => format!("declares the permission {other:?}, which does not have the form resource.verb"),
    };
    format!(
        "{method} {wrong}: say `option ({OPTION}) = \"resource.verb\";` in its proto, with a permission of src/access/permission.rs"
    )
}
