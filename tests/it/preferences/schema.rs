//! What the database itself refuses, whoever writes it.

use tokio_postgres::error::SqlState;

use crate::support::cluster::TestDatabase;

#[tokio::test]
async fn values_that_break_a_rule_violate_a_check_of_their_column() {
    let sql = TestDatabase::create().await.connect().await;
    let insert = "INSERT INTO user_preferences (id, subject, home_dashboard, theme, timezone, rows_per_page, settings)
        VALUES (gen_random_uuid(), 'user:ada', 'projects/p/dashboards/d', 'dark', 'local', 500, '{}')";
    sql.execute(insert, &[]).await.unwrap();
    for (column, wrong) in [
        ("subject", "'ada'"),
        ("subject", "'user:'"),
        ("subject", "'user:' || repeat('x', 513)"),
        ("home_dashboard", "'d'"),
        ("home_dashboard", "'projects/p/dashboards/-'"),
        ("home_dashboard", "'projects/p/dashboards/d/x'"),
        ("theme", "'Dark'"),
        ("timezone", "repeat('x', 101)"),
        ("rows_per_page", "-1"),
        ("rows_per_page", "501"),
        ("settings", "'[]'"),
        ("settings", "('{\"a\":\"' || repeat('x', 65529) || '\"}')::json"),
        ("generation", "0"),
    ] {
        let update = format!("UPDATE user_preferences SET {column} = {wrong}");
        let refused = sql.execute(&update, &[]).await.unwrap_err();
        let refusal = refused.as_db_error().unwrap();
        assert_eq!(*refusal.code(), SqlState::CHECK_VIOLATION, "{update}: {refusal}");
        let check = format!("user_preferences_{column}_check");
        assert_eq!(refusal.constraint(), Some(check.as_str()), "{update}");
    }
    for table in ["dashboard_favorite", "dashboard_recent"] {
        let insert = format!("INSERT INTO {table} (dashboard_id, subject) VALUES (gen_random_uuid(), $1)");
        for (subject, constraint) in [("ada", "subject_check"), ("user:ada", "dashboard_fkey")] {
            let refused = sql.execute(&insert, &[&subject]).await.unwrap_err();
            let expected = format!("{table}_{constraint}");
            assert_eq!(refused.as_db_error().unwrap().constraint(), Some(expected.as_str()));
        }
    }
}
