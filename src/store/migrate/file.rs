//! The files of `migrations/`, and one of them about to run.

use sha2::{Digest, Sha256};

use super::statement::{Statement, split};

/// Every migration of this binary, in order, without gaps from 1; the build script writes the list.
pub static EMBEDDED: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The first line of a file that must not run in a transaction, for `CREATE INDEX CONCURRENTLY` and the like.
const NO_TRANSACTION: &str = "-- no-transaction";

/// One step of the schema: `{version:06}_{name}.up.sql` and `{version:06}_{name}.down.sql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The number, from 1.
    pub version: i32,
    /// The words of the file name: `initial_schema`.
    pub name: &'static str,
    /// The text of the file that applies it.
    pub up: &'static str,
    /// The text of the file that reverts it and leaves nothing behind.
    pub down: &'static str,
}

impl Migration {
    /// SHA-256 of the `.up.sql` file in lower-case hex.
    pub fn checksum(&self) -> String {
        use std::fmt::Write as _;
        Sha256::digest(self.up).iter().fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// The name of the `.up.sql` file.
    pub fn up_file(&self) -> String {
        format!("{:06}_{}.up.sql", self.version, self.name)
    }

    /// The name of the `.down.sql` file.
    pub fn down_file(&self) -> String {
        format!("{:06}_{}.down.sql", self.version, self.name)
    }
}

/// Which way a migration runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// One file, about to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Script<'m> {
    pub(super) migration: &'m Migration,
    pub(super) direction: Direction,
}

impl Script<'_> {
    pub(super) fn file(&self) -> String {
        match self.direction {
            Direction::Up => self.migration.up_file(),
            Direction::Down => self.migration.down_file(),
        }
    }

    /// Whether the file runs as one transaction: then a failure leaves nothing of it.
    pub(super) fn is_transactional(&self) -> bool {
        self.sql().lines().next().map(str::trim_end) != Some(NO_TRANSACTION)
    }

    /// The statements one by one, so that a failure can be pinned on one of them.
    pub(super) fn statements(&self) -> Vec<Statement<'static>> {
        split(self.sql())
    }

    fn sql(&self) -> &'static str {
        match self.direction {
            Direction::Up => self.migration.up,
            Direction::Down => self.migration.down,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts() -> impl Iterator<Item = Script<'static>> {
        EMBEDDED
            .iter()
            .flat_map(|migration| [Direction::Up, Direction::Down].map(|direction| Script { migration, direction }))
    }

    #[test]
    fn embedded_migrations_are_numbered_from_one_without_gaps() {
        let versions: Vec<i32> = EMBEDDED.iter().map(|migration| migration.version).collect();
        assert!(!versions.is_empty());
        assert_eq!(versions, (1..=versions.len() as i32).collect::<Vec<_>>());
        assert_eq!(EMBEDDED[0].up_file(), "000001_initial_schema.up.sql");
        assert_eq!(EMBEDDED[0].down_file(), "000001_initial_schema.down.sql");
    }

    /// A file that was cut short by a failing tool has no row, and so counts as not applied.
    #[test]
    fn embedded_files_insert_their_row_last_and_delete_it_first() {
        for migration in EMBEDDED {
            let version = migration.version;
            let up = split(migration.up);
            let insert = format!("INSERT INTO schema_version (version, description) VALUES ({version}, ");
            assert!(
                up.last().is_some_and(|last| last.text.starts_with(&insert)),
                "{}",
                migration.up_file()
            );
            let down = split(migration.down);
            let delete = format!("DELETE FROM schema_version WHERE version = {version}");
            assert!(
                down.first().is_some_and(|first| first.text == delete),
                "{}",
                migration.down_file()
            );
        }
    }

    /// The runner and psql's `--single-transaction` own the transaction; `split` does not know `BEGIN ATOMIC`.
    #[test]
    fn embedded_files_have_no_transaction_control_and_no_atomic_bodies() {
        for script in scripts() {
            for statement in script.statements() {
                let first_word = statement
                    .text
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_uppercase();
                let controls = ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT"];
                assert!(
                    !controls.contains(&first_word.as_str()),
                    "{}:{}",
                    script.file(),
                    statement.line
                );
                assert!(
                    !statement.text.to_uppercase().contains("BEGIN ATOMIC"),
                    "{}:{}",
                    script.file(),
                    statement.line
                );
            }
        }
    }

    #[test]
    fn only_the_first_line_takes_a_file_out_of_its_transaction() {
        let transactional = |up| {
            let migration = Migration {
                version: 1,
                name: "x",
                up,
                down: "",
            };
            Script {
                migration: &migration,
                direction: Direction::Up,
            }
            .is_transactional()
        };
        assert!(!transactional("-- no-transaction\nSELECT 1;"));
        assert!(!transactional("-- no-transaction\r\nSELECT 1;"));
        assert!(transactional("SELECT 1;\n-- no-transaction\n"));
        assert!(transactional(""));
    }

    #[test]
    fn checksum_is_the_sha256_of_the_up_file() {
        let migration = Migration {
            version: 1,
            name: "x",
            up: "abc",
            down: "",
        };
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(migration.checksum(), expected);
    }
}
