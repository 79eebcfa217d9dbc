//! PostgreSQL: the only part that knows SQL.
//!
//! What belongs here: the pool, one file per resource with its SQL, migrations, the embedded server.
//! What does not: wire types, rules about values.

pub mod connect;
pub mod embedded;
pub mod migrate;
pub mod pool;
