//! Which database, and how it is reached.

use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::*;

fn with_url(url: &str) -> Environment {
    Environment {
        database_url: Some(SecretString::from(url)),
        ..Environment::default()
    }
}

fn external(config: &ServeConfig) -> &ConnectConfig {
    match &config.database {
        DatabaseChoice::External(connect) => connect,
        DatabaseChoice::Embedded(_) => panic!("the embedded database was chosen"),
    }
}

#[test]
fn a_database_of_yours_has_the_documented_defaults() {
    let config = own_database(&[]).unwrap();
    let connect = external(&config);
    assert!(!config.migrate);
    assert_eq!(
        connect.hosts,
        [DatabaseHost {
            host: "db.example".into(),
            port: 5432
        }]
    );
    assert_eq!(
        (connect.dbname.as_str(), connect.user.as_str()),
        ("perses_dashboard", "u")
    );
    assert_eq!(connect.connect_timeout, Duration::from_secs(10));
    assert_eq!(connect.ssl.mode, SslMode::Require);
}

#[test]
fn encryption_is_not_demanded_of_this_machine() {
    for host in ["localhost", "127.0.0.1", "::1", "/var/run/postgresql"] {
        let config = serve(&[&format!("--db-host={host}"), "--db-user=u", "--insecure-dev"]).unwrap();
        assert_eq!(external(&config).ssl.mode, SslMode::Disable, "{host}");
    }
    let mixed = serve(&["--db-host=localhost,db.example", "--db-user=u", "--insecure-dev"]).unwrap();
    assert_eq!(external(&mixed).ssl.mode, SslMode::Require);
    let explicit = serve(&[
        "--db-host=localhost",
        "--db-user=u",
        "--insecure-dev",
        "--db-sslmode=verify-full",
    ])
    .unwrap();
    assert_eq!(external(&explicit).ssl.mode, SslMode::VerifyFull);
}

#[test]
fn several_hosts_keep_their_order() {
    let config = serve(&["--db-host=a, b,c", "--db-port=6432", "--db-user=u", "--insecure-dev"]).unwrap();
    let hosts: Vec<String> = external(&config)
        .hosts
        .iter()
        .map(|at| format!("{}:{}", at.host, at.port))
        .collect();
    assert_eq!(hosts, ["a:6432", "b:6432", "c:6432"]);
    let empty = serve(&["--db-host=a,,c", "--db-user=u", "--insecure-dev"]);
    assert_eq!(complaints(empty), ["DB_HOST"]);
}

#[test]
fn a_database_needs_a_host_and_a_role() {
    assert_eq!(complaints(serve(&["--db-host=h", "--insecure-dev"])), ["DB_USER"]);
    assert_eq!(
        complaints(serve_in(with_url("postgres:///d"), &["--insecure-dev"])),
        ["DB_HOST", "DB_USER"]
    );
}

#[test]
fn the_embedded_database_never_starts_by_accident() {
    let in_kubernetes = || Environment {
        in_kubernetes: true,
        ..Environment::default()
    };
    assert_eq!(complaints(serve_in(in_kubernetes(), &[])), ["EMBEDDED"]);
    assert!(serve_in(in_kubernetes(), &["--embedded"]).is_ok());
    assert!(serve_in(in_kubernetes(), &OWN_DATABASE).is_ok());
    assert_eq!(
        complaints(serve(&["--db-name=d", "--db-port=x"])),
        ["EMBEDDED", "DB_PORT", "DB_HOST", "DB_USER"]
    );
    assert_eq!(complaints(serve(&["--db-max-open-conns=5"]))[0], "EMBEDDED");
    assert_eq!(complaints(serve(&["--embedded=no"])), ["EMBEDDED"]);
    let beside = serve(&["--db-host=h", "--db-max-open-conns=5", "--embedded"]).unwrap();
    assert!(matches!(beside.database, DatabaseChoice::Embedded(_)));
    assert_eq!((beside.pool.max_open, beside.pool.max_idle), (5, 5));
    let with_password = Environment {
        password: Some(SecretString::from("sesame")),
        ..Environment::default()
    };
    assert_eq!(complaints(serve_in(with_password, &[]))[0], "EMBEDDED");
}

#[test]
fn the_embedded_database_takes_a_place_and_a_version() {
    assert_eq!(complaints(serve(&["--pg-version=13"])), ["PG_VERSION"]);
    let config = serve_in(Environment::default(), &["--data-dir=/data", "--pg-version=18"]).unwrap();
    let expected = EmbeddedConfig {
        data_dir: Some(PathBuf::from("/data")),
        major: Some(18),
    };
    assert!(matches!(config.database, DatabaseChoice::Embedded(embedded) if embedded == expected));
}

#[test]
fn a_url_stands_instead_of_the_options() {
    let url = "postgres://u:p@a,b:5433/d?sslmode=verify-full";
    let config = serve_in(with_url(url), &["--insecure-dev"]).unwrap();
    let connect = external(&config);
    let hosts: Vec<String> = connect
        .hosts
        .iter()
        .map(|at| format!("{}:{}", at.host, at.port))
        .collect();
    assert_eq!(hosts, ["a:5432", "b:5433"]);
    assert_eq!((connect.dbname.as_str(), connect.user.as_str()), ("d", "u"));
    assert_eq!(connect.password.as_ref().map(ExposeSecret::expose_secret), Some("p"));
    assert_eq!(connect.ssl.mode, SslMode::VerifyFull);
}

