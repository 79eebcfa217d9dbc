//! SearchDashboards: candidates, through an index where one helps; then their order.

use postgres_types::Type;
use tokio_postgres::Row;

use super::filter::push_condition;
use super::{basic_bytes, from_row, head_columns, push_scope};
use crate::access::Access;
use crate::domain::list::MAX_PAGE_BYTES;
use crate::domain::search::{FoundDashboard, MatchedField, SearchDashboards, SearchQuery, SearchResults};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::statement::Statement;

/// How many of the dashboards that fit are compared with each other: those that were changed last.
const CANDIDATES: i64 = 1_000;

/// Among how many dashboards words are looked for that no index finds: those that were changed last.
const UNINDEXED: i64 = 10_000;

/// The latest first; with the id the order is the same each time.
const LATEST_FIRST: &str = " ORDER BY updated_at DESC, id DESC LIMIT ";

// What is exactly what was asked for comes first, then what begins so, then names that look alike. All in the database's
// collation: in the columns' own, `lower` knows the case of ASCII letters alone.
const SCORE: &str = r#"CASE
    WHEN metric_names @> asked.words OR asked.text IN (lower(name COLLATE "default"), lower(display_name COLLATE "default"))
        THEN 1
    WHEN starts_with(lower(name COLLATE "default"), asked.text)
        OR starts_with(lower(display_name COLLATE "default"), asked.text) THEN 0.75
    ELSE word_similarity(asked.text, name || ' ' || left(display_name, 200)) / 2
END::float8 AS score"#;

// In the order of `MatchedField::ALL`. A description counts as far as `dashboard_search_text` takes it.
const MATCHED: &str = r#"ARRAY[
    lower(name COLLATE "default") LIKE ANY (asked.patterns),
    lower(display_name COLLATE "default") LIKE ANY (asked.patterns),
    lower(left(description, 4000)) LIKE ANY (asked.patterns),
    EXISTS (SELECT FROM jsonb_array_elements_text(metadata -> 'tags') AS tag WHERE lower(tag) LIKE ANY (asked.patterns)),
    EXISTS (SELECT FROM unnest(panel_titles) AS title WHERE lower(title) LIKE ANY (asked.patterns)),
    metric_names && asked.words
] AS matched"#;

impl Store {
    /// Finds live dashboards by words.
    ///
    /// # Errors
    /// None of its own.
    pub async fn search_dashboards(&self, access: &Access, search: &SearchDashboards) -> Result<SearchResults> {
        let statement = search_dashboards(search, access);
        let rows = self.read_with(&statement).await?;
        let first = rows
            .first()
            .ok_or_else(|| Error::internal("a search answers with one row at least"))?;
        let narrowed: bool = first.try_get("narrowed")?;
        let candidates: Option<i64> = first.try_get("candidates")?;
        let found = match candidates {
            Some(_) => rows.iter().map(found).collect::<Result<Vec<_>>>()?,
            None => Vec::new(),
        };
        let all_are_here = usize::try_from(candidates.unwrap_or_default()).is_ok_and(|count| count == found.len());
        Ok(SearchResults {
            truncated: narrowed || !all_are_here,
            found,
        })
    }
}

fn found(row: &Row) -> Result<FoundDashboard> {
    let matched: Vec<bool> = row.try_get("matched")?;
    let fields = MatchedField::ALL.into_iter().zip(matched);
    Ok(FoundDashboard {
        dashboard: from_row(row)?,
        score: row.try_get("score")?,
        matched_fields: fields.filter_map(|(field, matches)| matches.then_some(field)).collect(),
    })
}

