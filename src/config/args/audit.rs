//! The options of the audit log: how it is kept and verified, and those of `audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DatabaseArgs, LogArgs};

pub(super) const AUDIT_HELP: &str = "\
Environment variables without a flag:
  DB_DIRECT_URL  a connection straight to PostgreSQL, as for migrate
  DATABASE_URL   the database as one text, instead of DB_HOST and the others:
                 postgres://user:password@host:5432/name?sslmode=verify-full
  DB_PASSWORD    the password; or give DB_PASSWORD_FILE
  RUST_LOG       wins over LOG_LEVEL

Exit codes: 0 when all is as it was, 1 when that could not be found out, also
where the expected head is older than what is kept, 2 for a command line that
can't be read, 3 when something was edited, removed, inserted or reordered; the
output names the first.

Examples:
  openssl pkey -in audit-signing-key.pem -pubout -out audit-public-keys.pem
  dashboard-store audit verify --audit-public-keys-file audit-public-keys.pem
  dashboard-store audit export audit.jsonl
  dashboard-store audit verify audit.jsonl --expected-head 17:9f86d0...";

/// How the audit log is kept.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Audit log")]
pub struct AuditKeepingArgs {
    /// The Ed25519 private key that signs the seals of the audit log, as PEM: openssl genpkey -algorithm ed25519. Without one,
    /// nothing is sealed; a service on a database of yours does not start without one, unless it is given INSECURE_DEV. [default:
    /// none; a key in the data directory with the embedded PostgreSQL]
    #[arg(long, env, value_name = "FILE")]
    pub audit_signing_key_file: Option<String>,
    /// For how many months audit events are kept; they go by whole months, once they are sealed. [default: 84]
    #[arg(long, env, value_name = "MONTHS")]
    pub audit_retention: Option<String>,
    /// Whose signatures count beside those of the signing key.
    #[command(flatten)]
    pub public_keys: PublicKeysArgs,
}

/// Whose signatures count, when the audit log is verified, and before a part of it is dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Audit log")]
pub struct PublicKeysArgs {
    /// The Ed25519 public keys whose seals count beside those of the signing key, such as earlier ones, as PEM, one after the
    /// other: openssl pkey -in KEY -pubout. [default: none]
    #[arg(long, env, value_name = "FILE")]
    pub audit_public_keys_file: Option<String>,
}

/// The options of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// What to do with the audit log.
    #[command(subcommand)]
    pub action: AuditAction,
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// What is logged, and how.
    #[command(flatten)]
    pub log: LogArgs,
}

/// What `dashboard-store audit` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AuditAction {
    /// Look through all seals and events, and name the first that is not as it was
    Verify {
        /// An export, which needs no database; - for standard input. [default: the database]
        file: Option<PathBuf>,
        /// The number and root of a seal as the server logged it: proves that the newest seals were not cut off
        #[arg(long, value_name = "NUMBER:ROOT", value_parser = not_blank)]
        expected_head: Option<String>,
        /// Whose signatures count.
        #[command(flatten)]
        public_keys: PublicKeysArgs,
        /// The private key that signs, whose public key counts then, too
        #[arg(long, env, value_name = "FILE")]
        audit_signing_key_file: Option<String>,
    },
    /// Write all events and seals to a new file of JSON lines, which can be verified without the database
    Export {
        /// The file, which must not exist
        #[arg(value_parser = new_file)]
        file: PathBuf,
    },
}

/// What is left of a head whose file was lost is not taken for none.
fn not_blank(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is blank: leave the option out where nothing is expected".to_owned()),
        head => Ok(head.to_owned()),
    }
}

/// The name of a file that is to be made.
fn new_file(name: &str) -> Result<PathBuf, String> {
    match name {
        "-" => Err("an export is not written to standard output: name a new file".to_owned()),
        _ => Ok(PathBuf::from(name)),
    }
}
