//! PostgreSQL's programs as installed on this machine: where they are looked for, and which will do.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs};

use super::account::Account;

/// The oldest major version that will do.
pub(super) const OLDEST_MAJOR: u16 = 14;

/// Where distributions put the programs: a parent directory, the prefix of its entries (a version follows), what comes
/// below them, and whose habit it is.
const USUAL_PLACES: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),                          // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),                                   // Red Hat family, from postgresql.org
    ("/usr/libexec", "postgresql", ""),                          // Alpine
    ("/usr/lib", "postgresql", "bin"),                           // SUSE
    ("/opt/homebrew/opt", "postgresql@", "bin"),                 // Homebrew on Apple silicon
    ("/usr/local/opt", "postgresql@", "bin"),                    // Homebrew on Intel
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"), // Postgres.app
];

/// Which versions will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Any from 14 on.
    Any,
    /// One major version.
    Major(u16),
}

impl Wanted {
    /// Whether `major` will do.
    pub(super) fn accepts(self, major: u16) -> bool {
        match self {
            Self::Any => major >= OLDEST_MAJOR,
            Self::Major(wanted) => major == wanted,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => write!(f, "PostgreSQL {OLDEST_MAJOR} or newer"),
            Self::Major(major) => write!(f, "PostgreSQL {major}"),
        }
    }
}

/// A directory with `postgres` and `initdb` of one version, and pg_trgm beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installation {
    bin_dir: PathBuf,
    version: String,
    major: u16,
}

impl Installation {
    /// Looks at `bin_dir`, with the eyes of `account`.
    ///
    /// # Errors
    /// Why it will not do, for the log.
    pub(super) async fn inspect(bin_dir: &Path, wanted: Wanted, account: &Account) -> Result<Self, String> {
        let version = ask_version(&bin_dir.join("postgres"), account).await?;
        let major = parse_major(&version).ok_or_else(|| format!("version {version} is not understood"))?;
        if !wanted.accepts(major) {
            return Err(format!("version {version} is not {wanted}"));
        }
        let share_dir = ask_share_dir(&bin_dir.join("initdb"), account).await?;
        let control_file = share_dir.join("extension/pg_trgm.control");
        if !control_file.is_file() {
            return Err(format!("pg_trgm is missing: no {}", control_file.display()));
        }
        Ok(Self {
            bin_dir: bin_dir.to_owned(),
            version,
            major,
        })
    }

    /// The path of one of its programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }

    /// Its version, as in `17.5`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Its major version.
    #[cfg(test)]
    pub(super) fn major(&self) -> u16 {
        self.major
    }
}

/// Finds the first of `bin_dirs` that will do; logs why others were passed over.
pub(super) async fn find(bin_dirs: &[PathBuf], wanted: Wanted, account: &Account) -> Option<Installation> {
    for bin_dir in bin_dirs {
        match Installation::inspect(bin_dir, wanted, account).await {
            Ok(installation) => return Some(installation),
            Err(reason) => tracing::info!(directory = %bin_dir.display(), reason, "passed over a postgresql"),
        }
    }
    None
}

/// Lists the directories that hold a `postgres`: on PATH, by `pg_config`, and in the usual places, newest first.
pub(super) async fn candidates(account: &Account) -> Vec<PathBuf> {
    let search_path = env::var_os("PATH").unwrap_or_default();
    let mut bin_dirs: Vec<PathBuf> = env::split_paths(&search_path).collect();
    bin_dirs.extend(ask_pg_config(account).await);
    bin_dirs.extend(USUAL_PLACES.iter().flat_map(|(parent, prefix, below)| {
        let found = versions_under(Path::new(parent), prefix);
        found.into_iter().map(move |directory| directory.join(below))
    }));
    let mut seen = HashSet::new();
    bin_dirs
        .iter()
        .filter_map(|bin_dir| resolve(bin_dir))
        .filter(|bin_dir| seen.insert(bin_dir.clone()))
        .collect()
}

/// Follows a link to `postgres`: the programs and libraries that belong to it are where it really is.
fn resolve(bin_dir: &Path) -> Option<PathBuf> {
    let program = fs::canonicalize(bin_dir.join("postgres")).ok()?;
    program.parent().map(Path::to_owned)
}

/// Lists the entries of `parent` that are `prefix` and a version, newest first.
fn versions_under(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u16, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let major = parse_major(name.to_str()?.strip_prefix(prefix)?)?;
            Some((major, entry.path()))
        })
        .collect();
    found.sort_by(|left, right| right.cmp(left));
    found.into_iter().map(|(_, path)| path).collect()
}

async fn ask_pg_config(account: &Account) -> Option<PathBuf> {
    let output = account.run(Path::new("pg_config"), &["--bindir"]).await.ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(answer.trim_end()))
}

