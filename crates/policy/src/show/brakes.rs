//! Brakes of an endpoint.

use std::fmt::{self, Write};

use bartizan_core::settings::{Brake, BrakeKind};
use bartizan_core::verdict::Mode;

use super::{count, subjects};

pub(super) fn write(out: &mut String, brakes: &[Brake]) -> fmt::Result {
    if !brakes.is_empty() {
        writeln!(out, "    brakes:")?;
    }
    for brake in brakes {
        writeln!(out, "      - id: {}", brake.id)?;
        let most = match brake.kind {
            BrakeKind::SameRequests(rate) | BrakeKind::ConversationTokens(rate) => count(&rate),
            BrakeKind::SameToolCalls(most) | BrakeKind::ToolRounds(most) => most.to_string(),
        };
        writeln!(out, "        {}: {most}", brake.kind.name())?;
        writeln!(out, "        action: {}", brake.action.verdict())?;
        let mode = match brake.mode {
            Mode::Enforce => "enforce",
            Mode::DryRun => "dry-run",
        };
        writeln!(out, "        mode: {mode}")?;
        if !brake.only.is_empty() {
            writeln!(out, "        only: [{}]", subjects(&brake.only))?;
        }
    }
    Ok(())
}
