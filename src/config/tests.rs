//! From the command line to the checked configuration.

mod audit;
mod callers;
mod database;

use std::time::Duration;

use clap::{CommandFactory, FromArgMatches};
use secrecy::SecretString;

use super::*;
use crate::domain::client_address::TrustedProxies;
use crate::domain::subject::Subject;
use crate::telemetry::LogFormat;

/// Parses a command line without looking at the environment of the test.
fn parse(line: &[&str]) -> Cli {
    let blind = |command: clap::Command| command.mut_args(|arg| arg.env(None::<&'static str>));
    let command = Cli::command()
        .mut_subcommand("serve", blind)
        .mut_subcommand("migrate", blind);
    let words = std::iter::once("dashboard-store").chain(line.iter().copied());
    let matches = command.try_get_matches_from(words).unwrap();
    Cli::from_arg_matches(&matches).unwrap()
}

fn serve_in(environment: Environment, options: &[&str]) -> Result<ServeConfig, ConfigErrors> {
    let line: Vec<&str> = std::iter::once("serve").chain(options.iter().copied()).collect();
    match parse(&line).command {
        Command::Serve(args) => ServeConfig::from_args(*args, environment),
        _ => panic!("serve was asked for"),
    }
}

fn serve(options: &[&str]) -> Result<ServeConfig, ConfigErrors> {
    serve_in(Environment::default(), options)
}

fn migrate_in(environment: Environment, options: &[&str]) -> Result<MigrateConfig, ConfigErrors> {
    let line: Vec<&str> = std::iter::once("migrate").chain(options.iter().copied()).collect();
    match parse(&line).command {
        Command::Migrate(args) => MigrateConfig::from_args(*args, environment),
        _ => panic!("migrate was asked for"),
    }
}

/// The settings that were complained about, in order.
fn complaints<T>(result: Result<T, ConfigErrors>) -> Vec<&'static str> {
    let errors = result
        .err()
        .map(|errors| errors.problems().to_vec())
        .unwrap_or_default();
    errors.iter().map(|problem| problem.setting).collect()
}

/// As when `secretKeyRef` fills a variable that asks for the name of a mounted file.
#[test]
fn a_secret_in_place_of_the_name_of_its_file_is_not_repeated() {
    for (given, is_shown) in [
        ("hunter2", false),
        ("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----", false),
        ("/\nMC4C", false),
        ("/9j4AAQ/SkZJRg==", false),
        ("/9j4AAQSkZJRg==", false),
        ("eyJhbGciOiJFZERTQSJ9.e30.c2ln", false),
        ("/etc/secrets/not-mounted", true),
    ] {
        for flag in [
            "db-password-file",
            "audit-signing-key-file",
            "tls-key-file",
            "db-sslkey",
        ] {
            let option = format!("--{flag}={given}");
            let message = own_database(&[option.as_str()]).unwrap_err().to_string();
            let is_told = message.contains(given) || message.contains(&format!("{given:?}"));
            assert_eq!(is_told, is_shown, "{message}");
        }
    }
    // It is there, and is no file.
    let message = own_database(&["--db-password-file=."]).unwrap_err().to_string();
    assert!(message.contains(r#"is ".""#), "{message}");
}

const OWN_DATABASE: [&str; 3] = ["--db-host=db.example", "--db-user=u", "--insecure-dev"];

fn own_database(options: &[&str]) -> Result<ServeConfig, ConfigErrors> {
    serve(&[&OWN_DATABASE[..], options].concat())
}

#[test]
fn without_options_everything_has_the_documented_default() {
    let config = serve(&[]).unwrap();
    let DatabaseChoice::Embedded(embedded) = &config.database else {
        panic!("the embedded database is the default");
    };
    assert_eq!(embedded.data_dir, None);
    assert_eq!(embedded.major, None);
    assert!(config.migrate);
    assert_eq!(config.listeners.grpc_addr.to_string(), "127.0.0.1:50051");
    assert_eq!(config.listeners.http_addr.to_string(), "127.0.0.1:8080");
    assert_eq!(config.pool, PoolConfig::default());
    assert_eq!((config.pool.max_open, config.pool.max_idle), (50, 10));
    assert_eq!(config.pool.max_lifetime, Some(Duration::from_secs(300)));
    assert_eq!(config.pool.max_idle_time, Some(Duration::from_secs(60)));
    assert_eq!(config.pool.query_timeout, Duration::from_secs(30));
    assert_eq!(config.dashboards.spec_max_bytes, 1_048_576);
    assert_eq!(config.dashboards.deleted_retention, Duration::from_secs(30 * 86_400));
    assert_eq!(config.requests.timeout, Duration::from_secs(10));
    assert_eq!(config.requests.drain_delay, Duration::ZERO);
    assert_eq!(
        (config.log.format, config.log.filter.as_str()),
        (LogFormat::Text, "info")
    );
    assert_eq!(config.worker_threads, None);
}

#[test]
fn every_problem_is_reported_at_once() {
    let result = own_database(&[
        "--db-port=0",
        "--db-password-file=/does/not/exist",
        "--db-sslmode=prefer",
        "--db-sslrootcert=/does/not/exist",
        "--db-connect-timeout=10",
        "--db-max-open-conns=5",
        "--db-max-idle-conns=6",
        "--db-conn-max-lifetime=soon",
        "--db-conn-max-idle-time=-1s",
        "--db-acquire-timeout=0s",
        "--db-query-timeout=2h",
        "--db-statement-mode=both",
        "--grpc-addr=0.0.0.0:50051",
        "--http-addr=nowhere",
        "--migrate=perhaps",
        "--spec-max-bytes=4MiB",
        "--revisions-kept=0",
        "--deleted-retention=forever",
        "--max-requests-in-flight=0",
        "--request-timeout=61s",
        "--drain-delay=1h",
        "--log-format=xml",
        "--log-level=a=b=c",
        "--worker-threads=none",
    ]);
    let message = result.as_ref().map(|_| ()).unwrap_err().to_string();
    let mut found = complaints(result);
    let mut expected = vec![
        "DB_PORT",
        "DB_PASSWORD_FILE",
        "DB_SSLMODE",
        "DB_SSLROOTCERT",
        "DB_CONNECT_TIMEOUT",
        "DB_MAX_IDLE_CONNS",
        "DB_CONN_MAX_LIFETIME",
        "DB_CONN_MAX_IDLE_TIME",
        "DB_ACQUIRE_TIMEOUT",
        "DB_QUERY_TIMEOUT",
        "DB_STATEMENT_MODE",
        "GRPC_ADDR",
        "HTTP_ADDR",
        "MIGRATE",
        "SPEC_MAX_BYTES",
        "REVISIONS_KEPT",
        "DELETED_RETENTION",
        "MAX_REQUESTS_IN_FLIGHT",
        "REQUEST_TIMEOUT",
        "DRAIN_DELAY",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "WORKER_THREADS",
    ];
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(message.lines().count(), expected.len());
    assert!(
        message.contains("DB_PORT (--db-port) is \"0\": must be a whole number from 1 to 65535"),
        "{message}"
    );
}

#[test]
fn bootstrap_admins_are_users_and_groups() {
    let config = serve(&["--bootstrap-admins=user:ada, group:sre team"]).unwrap();
    let admins: Vec<&str> = config.access.bootstrap_admins.iter().map(Subject::as_str).collect();
    assert_eq!(admins, ["user:ada", "group:sre team"]);
    for wrong in ["ada", "user:", "user:ada,,group:sre", "group:sre,"] {
        let option = format!("--bootstrap-admins={wrong}");
        assert_eq!(complaints(serve(&[&option])), ["BOOTSTRAP_ADMINS"], "{wrong}");
    }
}

#[test]
fn share_links_have_an_end_and_proxies_are_networks() {
    let defaults = serve(&[]).unwrap().access;
    assert_eq!(defaults.share_link_max_ttl, Duration::from_secs(365 * 86_400));
    assert_eq!(defaults.trusted_proxies, TrustedProxies::default());
    let options = ["--share-link-max-ttl=1h", "--trusted-proxies=10.0.0.0/8,192.0.2.7/32"];
    let access = serve(&options).unwrap().access;
    assert_eq!(access.share_link_max_ttl, Duration::from_secs(3600));
    let behind = access.trusted_proxies.client("10.0.0.1".parse().ok(), ["203.0.113.9"]);
    assert_eq!(behind, "203.0.113.9".parse().ok());
    let wrong = ["--share-link-max-ttl=0s", "--trusted-proxies=10.0.0.1"];
    assert_eq!(complaints(serve(&wrong)), ["TRUSTED_PROXIES", "SHARE_LINK_MAX_TTL"]);
}

#[test]
fn a_database_of_yours_must_not_be_opened_to_everybody_by_accident() {
    assert_eq!(
        complaints(serve(&OWN_DATABASE[..2])),
        ["INSECURE_DEV", "AUDIT_SIGNING_KEY_FILE"]
    );
    assert_eq!(complaints(serve(&["--insecure-dev=false"])), ["INSECURE_DEV"]);
    assert_eq!(complaints(own_database(&["--http-addr=:8080"])), ["HTTP_ADDR"]);
}

#[test]
fn maintain_prefers_the_direct_connection_and_prunes_only_what_it_is_told_to() {
    let read = |options: &[&str]| {
        let environment = Environment {
            direct_url: Some(SecretString::from("postgres://owner@direct:5433/d")),
            ..Environment::default()
        };
        match parse(&[&["maintain"], options].concat()).command {
            Command::Maintain(args) => MaintainConfig::from_args(*args, environment),
            _ => panic!("maintain was asked for"),
        }
    };
    let config = read(&["--db-host=bouncer", "--db-user=u"]).unwrap();
    assert_eq!(
        (config.connect.user.as_str(), config.connect.hosts[0].port),
        ("owner", 5433)
    );
    assert_eq!(config.revisions_kept, None);
    assert_eq!(read(&["--revisions-kept=7"]).unwrap().revisions_kept, Some(7));
    assert_eq!(complaints(read(&["--revisions-kept=0"])), ["REVISIONS_KEPT"]);
}

#[test]
fn a_server_takes_part_in_maintenance_unless_told_not_to() {
    assert!(own_database(&[]).unwrap().maintenance);
    assert!(!own_database(&["--maintenance=false"]).unwrap().maintenance);
    assert_eq!(complaints(own_database(&["--maintenance=perhaps"])), ["MAINTENANCE"]);
}

#[test]
fn migrate_prefers_the_direct_connection() {
    let environment = Environment {
        direct_url: Some(SecretString::from("postgres://owner@direct:5433/d")),
        ..Environment::default()
    };
    let options = ["up", "--to=3", "--db-host=bouncer", "--db-port=6432", "--db-user=u"];
    let config = migrate_in(environment, &options).unwrap();
    assert_eq!(
        config.action,
        MigrateAction::Up {
            to: Some(3),
            adopt: false
        }
    );
    assert_eq!(
        config.connect.hosts,
        [DatabaseHost {
            host: "direct".into(),
            port: 5433
        }]
    );
    assert_eq!(config.connect.user, "owner");
    let without = migrate_in(Environment::default(), &["status", "--db-host=bouncer", "--db-user=u"]).unwrap();
    assert_eq!(
        without.connect.hosts,
        [DatabaseHost {
            host: "bouncer".into(),
            port: 5432
        }]
    );
    assert_eq!(
        complaints(migrate_in(Environment::default(), &["verify"])),
        ["DB_HOST", "DB_USER"]
    );
}

#[test]
fn empty_variables_count_as_absent() {
    let config = serve(&["--db-host=", "--db-max-open-conns=", "--grpc-addr= ", "--embedded="]).unwrap();
    assert!(matches!(config.database, DatabaseChoice::Embedded(_)));
    let environment = Environment::from_variables(|name| match name {
        "RUST_LOG" => Some("debug".into()),
        _ => Some("".into()),
    });
    assert!(environment.database_url.is_none() && !environment.in_kubernetes);
    assert_eq!(environment.rust_log.as_deref(), Some("debug"));
}

#[test]
fn rust_log_wins_over_the_level() {
    let environment = Environment {
        rust_log: Some("debug".into()),
        ..Environment::default()
    };
    assert_eq!(
        serve_in(environment, &["--log-level=warn"]).unwrap().log.filter,
        "debug"
    );
    assert_eq!(serve(&["--log-level=warn"]).unwrap().log.filter, "warn");
}

#[test]
fn help_names_every_variable_and_every_default() {
    for command in ["serve", "migrate"] {
        let mut cli = Cli::command();
        let subcommand = cli.find_subcommand_mut(command).unwrap();
        let help = subcommand.render_long_help().to_string();
        for argument in subcommand
            .get_arguments()
            .filter(|argument| argument.get_long().is_some_and(|flag| flag != "help"))
        {
            let flag = argument.get_long().unwrap();
            let variable = argument.get_env().unwrap().to_str().unwrap();
            assert_eq!(variable.to_lowercase().replace('_', "-"), flag);
            assert!(help.contains(&format!("[env: {variable}=")), "{command} {variable}");
        }
        for variable in ["DATABASE_URL", "DB_PASSWORD", "RUST_LOG"] {
            assert!(help.contains(variable), "{command} {variable}");
        }
    }
    let help = Cli::command().find_subcommand_mut("serve").unwrap().render_long_help();
    for part in ["for root /var/lib/dashboard-store", "BOOTSTRAP_ADMINS=user:"] {
        assert!(help.to_string().contains(part), "{part} is not in\n{help}");
    }
    Cli::command().debug_assert();
}
