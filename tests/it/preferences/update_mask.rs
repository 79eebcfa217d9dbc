//! UpdatePreferences: which fields are taken.

use dashboard_store::grpc::proto;
use prost_types::FieldMask;

use crate::support::TestServer;
use crate::support::preferences::{Client, get, settings, update, update_request};
use crate::support::requests::assert_invalid;

async fn update_paths(client: &mut Client, preferences: proto::UserPreferences, paths: &[&str]) {
    let request = proto::UpdatePreferencesRequest {
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..update_request(proto::UserPreferences {
            etag: "*".into(),
            ..preferences
        })
    };
    update(client, request).await.unwrap();
}

fn full() -> proto::UserPreferences {
    proto::UserPreferences {
        home_dashboard: "projects/p/dashboards/d".into(),
        theme: "dark".into(),
        timezone: "local".into(),
        rows_per_page: 100,
        settings: settings(r#"{"a":1,"b":2}"#),
        ..Default::default()
    }
}

/// The fields that a user can set.
fn set_of(preferences: proto::UserPreferences) -> proto::UserPreferences {
    proto::UserPreferences {
        name: String::new(),
        etag: String::new(),
        create_time: None,
        update_time: None,
        ..preferences
    }
}

#[tokio::test]
async fn without_a_mask_what_is_populated_is_taken() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    update_paths(&mut client, full(), &[]).await;
    let light = proto::UserPreferences {
        theme: "light".into(),
        ..Default::default()
    };
    update_paths(&mut client, light, &[]).await;
    let expected = proto::UserPreferences {
        theme: "light".into(),
        ..full()
    };
    assert_eq!(set_of(get(&mut client).await), expected);
}

#[tokio::test]
async fn a_mask_takes_its_fields_alone_and_clears_those_that_are_empty() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let mut expected = full();
    update_paths(&mut client, full(), &["*"]).await;

    let given = proto::UserPreferences {
        theme: "light".into(),
        rows_per_page: -1,
        settings: settings(r#"{"c":3}"#),
        ..Default::default()
    };
    update_paths(
        &mut client,
        given,
        &["home_dashboard", "settings", "etag", "create_time"],
    )
    .await;
    expected.home_dashboard.clear();
    expected.settings = settings(r#"{"c":3}"#);
    assert_eq!(set_of(get(&mut client).await), expected);

    for path in ["theme", "timezone", "rows_per_page", "settings"] {
        update_paths(&mut client, proto::UserPreferences::default(), &[path]).await;
    }
    assert_eq!(set_of(get(&mut client).await), proto::UserPreferences::default());
}

#[tokio::test]
async fn a_star_takes_all_fields() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    update_paths(&mut client, full(), &["*"]).await;
    assert_eq!(set_of(get(&mut client).await), full());
    update_paths(&mut client, proto::UserPreferences::default(), &["*"]).await;
    assert_eq!(set_of(get(&mut client).await), proto::UserPreferences::default());
}

#[tokio::test]
async fn a_mask_of_unknown_fields_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for path in ["favorites", "settings.a", "*.theme", ""] {
        let request = proto::UpdatePreferencesRequest {
            update_mask: Some(FieldMask {
                paths: vec![path.into()],
            }),
            ..update_request(proto::UserPreferences {
                etag: "*".into(),
                ..full()
            })
        };
        let refused = update(&mut client, request).await.unwrap_err();
        assert_invalid(&refused, &[("update_mask", "INVALID_UPDATE_MASK")]);
    }
}
