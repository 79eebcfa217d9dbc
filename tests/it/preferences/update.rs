//! UpdatePreferences.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::structured::WireStruct;
use prost::Message as _;
use prost_types::Struct;
use prost_types::value::Kind;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::preferences::{Client, get, settings, update, update_request};
use crate::support::requests::{as_user, assert_invalid, assert_refused};

fn theme(theme: &str, etag: &str) -> proto::UserPreferences {
    proto::UserPreferences {
        theme: theme.into(),
        etag: etag.into(),
        ..Default::default()
    }
}

/// Writes a theme in the version `etag`.
async fn set_theme(client: &mut Client, name: &str, etag: &str) -> proto::UserPreferences {
    update(client, update_request(theme(name, etag))).await.unwrap()
}

#[tokio::test]
async fn update_begins_with_the_etag_of_preferences_that_were_never_written() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let never_written = get(&mut client).await;

    let first = set_theme(&mut client, "dark", &never_written.etag).await;
    let second = set_theme(&mut client, "light", &first.etag).await;

    assert_eq!(second.create_time, first.create_time);
    assert_ne!(second.etag, first.etag);
    assert_eq!(get(&mut client).await, second);
    let stale = update(&mut client, update_request(theme("dark", &never_written.etag))).await;
    assert_refused(&stale.unwrap_err(), Code::Aborted, "ETAG_MISMATCH");
}

#[tokio::test]
async fn update_with_a_stale_etag_tells_what_is_there() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let first = set_theme(&mut client, "dark", "*").await;
    let second = set_theme(&mut client, "light", "*").await;
    let before = stored(&server).await;

    let refused = update(&mut client, update_request(theme("system", &first.etag)))
        .await
        .unwrap_err();

    assert_refused(&refused, Code::Aborted, "ETAG_MISMATCH");
    let metadata = refused.get_details_error_info().unwrap().metadata;
    assert_eq!(metadata["current_revision"], "2");
    assert_eq!(metadata["current_author"], "user:developer");
    let time: prost_types::Timestamp = metadata["current_time"].parse().unwrap();
    assert_eq!(Some(time), second.update_time);
    let resource = refused.get_details_resource_info().unwrap();
    assert_eq!(resource.resource_type, "dashboards.perses.dev/UserPreferences");
    assert_eq!(resource.resource_name, "users/developer/preferences");
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn update_with_an_etag_of_what_was_never_written_tells_so() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let other = update(&mut client, as_user("alice", update_request(theme("dark", "*"))))
        .await
        .unwrap();

    let refused = update(&mut client, update_request(theme("dark", &other.etag)))
        .await
        .unwrap_err();

    assert_refused(&refused, Code::Aborted, "ETAG_MISMATCH");
    let metadata = refused.get_details_error_info().unwrap().metadata;
    assert_eq!(metadata, [("current_revision".to_owned(), "0".to_owned())].into());
}

#[tokio::test]
async fn update_without_an_etag_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for (etag, reason) in [("", "ETAG_REQUIRED"), ("1", "FIELD_INVALID")] {
        let refused = update(&mut client, update_request(theme("dark", etag)))
            .await
            .unwrap_err();
        assert_invalid(&refused, &[("preferences.etag", reason)]);
    }
    assert_eq!(stored(&server).await, "");
}

#[tokio::test]
async fn update_reports_every_violation_at_once_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let request = proto::UpdatePreferencesRequest {
        request_id: "1".into(),
        ..update_request(proto::UserPreferences {
            home_dashboard: "home".into(),
            theme: "Dark".into(),
            timezone: "Europe/Atlantis".into(),
            rows_per_page: 501,
            settings: settings(&format!("{{\"a\":{:?}}}", "x".repeat(64 * 1024))),
            ..Default::default()
        })
    };

    let refused = update(&mut client, request).await.unwrap_err();

    assert_invalid(
        &refused,
        &[
            ("preferences.etag", "ETAG_REQUIRED"),
            ("preferences.home_dashboard", "INVALID_NAME"),
            ("preferences.theme", "FIELD_INVALID"),
            ("preferences.timezone", "FIELD_INVALID"),
            ("preferences.rows_per_page", "FIELD_OUT_OF_RANGE"),
            ("preferences.settings", "SPEC_LIMIT_EXCEEDED"),
            ("request_id", "FIELD_INVALID"),
        ],
    );
    assert_eq!(stored(&server).await, "");
}

