//! `dashboard-store export`: which files there are afterwards.

use super::*;
use crate::support::requests::delete;

/// A server that holds these dashboards: project, id, display name.
async fn server_with(dashboards: &[(&str, &str, &str)]) -> TestServer {
    let server = TestServer::start().await;
    let files = folder(&[]);
    for (index, (project, id, display_name)) in dashboards.iter().enumerate() {
        fs::write(
            files.path().join(format!("{index}.yaml")),
            native(project, id, display_name),
        )
        .unwrap();
    }
    let (code, out, err) = run_in(files.path(), &server, &["import", "."]).await;
    assert_eq!(code, Some(0), "{out}{err}");
    server
}

/// The paths of a tree.
fn paths(folder: &Path) -> Vec<String> {
    tree(folder).into_iter().map(|(path, _)| path).collect()
}

#[tokio::test]
async fn it_makes_a_perses_database_that_comes_back_byte_for_byte() {
    let one = server_with(&[("ml", "gpu", "GPU"), ("ml", "queue", "on"), ("ops", "gpu", "GPU")]).await;
    delete(&mut one.dashboards().await, "projects/ml/dashboards/queue").await;
    let folder = folder(&[]);

    let (code, out, err) = run_in(folder.path(), &one, &["export", "first"]).await;

    assert_eq!(
        (code, out.as_str()),
        (Some(0), "2 dashboards of 2 projects are in first\n"),
        "{err}"
    );
    let first = tree(&folder.path().join("first"));
    let expected = [
        ("dashboards/ml/gpu.yaml", dashboard_file("ml")),
        ("dashboards/ops/gpu.yaml", dashboard_file("ops")),
        ("projects/ml.yaml", project_file("ml")),
        ("projects/ops.yaml", project_file("ops")),
    ];
    assert_eq!(first, expected.map(|(path, text)| (path.to_owned(), text)));

    let two = TestServer::start().await;
    let (code, out, err) = run_in(folder.path(), &two, &["import", "first"]).await;
    assert_eq!(code, Some(0), "{out}{err}");
    run_in(folder.path(), &two, &["export", "second"]).await;
    assert_eq!(tree(&folder.path().join("second")), first);
}

fn dashboard_file(project: &str) -> String {
    format!(
        "kind: Dashboard\nmetadata:\n    name: gpu\n    project: {project}\nspec:\n    display:\n        name: GPU\n    \
         panels: {{}}\n    layouts: []\n"
    )
}

fn project_file(project: &str) -> String {
    format!("kind: Project\nmetadata:\n    name: {project}\nspec: {{}}\n")
}

#[tokio::test]
async fn a_perses_database_has_names_in_lower_case_and_other_files_as_they_are() {
    let server = server_with(&[("Ml", "GPU-2", "GPU")]).await;
    let folder = folder(&[]);
    let (code, out, _) = run_in(folder.path(), &server, &["export", "perses"]).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("1 of them have names in lower case"), "{out}");
    let written = tree(&folder.path().join("perses"));
    assert_eq!(written[0].0, "dashboards/ml/gpu-2.yaml");
    assert!(written[0].1.contains("name: gpu-2\n    project: ml\n"), "{written:?}");

    let files = ["export", "--layout=files", "--format=json", "files"];
    let (code, out, _) = run_in(folder.path(), &server, &files).await;
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "1 dashboards of 1 projects are in files\n")
    );
    let written = tree(&folder.path().join("files"));
    let text = r#"{"kind":"Dashboard","metadata":{"name":"GPU-2","project":"Ml"},"spec":{"display":{"name":"GPU"},"panels":{},"layouts":[]}}"#;
    assert_eq!(written, [("Ml/GPU-2.json".to_owned(), format!("{text}\n"))]);
}

#[tokio::test]
async fn two_dashboards_never_become_one_file() {
    let server = server_with(&[("Ml", "gpu", "One"), ("ml", "gpu", "Two")]).await;
    let folder = folder(&[]);
    let (code, out, err) = run_in(folder.path(), &server, &["export", "all"]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("differ in case alone"), "{err}");
    assert_eq!(paths(folder.path()), [""; 0]);

    let (code, _, err) = run_in(folder.path(), &server, &["export", "--project=Ml", "one"]).await;
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        paths(&folder.path().join("one")),
        ["dashboards/ml/gpu.yaml", "projects/ml.yaml"]
    );
}

#[tokio::test]
async fn a_folder_that_holds_something_is_left_alone_unless_asked() {
    let server = server_with(&[("p", "d", "New")]).await;
    let folder = folder(&[
        ("dashboards/p/d.yaml", "old"),
        ("dashboards/p/e.yaml", "other"),
        (".git/HEAD", "ref"),
    ]);
    let before = tree(folder.path());
    let (code, out, err) = run_in(folder.path(), &server, &["export", "."]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains(". is not empty") && err.contains("--overwrite"), "{err}");
    assert_eq!(tree(folder.path()), before);

    let (code, out, err) = run_in(folder.path(), &server, &["export", "--overwrite", "."]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("1 other files there were left as they are"), "{out}");
    let after = tree(folder.path());
    let expected = [
        ".git/HEAD",
        "dashboards/p/d.yaml",
        "dashboards/p/e.yaml",
        "projects/p.yaml",
    ];
    assert_eq!(paths(folder.path()), expected);
    assert!(after[1].1.contains("name: New"), "{after:?}");
    assert_eq!(after[2].1, "other");
}

#[tokio::test]
async fn it_takes_a_filter_and_tells_when_and_how_often_on_demand() {
    let server = server_with(&[("p", "a", "Alpha"), ("p", "b", "Beta")]).await;
    let folder = folder(&[]);
    let filtered = ["export", "--filter=display_name = \"Alpha\"", "--with-record", "some"];
    let (code, _, err) = run_in(folder.path(), &server, &filtered).await;
    assert_eq!(code, Some(0), "{err}");
    let written = tree(&folder.path().join("some"));
    assert_eq!(written.len(), 2, "{written:?}");
    for member in ["    createdAt: ", "    updatedAt: ", "    version: 0\n"] {
        assert!(written[0].1.contains(member), "{}", written[0].1);
    }

    let (code, _, err) = run_in(folder.path(), &server, &["export", "--filter=nothing", "none"]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("filter"), "{err}");
    assert!(!folder.path().join("none").exists());
}
