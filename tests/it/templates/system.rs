//! The templates that come with the service: who installs them when, and that nobody changes them.

use dashboard_store::grpc::proto;
use futures_util::future::join_all;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::requests::{assert_refused, json_text};
use crate::support::templates::{
    Client, assert_about_template, get, install_system_templates, instantiate_request, make_system_template, values,
};

/// Those of this release.
const NAMES: [&str; 4] = [
    "templates/data-pipeline",
    "templates/model-serving",
    "templates/notebook-server",
    "templates/training-job",
];

/// One of them, in tests of one.
const NAME: &str = NAMES[1];

/// Makes one of the templates be as a release before version 1 might have left it.
const OUTDATE: &str = r#"ALTER TABLE dashboard_template DROP CONSTRAINT dashboard_template_system_version_check;
    UPDATE dashboard_template SET system_version = 0, display_name = 'Old', spec = '{"panels":{}}',
        spec_sha256 = sha256('{"panels":{}}'), spec_size_bytes = 13
    WHERE name = 'model-serving'"#;

/// What a project can use that has no templates of its own.
async fn list(client: &mut Client) -> Vec<proto::Template> {
    let request = proto::ListTemplatesRequest {
        parent: "projects/p".into(),
        ..Default::default()
    };
    client.list_templates(request).await.unwrap().into_inner().templates
}

#[tokio::test]
async fn a_new_database_gets_those_of_the_release_and_an_event_for_each() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;

    assert_eq!(install_system_templates(&server).await, 4);

    let listed = list(&mut client).await;
    let names: Vec<&str> = listed.iter().map(|template| template.name.as_str()).collect();
    assert_eq!(names, NAMES);
    for (template, event) in listed.iter().zip(events(&server).await) {
        assert!(template.is_system, "{}", template.name);
        assert_eq!(template.revision, 1, "{}", template.name);
        assert_eq!(template.created_by, "system:dashboard-store", "{}", template.name);
        assert_eq!(
            (event.actor.as_str(), event.method.as_str(), event.permission.as_str()),
            ("system:dashboard-store", "InstallSystemTemplate", "templates.install")
        );
        assert_eq!(
            (event.resource.as_str(), &event.uid),
            (template.name.as_str(), &template.uid)
        );
        assert_eq!((event.revision_before, event.revision_after), (None, Some(1)));
        assert_eq!(event.sha256_after.as_ref(), Some(&template.spec_sha256));
    }
    let of_one_run = "SELECT count(*), count(project), count(DISTINCT correlation_id), min(auth_method) FROM audit_log";
    let row = server.sql().await.query_one(of_one_run, &[]).await.unwrap();
    let counts: [i64; 3] = [row.get(0), row.get(1), row.get(2)];
    assert_eq!((counts, row.get(3)), ([4, 0, 1], "server"));
}

#[tokio::test]
async fn what_is_installed_is_left_alone() {
    let server = TestServer::start().await;
    install_system_templates(&server).await;
    let before = stored(&server).await;
    assert_eq!(install_system_templates(&server).await, 0);
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn a_later_version_is_a_new_revision() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    install_system_templates(&server).await;
    let released = get(&mut client, NAME).await.unwrap();
    server.sql().await.batch_execute(OUTDATE).await.unwrap();
    let outdated = get(&mut client, NAME).await.unwrap();
    assert_eq!(
        (
            outdated.display_name.as_str(),
            json_text(outdated.spec.clone()).as_str()
        ),
        ("Old", r#"{"panels":{}}"#)
    );
    let events_before = events(&server).await;

    assert_eq!(install_system_templates(&server).await, 1);

    let updated = get(&mut client, NAME).await.unwrap();
    let expected = proto::Template {
        revision: 2,
        etag: updated.etag.clone(),
        update_time: updated.update_time,
        ..released.clone()
    };
    assert_eq!(updated, expected);
    assert_ne!(updated.etag, outdated.etag);
    assert!(updated.update_time.unwrap().to_string() > outdated.update_time.unwrap().to_string());
    let new_events = &events(&server).await[events_before.len()..];
    let [event] = new_events else {
        panic!("{new_events:?}");
    };
    assert_eq!(
        (event.resource.as_str(), event.actor.as_str()),
        (NAME, "system:dashboard-store")
    );
    assert_eq!((event.revision_before, event.revision_after), (Some(1), Some(2)));
    assert_eq!(event.sha256_before.as_ref(), Some(&outdated.spec_sha256));
    assert_eq!(event.sha256_after.as_ref(), Some(&released.spec_sha256));
    assert_eq!(event.changed_paths, ["display_name", "spec"]);

    assert_eq!(install_system_templates(&server).await, 0);
}

#[tokio::test]
async fn what_a_later_release_has_installed_is_not_undone() {
    let server = TestServer::start().await;
    install_system_templates(&server).await;
    let later = "UPDATE dashboard_template SET system_version = system_version + 1, display_name = 'Later'";
    server.sql().await.execute(later, &[]).await.unwrap();
    let before = stored(&server).await;
    assert_eq!(install_system_templates(&server).await, 0);
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn a_template_that_is_not_among_those_of_the_release_stays() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    make_system_template(&server, "retired", r#"{"panels":{}}"#).await;
    let before = get(&mut client, "templates/retired").await.unwrap();
    assert_eq!(install_system_templates(&server).await, 4);
    assert_eq!(get(&mut client, "templates/retired").await.unwrap(), before);
}

#[tokio::test]
async fn servers_that_install_at_once_install_once() {
    let server = TestServer::start().await;
    let mut installed = join_all((0..4).map(|_| install_system_templates(&server))).await;
    installed.sort_unstable();
    assert_eq!(installed, [0, 0, 0, 4]);
    assert_eq!(events(&server).await.len(), 4);
}

#[tokio::test]
async fn callers_can_use_a_system_template_and_not_change_it() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    install_system_templates(&server).await;
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
    assert_eq!(made.dashboard.unwrap().display_name, "Model serving");
}

#[tokio::test]
async fn operators_find_system_templates_in_the_table() {
    let server = TestServer::start().await;
    install_system_templates(&server).await;
    let sql = "SELECT id, name, category FROM dashboard_template WHERE is_system = true";
    let rows = server.sql().await.query(sql, &[]).await.unwrap();
    let mut found: Vec<(&str, &str)> = rows.iter().map(|row| (row.get("name"), row.get("category"))).collect();
    found.sort_unstable();
    let expected = [
        ("data-pipeline", "data_pipeline"),
        ("model-serving", "model_serving"),
        ("notebook-server", "notebook_server"),
        ("training-job", "training_job"),
    ];
    assert_eq!(found, expected);
}
