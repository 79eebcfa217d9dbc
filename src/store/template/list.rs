//! Lists of templates, page by page.

use postgres_types::Type;

use super::filter::push_condition;
use super::{from_row, template_columns};
use crate::access::{Access, Scope};
use crate::domain::dashboard::View;
use crate::domain::list::{ListTemplates, Page};
use crate::domain::order_by::TemplateOrderKey;
use crate::domain::page::Cursor;
use crate::domain::template::Template;
use crate::error::Result;
use crate::store::Store;
use crate::store::page::{PageEnd, order_by, page, push_behind};
use crate::store::statement::Statement;

/// How many bytes a template takes in an answer, about, without its document.
macro_rules! basic_bytes {
    () => {
        "octet_length(display_name) + octet_length(description) + octet_length(parameters::text) + 512"
    };
}

impl Store {
    /// Lists a page of the templates of a project, or of all, with those that come with the service.
    ///
    /// # Errors
    /// None of its own.
    pub async fn list_templates(&self, access: &Access, query: &ListTemplates) -> Result<Page<Template>> {
        let statement = list_templates(query, access);
        let rows = self.read_with(&statement).await?;
        let items = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
        page(items, &rows, |last| query.cursor_on(last))
    }
}

fn list_templates(query: &ListTemplates, access: &Access) -> Statement {
    let mut sql = Statement::new("-- list_templates\nSELECT ");
    sql.push(template_columns!()).push(", candidates");
    if query.view.with_spec() {
        sql.push(", spec");
    }
    let end = PageEnd {
        size: query.page_size,
        bytes: answer_bytes(query.view),
        order_by: &order_by(order_columns(query), query.order_by.direction),
    };
    end.push_page(&mut sql, |sql| {
        sql.push("SELECT * FROM ");
        push_scope(sql, access);
        sql.push(" WHERE true");
        push_conditions(sql, query);
    });
    sql
}

/// How many bytes a template takes in an answer, about.
fn answer_bytes(view: View) -> &'static str {
    match view {
        View::Basic => basic_bytes!(),
        View::Full => concat!(basic_bytes!(), " + spec_size_bytes"),
    }
}

/// The columns of an order; together they are unique.
fn order_columns(query: &ListTemplates) -> &'static [&'static str] {
    match query.order_by.key {
        TemplateOrderKey::Name => &["resource_name"],
        TemplateOrderKey::DisplayName => &["display_name", "id"],
        TemplateOrderKey::CreateTime => &["created_at", "id"],
        TemplateOrderKey::UpdateTime => &["updated_at", "id"],
        TemplateOrderKey::UsageCount => &["usage_count", "id"],
    }
}

/// The scope that was authorised is the scope that is queried; what comes with the service is for everybody.
fn push_scope(sql: &mut Statement, access: &Access) {
    match access.scope() {
        // Two parts, each with its index: with OR, PostgreSQL can only follow the order through the templates of all projects.
        Scope::Project(project) => sql
            .push("(SELECT * FROM dashboard_template WHERE project = ")
            .bind(project.as_str().to_owned(), Type::TEXT)
            .push(" UNION ALL SELECT * FROM dashboard_template WHERE is_system) AS usable"),
        Scope::AllProjects => match access.projects() {
            None => sql.push("dashboard_template"),
            Some(projects) => sql
                .push("(SELECT * FROM dashboard_template WHERE is_system OR project = ANY (")
                .bind(
                    projects.into_iter().map(str::to_owned).collect::<Vec<_>>(),
                    Type::TEXT_ARRAY,
                )
                .push(")) AS usable"),
        },
        Scope::Platform | Scope::Dashboard(_) | Scope::User(_) => {
            sql.push("(SELECT * FROM dashboard_template WHERE is_system) AS usable")
        }
    };
}

fn push_conditions(sql: &mut Statement, query: &ListTemplates) {
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        push_condition(sql, filter.expr());
    }
    if let Some(cursor) = &query.after {
        push_cursor(sql, query, cursor);
    }
}

/// Goes on behind the last row of the page before.
fn push_cursor(sql: &mut Statement, query: &ListTemplates, cursor: &Cursor) {
    push_behind(sql, order_columns(query), query.order_by.direction);
    match cursor {
        Cursor::TemplateName(name) => sql.bind(name.to_string(), Type::TEXT),
        Cursor::DisplayName { display_name, uid } => sql
            .bind(display_name.clone(), Type::TEXT)
            .push(", ")
            .bind(*uid, Type::UUID),
        Cursor::CreateTime { time, uid }
        | Cursor::UpdateTime { time, uid }
        | Cursor::EventTime { time, uid }
        | Cursor::ViewTime { time, uid } => sql.bind(*time, Type::TIMESTAMPTZ).push(", ").bind(*uid, Type::UUID),
        Cursor::UsageCount { count, uid } => sql.bind(*count, Type::INT4).push(", ").bind(*uid, Type::UUID),
        // Of other lists, as the time of a view is: a token is read only for the order that it was made for.
        Cursor::Name(name) => sql.bind(name.to_string(), Type::TEXT),
        Cursor::Revision(revision) => sql.bind(*revision, Type::INT4),
        Cursor::Favorite(position) | Cursor::Seal(position) => sql.bind(*position, Type::INT8),
        Cursor::Grant { subject, .. } => sql.bind(subject.as_str().to_owned(), Type::TEXT),
    };
    sql.push(")");
}
