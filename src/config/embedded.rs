//! The PostgreSQL that the service starts itself, and when it may.

use std::path::PathBuf;

use super::args::EmbeddedArgs;
use super::problem::Reader;
use super::value;

/// The PostgreSQL that the service starts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedConfig {
    /// Where it keeps its data; none for the place that the embedded server chooses.
    pub data_dir: Option<PathBuf>,
    /// Its major version; none for what is installed, or else downloaded.
    pub major: Option<u16>,
}

/// Where the database comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseSource {
    /// One that somebody else runs.
    External,
    /// One that the service starts and stops itself.
    Embedded,
}

impl DatabaseSource {
    /// Reads `--embedded` and decides; none when that was reported.
    pub(super) fn read(reader: &mut Reader, args: &EmbeddedArgs, named: &[&str], in_kubernetes: bool) -> Option<Self> {
        let asked = reader.read("EMBEDDED", args.embedded.clone(), value::switch);
        Self::choose(asked, named, in_kubernetes)
            .map_err(|description| reader.report("EMBEDDED", description))
            .ok()
    }

    /// Decides so that the embedded database never starts by accident in production.
    ///
    /// `asked` is `--embedded`, if it was given; `named` are the settings of a database that were given.
    ///
    /// # Errors
    /// What to do, where neither can be meant.
    pub fn choose(asked: Option<bool>, named: &[&str], in_kubernetes: bool) -> Result<Self, String> {
        let names_database = named
            .iter()
            .any(|setting| matches!(*setting, "DB_HOST" | "DATABASE_URL"));
        match asked {
            Some(true) => Ok(Self::Embedded),
            _ if names_database => Ok(Self::External),
            _ if !named.is_empty() => Err(format!(
                "is not given, and there are settings of a database without DB_HOST or DATABASE_URL ({}): set one of \
                 these two for a database of yours, or give --embedded to start one beside the settings",
                named.join(", ")
            )),
            Some(false) => Err("is false and no database is configured: set DB_HOST or DATABASE_URL".to_owned()),
            None if in_kubernetes => Err(
                "is not given, and inside Kubernetes no database is started without it, because its data would go with \
                 the pod: set DB_HOST or DATABASE_URL, or give --embedded to try things out"
                    .to_owned(),
            ),
            None => Ok(Self::Embedded),
        }
    }
}

impl EmbeddedConfig {
    /// Reads the options; none when there is no place for the data.
    pub(super) fn read(reader: &mut Reader, args: EmbeddedArgs) -> Self {
        let EmbeddedArgs {
            embedded: _,
            data_dir,
            pg_version,
        } = args;
        let major = reader.read("PG_VERSION", pg_version, |text| value::number(text, 14..=18));
        let data_dir = reader.read("DATA_DIR", data_dir, |text| Ok(PathBuf::from(text)));
        Self { data_dir, major }
    }
}
