//! Where the database is, and how to log in.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::args::DatabaseArgs;
use super::dsn::Dsn;
use super::environment::Environment;
use super::problem::{Reader, present};
use super::value;

/// The port of PostgreSQL.
const DEFAULT_PORT: u16 = 5432;
/// The database, unless another one is named.
const DEFAULT_DATABASE: &str = "perses_dashboard";
/// The limit for opening a connection, unless another one is given.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to open a connection.
#[derive(Debug, Clone)]
pub struct ConnectConfig {
    /// Tried in order; the first that works is used, and of several the first that takes writes.
    pub hosts: Vec<DatabaseHost>,
    /// The database.
    pub dbname: String,
    /// The role to log in as.
    pub user: String,
    /// Its password; none for trust, peer or certificate authentication.
    pub password: Option<SecretString>,
    /// Whether and how the connection is encrypted.
    pub ssl: SslConfig,
    /// The limit for everything from the name lookup to the login, over all hosts.
    pub connect_timeout: Duration,
}

/// One place where the database may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseHost {
    /// A name, an IP address, or the directory of a Unix socket.
    pub host: String,
    /// The port; it is part of the file name of a Unix socket, too.
    pub port: u16,
}

impl DatabaseHost {
    /// Whether the host is the directory of a Unix socket.
    pub fn is_unix_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Whether the traffic stays on this machine.
    pub fn is_local(&self) -> bool {
        self.is_unix_socket()
            || self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Encryption and identity, as libpq's parameters of the same names.
#[derive(Debug, Clone, Default)]
pub struct SslConfig {
    /// How much is demanded of the server.
    pub mode: SslMode,
    /// A PEM file of the authorities that are trusted; none for those of the system.
    pub root_certificates: Option<PathBuf>,
    /// What we show the server.
    pub client: Option<ClientCertificate>,
}

/// How much is demanded of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SslMode {
    /// Nothing: plain text.
    #[default]
    Disable,
    /// Encryption, with whoever answers.
    Require,
    /// And a certificate of a trusted authority.
    VerifyCa,
    /// And the name of the host in it.
    VerifyFull,
}

impl SslMode {
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "disable" => Ok(Self::Disable),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err("must be disable, require, verify-ca or verify-full".to_owned()),
        }
    }
}

/// A client certificate and its key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, and the ones between it and its authority.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A connection text and the variable that it came from.
#[derive(Clone)]
pub(super) struct Url {
    /// `DATABASE_URL` or `DB_DIRECT_URL`.
    pub(super) setting: &'static str,
    /// The text, which can hold a password.
    pub(super) text: SecretString,
    /// Whether an option that names the same thing is a contradiction; otherwise the text wins.
    pub(super) is_exclusive: bool,
}

impl Url {
    /// `DATABASE_URL`, which stands instead of the options.
    pub(super) fn database_url(text: SecretString) -> Self {
        Self {
            setting: "DATABASE_URL",
            text,
            is_exclusive: true,
        }
    }
}

impl ConnectConfig {
    /// Reads where the database is for commands that want a connection straight to PostgreSQL: `DB_DIRECT_URL`, which stands
    /// beside the settings of the pooled connection and wins, or else as [`Self::read`].
    pub(super) fn read_direct(reader: &mut Reader, args: DatabaseArgs, environment: Environment) -> Option<Self> {
        let direct = environment.direct_url.map(|text| Url {
            setting: "DB_DIRECT_URL",
            text,
            is_exclusive: false,
        });
        let url = direct.or_else(|| environment.database_url.map(Url::database_url));
        Self::read(reader, args, environment.password, url)
    }

