//! A judgement for people.

use std::io::{self, Write};

use bartizan_core::Verdict;
use bartizan_guard::Report;

use super::places::Places;
use super::result::{Shown, masked};
use crate::terminal::{Paint, printable};

/// Longest masked text that is shown whole, in bytes.
const SHOWN_BYTES: usize = 16 << 10;

pub(super) fn write(
    out: &mut impl Write,
    paint: Paint,
    name: &str,
    text: &str,
    report: &Report,
    shown: Shown,
) -> io::Result<()> {
    let verdict = report.verdict();
    writeln!(out, "{}: {}", printable(name), paint.verdict(verdict, verdict.name()))?;
    let mut places = Places::new(text);
    for judged in &report.judged {
        let (finding, effective) = (&judged.finding, judged.effective());
        writeln!(
            out,
            "  {} {} ({}, score {:.2}) line {}, bytes {}..{}, by {}{}",
            paint.verdict(effective, &format!("{:5}", effective.name())),
            finding.rule,
            finding.category,
            finding.score,
            places.of(finding.span.start).line,
            finding.span.start,
            finding.span.end,
            judged.guardrail,
            if judged.dry_run { " (dry run)" } else { "" },
        )?;
        if let Some(reason) = &judged.exception {
            writeln!(out, "        passes by the policy: {}", printable(reason))?;
        }
    }
    for reason in &report.not_evaluated {
        writeln!(out, "  {}: {reason}", paint.caution("not evaluated"))?;
    }
    if verdict != Verdict::Mask || shown == Shown::Findings {
        return Ok(());
    }
    let masked = masked(text, report);
    if masked.len() > SHOWN_BYTES {
        return writeln!(out, "  after masking: {} bytes; `--format json` has them", masked.len());
    }
    writeln!(out, "  after masking: {}", printable(masked.trim_end()))
}
