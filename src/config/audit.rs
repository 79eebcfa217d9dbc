//! How the audit log is kept, and what `audit` runs with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{AuditAction, AuditArgs, AuditKeepingArgs, PublicKeysArgs};
use super::connect::ConnectConfig;
use super::environment::Environment;
use super::log::LogConfig;
use super::problem::{ConfigErrors, Reader, present};
use super::value;
use crate::domain::audit::Head;
use crate::domain::audit::seal::NotAHead;
use crate::signing::{PublicKeys, SigningKey};

/// How the audit log is kept.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// What signs seals and checkpoints; none to seal nothing, and to drop nothing.
    pub key: Option<Arc<SigningKey>>,
    /// The keys whose seals count beside those of `key`: earlier ones.
    pub earlier_keys: PublicKeys,
    /// For how many months events are kept.
    pub kept_months: i32,
}

impl Default for AuditConfig {
    /// No key, and seven years: the Sarbanes-Oxley Act asks for as many, HIPAA for six.
    fn default() -> Self {
        Self {
            key: None,
            earlier_keys: PublicKeys::default(),
            kept_months: 84,
        }
    }
}

/// Why a service whose audit log proves nothing does not start.
const NO_KEY: &str = "is not given: without seals nobody finds out that the audit log was changed; set it to a file with the \
                      Ed25519 key that all servers on this database sign with (openssl genpkey -algorithm ed25519)";

impl AuditConfig {
    /// Reads the options of a service, which has to have a key where it must seal.
    pub(super) fn read_for_service(reader: &mut Reader, args: AuditKeepingArgs, must_seal: bool) -> Self {
        if must_seal && present(args.audit_signing_key_file.as_deref()).is_none() {
            reader.report("AUDIT_SIGNING_KEY_FILE", NO_KEY);
        }
        Self::read(reader, args)
    }

    /// Reads the options, and the key.
    pub(super) fn read(reader: &mut Reader, args: AuditKeepingArgs) -> Self {
        let AuditKeepingArgs {
            audit_signing_key_file,
            audit_retention,
            public_keys,
        } = args;
        let kept_months = reader.read("AUDIT_RETENTION", audit_retention, |text| value::number(text, 1..=1200));
        Self {
            key: read_key(reader, audit_signing_key_file).map(Arc::new),
            earlier_keys: read_public_keys(reader, public_keys).unwrap_or_default(),
            kept_months: kept_months.unwrap_or(Self::default().kept_months),
        }
    }

    /// All keys whose seals count.
    pub fn public_keys(&self) -> PublicKeys {
        let earlier = self.earlier_keys.clone();
        self.key.iter().fold(earlier, |keys, key| keys.with(key))
    }
}

fn read_key(reader: &mut Reader, path: Option<String>) -> Option<SigningKey> {
    reader.read("AUDIT_SIGNING_KEY_FILE", path, |path| {
        SigningKey::read(Path::new(path)).map_err(|error| error.to_string())
    })
}

/// Reads the public keys whose signatures count beside those of the signing key.
fn read_public_keys(reader: &mut Reader, args: PublicKeysArgs) -> Option<PublicKeys> {
    let PublicKeysArgs { audit_public_keys_file } = args;
    reader.read("AUDIT_PUBLIC_KEYS_FILE", audit_public_keys_file, |path| {
        PublicKeys::read(Path::new(path)).map_err(|error| error.to_string())
    })
}

/// The checked configuration of `audit`.
#[derive(Debug, Clone)]
pub struct AuditCommandConfig {
    /// What to do.
    pub task: AuditTask,
    /// What is logged, and how.
    pub log: LogConfig,
}

/// What `audit` does.
#[derive(Debug, Clone)]
pub enum AuditTask {
    /// Verify a database, or a file.
    Verify {
        /// What to verify.
        source: AuditSource,
        /// Whose signatures count.
        keys: PublicKeys,
        /// A head from a log.
        expected_head: Option<Head>,
    },
    /// Write the log of a database to a new file.
    Export {
        /// A direct connection.
        connect: ConnectConfig,
        /// The file.
        file: PathBuf,
    },
}

/// Where an audit log is.
#[derive(Debug, Clone)]
pub enum AuditSource {
    /// In a database.
    Database(Box<ConnectConfig>),
    /// In an export; `-` is standard input.
    File(PathBuf),
}

impl AuditCommandConfig {
    /// Checks the options.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_args(args: AuditArgs, environment: Environment) -> Result<Self, ConfigErrors> {
        let AuditArgs { action, database, log } = args;
        let mut reader = Reader::default();
        let log = LogConfig::read(&mut reader, log, environment.rust_log.clone());
        let connect = |reader: &mut Reader| ConnectConfig::read_direct(reader, database.clone(), environment.clone());
        let task = match action {
            AuditAction::Export { file } => connect(&mut reader).map(|connect| AuditTask::Export { connect, file }),
            AuditAction::Verify {
                file,
                expected_head,
                public_keys,
                audit_signing_key_file,
            } => {
                let source = match file {
                    Some(file) => Some(AuditSource::File(file)),
                    None => connect(&mut reader).map(|connect| AuditSource::Database(Box::new(connect))),
                };
                let expected_head = reader.read("--expected-head", expected_head, |text| {
                    text.parse().map_err(|error: NotAHead| error.to_string())
                });
                let keys = read_keys(&mut reader, public_keys, audit_signing_key_file);
                source.map(|source| AuditTask::Verify {
                    source,
                    keys,
                    expected_head,
                })
            }
        };
        reader.finish(task.map(|task| Self { task, log }))
    }
}

/// The public keys that were given, and that of the private key, whichever is there.
fn read_keys(reader: &mut Reader, public: PublicKeysArgs, private: Option<String>) -> PublicKeys {
    let given = present(public.audit_public_keys_file.as_ref())
        .or(present(private.as_ref()))
        .is_some();
    let public = read_public_keys(reader, public);
    let own = read_key(reader, private);
    if !given {
        reader.report(
            "AUDIT_PUBLIC_KEYS_FILE",
            "is missing: a seal is worth nothing without the public key of whoever signed it",
        );
    }
    own.iter().fold(public.unwrap_or_default(), PublicKeys::with)
}
