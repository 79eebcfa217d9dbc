//! What a run of all tests has left behind, searched for the secrets that the tests have made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use dashboard_store::store::connect;
use dashboard_store::store::embedded::{Durability, EmbeddedOptions, EmbeddedPostgres};

use super::secrets::{Search, Secret};
use crate::access::matrix::requests::link_secret;
use crate::support::recording::{Kind, file};
use crate::support::requests::DATASOURCE_PASSWORD;

/// Where the secrets of tests are meant to be, as [`super::MEANT`] says it for one test.
const MEANT: [&str; 4] = [
    "the claims of a bearer token in an error",
    "the password of a datasource in dashboard.spec",
    "the password of a datasource in dashboard_revision.spec",
    "the password of a datasource in dashboard_template.spec",
];

#[tokio::test]
#[ignore = "searches what a run of all tests has left in CANARY_SEARCH: make canary"]
async fn a_run_of_all_tests_leaves_secrets_where_they_are_meant_to_be_and_nowhere_else() {
    let directory = PathBuf::from(env::var_os("CANARY_SEARCH").expect("CANARY_SEARCH is the CANARY_DIR of a run"));
    let run = directory.join(file::RUN);
    let secrets = secrets(&directory, &run);
    let mut search = Search::new(&secrets);
    for (place, name) in [
        ("the log", file::LOG),
        ("the output of a program", file::OUTPUT),
        ("an error", file::ERRORS),
        ("metrics", file::METRICS),
    ] {
        let text = read(&directory.join(name));
        assert!(!text.is_empty() || !is_whole(), "nothing was recorded of {place}");
        eprintln!("{place}: {} bytes", text.len());
        search.text(place, &text);
    }
    let mut databases = 0;
    for data_dir in children(&run) {
        if data_dir.join("cluster").exists() {
            search.text("the log of PostgreSQL", &read(&data_dir.join("postgresql.log")));
            databases += search_server(&mut search, data_dir).await;
        }
    }
    eprintln!("{} secrets, {databases} databases", secrets.len());
    assert_as_meant(&search.found());
}

/// All that the tests have made and all that lies in the directory of the run, where it belongs.
fn secrets(directory: &Path, run: &Path) -> Vec<Secret> {
    let mut secrets = vec![
        Secret::text("the password of a datasource", DATASOURCE_PASSWORD),
        Secret::text("the token of a share link", link_secret().expose()),
    ];
    let mut kinds = BTreeSet::new();
    for line in read(&directory.join(file::SECRETS)).lines() {
        let [kind, name, text]: [String; 3] = serde_json::from_str(line).unwrap();
        let known = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
        match known.unwrap() {
            Kind::Token => secrets.extend(Secret::token(&text)),
            Kind::Key => secrets.push(Secret::key(&name, &text)),
            Kind::Text => secrets.push(Secret::text(&name, &text)),
        }
        kinds.insert(kind);
    }
    assert!(kinds.len() == Kind::ALL.len() || !is_whole(), "only {kinds:?}");
    for path in children(run) {
        for key in [path.clone(), path.join("audit-signing-key.pem")] {
            let pem = fs::read_to_string(key).unwrap_or_default();
            if pem.starts_with("-----BEGIN PRIVATE KEY-----") {
                secrets.push(Secret::key("the key of the audit log", &pem));
            }
        }
        if let Ok(password) = fs::read_to_string(path.join("password")) {
            secrets.push(Secret::text("the password of a database", password.trim_end()));
        }
    }
    secrets
}

/// Starts a server on the data that the tests have left, and searches all its databases: how many.
async fn search_server(search: &mut Search<'_>, data_dir: PathBuf) -> usize {
    // Some tests have changed the password, which is no longer in its file.
    fs::write(data_dir.join("cluster/pg_hba.conf"), "local all all trust\n").unwrap();
    let options = EmbeddedOptions::new(data_dir, Durability::Ephemeral);
    let postgres = EmbeddedPostgres::start(options).await.unwrap();
    let endpoint = postgres.endpoint();
    let sql = connect::connect(&endpoint.connect_config("postgres"))
        .await
        .unwrap()
        .client;
    let names = "SELECT datname FROM pg_database WHERE datallowconn";
    let names = sql.query(names, &[]).await.unwrap();
    for row in &names {
        let database = connect::connect(&endpoint.connect_config(row.get(0))).await.unwrap();
        search.database(&database.client).await;
    }
    drop(sql);
    postgres.stop().await.unwrap();
    names.len()
}

fn assert_as_meant(found: &BTreeMap<String, String>) {
    let elsewhere: Vec<String> = found
        .iter()
        .filter(|(what, _)| !MEANT.contains(&what.as_str()))
        .map(|(what, example)| format!("{what}: {example}"))
        .collect();
    let missing: Vec<&str> = MEANT.into_iter().filter(|what| !found.contains_key(*what)).collect();
    assert!(
        elsewhere.is_empty(),
        "where none is meant to be:\n{}",
        elsewhere.join("\n\n")
    );
    assert!(missing.is_empty() || !is_whole(), "no longer there: {missing:?}");
    eprintln!("found where they are meant to be, and nowhere else; not found: {missing:?}");
}

/// Whether all tests ran, so that something of everything must be there.
fn is_whole() -> bool {
    env::var_os("CANARY_WHOLE").is_some()
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// A text that may have been cut by the end of its process.
fn read(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}
