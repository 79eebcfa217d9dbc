//! `request_id`: a mutation happens once for each caller, method, id and content.

use dashboard_store::grpc::proto;
use futures_util::future::join_all;
use prost_types::FieldMask;
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::blocking::wait_for_locks;
use crate::support::mutation::{Call, Mutation, Scene};
use crate::support::requests::{as_user, create, create_request, get, json_spec, reason, spec_named, violations};

#[tokio::test]
async fn the_same_id_of_another_caller_is_another_call() {
    let Scene { mut client, .. } = Mutation::Restore.scene().await;
    let call = Call::on("gpu", "*").repeatable();
    for (user, revision) in [("alice", 3), ("bob", 4), ("alice", 3), ("bob", 4)] {
        let answer = Mutation::Restore.call_as(&mut client, user, call.clone()).await;
        assert_eq!(answer.unwrap().unwrap().revision, revision, "{user}");
    }
    assert_eq!(get(&mut client, "gpu").await.revision, 4);
}

#[tokio::test]
async fn the_same_id_of_another_method_is_another_call() {
    let Scene { server, mut client, .. } = Mutation::Update.scene().await;
    let call = Call::on("gpu", "*").repeatable();
    let before = events(&server).await.len();
    let mutations = [
        Mutation::Update,
        Mutation::Apply,
        Mutation::Restore,
        Mutation::Delete,
        Mutation::Undelete,
    ];
    let mut answers = Vec::new();
    for mutation in mutations {
        answers.push(mutation.call(&mut client, call.clone()).await.unwrap());
    }
    // Apply found what Update had written, and wrote nothing.
    assert_eq!(events(&server).await.len(), before + 4);
    let after = stored(&server).await;
    for (mutation, answer) in mutations.into_iter().zip(answers) {
        let repeated = mutation.call(&mut client, call.clone()).await.unwrap();
        assert_eq!(repeated, answer, "{mutation:?}");
    }
    assert_eq!(stored(&server).await, after);
}

#[tokio::test]
async fn an_id_expires_after_a_day() {
    let Scene { server, mut client, .. } = Mutation::Restore.scene().await;
    let call = Call::on("gpu", "*").repeatable();
    let age = async |hours: i32| {
        let sql = format!("UPDATE mutation_request SET created_at = now() - interval '{hours} hours'");
        server.sql().await.batch_execute(&sql).await.unwrap();
    };
    let restore = async |client: &mut _| {
        let answer = Mutation::Restore.call(client, call.clone()).await;
        answer.unwrap().unwrap().revision
    };
    assert_eq!(restore(&mut client).await, 3);
    age(23).await;
    assert_eq!(restore(&mut client).await, 3);
    age(25).await;
    assert_eq!(restore(&mut client).await, 4, "a new call");
    assert_eq!(restore(&mut client).await, 4, "whose answer is kept in its turn");
}

#[tokio::test]
async fn a_call_that_was_refused_leaves_its_id_free() {
    let Scene { server, mut client, .. } = Mutation::Purge.scene().await;
    let request = proto::CreateDashboardRequest {
        request_id: Uuid::new_v4().to_string(),
        ..create_request("gpu")
    };
    let refused = client.create_dashboard(request.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "DASHBOARD_SOFT_DELETED");
    Mutation::Purge.call(&mut client, Call::on("gpu", "*")).await.unwrap();
    client.create_dashboard(request).await.unwrap();
    assert_eq!(events(&server).await.len(), 5);
}

