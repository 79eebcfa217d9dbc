use super::*;

#[tokio::test]
async fn what_kept_keys_from_being_fetched_is_told() {
    // Nobody listens where a listener was a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/openid/v1/jwks", listener.local_addr().unwrap());
    drop(listener);
    let keys = Keys::new(KeysConfig {
        source: KeySource::Url {
            url: url.clone(),
            certificate_authority: None,
            token: None,
        },
        refresh_interval: Duration::from_secs(3600),
        max_age: Duration::from_secs(3600),
        unknown_key_interval: Duration::from_secs(3600),
    })
    .unwrap();
    let error = keys.read().await.unwrap_err();
    assert_eq!(error.to_string(), format!("{url} can't be fetched"));
    let causes = causes(&error);
    assert!(causes.contains("Connection refused"), "{causes}");
}