/// Asks `postgres` for its version, as in `15.18` of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
async fn ask_version(program: &Path, account: &Account) -> Result<String, String> {
    let output = account
        .run(program, &["--version"])
        .await
        .map_err(|error| format!("postgres can't be run: {error}"))?;
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .nth(2)
        .map(str::to_owned)
        .ok_or_else(|| format!("postgres --version failed: {}", last_lines(&output.stderr)))
}

/// Asks `initdb` where its extensions are; it answers only beside a `postgres` of its own version.
async fn ask_share_dir(program: &Path, account: &Account) -> Result<PathBuf, String> {
    let output = account
        .run(program, &["--show", "--pgdata=/nonexistent"])
        .await
        .map_err(|error| format!("initdb can't be run: {error}"))?;
    let printed = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&printed)
        .lines()
        .find_map(|line| line.strip_prefix("share_path=").map(PathBuf::from))
        .ok_or_else(|| format!("initdb --show failed: {}", last_lines(&printed)))
}

/// Takes the major version from `15.18`, `18` or `19beta1`.
pub(super) fn parse_major(version: &str) -> Option<u16> {
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

/// Puts the last lines of what a program printed into one.
pub(super) fn last_lines(printed: &[u8]) -> String {
    const SHOWN: usize = 4;
    let text = String::from_utf8_lossy(printed);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.len() {
        0 => "it printed nothing".to_owned(),
        count => lines[count.saturating_sub(SHOWN)..].join(" / "),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// Makes programs that answer like PostgreSQL's, readable by every account.
    fn install(parent: &Path, directory: &str, version: &str, with_pg_trgm: bool) -> PathBuf {
        let bin_dir = parent.join(directory).join("bin");
        let share_dir = parent.join(directory).join("share");
        fs::create_dir_all(&bin_dir).unwrap();
        fs::create_dir_all(share_dir.join("extension")).unwrap();
        if with_pg_trgm {
            fs::write(share_dir.join("extension/pg_trgm.control"), "").unwrap();
        }
        let programs = [
            ("postgres", format!("echo 'postgres (PostgreSQL) {version} (Debian)'")),
            ("initdb", format!("echo 'share_path={}' >&2", share_dir.display())),
        ];
        for (name, body) in programs {
            let program = bin_dir.join(name);
            fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        bin_dir
    }

    fn public_tempdir() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        directory
    }

    #[tokio::test]
    async fn the_first_suitable_installation_wins() {
        let root = public_tempdir();
        let account = Account::choose().unwrap();
        let old = install(root.path(), "13", "13.9", true);
        let bare = install(root.path(), "16", "16.2", false);
        let good = install(root.path(), "15", "15.18", true);
        let newer = install(root.path(), "18", "18.6", true);
        let bin_dirs = [root.path().join("none"), old.clone(), bare.clone(), good.clone(), newer];

        let found = find(&bin_dirs, Wanted::Any, &account).await.unwrap();
        assert_eq!(
            (found.program("initdb"), found.version()),
            (good.join("initdb"), "15.18")
        );
        let found = find(&bin_dirs, Wanted::Major(18), &account).await.unwrap();
        assert_eq!(found.major(), 18);
        assert_eq!(find(&bin_dirs, Wanted::Major(17), &account).await, None);

        let refusal = Installation::inspect(&bare, Wanted::Any, &account).await.unwrap_err();
        assert!(refusal.contains("pg_trgm is missing"), "{refusal}");
        let refusal = Installation::inspect(&old, Wanted::Any, &account).await.unwrap_err();
        assert_eq!(refusal, "version 13.9 is not PostgreSQL 14 or newer");
    }

    #[test]
    fn links_lead_to_the_real_directory() {
        let root = public_tempdir();
        let real = install(root.path(), "15", "15.18", true);
        let links = root.path().join("links");
        fs::create_dir(&links).unwrap();
        symlink(real.join("postgres"), links.join("postgres")).unwrap();
        assert_eq!(resolve(&links), Some(fs::canonicalize(real).unwrap()));
        assert_eq!(resolve(root.path()), None);
    }

    #[test]
    fn versions_are_listed_newest_first() {
        let root = public_tempdir();
        for name in ["pgsql-9", "pgsql-17", "pgsql-18", "pgsql-old", "other-20"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let names: Vec<_> = versions_under(root.path(), "pgsql-")
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["pgsql-18", "pgsql-17", "pgsql-9"]);
    }

    #[test]
    fn versions_are_understood() {
        for (version, major) in [
            ("15.18", Some(15)),
            ("18", Some(18)),
            ("19beta1", Some(19)),
            ("devel", None),
        ] {
            assert_eq!(parse_major(version), major, "{version}");
        }
    }
}
