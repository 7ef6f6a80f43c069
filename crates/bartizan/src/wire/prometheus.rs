//! Single numbers as Prometheus reads them (`OpenMetrics`), each with what it means.

use std::fmt::{Display, Write as _};

/// Adds a number that rises and falls.
pub(crate) fn gauge(out: &mut String, name: &str, help: &str, value: impl Display) {
    // Writing into a string does not fail.
    let _ = write!(out, "# HELP {name} {help}.\n# TYPE {name} gauge\n{name} {value}\n");
}

/// Adds a number that only rises; its sample is called `NAME_total`.
pub(crate) fn counter(out: &mut String, name: &str, help: &str, value: impl Display) {
    let _ = write!(out, "# HELP {name} {help}.\n# TYPE {name} counter\n{name}_total {value}\n");
}
