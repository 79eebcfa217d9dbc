//! Templates that tests begin with.

use std::collections::HashMap;
use std::time::Duration;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::template_service_client::TemplateServiceClient;
use dashboard_store::store::maintenance::{Outcome, TASKS, When};
use dashboard_store::store::{Retention, Store};
use prost_types::Value;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::TestServer;
use super::channel::Channel;
use super::requests::json_spec;

pub type Client = TemplateServiceClient<Channel>;

/// A document with a slot for `namespace` and one for `title`.
pub const SPEC: &str =
    r#"{"display":{"name":"%{title:text}"},"panels":{},"x":{"job":"up{namespace=\"%{namespace:label}\"}","n":1.50}}"#;

/// A parameter that has to be given.
pub fn required(name: &str, parameter_type: proto::TemplateParameterType) -> proto::TemplateParameter {
    proto::TemplateParameter {
        name: name.into(),
        r#type: parameter_type.into(),
        required: true,
        ..Default::default()
    }
}

/// A STRING that need not be given.
pub fn optional(name: &str, default_value: &str) -> proto::TemplateParameter {
    proto::TemplateParameter {
        name: name.into(),
        r#type: proto::TemplateParameterType::String.into(),
        default_value: Some(default_value.into()),
        ..Default::default()
    }
}

/// The parameters of [`SPEC`].
pub fn parameters() -> Vec<proto::TemplateParameter> {
    let namespace = required("namespace", proto::TemplateParameterType::String);
    vec![namespace, optional("title", "Untitled")]
}

/// Asks for `projects/p/templates/{id}` with [`SPEC`].
pub fn create_request(id: &str) -> proto::CreateTemplateRequest {
    proto::CreateTemplateRequest {
        parent: "projects/p".into(),
        template_id: id.into(),
        template: Some(proto::Template {
            display_name: format!("Template {id}"),
            category: proto::TemplateCategory::ModelServing.into(),
            parameters: parameters(),
            spec: json_spec(SPEC),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Creates `projects/p/templates/{id}` with [`SPEC`].
pub async fn create(client: &mut Client, id: &str) -> proto::Template {
    let answer = client.create_template(create_request(id)).await.unwrap();
    answer.into_inner().template.unwrap()
}

/// Reads a template.
pub async fn get(client: &mut Client, name: &str) -> Result<proto::Template, Status> {
    let request = proto::GetTemplateRequest {
        name: name.into(),
        ..Default::default()
    };
    let answer = client.get_template(request).await?;
    Ok(answer.into_inner().template.unwrap())
}

/// Values of parameters.
pub fn values(given: &[(&str, &str)]) -> HashMap<String, Value> {
    let values = given.iter();
    values
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect()
}

/// Asks for the dashboard `projects/q/dashboards/{id}` of a template with [`SPEC`].
pub fn instantiate_request(template: &str, id: &str) -> proto::InstantiateTemplateRequest {
    proto::InstantiateTemplateRequest {
        name: template.into(),
        parent: "projects/q".into(),
        dashboard_id: id.into(),
        parameters: values(&[("namespace", "prod")]),
        ..Default::default()
    }
}

/// Makes a dashboard of a template with [`SPEC`].
pub async fn instantiate(client: &mut Client, template: &str, id: &str) -> proto::Dashboard {
    let answer = client.instantiate_template(instantiate_request(template, id)).await;
    answer.unwrap().into_inner().dashboard.unwrap()
}

/// Makes `templates/{id}` without parameters, which is not among those of this release.
pub async fn make_system_template(server: &TestServer, id: &str, spec: &str) {
    let mut request = create_request(id);
    let template = request.template.as_mut().unwrap();
    template.display_name = format!("System {id}");
    template.category = proto::TemplateCategory::General.into();
    template.parameters.clear();
    template.spec = json_spec(spec);
    server.templates().await.create_template(request).await.unwrap();
    let adopt = "UPDATE dashboard_template SET project = NULL, system_version = 1 WHERE project = 'p' AND name = $1";
    assert_eq!(server.sql().await.execute(adopt, &[&id]).await.unwrap(), 1);
}

/// Installs the system templates of this release, as a server does when it starts; gives how many were written.
pub async fn install_system_templates(server: &TestServer) -> u64 {
    let retention = Retention {
        revisions_kept: 100,
        deleted_dashboards: Duration::from_secs(3600),
    };
    let store = Store::new(server.pool().clone(), retention);
    let task = TASKS.iter().find(|task| task.name == "system_templates").unwrap();
    match store.maintain(task, When::Now).await.unwrap() {
        Outcome::Done(done) => done.rows,
        other => panic!("it did not run: {other:?}"),
    }
}

/// Asserts that an error is about the template `name`.
#[track_caller]
pub fn assert_about_template(status: &Status, name: &str) {
    let resource = status.get_details_resource_info().unwrap();
    assert_eq!(
        (resource.resource_type.as_str(), resource.resource_name.as_str()),
        ("dashboards.perses.dev/Template", name)
    );
}