/// One row for each result, which has to fit into the answer except for the first; without results one row that has none.
/// `narrowed` tells that dashboards were left out before anything was looked for in them.
fn search_dashboards(search: &SearchDashboards, access: &Access) -> Statement {
    let mut sql = Statement::new("-- search_dashboards\n");
    let is_indexed = search.query.is_indexed();
    if !is_indexed {
        push_latest(&mut sql, search, access);
    }
    sql.push("SELECT found.*, asked.narrowed FROM (SELECT ");
    push_asked(&mut sql, &search.query, is_indexed);
    sql.push(") AS asked LEFT JOIN LATERAL (SELECT ")
        .push(head_columns!())
        .push(", candidates, position, score, ")
        .push(MATCHED)
        .push(" FROM (SELECT *, count(*) OVER () AS candidates, row_number() OVER ranked AS position, sum(")
        .push(basic_bytes!())
        .push(") OVER ranked AS bytes FROM (SELECT *, ")
        .push(SCORE)
        .push(" FROM (SELECT * FROM dashboard WHERE ");
    match is_indexed {
        true => push_searched(&mut sql, search, access),
        false => push_among_latest(&mut sql, search, access),
    }
    push_words(&mut sql, &search.query);
    sql.push(LATEST_FIRST)
        .bind(CANDIDATES, Type::INT8)
        .push(
            ") AS candidate) AS scored WINDOW ranked AS (ORDER BY score DESC, project, name ROWS UNBOUNDED PRECEDING)",
        )
        .push(") AS sized WHERE position = 1 OR (bytes <= ")
        .bind(MAX_PAGE_BYTES, Type::INT8)
        .push(" AND position <= ")
        .bind(i64::from(search.limit.get()), Type::INT8)
        .push(")) AS found ON true ORDER BY position");
    sql
}

/// The dashboards that are searched where no index finds a word.
fn push_latest(sql: &mut Statement, search: &SearchDashboards, access: &Access) {
    sql.push("WITH latest AS MATERIALIZED (SELECT id FROM dashboard WHERE ");
    push_searched(sql, search, access);
    sql.push(LATEST_FIRST).bind(UNINDEXED, Type::INT8).push(")\n");
}

/// The words as they are compared.
fn push_asked(sql: &mut Statement, query: &SearchQuery, is_indexed: bool) {
    let patterns: Vec<String> = query.words().iter().map(|word| pattern(word)).collect();
    sql.push("lower(")
        .bind(query.text(), Type::TEXT)
        .push(") AS text, ")
        .bind(query.words().to_vec(), Type::TEXT_ARRAY)
        .push(" AS words, ARRAY(SELECT lower(pattern) FROM unnest(")
        .bind(patterns, Type::TEXT_ARRAY)
        .push(") AS pattern) AS patterns, ");
    match is_indexed {
        true => sql.push("false"),
        false => sql.push("(SELECT count(*) FROM latest) = ").bind(UNINDEXED, Type::INT8),
    };
    sql.push(" AS narrowed");
}

/// What is searched at all: the scope that was authorised, and of it what the filter leaves.
fn push_searched(sql: &mut Statement, search: &SearchDashboards, access: &Access) {
    sql.push("state = 'active'");
    push_scope(sql, access);
    if let Some(filter) = &search.filter {
        sql.push(" AND ");
        push_condition(sql, filter.expr());
    }
}

/// What is searched where no index finds a word: the latest, and what uses metrics of these names, such as `up`.
fn push_among_latest(sql: &mut Statement, search: &SearchDashboards, access: &Access) {
    sql.push("id = ANY (ARRAY(SELECT id FROM latest) || ARRAY(SELECT id FROM dashboard WHERE ");
    push_searched(sql, search, access);
    sql.push(" AND metric_names @> ")
        .bind(search.query.words().to_vec(), Type::TEXT_ARRAY)
        .push(LATEST_FIRST)
        .bind(CANDIDATES, Type::INT8)
        .push("))");
}

/// Each word occurs somewhere, or is a metric.
fn push_words(sql: &mut Statement, query: &SearchQuery) {
    for word in query.words() {
        sql.push(" AND (search_text LIKE lower(")
            .bind(pattern(word), Type::TEXT)
            .push(") OR metric_names @> ")
            .bind(vec![word.clone()], Type::TEXT_ARRAY)
            .push(")");
    }
}

/// Matches every text that contains `word`, whose own `%`, `_` and `\` mean themselves.
fn pattern(word: &str) -> String {
    let mut escaped = String::from("%");
    for letter in word.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped.push('%');
    escaped
}
