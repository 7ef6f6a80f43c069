//! Identity providers.

use std::fmt::{self, Write};

use bartizan_core::settings::{Issuer, IssuerKeys, Tokens};

use super::{duration, list, text};

pub(super) fn write(out: &mut String, issuers: &[Issuer], tokens: Option<&Tokens>) -> fmt::Result {
    if issuers.is_empty() && tokens.is_none() {
        return writeln!(out, "identity: {{}}");
    }
    writeln!(out, "identity:")?;
    if let Some(tokens) = tokens {
        writeln!(out, "  tokens:")?;
        writeln!(out, "    lifetime: {}", duration(tokens.lifetime))?;
        let origins = list(tokens.origins.iter().map(|origin| text(origin)));
        writeln!(out, "    origins: [{origins}]")?;
        if let Some(path) = &tokens.keys {
            writeln!(out, "    keys: {}", text(&format!("file:{}", path.display())))?;
        }
    }
    if !issuers.is_empty() {
        writeln!(out, "  issuers:")?;
    }
    for issuer in issuers {
        writeln!(out, "    - id: {}", issuer.id)?;
        writeln!(out, "      issuer: {}", text(&issuer.url))?;
        let audiences = list(issuer.audiences.iter().map(|audience| text(audience)));
        writeln!(out, "      audiences: [{audiences}]")?;
        let algorithms =
            list(issuer.algorithms.iter().map(|algorithm| algorithm.name().to_owned()));
        writeln!(out, "      algorithms: [{algorithms}]")?;
        match &issuer.keys {
            IssuerKeys::Discovery => {}
            IssuerKeys::Url(url) => writeln!(out, "      keys: {}", text(url))?,
            IssuerKeys::Inline(_) => writeln!(out, "      keys: {}", super::SET)?,
        }
        writeln!(out, "      user: {}", text(&issuer.user_claim))?;
        if let Some(claim) = &issuer.groups_claim {
            let map =
                issuer.groups.iter().map(|(claimed, group)| format!("{}: {group}", text(claimed)));
            writeln!(out, "      groups: {{ claim: {}, map: {{ {} }} }}", text(claim), list(map))?;
        }
        if !issuer.tags.is_empty() {
            let tags = issuer.tags.iter().map(|(name, claim)| format!("{name}: {}", text(claim)));
            writeln!(out, "      tags: {{ {} }}", list(tags))?;
        }
        if let Some(test) = &issuer.program {
            let value = test.value.as_ref().map(|value| format!(", value: {}", text(value)));
            let value = value.unwrap_or_default();
            writeln!(out, "      program: {{ claim: {}{value} }}", text(&test.claim))?;
        }
        writeln!(out, "      clock-skew: {}", duration(issuer.clock_skew))?;
        writeln!(out, "      max-age: {}", duration(issuer.max_age))?;
    }
    Ok(())
}
