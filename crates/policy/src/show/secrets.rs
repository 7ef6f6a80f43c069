//! `secrets:` as text for people.

use std::fmt::{self, Write};

use bartizan_core::settings::{MasterKey, Secrets};

use super::{SET, duration, text};

pub(super) fn write(out: &mut String, secrets: &Secrets) -> fmt::Result {
    if *secrets == Secrets::default() {
        return Ok(());
    }
    writeln!(out, "secrets:")?;
    match &secrets.key {
        MasterKey::InDataFolder => {}
        MasterKey::File(path) => {
            writeln!(out, "  key: {}", text(&format!("file:{}", path.display())))?;
        }
        MasterKey::Text(_) => writeln!(out, "  key: {SET}")?,
    }
    if let Some(vault) = &secrets.vault {
        writeln!(out, "  vault:")?;
        writeln!(out, "    address: {}", text(&vault.address))?;
        writeln!(out, "    token: {SET}")?;
        if let Some(namespace) = &vault.namespace {
            writeln!(out, "    namespace: {}", text(namespace))?;
        }
        if let Some(ca) = &vault.ca {
            writeln!(out, "    ca: {}", text(&ca.display().to_string()))?;
        }
        writeln!(out, "    refresh: {}", duration(vault.refresh))?;
    }
    Ok(())
}
