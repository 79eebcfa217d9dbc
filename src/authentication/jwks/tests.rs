use super::*;

/// Keys behind a URL, which nobody reads but the test.
fn keys_behind(url: &str, certificate_authority: Option<&Path>) -> Keys {
    Keys::new(KeysConfig {
        source: KeySource::Url {
            url: url.to_owned(),
            certificate_authority: certificate_authority.map(Path::to_owned),
            token: None,
        },
        refresh_interval: Duration::from_secs(3600),
        max_age: Duration::from_secs(3600),
        unknown_key_interval: Duration::from_secs(3600),
    })
    .unwrap()
}

#[tokio::test]
async fn a_file_of_authorities_that_became_empty_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = keys_behind("https://localhost", Some(file.path()))
        .read()
        .await
        .unwrap_err();
    assert_eq!(
        causes(&error),
        format!("{} has no certificate in PEM", file.path().display())
    );
}

#[tokio::test]
async fn what_kept_keys_from_being_fetched_is_told() {
    // Nobody listens where a listener was a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/openid/v1/jwks", listener.local_addr().unwrap());
    drop(listener);
    let error = keys_behind(&url, None).read().await.unwrap_err();
    assert_eq!(error.to_string(), format!("{url} can't be fetched"));
    let causes = causes(&error);
    assert!(causes.contains("Connection refused"), "{causes}");
}