#[tokio::test]
async fn concurrent_calls_with_one_id_make_one_change_and_get_one_answer() {
    for mutation in [Mutation::Update, Mutation::Restore, Mutation::Delete, Mutation::Purge] {
        let Scene {
            server, client, head, ..
        } = if mutation == Mutation::Purge {
            Mutation::Purge.scene().await
        } else {
            Mutation::Update.scene().await
        };
        let before = events(&server).await.len();
        let call = Call::on("gpu", &head.etag).repeatable();
        let calls = (0..10).map(|_| {
            let (mut own_client, own_call) = (client.clone(), call.clone());
            async move { mutation.call(&mut own_client, own_call).await.unwrap() }
        });
        let answers = join_all(calls).await;
        for answer in &answers {
            assert_eq!(answer, &answers[0], "{mutation:?}");
        }
        assert_eq!(events(&server).await.len(), before + 1, "{mutation:?}");
    }
}

#[tokio::test]
async fn other_content_is_refused_while_the_first_call_still_runs() {
    let Scene {
        server, client, head, ..
    } = Mutation::Delete.scene().await;
    // Holds the first call up where it locks the dashboard.
    let blocker = server.sql().await;
    blocker
        .batch_execute("BEGIN; SELECT FROM dashboard FOR UPDATE")
        .await
        .unwrap();
    let first = Call::on("gpu", &head.etag).repeatable();
    let second = Call {
        etag: "*".into(),
        ..first.clone()
    };
    let mut first_client = client.clone();
    let first_call = tokio::spawn(async move { Mutation::Delete.call(&mut first_client, first).await });
    let observer = server.sql().await;
    wait_for_locks(&observer, "lock_dashboard_head", 1).await;
    let mut second_client = client;
    let second_call = tokio::spawn(async move { Mutation::Delete.call(&mut second_client, second).await });
    wait_for_locks(&observer, "lock_request", 1).await;
    blocker.batch_execute("COMMIT").await.unwrap();

    let deleted = first_call.await.unwrap().unwrap().unwrap();
    assert_eq!(deleted.state(), proto::DashboardState::Deleted);
    let refused = second_call.await.unwrap().unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::InvalidArgument, "REQUEST_ID_REUSED")
    );
    assert_eq!(
        violations(&refused),
        [("request_id".to_owned(), "REQUEST_ID_REUSED".to_owned())]
    );
}

#[tokio::test]
async fn an_id_is_a_uuid_however_it_is_capitalised() {
    let Scene { server, mut client, .. } = Mutation::Restore.scene().await;
    let before = stored(&server).await;
    let id = Uuid::new_v4();
    let with_id = |request_id: String| Call {
        request_id,
        ..Call::on("gpu", "*")
    };
    for wrong in [
        "1".to_owned(),
        Uuid::nil().to_string(),
        id.simple().to_string(),
        id.braced().to_string(),
        id.urn().to_string(),
        format!(" {id}"),
    ] {
        let refused = Mutation::Restore
            .call(&mut client, with_id(wrong.clone()))
            .await
            .unwrap_err();
        assert_eq!(
            violations(&refused),
            [("request_id".to_owned(), "FIELD_INVALID".to_owned())],
            "{wrong}"
        );
    }
    assert_eq!(stored(&server).await, before);
    for same in [id.to_string(), id.to_string().to_uppercase()] {
        let answer = Mutation::Restore.call(&mut client, with_id(same)).await;
        assert_eq!(answer.unwrap().unwrap().revision, 3);
    }
}

#[tokio::test]
async fn the_order_of_tags_and_labels_is_no_other_content() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request_id = Uuid::new_v4().to_string();
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let request = |tags: &[&str]| {
        // Each HashMap iterates, and so travels, in an order of its own.
        let labels = keys.iter().map(|key| ((*key).to_owned(), "x".to_owned())).collect();
        let mut request = create_request("gpu");
        request.request_id.clone_from(&request_id);
        let dashboard = request.dashboard.as_mut().unwrap();
        dashboard.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        dashboard.labels = labels;
        request
    };
    let mut answers = Vec::new();
    for tags in [&["x", "y"][..], &["y", "x"], &["y", "y", "x"]] {
        let answer = client.create_dashboard(as_user("alice", request(tags))).await.unwrap();
        answers.push(answer.into_inner());
    }
    assert_eq!((&answers[1], &answers[2]), (&answers[0], &answers[0]));
    assert_eq!(events(&server).await.len(), 1);
}

