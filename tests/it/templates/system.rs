//! The templates that come with the service.

use dashboard_store::domain::mutation::template::Installation;
use dashboard_store::grpc::proto;
use futures_util::future::join_all;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::requests::{assert_refused, json_text};
use crate::support::templates::{assert_about_template, get, install, instantiate_request, values};

const NAME: &str = "templates/plain";
const FIRST: &str = r#"{"panels":{},"release":1}"#;
const SECOND: &str = r#"{"panels":{},"release":2}"#;

#[tokio::test]
async fn installing_writes_what_is_new_and_nothing_else() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;

    assert_eq!(install(&server, "plain", FIRST).await, Installation::Created);
    let installed = get(&mut client, NAME).await.unwrap();
    assert!(installed.is_system);
    assert_eq!(
        (installed.revision, installed.display_name.as_str()),
        (1, "System plain")
    );
    assert_eq!(installed.created_by, "system:dashboard-store");
    assert_eq!(json_text(installed.spec.clone()), FIRST);

    assert_eq!(install(&server, "plain", FIRST).await, Installation::Unchanged);
    assert_eq!(get(&mut client, NAME).await.unwrap(), installed);
    assert_eq!(events(&server).await.len(), 1);

    assert_eq!(install(&server, "plain", SECOND).await, Installation::Updated);
    let updated = get(&mut client, NAME).await.unwrap();
    assert_eq!((updated.revision, &updated.uid), (2, &installed.uid));
    assert_eq!(json_text(updated.spec.clone()), SECOND);

    let event = events(&server).await.pop().unwrap();
    assert_eq!(
        (event.actor.as_str(), event.method.as_str(), event.permission.as_str()),
        ("system:dashboard-store", "InstallSystemTemplate", "templates.install")
    );
    assert_eq!(
        (event.resource.as_str(), event.changed_paths),
        (NAME, vec!["spec".to_owned()])
    );
    let project = "SELECT project FROM audit_log WHERE resource = $1 LIMIT 1";
    let row = server.sql().await.query_one(project, &[&NAME]).await.unwrap();
    assert_eq!(row.get::<_, Option<&str>>(0), None);
}

#[tokio::test]
async fn servers_that_install_at_once_install_once() {
    let server = TestServer::start().await;
    let installations = join_all((0..8).map(|_| install(&server, "plain", FIRST))).await;
    let created = installations.iter().filter(|done| **done == Installation::Created);
    assert_eq!(created.count(), 1, "{installations:?}");
    assert_eq!(events(&server).await.len(), 1);
}

#[tokio::test]
async fn callers_can_use_a_system_template_and_not_change_it() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    install(&server, "plain", FIRST).await;
    let before = stored(&server).await;

    let update = proto::UpdateTemplateRequest {
        template: Some(proto::Template {
            name: NAME.into(),
            etag: "*".into(),
            description: "mine".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let delete = proto::DeleteTemplateRequest {
        name: NAME.into(),
        etag: "*".into(),
        ..Default::default()
    };
    let refusals = [
        client.update_template(update).await.unwrap_err(),
        client.delete_template(delete).await.unwrap_err(),
    ];
    for refused in refusals {
        assert_refused(&refused, Code::FailedPrecondition, "TEMPLATE_READ_ONLY");
        assert_about_template(&refused, NAME);
        let failure = refused.get_details_precondition_failure().unwrap().violations.remove(0);
        assert_eq!(
            (failure.r#type.as_str(), failure.subject.as_str()),
            ("TEMPLATE_READ_ONLY", NAME)
        );
    }
    assert_eq!(stored(&server).await, before);

    let request = proto::InstantiateTemplateRequest {
        parameters: values(&[]),
        ..instantiate_request(NAME, "made")
    };
    let made = client.instantiate_template(request).await.unwrap().into_inner();
    assert_eq!(json_text(made.dashboard.unwrap().spec), FIRST);
}

#[tokio::test]
async fn operators_find_system_templates_in_the_table() {
    let server = TestServer::start().await;
    install(&server, "plain", FIRST).await;
    let sql = "SELECT id, name, category FROM dashboard_template WHERE is_system = true";
    let rows = server.sql().await.query(sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].get::<_, &str>("name"), rows[0].get::<_, &str>("category")),
        ("plain", "general")
    );
}
