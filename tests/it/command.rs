//! The commands that are clients of a running service: `import`, `export`, `template render`.

mod encrypted;
mod export;
mod import;
mod import_ends;
mod options;
mod template;

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;
use tokio::process::Command;

use crate::support::TestServer;
use crate::support::process::{self, program};

/// Prepares to run a client command against a server.
fn client(server: &TestServer, arguments: &[&str]) -> Command {
    let mut command = program(arguments);
    command.env("DASHBOARD_STORE_ADDR", format!("http://{}", server.grpc_addr()));
    command
}

/// Runs a client command in a folder: its exit code, and what it says on standard output and on standard error.
async fn run_in(folder: &Path, server: &TestServer, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = client(server, arguments);
    command.current_dir(folder);
    said(process::run(command).await)
}

fn said(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A new folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// A native resource as YAML; its display name is all that its spec says.
fn native(project: &str, id: &str, display_name: &str) -> String {
    format!(
        "kind: Dashboard\nmetadata:\n  name: {id}\n  project: {project}\nspec:\n  display:\n    name: '{display_name}'\n  \
         panels: {{}}\n  layouts: []\n"
    )
}

/// Every file below a folder with its text, by path.
fn tree(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => found.extend(
                tree(&path)
                    .into_iter()
                    .map(|(within, text)| (format!("{name}/{within}"), text)),
            ),
            false => found.push((name, fs::read_to_string(path).unwrap())),
        }
    }
    found.sort();
    found
}
