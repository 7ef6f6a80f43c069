//! Prints: notes to standard error, data to standard output.

use std::io::Write;

/// Writes a line for the person who watches.
pub(crate) fn note(line: &str) {
    // A closed pipe is the reader's choice and no reason to stop a test run.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes what the command was asked for.
pub(crate) fn data(text: &str) {
    let mut out = std::io::stdout();
    // See `note`.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
