//! Generates code from files that stand outside of `src`: migrations.

#[path = "build/migrations.rs"]
mod migrations;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    migrations::embed()
}
