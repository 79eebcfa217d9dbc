//! TemplateService: a file for each RPC, and for what the database does by itself.

mod create;
mod delete;
mod get;
mod instantiate;
mod list;
mod render;
mod system;
mod update;
mod usage;
