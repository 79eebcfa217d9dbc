//! The rules of the house: who may know whom, how files are called and how long they are, and that the map of them is true.
//!
//! They hold for code, so comments and strings may say what they like.

mod architecture;
pub mod source;

use self::source::{SourceFile, files};

/// Crates that stay within some modules: a name stands for the crate and all whose names begin with it and `_`.
const CONFINED: [(&[&str], &[&str]); 2] = [
    (&["tonic", "prost"], &["access", "grpc", "health", "server"]),
    (&["tokio_postgres", "bb8", "postgres_types"], &["store"]),
];

/// The modules of this crate that the lower layers may name; the upper ones may name any.
const DEPENDENCIES: [(&str, &[&str]); 5] = [
    ("domain", &["domain"]),
    ("error", &["domain"]),
    ("health", &["error", "health"]),
    ("signing", &["domain", "signing"]),
    ("store", &["access", "config", "domain", "error", "signing", "store"]),
];

/// The only file that may name a status code of gRPC.
const STATUS: &str = "src/grpc/status.rs";

/// Where the server acts by itself, with an access that nobody has decided about; the first makes it.
const WITHOUT_CALLERS: [&str; 2] = ["src/access.rs", "src/store/maintenance"];

/// The most lines of a file; past that it has more than one subject.
const MAX_LINES: usize = 600;

#[test]
fn the_wire_and_the_database_stay_within_their_modules() {
    let mut strays = Vec::new();
    for file in SourceFile::all_of("src") {
        let names = file.words();
        for (crates, homes) in CONFINED {
            if homes.contains(&file.module()) {
                continue;
            }
            let belongs = |name: &&String| crates.iter().any(|known| is_of_family(name, known));
            strays.extend(
                names
                    .iter()
                    .find(belongs)
                    .map(|name| format!("{} names {name}, which only {} may", file.path(), homes.join(", "))),
            );
        }
    }
    assert_eq!(strays, [""; 0]);
}

fn is_of_family(name: &str, known: &str) -> bool {
    let rest = name.strip_prefix(known);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

#[test]
fn status_codes_are_named_in_one_file() {
    let (_, homes) = CONFINED[0];
    let mut strays = Vec::new();
    for file in SourceFile::all_of("src") {
        // Elsewhere `Code` can't be tonic's, by the rule above.
        let may_be_of_tonic = homes.contains(&file.module()) && file.path() != STATUS;
        if may_be_of_tonic && file.words().iter().any(|word| word == "Code") {
            strays.push(format!("{} names Code, which only {STATUS} may", file.path()));
        }
    }
    assert_eq!(strays, [""; 0]);
}

#[test]
fn lower_layers_do_not_know_the_upper_ones() {
    let mut strays = Vec::new();
    for (module, allowed) in DEPENDENCIES {
        let inside = SourceFile::all_of("src")
            .into_iter()
            .filter(|file| file.module() == module);
        for file in inside {
            for named in file.modules_named() {
                if !allowed.contains(&named.as_str()) {
                    strays.push(format!("{} names crate::{named}", file.path()));
                }
            }
        }
    }
    assert_eq!(strays, [""; 0]);
}

#[test]
fn only_maintenance_acts_without_a_caller() {
    let mut strays = Vec::new();
    for file in SourceFile::all_of("src") {
        let may = WITHOUT_CALLERS.iter().any(|place| file.path().starts_with(place));
        if !may && file.words().iter().any(|word| word == "of_server") {
            strays.push(format!("{} names of_server, which only maintenance may", file.path()));
        }
    }
    assert_eq!(strays, [""; 0]);
}

#[test]
fn no_file_is_too_long() {
    let mut too_long = Vec::new();
    let folders = ["src", "tests", "benches", "build"];
    let in_folders = folders.iter().flat_map(|folder| files(folder, &["rs", "sh", "py"]));
    for path in in_folders.chain(["build.rs".to_owned()]) {
        let lines = source::read(&path).lines().count();
        if lines > MAX_LINES {
            too_long.push(format!("{path}: {lines} lines, at most {MAX_LINES} are allowed"));
        }
    }
    assert_eq!(too_long, [""; 0]);
}

#[test]
fn modules_are_files_with_names() {
    let mut nameless = Vec::new();
    for folder in ["src", "tests", "benches", "build"] {
        nameless.extend(
            files(folder, &["rs"])
                .into_iter()
                .filter(|path| path.ends_with("/mod.rs")),
        );
    }
    assert_eq!(nameless, [""; 0], "foo/mod.rs is called foo.rs here");
}
