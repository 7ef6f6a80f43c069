//! The page of error codes.

use std::fmt::{Result, Write};

use bartizan_core::Class;

use crate::commands::explain::codes::SECTIONS;

const CLASSES: [(&str, Class); 8] = [
    ("usage", Class::Usage),
    ("unauthenticated", Class::Unauthenticated),
    ("denied", Class::Denied),
    ("not found", Class::NotFound),
    ("limit", Class::Limit),
    ("upstream", Class::Upstream),
    ("unavailable", Class::Unavailable),
    ("internal", Class::Internal),
];

const HEAD: &str = "# Error codes

Every code of this build, what it means and what to do; made by `cargo xtask generate`. Codes are stable; messages are for
people and may change. `bartizan explain CODE` prints the same.

The *class* of an error says who has to act, and decides the HTTP status and the exit code:
";

pub(super) fn write(out: &mut String) -> Result {
    writeln!(out, "{HEAD}")?;
    writeln!(out, "| class | HTTP | exit code | may succeed later unchanged |\n|---|---|---|---|")?;
    for (name, class) in CLASSES {
        let later = match class {
            Class::Internal => "no; a bug in Bartizan",
            class if class.may_retry() => "yes",
            _ => "no",
        };
        let exit = match class {
            // Only the gateway has limits, and no command ends by them.
            Class::Limit => "–".to_owned(),
            class => class.exit_code().to_string(),
        };
        writeln!(out, "| {name} | {} | {exit} | {later} |", class.http_status())?;
    }
    writeln!(
        out,
        "\nAn internal error shows the request id only; the log of the process has the rest under that id."
    )?;
    for section in SECTIONS {
        writeln!(out, "\n{} {}\n", "#".repeat(section.level), section.title)?;
        if !section.intro.is_empty() {
            writeln!(out, "{}\n", section.intro)?;
        }
        let kind = section.kind;
        if kind.is_empty() {
            writeln!(out, "| code | meaning |\n|---|---|")?;
        } else {
            writeln!(out, "| code | {kind} | meaning | what to do |\n|---|---|---|---|")?;
        }
        for code in section.codes {
            let (meaning, fix) = (super::cell(code.meaning), super::cell(code.fix));
            if kind.is_empty() {
                writeln!(out, "| `{}` | {meaning} |", code.id)?;
            } else {
                writeln!(out, "| `{}` | {} | {meaning} | {fix} |", code.id, code.kind)?;
            }
        }
        if !section.outro.is_empty() {
            writeln!(out, "\n{}", section.outro)?;
        }
    }
    Ok(())
}
