//! Writes the list of the files in `migrations/` as Rust source, so that nobody keeps it by hand.
//!
//! `include_dir!` would be shorter, but on stable Rust cargo does not notice a file that is new.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Writes `migrations.rs` into the build's output directory: a slice of `Migration`, in order.
///
/// # Errors
/// A file has another name than `000001_some_words.up.sql` or `.down.sql`, one of a pair is missing, or a number is
/// left out.
pub(crate) fn embed() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("migrations");
    println!("cargo::rerun-if-changed=build/migrations.rs");
    println!("cargo::rerun-if-changed={}", directory.display());

    let ups = files(&directory, ".up.sql")?;
    let downs = files(&directory, ".down.sql")?;
    if !ups.keys().eq(downs.keys()) {
        return Err("migrations: every .up.sql needs its .down.sql, and the other way round".into());
    }
    let mut source = String::from("&[\n");
    for (position, (name, up)) in ups.iter().enumerate() {
        let (number, words) = name.split_once('_').unwrap_or_default();
        let version = position + 1;
        if number != format!("{version:06}") {
            return Err(format!("migrations: {name} stands where a name beginning with {version:06}_ is due").into());
        }
        let down = &downs[name];
        writeln!(
            source,
            "    Migration {{ version: {version}, name: {words:?}, up: include_str!({up:?}), down: include_str!({down:?}) }},"
        )?;
    }
    source.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("migrations.rs"), source)?;
    Ok(())
}

/// The files whose names end in `suffix`, by their names without it.
fn files(directory: &Path, suffix: &str) -> Result<BTreeMap<String, PathBuf>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(stem) = name.strip_suffix(suffix) {
            files.insert(stem.to_owned(), path);
        } else if !name.ends_with(".up.sql") && !name.ends_with(".down.sql") {
            return Err(
                format!("migrations: {name} is no migration: its name must end in .up.sql or .down.sql").into(),
            );
        }
    }
    Ok(files)
}
