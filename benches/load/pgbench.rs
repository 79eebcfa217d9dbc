//! The control for the database: the statements of the service, prepared, from a client that does nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use dashboard_store::store::embedded::EmbeddedEndpoint;
use secrecy::ExposeSecret as _;
use tokio::process::Command;

use super::statements::Statement;
use super::{Outcome, STREAMS};

/// Where the packages of distributions put it.
const INSTALLED: &str = "/usr/lib/postgresql";

/// A name for each of the clients: the dashboards that Update writes, too.
const OWN_PROJECT: &str = "('project-' || ((:client_id + 1) % 20)::text)";
const OWN_NAME: &str = "('dashboard-' || lpad((:client_id + 1)::text, 7, '0'))";
/// A new request id for each transaction.
const REQUEST_ID: &str = "('00000000-0000-4000-8000-' || lpad(:request::text, 12, '0'))::uuid";

/// What pgbench runs.
#[derive(Debug)]
pub struct Script {
    text: String,
    variables: Vec<String>,
}

impl Script {
    /// One statement, as it was sent.
    pub fn of_read(statements: &[Statement], name: &str) -> Outcome<Self> {
        let statement = Statement::find(statements, name)?;
        Ok(Self {
            text: format!("{};\n", statement.script(&[])),
            variables: statement.variables().collect(),
        })
    }

    /// The transaction of an update, in as many round trips as the service takes.
    pub fn of_update(statements: &[Statement]) -> Outcome<Self> {
        let instead: [(&str, &[(usize, &str)]); 6] = [
            ("lock_request", &[(1, ":request")]),
            ("find_answer", &[(3, REQUEST_ID)]),
            ("lock_dashboard_head", &[(1, OWN_PROJECT), (2, OWN_NAME)]),
            ("update_dashboard", &[(4, ":head_id")]),
            ("append_audit_event", &[(8, ":head_id")]),
            ("keep_answer", &[(3, REQUEST_ID)]),
        ];
        let mut texts = Vec::new();
        let mut variables = Vec::new();
        for (name, replaced) in instead {
            let statement = Statement::find(statements, name)?;
            texts.push(statement.script(replaced));
            variables.extend(statement.variables());
        }
        let [lock_request, find_answer, lock_head, update, audit, keep_answer] = &texts[..] else {
            return Err("six statements are six texts".into());
        };
        let text = format!(
            "\\set request random(1, 999999999999)\nBEGIN;\n\\startpipeline\n{lock_request};\n{find_answer};\n\\endpipeline\n\
             {lock_head} \\gset head_\n{update};\n{audit};\n{keep_answer};\nCOMMIT;\n"
        );
        Ok(Self { text, variables })
    }
}

/// How statements are sent.
#[derive(Debug, Clone, Copy)]
pub enum Protocol {
    /// Parsed once on each connection, and then planned only while that may pay.
    Prepared,
    /// Parsed and planned each time.
    Extended,
}

impl Protocol {
    fn argument(self) -> &'static str {
        match self {
            Self::Prepared => "--protocol=prepared",
            Self::Extended => "--protocol=extended",
        }
    }
}

/// The program.
#[derive(Debug)]
pub struct Pgbench {
    program: PathBuf,
    directory: PathBuf,
    database: &'static str,
}

impl Pgbench {
    /// Finds the program: the newest that is installed, or the one on PATH.
    pub fn find(directory: &Path, database: &'static str) -> Self {
        let versions = fs::read_dir(INSTALLED).into_iter().flatten().flatten();
        let programs = versions.map(|version| version.path().join("bin/pgbench"));
        let newest = programs.filter(|program| program.exists()).max();
        Self {
            program: newest.unwrap_or_else(|| "pgbench".into()),
            directory: directory.to_owned(),
            database,
        }
    }

    /// Runs a script for whole seconds on as many connections as there are streams; transactions a second.
    pub async fn run(
        &self,
        script: &Script,
        protocol: Protocol,
        endpoint: &EmbeddedEndpoint,
        seconds: u64,
    ) -> Outcome<f64> {
        let file = self.directory.join("script.sql");
        fs::write(&file, &script.text)?;
        let mut command = Command::new(&self.program);
        command
            .args(["--no-vacuum", "--jobs=2", protocol.argument()])
            .arg(format!("--client={STREAMS}"))
            .arg(format!("--time={seconds}"))
            .arg(format!("--file={}", file.display()))
            .arg(format!("--host={}", endpoint.socket_dir.display()))
            .arg(format!("--port={}", endpoint.port))
            .arg(format!("--username={}", endpoint.user))
            .args(script.variables.iter().map(|variable| format!("--define={variable}")))
            .arg(self.database)
            .env("PGPASSWORD", endpoint.password.expose_secret());
        let output = command
            .output()
            .await
            .map_err(|error| format!("pgbench, a program of PostgreSQL, can't be run: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let number = rate.and_then(|rest| rest.split_whitespace().next());
        match number.filter(|_| output.status.success()) {
            Some(number) => Ok(number.parse()?),
            None => Err(format!("pgbench failed: {text}{}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
}
