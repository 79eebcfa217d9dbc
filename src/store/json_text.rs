//! JSON columns as text: what was written is what is read, without a parse on the way.

use std::error::Error;

use bytes::BytesMut;
use postgres_types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// The text of a `json` parameter. PostgreSQL parses it once more, so only checked text goes in.
#[derive(Debug)]
pub struct JsonText<'a>(pub &'a str);

impl ToSql for JsonText<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(column: &Type) -> bool {
        *column == Type::JSON
    }

    to_sql_checked!();
}

/// The version of `jsonb` on the wire, its first byte; its text follows (`jsonb_send` in PostgreSQL).
const JSONB_VERSION: u8 = 1;

/// The text of a `json` column, or of a `jsonb` one: what a cast to `text` gives, without its price.
#[derive(Debug)]
pub struct JsonColumn<T = String>(pub T);

impl<'a, T: From<&'a str>> FromSql<'a> for JsonColumn<T> {
    fn from_sql(column: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let text = match (raw, *column == Type::JSONB) {
            ([JSONB_VERSION, text @ ..], true) => text,
            (_, true) => return Err("jsonb has a version that is not known".into()),
            (text, false) => text,
        };
        // A document is most of an answer, and looking at it most of reading a row.
        Ok(Self(simdutf8::basic::from_utf8(text)?.into()))
    }

    fn accepts(column: &Type) -> bool {
        *column == Type::JSON || *column == Type::JSONB
    }
}