#[test]
fn a_url_and_an_option_for_the_same_thing_contradict() {
    let options = [
        "--db-host=h",
        "--db-port=1",
        "--db-name=d",
        "--db-user=u",
        "--db-sslmode=require",
        "--insecure-dev",
    ];
    let result = serve_in(with_url("postgres://u@h:5432/d?sslmode=require"), &options);
    let message = result.as_ref().map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        complaints(result),
        ["DB_PORT", "DB_HOST", "DB_NAME", "DB_USER", "DB_SSLMODE"]
    );
    assert!(message.lines().all(|line| line.contains("DATABASE_URL")), "{message}");
    let completing = serve_in(
        with_url("postgres://h/d"),
        &["--db-user=u", "--db-port=1", "--insecure-dev"],
    )
    .unwrap();
    assert_eq!(
        external(&completing).hosts,
        [DatabaseHost {
            host: "h".into(),
            port: 1
        }]
    );
    assert_eq!(
        complaints(serve_in(with_url("mysql://h/d"), &["--insecure-dev"])),
        ["DATABASE_URL"]
    );
}

#[test]
fn a_password_comes_from_one_place_and_without_its_line_end() {
    let file = std::env::temp_dir().join(format!("dashboard-store-password-{}", std::process::id()));
    std::fs::write(&file, "sesame\r\n").unwrap();
    let option = format!("--db-password-file={}", file.display());
    let config = own_database(&[&option]).unwrap();
    assert_eq!(
        external(&config).password.as_ref().map(ExposeSecret::expose_secret),
        Some("sesame")
    );
    let both = serve_in(with_url("postgres://u:other@h/d"), &[&option, "--insecure-dev"]);
    assert_eq!(complaints(both), ["DB_PASSWORD_FILE"]);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn certificates_must_make_sense() {
    let file = format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
    let option = |name: &str| format!("--db-{name}={file}");
    assert_eq!(complaints(own_database(&[&option("sslcert")])), ["DB_SSLKEY"]);
    assert_eq!(complaints(own_database(&[&option("sslkey")])), ["DB_SSLCERT"]);
    assert_eq!(
        complaints(own_database(&[&option("sslrootcert"), "--db-sslmode=disable"])),
        ["DB_SSLMODE"]
    );
    let require = own_database(&[&option("sslrootcert"), "--db-sslmode=require"]).unwrap();
    assert_eq!(external(&require).ssl.mode, SslMode::VerifyCa);
}

#[test]
fn secrets_are_shown_nowhere() {
    let config = serve_in(with_url("postgres://u:sesame@h/d"), &["--insecure-dev"]).unwrap();
    assert!(!format!("{config:?}").contains("sesame"));
    assert!(!format!("{:?}", with_url("postgres://u:sesame@h/d")).contains("sesame"));
    let refused = serve_in(with_url("postgres://u:sesame@h/d?bad=sesame"), &["--insecure-dev"]).unwrap_err();
    assert!(!refused.to_string().contains("sesame"), "{refused}");
}

#[test]
fn what_is_no_host_is_refused_and_not_repeated() {
    for (given, hint) in [
        ("postgres://u:sesame@h/d", "DATABASE_URL"),
        ("postgres://u:ses,sesame@h/d", "DATABASE_URL"),
        ("u:sesame@h", "DATABASE_URL"),
        ("sesame/d", "DATABASE_URL"),
        ("host=h password=sesame", "DATABASE_URL"),
        ("password=sesame", "DATABASE_URL"),
        ("ses ame", "DATABASE_URL"),
        ("::1%sesame@h", "DATABASE_URL"),
        ("u:sesame", "DB_PORT"),
        ("h:5432", "DB_PORT"),
        ("[::1]", "brackets"),
        ("[::1]:5432", "brackets"),
        ("h,[::1]", "brackets"),
    ] {
        let refused = serve(&[&format!("--db-host={given}"), "--db-user=u", "--insecure-dev"]);
        let message = refused.as_ref().unwrap_err().to_string();
        assert_eq!(complaints(refused), ["DB_HOST"], "{given}");
        assert!(message.contains(hint), "{given}: {message}");
        assert!(!message.contains(given) && !message.contains("sesame"), "{message}");
    }
    for taken in [
        "::1",
        "fe80::1%eth0",
        "10.0.0.1",
        "a_b-c.example.",
        "/run/p g@x",
        "bücher.example",
    ] {
        let config = serve(&[&format!("--db-host={taken}"), "--db-user=u", "--insecure-dev"]).unwrap();
        assert_eq!(external(&config).hosts[0].host, taken);
    }
    for url in ["host=u:sesame@h user=u", "postgres://u@/d?host=x:sesame@h"] {
        let refused = serve_in(with_url(url), &["--insecure-dev"]);
        let message = refused.as_ref().unwrap_err().to_string();
        assert_eq!(complaints(refused), ["DATABASE_URL"], "{url}");
        assert!(!message.contains("sesame"), "{message}");
    }
}

#[test]
fn no_part_of_a_url_is_repeated_wherever_it_stands() {
    let url = "postgres://u:x@h/d?sslmode=sesame";
    let message = serve_in(with_url(url), &["--insecure-dev"]).unwrap_err().to_string();
    assert!(message.starts_with("DATABASE_URL: sslmode must be "), "{message}");
    assert!(!message.contains("sesame"), "{message}");
    for option in ["--db-port", "--db-sslmode", "--grpc-addr"] {
        let given = format!("{option}=postgres://u:sesame@h/d");
        let message = own_database(&[&given]).unwrap_err().to_string();
        assert!(!message.contains("sesame"), "{message}");
    }
}
