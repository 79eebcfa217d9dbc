//! Lists of the links of a dashboard, page by page.

use postgres_types::Type;
use uuid::Uuid;

use super::{creator, from_row, share_link_columns, share_link_state};
use crate::access::Access;
use crate::domain::filter::share_links::Term;
use crate::domain::list::Page;
use crate::domain::order_by::ShareLinkOrderKey;
use crate::domain::page::Cursor;
use crate::domain::share_link::{ListShareLinks, ShareLink, Whose};
use crate::error::Result;
use crate::store::Store;
use crate::store::condition::{self, push_time};
use crate::store::dashboard::head::missing;
use crate::store::page::{PageEnd, order_by, page, push_behind};
use crate::store::statement::Statement;

/// How many bytes a link takes in an answer, about.
const BYTES: &str = "octet_length(note) + octet_length(created_by) + octet_length(COALESCE(revoked_by, '')) + \
                     44 * cardinality(allowed_cidrs) + 512";

impl Store {
    /// Lists a page of links, whatever their state and that of the dashboard.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`.
    pub async fn list_share_links(
        &self,
        access: &Access,
        whose: Whose,
        query: &ListShareLinks,
    ) -> Result<Page<ShareLink>> {
        let statement = list_share_links(query, access, whose);
        let rows = self.read_with(&statement).await?;
        let first = rows.first().ok_or_else(|| missing(access, &query.dashboard))?;
        // A row without a link tells that the dashboard is there.
        let found = match first.try_get::<_, Option<Uuid>>("id")? {
            Some(_) => rows.as_slice(),
            None => &[],
        };
        let links = found.iter().map(|row| from_row(row, &query.dashboard));
        let items = links.collect::<Result<Vec<_>>>()?;
        page(items, found, |last| query.cursor_on(last))
    }
}

/// One row for each link; for a dashboard that is there and has none, a row without one.
fn list_share_links(query: &ListShareLinks, access: &Access, whose: Whose) -> Statement {
    let order = order_by(order_columns(query), query.order_by.direction);
    let mut sql = Statement::new("-- list_share_links\nSELECT page.* FROM ");
    push_dashboard(&mut sql, query, access);
    sql.push(" AS shown LEFT JOIN LATERAL (SELECT *");
    let end = PageEnd {
        size: query.page_size,
        bytes: BYTES,
        order_by: &order,
    };
    end.push_page(&mut sql, |sql| {
        sql.push(concat!(
            "SELECT ",
            share_link_columns!(),
            " FROM share_token WHERE dashboard_id = shown_id"
        ));
        push_conditions(sql, query, creator(whose, access));
    });
    sql.push(") AS page ON true ORDER BY ").push(&order);
    sql
}

/// The columns of an order; on one dashboard they are unique.
fn order_columns(query: &ListShareLinks) -> &'static [&'static str] {
    match query.order_by.key {
        ShareLinkOrderKey::CreateTime => &["created_at", "id"],
    }
}

fn push_dashboard(sql: &mut Statement, query: &ListShareLinks, access: &Access) {
    sql.push("(SELECT id AS shown_id FROM dashboard WHERE project = ")
        .bind(query.dashboard.project().as_str().to_owned(), Type::TEXT)
        .push(" AND name = ")
        .bind(query.dashboard.id().to_owned(), Type::TEXT);
    if let Some(own_dashboards) = access.dashboards() {
        sql.push(" AND id = ANY (")
            .bind(own_dashboards.to_vec(), Type::UUID_ARRAY)
            .push(")");
    }
    sql.push(")");
}

fn push_conditions(sql: &mut Statement, query: &ListShareLinks, creator: Option<&str>) {
    if let Some(subject) = creator {
        sql.push(" AND created_by = ").bind(subject.to_owned(), Type::TEXT);
    }
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        condition::push(sql, filter.expr(), push_term);
    }
    if let Some(Cursor::CreateTime { time, uid }) = &query.after {
        push_behind(sql, order_columns(query), query.order_by.direction);
        sql.bind(*time, Type::TIMESTAMPTZ)
            .push(", ")
            .bind(*uid, Type::UUID)
            .push(")");
    }
}

fn push_term(sql: &mut Statement, term: &Term) {
    match term {
        Term::StateIs(state) => sql
            .push(share_link_state!())
            .push(" = ")
            .bind(state.as_str(), Type::TEXT),
        Term::CreatedBy(subject) => sql.push("created_by = ").bind(subject.clone(), Type::TEXT),
        Term::CreateTime(order, time) => push_time(sql, "created_at", *order, *time),
        Term::ExpireTime(order, time) => push_time(sql, "expires_at", *order, *time),
    };
}
