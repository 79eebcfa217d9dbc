//! Lists of dashboards that a user keeps: favourites and recents have one form. Each has one text for all of its pages, and for
//! whatever may be read, so it is planned once for a connection and not for a call.

use postgres_types::Type;
use uuid::Uuid;

use crate::access::Access;
use crate::domain::list::MAX_PAGE_BYTES;
use crate::domain::page::PageSize;
use crate::domain::user::UserId;
use crate::store::pool::Parameter;

/// The statement `$title` that lists the dashboards of the rows of `$table`, which has columns `subject` and `dashboard_id`, in
/// `$order`, which is unique for a user; `$key` is a column of the table that is read too, `$after` leaves of the rows those
/// behind a cursor, whose parameters begin with $6.
///
/// Of the live dashboards that may be read it gives those that fit into a page, and how many candidates there were, which are one
/// more than a page takes. The first one always fits.
macro_rules! list_dashboards_of_user {
    ($title:literal, $table:literal, $key:literal, $after:literal, $order:literal) => {
        concat!(
            $title,
            "\nSELECT ",
            head_columns!(),
            ", candidates, ",
            $key,
            "
FROM (
    SELECT *, count(*) OVER () AS candidates,
        row_number() OVER page = 1 OR sum(",
            basic_bytes!(),
            ") OVER page <= $3 AS fits
    FROM (
        SELECT ",
            head_columns!(),
            ", ",
            $key,
            " FROM ",
            $table,
            " JOIN dashboard ON id = dashboard_id
        WHERE subject = $1 AND ",
            $after,
            " AND state = 'active'
            AND ($4::text[] IS NULL OR project = ANY ($4) OR id = ANY ($5))
        ORDER BY ",
            $order,
            " LIMIT $2 + 1
    ) AS candidate
    WINDOW page AS (ORDER BY ",
            $order,
            " ROWS UNBOUNDED PRECEDING)
) AS sized
WHERE fits ORDER BY ",
            $order,
            " LIMIT $2"
        )
    };
}
pub(super) use list_dashboards_of_user;

/// The page that a statement of [`list_dashboards_of_user`] is asked for.
pub(super) struct PageOfUser<'a> {
    subject: String,
    size: i64,
    projects: Option<Vec<&'a str>>,
    dashboards: Option<&'a [Uuid]>,
}

impl<'a> PageOfUser<'a> {
    /// Of those dashboards of `user` that `readable` reaches.
    pub fn new(user: &UserId, readable: &'a Access, page_size: PageSize) -> Self {
        Self {
            subject: user.subject(),
            size: i64::from(page_size.get()),
            projects: readable.projects(),
            dashboards: readable.dashboards(),
        }
    }

    /// The parameters before those of the cursor.
    pub fn parameters(&self) -> [Parameter<'_>; 5] {
        [
            (&self.subject, Type::TEXT),
            (&self.size, Type::INT8),
            (&MAX_PAGE_BYTES, Type::INT8),
            (&self.projects, Type::TEXT_ARRAY),
            (&self.dashboards, Type::UUID_ARRAY),
        ]
    }
}