#[tokio::test]
async fn update_takes_settings_up_to_their_limits() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    // As `jsonb` the many digits would be 2.7 MB.
    let largest = format!(r#"{{"a":"{}"}}"#, "x".repeat(64 * 1024 - 8));
    let many_digits = format!(r#"{{"a":[{}]}}"#, vec!["1e300"; 9_000].join(","));
    let deepest = format!("{}true{}", r#"{"a":"#.repeat(32), "}".repeat(32));
    for text in [largest.as_str(), &many_digits, &deepest] {
        let request = update_request(proto::UserPreferences {
            settings: settings(text),
            etag: "*".into(),
            ..Default::default()
        });
        assert_eq!(update(&mut client, request).await.unwrap().settings, settings(text));
        assert_eq!(get(&mut client).await.settings, settings(text));
    }
}

#[tokio::test]
async fn update_refuses_settings_that_clients_could_not_read_back() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for levels in [33, 64, 65, 200] {
        let tree = (1..levels).fold(Struct::default(), |inner, _| Struct {
            fields: [("a".to_owned(), Kind::StructValue(inner).into())].into(),
        });
        let request = update_request(proto::UserPreferences {
            settings: Some(WireStruct::decode(tree.encode_to_vec().as_slice()).unwrap()),
            etag: "*".into(),
            ..Default::default()
        });

        let refused = update(&mut client, request).await.unwrap_err();

        assert_invalid(&refused, &[("preferences.settings", "SPEC_LIMIT_EXCEEDED")]);
        let details = refused.get_details_bad_request().unwrap();
        assert_eq!(
            details.field_violations[0].description,
            "arrays and objects are nested more than 32 deep"
        );
    }
    assert_eq!(stored(&server).await, "");
}

#[tokio::test]
async fn an_update_that_changes_nothing_writes_nothing() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let never_written = get(&mut client).await;
    let nothing = update(&mut client, update_request(theme("", &never_written.etag))).await;
    assert_eq!(nothing.unwrap(), never_written);
    assert_eq!(events(&server).await, []);

    let first = set_theme(&mut client, "dark", "*").await;
    let again = set_theme(&mut client, "dark", &first.etag).await;
    assert_eq!(again, first);
    assert_eq!(events(&server).await.len(), 1);
}

#[tokio::test]
async fn update_with_validate_only_checks_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let request = proto::UpdatePreferencesRequest {
        validate_only: true,
        request_id: Uuid::new_v4().to_string(),
        ..update_request(theme("dark", "*"))
    };
    let shown = update(&mut client, request.clone()).await.unwrap();
    assert_eq!(shown.theme, "dark");
    assert_eq!(stored(&server).await, "");

    let first = set_theme(&mut client, "light", "*").await;
    set_theme(&mut client, "system", "*").await;
    let before = stored(&server).await;
    let stale = proto::UpdatePreferencesRequest {
        validate_only: true,
        ..update_request(theme("dark", &first.etag))
    };
    let refused = update(&mut client, stale).await.unwrap_err();
    assert_refused(&refused, Code::Aborted, "ETAG_MISMATCH");
    update(&mut client, request).await.unwrap();
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn update_with_the_same_request_id_answers_the_same() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let request = proto::UpdatePreferencesRequest {
        request_id: Uuid::new_v4().to_string(),
        ..update_request(proto::UserPreferences {
            home_dashboard: "projects/p/dashboards/d".into(),
            settings: settings(r#"{"a":1}"#),
            ..theme("dark", "*")
        })
    };
    let first = update(&mut client, request.clone()).await.unwrap();
    let after_first = stored(&server).await;
    assert_eq!(update(&mut client, request.clone()).await.unwrap(), first);

    let other_content = proto::UpdatePreferencesRequest {
        preferences: Some(proto::UserPreferences {
            settings: settings(r#"{"a":2}"#),
            ..request.preferences.clone().unwrap()
        }),
        ..request.clone()
    };
    let refused = update(&mut client, other_content).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "REQUEST_ID_REUSED");
    assert_eq!(stored(&server).await, after_first);

    // The settings of that version are gone, all else is as it was answered.
    set_theme(&mut client, "light", "*").await;
    let without_settings = proto::UserPreferences {
        settings: None,
        ..first
    };
    assert_eq!(update(&mut client, request).await.unwrap(), without_settings);
}

#[tokio::test]
async fn update_writes_one_audit_event_that_names_the_fields_that_changed() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    set_theme(&mut client, "dark", "*").await;
    let request = update_request(proto::UserPreferences {
        rows_per_page: 10,
        settings: settings(r#"{"a":1}"#),
        ..theme("dark", "*")
    });
    update(&mut client, request).await.unwrap();

    let events = events(&server).await;
    assert_eq!(events.len(), 2);
    let event = &events[1];
    let uid = "SELECT id::text FROM user_preferences";
    let stored: String = server.sql().await.query_one(uid, &[]).await.unwrap().get(0);
    assert_eq!(
        (event.actor.as_str(), event.method.as_str()),
        (
            "user:developer",
            "perses.dashboards.v1.PreferencesService/UpdatePreferences"
        )
    );
    assert_eq!(event.permission, "preferences.update");
    assert_eq!(
        (event.resource.as_str(), &event.uid),
        ("users/developer/preferences", &stored)
    );
    assert_eq!(event.changed_paths, ["rows_per_page", "settings"]);
    assert_eq!((event.revision_before, event.revision_after), (None, None));
}

#[tokio::test]
async fn of_many_first_writers_one_wins_and_the_others_learn_of_it() {
    let server = TestServer::start().await;
    let never_written = get(&mut server.preferences().await).await;
    let mut writers = Vec::new();
    for rows_per_page in 1..=10 {
        let mut client = server.preferences().await;
        let request = update_request(proto::UserPreferences {
            rows_per_page,
            etag: never_written.etag.clone(),
            ..Default::default()
        });
        writers.push(tokio::spawn(async move { update(&mut client, request).await }));
    }
    let mut winners = Vec::new();
    for writer in writers {
        match writer.await.unwrap() {
            Ok(written) => winners.push(written),
            Err(refused) => assert_refused(&refused, Code::Aborted, "ETAG_MISMATCH"),
        }
    }
    assert_eq!(winners, [get(&mut server.preferences().await).await]);
}
