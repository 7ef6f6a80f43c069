//! `approvals:` as text for people.

use std::fmt::{self, Write};

use bartizan_core::settings::Approvals;

use super::duration;

pub(super) fn write(out: &mut String, approvals: &Approvals) -> fmt::Result {
    if *approvals == Approvals::default() {
        return Ok(());
    }
    writeln!(out, "approvals:")?;
    writeln!(out, "  weaker-endpoints: {}", approvals.weaker_endpoints.name())?;
    writeln!(out, "  policy-file: {}", approvals.policy_file.name())?;
    writeln!(out, "  expire: {}", duration(approvals.expire))
}
