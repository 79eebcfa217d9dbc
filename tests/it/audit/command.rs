//! `dashboard-store audit`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::support::process::{self, database_url, program};

/// Three seals over two events each, one event without, and a file with the public key.
async fn sealed_log() -> (TestDatabase, Client, Sealed, PathBuf) {
    let (database, sql, sealed) = start().await;
    for _ in 0..3 {
        append(&sql, 2).await;
        sealed.seal(2).await;
    }
    append(&sql, 1).await;
    let keys = directory().join(format!("public-{}.pem", Uuid::new_v4()));
    fs::write(&keys, sealed.key.public_pem()).unwrap();
    (database, sql, sealed, keys)
}

pub async fn audit(database: Option<&TestDatabase>, arguments: &[&str], keys: Option<&Path>) -> Output {
    let mut command = program(&["audit"]);
    command.args(arguments);
    if let Some(database) = database {
        command.env("DB_DIRECT_URL", database_url(database.config()));
    }
    if let Some(keys) = keys {
        command.arg("--audit-public-keys-file").arg(keys);
    }
    process::run(command).await
}

/// The exit code, and what it printed on both streams.
pub fn told(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn a_database_is_verified_and_what_a_superuser_edits_is_named() {
    let (database, sql, sealed, keys) = sealed_log().await;
    let head = sealed.verify().await.head.unwrap().to_string();
    let (code, text) = told(&audit(Some(&database), &["verify"], Some(&keys)).await);
    assert_eq!(code, 0, "{text}");
    for part in [
        "6 events under 3 seals",
        "1 events are not sealed yet",
        &format!("head: {head}"),
        "is not known",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let (code, text) = told(&audit(Some(&database), &["verify", "--expected-head", &head], Some(&keys)).await);
    assert!(
        code == 0 && text.contains("the expected head is among the seals"),
        "{text}"
    );

    disable_guards(&sql).await;
    let edit = "UPDATE audit_log SET actor = 'user:eve' WHERE seq = (SELECT min(seq) FROM audit_log) RETURNING id";
    let id: Uuid = sql.query_one(edit, &[]).await.unwrap().get(0);
    let (code, text) = told(&audit(Some(&database), &["verify"], Some(&keys)).await);
    assert_eq!((code, text), (3, format!("error: event {id} of seal 1 was edited\n")));
}

#[tokio::test]
async fn an_export_is_verified_without_the_database() {
    let (database, _, sealed, keys) = sealed_log().await;
    let head = sealed.verify().await.head.unwrap().to_string();
    let path = directory().join(format!("export-{}.jsonl", Uuid::new_v4()));
    let file = path.to_str().unwrap();
    let (code, text) = told(&audit(Some(&database), &["export", file], None).await);
    assert_eq!((code, text.as_str()), (0, "7 events and 3 seals written\n"));
    let (code, text) = told(&audit(Some(&database), &["export", file], None).await);
    assert!(code == 1 && text.contains("exists"), "{text}");

    let (code, text) = told(&audit(None, &["verify", file, "--expected-head", &head], Some(&keys)).await);
    assert!(code == 0 && text.contains("6 events under 3 seals"), "{text}");

    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut copy: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        change(&mut copy);
        fs::write(&path, copy.join("\n")).unwrap();
    };
    // Header, seal, two events, seal, two events, …
    changed(&|copy| copy[2] = copy[2].replace("user:ada", "user:eve"));
    let (code, text) = told(&audit(None, &["verify", file], Some(&keys)).await);
    assert!(code == 3 && text.contains("of seal 1 was edited"), "{text}");
    changed(&|copy| copy.swap(5, 6));
    let (code, text) = told(&audit(None, &["verify", file], Some(&keys)).await);
    assert!(code == 3 && text.contains("of seal 2 was moved"), "{text}");
    changed(&|copy| copy.truncate(6));
    let (code, text) = told(&audit(None, &["verify", file], Some(&keys)).await);
    assert!(code == 1 && text.contains("cut off"), "{text}");
    changed(&|copy| drop(copy.drain(7..10)));
    let (code, text) = told(&audit(None, &["verify", file], Some(&keys)).await);
    assert!(code == 1 && text.contains("as its last line says"), "{text}");
    // What is wrong before it is found all the same.
    changed(&|copy| drop(copy.remove(2)));
    let (code, text) = told(&audit(None, &["verify", file], Some(&keys)).await);
    assert!(
        code == 3 && text.contains("event number 1 of seal 1 was removed"),
        "{text}"
    );
    for cut in [6, 7] {
        changed(&|copy| {
            copy[2] = copy[2].replace("user:ada", "user:eve");
            copy.truncate(cut);
        });
        let (code, text) = told(&audit(None, &["verify", file], Some(&keys)).await);
        assert!(code == 3 && text.contains("of seal 1 was edited"), "{text}");
    }
    // It is not among what is signed.
    for (line, digits) in [(1, "0009"), (1, "0000000009"), (2, "0009"), (2, "0000000009")] {
        changed(&|copy| copy[line] = copy[line].replacen("Z\"", &format!("{digits}Z\""), 1));
        let (code, text) = told(&audit(None, &["verify", file], Some(&keys)).await);
        let expected = format!("line {}: a time is not in UTC (Z) or more exact", line + 1);
        assert!(code == 1 && text.contains(&expected), "{text}");
    }
    changed(&|copy| copy[3] = "{}".to_owned());
    let (code, text) = told(&audit(None, &["verify", file], Some(&keys)).await);
    assert!(code == 1 && text.contains("line 4"), "{text}");
}

#[tokio::test]
async fn a_seal_at_the_end_of_time_is_named_also_in_an_export() {
    let (database, sql, _sealed, keys) = sealed_log().await;
    disable_guards(&sql).await;
    sql.batch_execute("UPDATE audit_seal SET sealed_at = 'infinity' WHERE number = 2")
        .await
        .unwrap();
    let edited = (3, "error: seal 2 was edited\n".to_owned());
    assert_eq!(told(&audit(Some(&database), &["verify"], Some(&keys)).await), edited);
    let path = directory().join(format!("export-{}.jsonl", Uuid::new_v4()));
    let file = path.to_str().unwrap();
    let (code, text) = told(&audit(Some(&database), &["export", file], None).await);
    assert_eq!((code, text.as_str()), (0, "7 events and 3 seals written\n"));
    assert_eq!(told(&audit(None, &["verify", file], Some(&keys)).await), edited);

    let unreadable = "ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_month_check;
        UPDATE audit_seal SET month = 'May' WHERE number = 2";
    sql.batch_execute(unreadable).await.unwrap();
    assert_eq!(told(&audit(Some(&database), &["verify"], Some(&keys)).await), edited);
    fs::remove_file(&path).unwrap();
    let (code, text) = told(&audit(Some(&database), &["export", file], None).await);
    assert!(code == 1 && text.contains("seal 2 can't be read"), "{text}");
    assert!(!path.exists());
}

#[tokio::test]
async fn an_export_is_verified_from_standard_input() {
    let (database, _, _sealed, keys) = sealed_log().await;
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("export.jsonl");
    let (code, text) = told(&audit(Some(&database), &["export", path.to_str().unwrap()], None).await);
    assert_eq!((code, text.as_str()), (0, "7 events and 3 seals written\n"));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    let whole = fs::read_to_string(&path).unwrap();
    for (export, expected) in [(whole.clone(), 0), (whole.replace("user:ada", "user:eve"), 3)] {
        let mut command = program(&["audit", "verify", "-", "--audit-public-keys-file"]);
        command.arg(&keys).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(export.as_bytes()).await.unwrap();
        drop(input);
        let (code, text) = told(&process::finish(child).await);
        assert_eq!(code, expected, "{text}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_options_is_told_at_once() {
    let (code, text) = told(&audit(None, &["verify", "--expected-head", "17"], None).await);
    assert_eq!(code, 1, "{text}");
    for setting in ["AUDIT_PUBLIC_KEYS_FILE", "error: --expected-head is \"17\"", "DB_HOST"] {
        assert!(text.contains(setting), "{text}");
    }
    // No variable of that name is read.
    assert!(!text.contains("EXPECTED_HEAD"), "{text}");
    // A head that was lost is no reason to look for none.
    for arguments in [
        ["verify", "--expected-head", ""].as_slice(),
        &["verify", "--expected-head= "],
        &["export", "-"],
    ] {
        let (code, text) = told(&audit(None, arguments, None).await);
        assert_eq!(code, 2, "{text}");
    }
}
