//! `dashboard-store template render`.

use dashboard_store::grpc::proto;

use super::*;
use crate::support::requests::json_spec;
use crate::support::templates::{optional, required};

/// A server with `projects/p/templates/t`, which puts a text, a number and a truth into its document.
async fn server_with_template() -> TestServer {
    let server = TestServer::start().await;
    let spec = r#"{"display":{"name":"%{title:text}"},"panels":{},"layouts":[],"x":{"n":{"$param":"share"},"b":{"$param":"hidden"}}}"#;
    let mut request = crate::support::templates::create_request("t");
    let template = request.template.as_mut().unwrap();
    template.spec = json_spec(spec);
    template.parameters = vec![
        optional("title", "Untitled"),
        required("share", proto::TemplateParameterType::Number),
        required("hidden", proto::TemplateParameterType::Bool),
    ];
    server.templates().await.create_template(request).await.unwrap();
    server
}

const NAME: &str = "projects/p/templates/t";

#[tokio::test]
async fn it_prints_the_spec_as_json_or_yaml() {
    let server = server_with_template().await;
    let files = folder(&[("values.yaml", "share: 0.25\nhidden: true\n")]);
    let typed = [
        "template",
        "render",
        NAME,
        "--param=share=0.5",
        "--param=hidden=false",
        "--param=title=5",
    ];
    let (code, out, err) = run_in(files.path(), &server, &typed).await;
    assert_eq!(code, Some(0), "{err}");
    let expected = r#"{
  "display": {
    "name": "5"
  },
  "panels": {},
  "layouts": [],
  "x": {
    "n": 0.5,
    "b": false
  }
}
"#;
    assert_eq!(out, expected);

    let file = [
        "template",
        "render",
        NAME,
        "--params-file=values.yaml",
        "--param=share=1",
        "--output=yaml",
    ];
    let (code, out, err) = run_in(files.path(), &server, &file).await;
    assert_eq!(code, Some(0), "{err}");
    let expected = "display:\n    name: Untitled\npanels: {}\nlayouts: []\nx:\n    \"n\": 1\n    b: true\n";
    assert_eq!(out, expected);
}

#[tokio::test]
async fn every_bad_value_is_told() {
    let server = server_with_template().await;
    let files = folder(&[("list.yaml", "share: [1]\n")]);
    let bad = [
        "template",
        "render",
        NAME,
        "--param=share=half",
        "--param=hidden=1",
        "--param=other=1",
    ];
    let (code, out, err) = run_in(files.path(), &server, &bad).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    for parameter in ["share", "hidden", "other"] {
        assert!(err.contains(parameter), "{parameter}: {err}");
    }

    let (code, _, err) = run_in(files.path(), &server, &["template", "render", "absent"]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("templates/absent does not exist"), "{err}");

    let list = ["template", "render", NAME, "--params-file=list.yaml"];
    let (code, _, err) = run_in(files.path(), &server, &list).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("--params-file must hold an object"), "{err}");
}
