//! `dashboard-store import`: what goes in, and what is said of it.

use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::support::transfer;

const CUSTOM_V1ALPHA2: &str = "\
apiVersion: perses.dev/v1alpha2
kind: PersesDashboard
metadata:
  name: custom
  namespace: ml
spec:
  config:
    panels: {}
    layouts: []
";

/// The names of the dashboards that a server has.
async fn names(server: &TestServer) -> Vec<String> {
    let mut client = server.dashboards().await;
    let exported = transfer::export(&mut client, "projects/-").await;
    exported.into_iter().map(|(name, _)| name).collect()
}

/// The last line of an output.
fn last(output: &str) -> &str {
    output.lines().last().unwrap_or_default()
}

#[tokio::test]
async fn files_and_folders_go_in_and_a_second_run_changes_nothing() {
    let server = TestServer::start().await;
    let two = format!("{}---\n{}", native("ml", "c", "C"), native("ml", "d", "D"));
    let json = transfer::resource("ml", "a", "A");
    let files = folder(&[
        ("in/a.json", &json),
        ("in/deep/er/b.yml", &native("other", "b", "B")),
        ("in/two.yaml", &two),
        ("custom.yaml", CUSTOM_V1ALPHA2),
        ("in/notes.md", "no dashboard"),
    ]);

    let (code, out, err) = run_in(files.path(), &server, &["import", "custom.yaml", "in"]).await;

    let expected = "\
created    custom.yaml: projects/ml/dashboards/custom
created    in/a.json: projects/ml/dashboards/a
created    in/deep/er/b.yml: projects/other/dashboards/b
created    in/two.yaml, document 1: projects/ml/dashboards/c
created    in/two.yaml, document 2: projects/ml/dashboards/d
5 created, 0 updated, 0 unchanged, 0 skipped, 0 refused
";
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), expected, ""));

    let (code, out, err) = run_in(files.path(), &server, &["import", "custom.yaml", "in"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out.matches("unchanged  ").count(), 5, "{out}");
    assert_eq!(last(&out), "0 created, 0 updated, 5 unchanged, 0 skipped, 0 refused");
}

