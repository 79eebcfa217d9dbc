//! ListTemplates.

use dashboard_store::grpc::proto;

use crate::support::TestServer;
use crate::support::requests::{assert_invalid, json_spec, spec_of_size};
use crate::support::templates::{Client, create, create_request, get, instantiate, make_system_template};

fn list_request(parent: &str) -> proto::ListTemplatesRequest {
    proto::ListTemplatesRequest {
        parent: parent.into(),
        ..Default::default()
    }
}

/// The names of a whole list, read in pages of `page_size`.
async fn names(client: &mut Client, request: proto::ListTemplatesRequest, page_size: i32) -> Vec<String> {
    let mut listed = Vec::new();
    let mut next = proto::ListTemplatesRequest { page_size, ..request };
    loop {
        let page = client.list_templates(next.clone()).await.unwrap().into_inner();
        assert!(page.templates.len() <= page_size as usize);
        listed.extend(page.templates.into_iter().map(|template| template.name));
        if page.next_page_token.is_empty() {
            return listed;
        }
        next.page_token = page.next_page_token;
    }
}

/// A server with `a` and `b` in `projects/p`, `c` in `projects/q`, and `templates/s`; `b` was used twice, `s` never.
async fn start() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    make_system_template(&server, "s", r#"{"panels":{}}"#).await;
    for (parent, id, category) in [
        ("projects/p", "b", proto::TemplateCategory::General),
        ("projects/p", "a", proto::TemplateCategory::TrainingJob),
        ("projects/q", "c", proto::TemplateCategory::TrainingJob),
    ] {
        let mut request = proto::CreateTemplateRequest {
            parent: parent.into(),
            ..create_request(id)
        };
        request.template.as_mut().unwrap().category = category.into();
        client.create_template(request).await.unwrap();
    }
    for (template, id) in [
        ("projects/p/templates/b", "1"),
        ("projects/p/templates/b", "2"),
        ("projects/q/templates/c", "3"),
    ] {
        instantiate(&mut client, template, id).await;
    }
    let sql = "SELECT update_template_usage_stats()";
    server.sql().await.query_one(sql, &[]).await.unwrap();
    (server, client)
}

const A: &str = "projects/p/templates/a";
const B: &str = "projects/p/templates/b";
const C: &str = "projects/q/templates/c";
const S: &str = "templates/s";

#[tokio::test]
async fn a_list_holds_what_the_project_can_use_in_every_order() {
    let (_server, mut client) = start().await;
    for (parent, order_by, expected) in [
        ("projects/p", "", &[A, B, S][..]),
        ("projects/p", "name desc", &[S, B, A]),
        ("projects/q", "", &[C, S]),
        ("projects/none", "", &[S]),
        ("projects/-", "", &[A, B, C, S]),
        ("projects/-", "display_name", &[S, A, B, C]),
        ("projects/-", "create_time", &[S, B, A, C]),
        ("projects/-", "update_time desc", &[C, A, B, S]),
        ("projects/p", "usage_count desc", &[B]),
    ] {
        let request = proto::ListTemplatesRequest {
            order_by: order_by.into(),
            ..list_request(parent)
        };
        for page_size in [1, 2, 50] {
            let listed = names(&mut client, request.clone(), page_size).await;
            // Of equal ones the uid decides, which no test knows.
            assert_eq!(listed[..expected.len()], *expected, "{parent} {order_by} {page_size}");
        }
    }
    let by_use = proto::ListTemplatesRequest {
        order_by: "usage_count".into(),
        ..list_request("projects/-")
    };
    for page_size in [1, 50] {
        let listed = names(&mut client, by_use.clone(), page_size).await;
        assert_eq!(listed[2..], [C, B]);
        assert_eq!(listed.len(), 4);
    }
}

#[tokio::test]
async fn filters_select() {
    let (server, mut client) = start().await;
    let author = "UPDATE dashboard_template SET created_by = 'user:ada' WHERE name = 'b'";
    server.sql().await.execute(author, &[]).await.unwrap();
    let created = get(&mut client, A).await.unwrap().create_time.unwrap().to_string();
    let since = format!("create_time >= \"{created}\"");
    let before = format!("update_time < \"{created}\"");
    for (filter, expected) in [
        ("is_system = true", &[S][..]),
        ("is_system = false", &[A, B, C]),
        ("is_system != false", &[S]),
        ("category = TRAINING_JOB", &[A, C]),
        ("category != TRAINING_JOB", &[B, S]),
        ("name = a OR name:s", &[A, S]),
        ("display_name:\"TEMPLATE \"", &[A, B, C]),
        ("display_name = \"System s\"", &[S]),
        ("created_by = user:ada", &[B]),
        (&since, &[A, C]),
        (&before, &[B, S]),
    ] {
        let request = proto::ListTemplatesRequest {
            filter: filter.into(),
            ..list_request("projects/-")
        };
        assert_eq!(names(&mut client, request, 50).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn documents_come_where_they_are_asked_for_and_pages_end_before_they_are_too_large() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    for id in ["a", "b", "c", "d"] {
        let mut request = create_request(id);
        request.template.as_mut().unwrap().spec = json_spec(spec_of_size(900_000));
        client.create_template(request).await.unwrap();
    }
    let basic = client
        .list_templates(list_request("projects/p"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(basic.templates.len(), 4);
    assert!(basic.templates.iter().all(|template| template.spec.is_none()));
    assert!(basic.templates.iter().all(|template| template.parameters.len() == 2));

    let full = proto::ListTemplatesRequest {
        view: proto::DashboardView::Full.into(),
        ..list_request("projects/p")
    };
    let page = client.list_templates(full.clone()).await.unwrap().into_inner();
    assert_eq!(page.templates.len(), 3);
    assert!(page.templates.iter().all(|template| template.spec.is_some()));
    let rest = proto::ListTemplatesRequest {
        page_token: page.next_page_token,
        ..full
    };
    let page = client.list_templates(rest).await.unwrap().into_inner();
    assert_eq!((page.templates.len(), page.next_page_token.as_str()), (1, ""));
}

#[tokio::test]
async fn what_is_wrong_with_a_list_is_told_at_once() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let request = proto::ListTemplatesRequest {
        page_size: -1,
        filter: "tags:gpu".into(),
        order_by: "title".into(),
        view: 9,
        ..list_request("projects/p")
    };
    let refused = client.list_templates(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("view", "ENUM_UNKNOWN"),
            ("page_size", "FIELD_OUT_OF_RANGE"),
            ("filter", "INVALID_FILTER"),
            ("order_by", "INVALID_ORDER_BY"),
        ],
    );
    for (parent, expected) in [
        ("", "FIELD_REQUIRED"),
        ("templates", "INVALID_NAME"),
        ("platform", "INVALID_NAME"),
    ] {
        let refused = client.list_templates(list_request(parent)).await.unwrap_err();
        assert_invalid(&refused, &[("parent", expected)]);
    }
}

#[tokio::test]
async fn a_token_is_of_its_own_list() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create(&mut client, "a").await;
    create(&mut client, "b").await;
    let first = proto::ListTemplatesRequest {
        page_size: 1,
        ..list_request("projects/p")
    };
    let token = client.list_templates(first).await.unwrap().into_inner().next_page_token;
    let other = proto::ListTemplatesRequest {
        page_token: token,
        ..list_request("projects/q")
    };
    let refused = client.list_templates(other).await.unwrap_err();
    assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);
}
