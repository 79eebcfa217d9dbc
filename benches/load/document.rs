//! The documents of the bench: 20 KB of a Perses dashboard, as people write them.

use std::fmt::Write as _;

/// The size of each document in bytes.
pub const DOCUMENT_BYTES: usize = 20 * 1024;

/// What stands before the number of the version in a document.
pub const VERSION_MARK: &str = "version ";
/// The digits of that number.
pub const VERSION_DIGITS: usize = 20;

const PANELS: usize = 36;

/// A document of [`DOCUMENT_BYTES`], another one for each `version`.
pub fn document(version: u64) -> String {
    let padded = with_note(version, "");
    let missing = DOCUMENT_BYTES.saturating_sub(padded.len());
    with_note(version, &"x".repeat(missing))
}

fn with_note(version: u64, note: &str) -> String {
    let (mut panels, mut items) = (String::new(), String::new());
    for number in 0..PANELS {
        let comma = if number == 0 { "" } else { "," };
        // Writing to a String does not fail.
        let _ = write!(panels, "{comma}{}", panel(number));
        let _ = write!(items, "{comma}{}", item(number));
    }
    format!(
        r#"{{"display":{{"name":"Nodes","description":"{VERSION_MARK}{version:0VERSION_DIGITS$} {note}"}},"duration":"1h","panels":{{{panels}}},"layouts":[{{"kind":"Grid","spec":{{"display":{{"title":"All"}},"items":[{items}]}}}}]}}"#
    )
}

fn panel(number: usize) -> String {
    let metric = ["cpu_seconds", "memory_bytes", "disk_io_time", "network_receive_bytes"][number % 4];
    format!(
        r#""panel-{number}":{{"kind":"Panel","spec":{{"display":{{"name":"Panel {number}","description":"What instance {number} does, by mode"}},"plugin":{{"kind":"TimeSeriesChart","spec":{{"legend":{{"position":"bottom"}},"yAxis":{{"format":{{"unit":"decimal"}}}}}}}},"queries":[{{"kind":"TimeSeriesQuery","spec":{{"plugin":{{"kind":"PrometheusTimeSeriesQuery","spec":{{"query":"sum by (instance, mode) (rate(node_{metric}_total{{instance=\"node-{number}\"}}[5m]))"}}}}}}}}]}}}}"#
    )
}

fn item(number: usize) -> String {
    let (x, y) = (12 * (number % 2), 6 * (number / 2));
    format!(r##"{{"x":{x},"y":{y},"width":12,"height":6,"content":{{"$ref":"#/spec/panels/panel-{number}"}}}}"##)
}

/// Where `mark` ends in a message that holds it once.
pub fn end_of(mark: &str, message: &[u8]) -> Option<usize> {
    let begin = message
        .windows(mark.len())
        .position(|window| window == mark.as_bytes())?;
    Some(begin + mark.len())
}
