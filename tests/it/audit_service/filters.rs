//! Each field of a filter finds what it says, and its negation all others.

use super::*;

/// Four events that differ in everything.
const EVENTS: &str = r#"
INSERT INTO audit_log (event_time, actor, auth_method, method, permission, project, resource, result, reason, client_ip,
    correlation_id, details) VALUES
    (date_trunc('month', now(), 'UTC') + interval '1 minute', 'user:ada', 'jwt', 'a.B/Get', 'dashboards.get', 'p', 'first',
        'success', NULL, '10.0.0.1', '00000000-0000-0000-0000-000000000001', '{}'),
    (date_trunc('month', now(), 'UTC') + interval '2 minutes', 'user:bob', 'jwt', 'a.B/Update', 'dashboards.update', 'p', 'second',
        'failed', 'ETAG_MISMATCH', '10.1.0.1', '00000000-0000-0000-0000-000000000002', '{"first_time": "x"}'),
    (date_trunc('month', now(), 'UTC') + interval '3 minutes', 'anonymous', 'none', 'a.B/Update', '', NULL, '',
        'denied', 'UNAUTHENTICATED', '2001:db8::1', '00000000-0000-0000-0000-000000000003', '{"first_time": "y"}'),
    (date_trunc('month', now(), 'UTC') + interval '4 minutes', 'system:x', 'server', 'retention', 'audit.drop', NULL, 'fourth',
        'success', NULL, NULL, '00000000-0000-0000-0000-000000000004', '{"dropped_events": 7}')"#;

/// A filter, and the events that it finds, by the digit at the end of their correlation id.
const FILTERS: &[(&str, &str)] = &[
    ("actor = user:ada", "1"),
    ("actor != user:ada", "432"),
    ("method = \"a.B/Update\"", "32"),
    ("permission = dashboards.update", "2"),
    ("project = p", "21"),
    ("project != p", "43"),
    ("project:*", "21"),
    ("NOT project:*", "43"),
    ("resource = first", "1"),
    ("result = SUCCESS", "41"),
    ("result = DENIED", "3"),
    ("result != SUCCESS", "32"),
    ("result = FAILED OR result = DENIED", "32"),
    ("reason = ETAG_MISMATCH", "2"),
    ("reason != ETAG_MISMATCH", "431"),
    ("reason:*", "32"),
    ("client_ip = 10.0.0.1", "1"),
    ("client_ip:10.0.0.0/8", "21"),
    ("client_ip:10.1.0.0/16", "2"),
    ("client_ip:\"2001:db8::/32\"", "3"),
    ("NOT client_ip:10.0.0.0/8", "43"),
    ("correlation_id = 00000000-0000-0000-0000-000000000002", "2"),
    ("details.first_time = x", "2"),
    ("details.dropped_events = 7", "4"),
    ("details.dropped_events = 8", ""),
    ("details:first_time", "32"),
    ("NOT details:first_time", "41"),
    ("actor = user:bob AND result = FAILED", "2"),
];

/// The last digit of each event's correlation id.
fn digits(events: &[proto::AuditEvent]) -> String {
    let last = |event: &proto::AuditEvent| event.correlation_id.chars().last().unwrap();
    events.iter().map(last).collect()
}

#[tokio::test]
async fn every_field_finds_what_it_says() {
    let server = TestServer::start().await;
    server.sql().await.batch_execute(EVENTS).await.unwrap();
    let mut client = client(&server).await;
    for (filter, expected) in FILTERS {
        let found = list(&mut client, "platform", filter).await;
        assert_eq!(digits(&found), *expected, "{filter}");
    }
}

#[tokio::test]
async fn a_time_range_has_its_ends() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    sql.batch_execute(EVENTS).await.unwrap();
    let statement = "SELECT to_char(date_trunc('month', now(), 'UTC') AT TIME ZONE 'UTC', 'YYYY-MM-DD')";
    let day: String = sql.query_one(statement, &[]).await.unwrap().get(0);
    let mut client = client(&server).await;
    let filter = format!(r#"time >= "{day}T00:02:00Z" AND time < "{day}T00:04:00Z" AND NOT actor = user:alice"#);
    assert_eq!(digits(&list(&mut client, "platform", &filter).await), "32");
    let exact = format!(r#"time = "{day}T01:03:00+01:00""#);
    assert_eq!(digits(&list(&mut client, "platform", &exact).await), "3");
}
