//! What the client commands take from the command line and from the environment.

use super::*;

#[tokio::test]
async fn bad_options_are_told_at_once_and_are_no_refusal() {
    for (arguments, settings) in [
        (
            &[
                "import",
                "--addr=ftp://host",
                "--token-file=/does/not/exist",
                "--ca-file=/does/not/exist",
                "--project=a b",
                "--project-for=x",
                "--on-conflict=ask",
                "-",
            ][..],
            &[
                "DASHBOARD_STORE_ADDR (--addr)",
                "DASHBOARD_STORE_TOKEN_FILE (--token-file)",
                "DASHBOARD_STORE_CA_FILE (--ca-file)",
                "--project is",
                "--project-for is",
                "--on-conflict is",
            ][..],
        ),
        (
            &["export", "--layout=flat", "--format=xml", "--project=-", "dir"],
            &["--layout is", "--format is", "--project is"],
        ),
        (
            &[
                "template",
                "render",
                "t",
                "--param=x",
                "--params-file=/does/not/exist",
                "--output=toml",
            ],
            &["--param is", "--params-file is", "--output is"],
        ),
    ] {
        let (code, out, err) = said(process::run(program(arguments)).await);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert_eq!(err.lines().count(), settings.len(), "{err}");
        for setting in settings {
            assert!(err.contains(&format!("error: {setting}")), "{setting}: {err}");
        }
    }
    let (code, _, _) = said(process::run(program(&["import"])).await);
    assert_eq!(code, Some(2));
}

#[tokio::test]
async fn a_token_never_travels_in_the_clear() {
    let files = folder(&[("token", "sesame\n")]);
    let mut command = program(&["export", "dir"]);
    command
        .current_dir(files.path())
        .env("DASHBOARD_STORE_TOKEN_FILE", "token")
        .env("DASHBOARD_STORE_ADDR", "http://store.example:50051");
    let (code, _, err) = said(process::run(command).await);
    assert_eq!(code, Some(2), "{err}");
    assert!(
        err.contains("must not travel in the clear") && !err.contains("sesame"),
        "{err}"
    );
}

#[tokio::test]
async fn no_service_is_one_line() {
    let files = folder(&[("d.yaml", &native("p", "d", "D"))]);
    for arguments in [&["import", "."][..], &["export", "out"], &["template", "render", "t"]] {
        let mut command = program(arguments);
        command
            .current_dir(files.path())
            .env("DASHBOARD_STORE_ADDR", "http://127.0.0.1:1");
        let (code, out, err) = said(process::run(command).await);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(
            err.starts_with("error: no service answers at http://127.0.0.1:1"),
            "{err}"
        );
    }
    assert!(!files.path().join("out").exists());
}

#[tokio::test]
async fn help_tells_exit_codes_and_variables() {
    for command in ["import", "export"] {
        let (code, help, _) = said(process::run(program(&[command, "--help"])).await);
        assert_eq!(code, Some(0));
        for text in ["Exit codes:", "DASHBOARD_STORE_ADDR", "DASHBOARD_STORE_TOKEN_FILE"] {
            assert!(help.contains(text), "{text} is not in\n{help}");
        }
    }
}