    /// Reads where the database is, from the options and a connection text, each thing from one of them.
    ///
    /// None when something that is needed is missing or wrong, which was reported.
    pub(super) fn read(
        reader: &mut Reader,
        args: DatabaseArgs,
        password: Option<SecretString>,
        url: Option<Url>,
    ) -> Option<Self> {
        let DatabaseArgs {
            db_host,
            db_port,
            db_name,
            db_user,
            db_password_file,
            db_sslmode,
            db_sslrootcert,
            db_sslcert,
            db_sslkey,
            db_connect_timeout,
        } = args;
        let dsn = match &url {
            Some(url) => read_dsn(reader, url)?,
            None => Dsn::default(),
        };
        let mut sources = Sources { reader, url };
        let hosts = sources.hosts(db_host, db_port, dsn.hosts);
        let dbname = sources.one("DB_NAME", present(db_name), dsn.dbname);
        let user = sources.one("DB_USER", present(db_user), dsn.user);
        let password = sources.one("DB_PASSWORD", password, dsn.password);
        let sslmode = sources.one("DB_SSLMODE", present(db_sslmode), dsn.sslmode);
        let files = SslFiles {
            root_certificates: sources.one("DB_SSLROOTCERT", present(db_sslrootcert), dsn.sslrootcert),
            certificate: sources.one("DB_SSLCERT", present(db_sslcert), dsn.sslcert),
            key: sources.one("DB_SSLKEY", present(db_sslkey), dsn.sslkey),
        };

        let is_local = hosts.iter().all(DatabaseHost::is_local);
        if hosts.is_empty() {
            reader.report(
                "DB_HOST",
                "is missing: name the host of the database, or give DATABASE_URL",
            );
        }
        if user.is_none() {
            reader.report("DB_USER", "is missing: name the role to log in as");
        }
        Some(Self {
            password: read_password(reader, password, db_password_file),
            ssl: read_ssl(reader, sslmode, files, is_local),
            connect_timeout: reader
                .read("DB_CONNECT_TIMEOUT", db_connect_timeout, value::timeout)
                .unwrap_or(DEFAULT_CONNECT_TIMEOUT),
            dbname: dbname.unwrap_or_else(|| DEFAULT_DATABASE.to_owned()),
            user: user?,
            hosts,
        })
    }
}

/// Reads a connection text, and reports what is wrong with it without repeating any of it.
fn read_dsn(reader: &mut Reader, url: &Url) -> Option<Dsn> {
    let checked = Dsn::parse(url.text.expose_secret()).and_then(|dsn| {
        let sslmode = dsn.sslmode.as_deref().map(SslMode::parse).transpose();
        sslmode
            .map(|_| dsn)
            .map_err(|description| format!("sslmode {description}"))
    });
    checked
        .map_err(|description| reader.report(url.setting, description))
        .ok()
}

/// What is wrong with a host, if anything is. It is not repeated: whoever takes one setting for another puts a password there.
fn host_problem(host: &str) -> Option<&'static str> {
    let is_in_name = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    // The name of an interface may follow an address that is local to it: fe80::1%eth0.
    let (address, interface) = host.split_once('%').unwrap_or((host, ""));
    let is_address = address.parse::<IpAddr>().is_ok() && interface.chars().all(is_in_name);
    match host {
        "" => Some("has an empty name in its list of hosts"),
        socket if socket.starts_with('/') => None,
        _ if is_address => None,
        name if name.chars().all(is_in_name) => None,
        bracketed if bracketed.starts_with('[') => {
            Some("has a host in brackets: an IPv6 address goes without, and the port is DB_PORT")
        }
        with_port
            if with_port
                .chars()
                .all(|character| character == ':' || is_in_name(character)) =>
        {
            Some("has a colon in the name of a host: the port is DB_PORT")
        }
        _ => Some(
            "must be a host name, an IP address, or the directory of a Unix socket, which begins with a slash; a URL belongs in \
             DATABASE_URL",
        ),
    }
}

/// The two places where a part of the connection can be named.
struct Sources<'a> {
    reader: &'a mut Reader,
    url: Option<Url>,
}

