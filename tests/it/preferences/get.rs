//! GetPreferences.

use dashboard_store::grpc::proto;

use crate::support::TestServer;
use crate::support::audit::stored;
use crate::support::preferences::{get, settings, update, update_request};
use crate::support::requests::{as_user, assert_invalid};

#[tokio::test]
async fn preferences_that_were_never_written_are_there_and_reading_them_writes_nothing() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;

    let preferences = get(&mut client).await;

    assert_ne!(preferences.etag, "");
    let expected = proto::UserPreferences {
        name: "users/developer/preferences".into(),
        etag: preferences.etag.clone(),
        ..Default::default()
    };
    assert_eq!(preferences, expected);
    assert_eq!(get(&mut client).await, expected);
    assert_eq!(stored(&server).await, "");
}

#[tokio::test]
async fn get_reads_what_was_written_last() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let request = update_request(proto::UserPreferences {
        home_dashboard: "projects/p/dashboards/home".into(),
        theme: "system".into(),
        timezone: "America/Argentina/Buenos_Aires".into(),
        rows_per_page: 25,
        settings: settings(r#"{"a":{"b":[1,0.5,1e300,"é😀",null,true]},"c":-42}"#),
        etag: "*".into(),
        ..Default::default()
    });

    let written = update(&mut client, request).await.unwrap();

    assert_eq!(get(&mut client).await, written);
    assert_eq!(written.home_dashboard, "projects/p/dashboards/home");
    assert_eq!((written.theme.as_str(), written.rows_per_page), ("system", 25));
    assert_eq!(written.timezone, "America/Argentina/Buenos_Aires");
    assert_eq!(
        written.settings,
        settings(r#"{"a":{"b":[1,0.5,1e300,"é😀",null,true]},"c":-42}"#)
    );
    assert!(written.create_time.is_some());
    assert_eq!(written.create_time, written.update_time);
}

#[tokio::test]
async fn get_refuses_a_name_of_another_form() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for (name, reason) in [
        ("", "FIELD_REQUIRED"),
        ("users/me", "INVALID_NAME"),
        ("users//preferences", "INVALID_NAME"),
        ("users/a%2/preferences", "INVALID_NAME"),
        ("users/a/b/preferences", "INVALID_NAME"),
        ("projects/p/preferences", "INVALID_NAME"),
    ] {
        let request = proto::GetPreferencesRequest { name: name.into() };
        let refused = client.get_preferences(request).await.unwrap_err();
        assert_invalid(&refused, &[("name", reason)]);
    }
}

#[tokio::test]
async fn a_user_is_percent_encoded_and_every_encoding_is_the_same_user() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let user = "spiffe://cluster.local/ns/a/sa/b%20";
    let name = "users/spiffe%3A%2F%2Fcluster.local%2Fns%2Fa%2Fsa%2Fb%2520/preferences";
    let request = update_request(proto::UserPreferences {
        theme: "dark".into(),
        etag: "*".into(),
        ..Default::default()
    });
    let written = update(&mut client, as_user(user, request)).await.unwrap();
    assert_eq!(written.name, name);
    for spelling in [
        name,
        "users/spiffe:%2f%2fcluster.local%2fns%2fa%2f%73a%2fb%2520/preferences",
        "users/me/preferences",
    ] {
        let request = proto::GetPreferencesRequest { name: spelling.into() };
        let answer = client.get_preferences(as_user(user, request)).await.unwrap();
        assert_eq!(answer.into_inner().preferences, Some(written.clone()), "{spelling}");
    }
    let subject = "SELECT subject FROM user_preferences";
    let stored: String = server.sql().await.query_one(subject, &[]).await.unwrap().get(0);
    assert_eq!(stored, format!("user:{user}"));
}
