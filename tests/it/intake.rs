//! Intake by its specification: the table of `tests/intake/cases.json`, and what holds for every document.
//!
//! What is inside a module of intake is tested beside it; here is what a caller can see.

mod documents;
mod mutation;
mod round_trip;
pub mod table;