impl Sources<'_> {
    /// Takes a part from the option or from the connection text; both is a contradiction.
    fn one<T>(&mut self, setting: &'static str, option: Option<T>, in_url: Option<T>) -> Option<T> {
        if let (Some(url), Some(_), Some(_)) = (&self.url, &option, &in_url)
            && url.is_exclusive
        {
            let description = format!("is set, and {} names the same thing: remove one of them", url.setting);
            self.reader.report(setting, description);
        }
        in_url.or(option)
    }

    fn hosts(
        &mut self,
        db_host: Option<String>,
        db_port: Option<String>,
        in_url: Vec<(String, Option<u16>)>,
    ) -> Vec<DatabaseHost> {
        let options: Option<Vec<(String, Option<u16>)>> =
            present(db_host).map(|hosts| hosts.split(',').map(|host| (host.trim().to_owned(), None)).collect());
        let in_url = (!in_url.is_empty()).then_some(in_url);
        let port_in_url = in_url.iter().flatten().find_map(|(_, port)| *port);
        let port_option = self
            .reader
            .read("DB_PORT", db_port, |text| value::number(text, 1..=u16::MAX));
        let default_port = match port_in_url {
            Some(_) => self.one("DB_PORT", port_option, port_in_url).map(|_| DEFAULT_PORT),
            None => port_option,
        };
        let setting = match (&self.url, &in_url) {
            (Some(url), Some(_)) => url.setting,
            _ => "DB_HOST",
        };
        let hosts = self.one("DB_HOST", options, in_url).unwrap_or_default();
        if let Some(problem) = hosts.iter().find_map(|(host, _)| host_problem(host)) {
            self.reader.report(setting, problem);
        }
        hosts
            .into_iter()
            .map(|(host, port)| DatabaseHost {
                host,
                port: port.or(default_port).unwrap_or(DEFAULT_PORT),
            })
            .collect()
    }
}

/// Takes the password as given, or from its file without the end of the line.
fn read_password(reader: &mut Reader, given: Option<SecretString>, file: Option<String>) -> Option<SecretString> {
    let from_file = reader.read("DB_PASSWORD_FILE", file, |path| {
        fs::read_to_string(path)
            .map(|text| SecretString::from(text.trim_end_matches(['\r', '\n'])))
            .map_err(|error| format!("can't be read: {error}"))
    });
    if given.is_some() && from_file.is_some() {
        reader.report("DB_PASSWORD_FILE", "is set, and so is a password: remove one of them");
    }
    given.or(from_file)
}

/// The files of the TLS options, as they were given.
struct SslFiles {
    root_certificates: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

fn read_ssl(reader: &mut Reader, sslmode: Option<String>, files: SslFiles, is_local: bool) -> SslConfig {
    let default = if is_local { SslMode::Disable } else { SslMode::Require };
    let mode = reader.read("DB_SSLMODE", sslmode, SslMode::parse).unwrap_or(default);
    let root_certificates = reader.read("DB_SSLROOTCERT", files.root_certificates, value::readable_file);
    let certificate = reader.read("DB_SSLCERT", files.certificate, value::readable_file);
    let key = reader.read("DB_SSLKEY", files.key, value::readable_file);
    if mode == SslMode::Disable && (root_certificates.is_some() || certificate.is_some()) {
        reader.report(
            "DB_SSLMODE",
            "is disable, so certificates have no use: set verify-full, or remove them",
        );
    }
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        (Some(_), None) => {
            reader.report("DB_SSLKEY", "is missing: DB_SSLCERT needs its private key");
            None
        }
        (None, Some(_)) => {
            reader.report("DB_SSLCERT", "is missing: DB_SSLKEY needs its certificate");
            None
        }
        (None, None) => None,
    };
    // libpq does the same, so that whoever names an authority is never served by another one.
    let mode = match mode {
        SslMode::Require if root_certificates.is_some() => SslMode::VerifyCa,
        as_given => as_given,
    };
    SslConfig {
        mode,
        root_certificates,
        client,
    }
}