#[tokio::test]
async fn every_field_of_a_request_is_content() {
    let Scene {
        server,
        mut client,
        head,
        ..
    } = Mutation::Update.scene().await;
    let update = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: head.name.clone(),
            etag: head.etag,
            tags: vec!["t".into()],
            labels: [("l".to_owned(), "1".to_owned())].into(),
            spec: json_spec(spec_named("first")),
            ..Default::default()
        }),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    client.update_dashboard(update.clone()).await.unwrap();
    let stored_first = stored(&server).await;
    let changes: [fn(&mut proto::UpdateDashboardRequest); 8] = [
        |request| request.change_note = "other".into(),
        |request| {
            request.update_mask = Some(FieldMask {
                paths: vec!["spec".into()],
            })
        },
        |request| dashboard_of(request).name.push('x'),
        |request| dashboard_of(request).etag = "*".into(),
        |request| dashboard_of(request).tags.clear(),
        |request| dashboard_of(request).tags.push("u".into()),
        |request| _ = dashboard_of(request).labels.insert("l".into(), "2".into()),
        |request| dashboard_of(request).spec = json_spec(format!(" {}", spec_named("first"))),
    ];
    for (position, change) in changes.into_iter().enumerate() {
        let mut other = update.clone();
        change(&mut other);
        let refused = client.update_dashboard(other).await.unwrap_err();
        assert_eq!(reason(&refused), "REQUEST_ID_REUSED", "change {position}");
    }
    assert_eq!(stored(&server).await, stored_first);

    let restore = proto::RestoreDashboardRevisionRequest {
        name: format!("{}/revisions/1", head.name),
        etag: "*".into(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    client.restore_dashboard_revision(restore.clone()).await.unwrap();
    let other_revision = proto::RestoreDashboardRevisionRequest {
        name: format!("{}/revisions/2", head.name),
        ..restore.clone()
    };
    let other_note = proto::RestoreDashboardRevisionRequest {
        change_note: "other".into(),
        ..restore
    };
    for other in [other_revision, other_note] {
        let refused = client.restore_dashboard_revision(other).await.unwrap_err();
        assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    }
}

fn dashboard_of(request: &mut proto::UpdateDashboardRequest) -> &mut proto::Dashboard {
    request.dashboard.as_mut().unwrap()
}

#[tokio::test]
async fn an_answer_whose_revision_was_pruned_comes_without_the_document() {
    let server = TestServer::start_with(|config| config.dashboards.revisions_kept = 1).await;
    let mut client = server.dashboards().await;
    let request = proto::CreateDashboardRequest {
        request_id: Uuid::new_v4().to_string(),
        ..create_request("gpu")
    };
    let created = client.create_dashboard(request.clone()).await.unwrap().into_inner();
    Mutation::Update.call(&mut client, Call::on("gpu", "*")).await.unwrap();

    let replayed = client.create_dashboard(request).await.unwrap().into_inner();

    let expected = created.dashboard.map(|dashboard| proto::Dashboard {
        spec: None,
        display_name: String::new(),
        ..dashboard
    });
    assert_eq!(replayed.dashboard, expected);
}

#[tokio::test]
async fn the_order_of_a_mask_is_no_other_content() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let created = create(&mut client, "gpu").await;
    let request_id = Uuid::new_v4().to_string();
    for paths in [["labels.a", "labels.b"], ["labels.b", "labels.a"]] {
        let request = proto::UpdateDashboardRequest {
            dashboard: Some(proto::Dashboard {
                name: created.name.clone(),
                etag: "*".into(),
                ..Default::default()
            }),
            update_mask: Some(FieldMask {
                paths: paths.map(str::to_owned).to_vec(),
            }),
            request_id: request_id.clone(),
            ..Default::default()
        };
        client.update_dashboard(request).await.unwrap();
    }
}