#[tokio::test]
async fn standard_input_holds_documents_of_both_notations() {
    let server = TestServer::start().await;
    let mut command = client(&server, &["import", "-"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let stream = format!("{}---\n{}", native("p", "a", "A"), transfer::resource("p", "b", "B"));
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(stream.as_bytes()).await.unwrap();
    drop(stdin);

    let (code, out, err) = said(process::finish(running).await);

    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("standard input, document 2: projects/p/dashboards/b"),
        "{out}"
    );
    assert_eq!(names(&server).await.len(), 2);
}

#[tokio::test]
async fn of_a_perses_database_the_dashboards_go_in_and_the_rest_is_counted() {
    let server = TestServer::start().await;
    let project = "kind: Project\nmetadata:\n  name: ml\nspec: {}\n";
    let files = folder(&[
        ("dashboards/ml/gpu.yaml", &native("ml", "gpu", "GPU")),
        ("projects/ml.yaml", project),
        ("secrets/ml/token.yaml", "kind: Secret\n"),
        ("users/admin.yaml", "kind: User\n"),
        ("users/guest.yaml", "kind: User\n"),
        ("globaldatasources/README.md", "none yet"),
    ]);
    let (code, out, err) = run_in(files.path(), &server, &["import", "."]).await;
    assert_eq!(code, Some(0), "{err}");
    let told = "passed over, since they are no dashboards: 1 in projects, 1 in secrets, 2 in users";
    assert!(out.lines().any(|line| line == told), "{out}");
    assert_eq!(names(&server).await, ["projects/ml/dashboards/gpu"]);
}

/// A folder with good files, and one that is none in their midst.
fn one_bad_among(good: usize) -> TempDir {
    let files = folder(&[(
        "0007-bad.yaml",
        "kind: Dashboard\nmetadata:\n  name: bad\n  project: p\nspec: {panels: 1}\n",
    )]);
    for index in 0..good {
        let text = native("p", &format!("d-{index}"), "D");
        fs::write(files.path().join(format!("{index:04}.yaml")), text).unwrap();
    }
    files
}

#[tokio::test]
async fn of_500_files_the_bad_one_is_refused_and_the_others_go_in() {
    let server = TestServer::start().await;
    let files = one_bad_among(499);
    let (code, out, err) = run_in(files.path(), &server, &["import", "."]).await;
    assert_eq!(code, Some(1), "{err}");
    assert_eq!(err, "error: 1 of 500 documents were refused\n");
    assert_eq!(last(&out), "499 created, 0 updated, 0 unchanged, 0 skipped, 1 refused");
    let (_, refusal) = out.split_once("refused    ").unwrap();
    let told: Vec<&str> = refusal.lines().take(2).collect();
    assert_eq!(told[0], "./0007-bad.yaml: projects/p/dashboards/bad");
    assert!(told[1].starts_with("    /spec/panels: "), "{told:?}");
    assert_eq!(names(&server).await.len(), 499);
}

#[tokio::test]
async fn atomic_is_all_or_nothing() {
    let server = TestServer::start().await;
    let files = one_bad_among(5);
    let (code, out, err) = run_in(files.path(), &server, &["import", "--atomic", "."]).await;
    assert_eq!(code, Some(1), "{err}");
    assert_eq!(err, "error: 1 of 6 documents were refused, so nothing was stored\n");
    assert_eq!(
        last(&out),
        "0 created, 0 updated, 0 unchanged, 0 skipped, 1 refused, 5 abandoned"
    );
    assert_eq!(names(&server).await, [""; 0]);

    fs::remove_file(files.path().join("0007-bad.yaml")).unwrap();
    let (code, _, err) = run_in(files.path(), &server, &["import", "--atomic", "."]).await;
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(names(&server).await.len(), 5);
}

#[tokio::test]
async fn what_can_not_be_read_is_refused_by_name() {
    let server = TestServer::start().await;
    let files = folder(&[
        ("good.yaml", &native("p", "good", "G")),
        ("empty.yaml", "# nothing\n"),
        ("not.yaml", "just text"),
    ]);
    fs::write(files.path().join("binary.json"), [0xff, 0xfe, 0x00]).unwrap();
    fs::write(
        files.path().join("large.json"),
        format!("{{\"a\":\"{}\"}}", "x".repeat(5 << 20)),
    )
    .unwrap();
    let arguments = ["import", "missing.yaml", "."];

    let (code, out, err) = run_in(files.path(), &server, &arguments).await;

    assert_eq!(code, Some(1), "{err}");
    for expected in [
        "refused    missing.yaml: can't be read: No such file or directory",
        "refused    ./binary.json: is not text in UTF-8",
        "refused    ./empty.yaml: holds no document",
        "refused    ./large.json: has ",
        "refused    ./not.yaml\n    the document: ",
        "created    ./good.yaml",
        "1 created, 0 updated, 0 unchanged, 0 skipped, 5 refused",
    ] {
        assert!(out.contains(expected), "{expected} is not in\n{out}");
    }

    fs::write(files.path().join("other.yaml"), native("p", "other", "O")).unwrap();
    let atomic = ["import", "--atomic", "missing.yaml", "other.yaml"];
    let (code, out, err) = run_in(files.path(), &server, &atomic).await;
    assert_eq!(code, Some(1));
    assert!(out.contains("missing.yaml: can't be read"), "{out}");
    assert!(err.contains("so nothing was stored"), "{err}");
    assert_eq!(names(&server).await, ["projects/p/dashboards/good"]);
}

#[tokio::test]
async fn a_conflict_is_settled_as_asked() {
    let server = TestServer::start().await;
    let before = folder(&[("d.yaml", &native("p", "d", "Before"))]);
    let after = folder(&[("d.yaml", &native("p", "d", "After"))]);
    run_in(before.path(), &server, &["import", "."]).await;

    let (code, out, err) = run_in(after.path(), &server, &["import", "."]).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(
        out.contains("refused    ./d.yaml: projects/p/dashboards/d exists"),
        "{out}"
    );

    let (code, out, _) = run_in(after.path(), &server, &["import", "--on-conflict=skip", "."]).await;
    assert_eq!(
        (code, last(&out)),
        (Some(0), "0 created, 0 updated, 0 unchanged, 1 skipped, 0 refused")
    );

    let dry = ["import", "--on-conflict=update", "--dry-run", "."];
    let (code, out, _) = run_in(after.path(), &server, &dry).await;
    let told = "dry run, nothing was stored: 0 created, 1 updated, 0 unchanged, 0 skipped, 0 refused";
    assert_eq!((code, last(&out)), (Some(0), told));
    let exported = transfer::export(&mut server.dashboards().await, "projects/p").await;
    assert!(exported[0].1.contains("Before"), "{exported:?}");

    let update = ["import", "--on-conflict=update", "--change-note=because", "."];
    let (code, out, _) = run_in(after.path(), &server, &update).await;
    assert_eq!(
        (code, last(&out)),
        (Some(0), "0 created, 1 updated, 0 unchanged, 0 skipped, 0 refused")
    );
    let revisions = crate::support::requests::list_revisions(&mut server.dashboards().await, "d").await;
    assert_eq!(revisions[0].change_note, "because");
}

#[tokio::test]
async fn projects_come_from_documents_then_from_options_or_from_paths() {
    let server = TestServer::start().await;
    let without = native("p", "without", "W").replace("  project: p\n", "");
    let files = folder(&[
        ("named.yaml", &native("own", "named", "N")),
        ("without.yaml", &without),
        ("staging/named.yaml", &native("own", "named", "N")),
    ]);
    let (code, out, _) = run_in(files.path(), &server, &["import", "without.yaml"]).await;
    assert_eq!(code, Some(1));
    assert!(out.contains("    /metadata/project: must be set"), "{out}");

    let placed = ["import", "--project=rest", "--project-for=*staging/*=staging", "."];
    let (code, out, err) = run_in(files.path(), &server, &placed).await;
    assert_eq!(code, Some(0), "{out}{err}");
    let expected = [
        "projects/own/dashboards/named",
        "projects/rest/dashboards/without",
        "projects/staging/dashboards/named",
    ];
    let mut found = names(&server).await;
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_name_that_is_there_twice_is_told_with_both_files() {
    let server = TestServer::start().await;
    let files = folder(&[
        ("a.yaml", &native("p", "gpu", "A")),
        ("b.yaml", &native("p", "GPU", "B")),
    ]);
    let (code, out, _) = run_in(files.path(), &server, &["import", "."]).await;
    assert_eq!(code, Some(1));
    assert!(
        out.contains("refused    ./b.yaml: projects/p/dashboards/GPU\n"),
        "{out}"
    );
    assert!(out.contains("\n    ./a.yaml has the same name\n"), "{out}");
}
