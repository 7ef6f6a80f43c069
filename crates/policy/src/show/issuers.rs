//! Who says who calls.

use std::fmt::{self, Write};

use bartizan_core::settings::{CertificateName, CertificateRule, IssuerKeys, Settings};

use super::{duration, list, member, text};

pub(super) fn write(out: &mut String, settings: &Settings) -> fmt::Result {
    let Settings { issuers, tokens, certificates, .. } = settings;
    if issuers.is_empty() && tokens.is_none() && certificates.is_empty() {
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
    if !certificates.is_empty() {
        writeln!(out, "  certificates:")?;
    }
    for rule in certificates {
        write_certificate(out, rule)?;
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

fn write_certificate(out: &mut String, rule: &CertificateRule) -> fmt::Result {
    let CertificateRule { id, name, principal, groups, endpoints, tags } = rule;
    writeln!(out, "    - id: {id}")?;
    match name {
        CertificateName::Email(star) => writeln!(out, "      email: {}", text(&star.to_string()))?,
        CertificateName::Uri(star) => writeln!(out, "      uri: {}", text(&star.to_string()))?,
        CertificateName::Dns(star) => writeln!(out, "      dns: {}", text(&star.to_string()))?,
        CertificateName::Sha256(hash) => {
            writeln!(out, "      sha256: {}", text(&bartizan_core::hex::encode(hash)))?;
        }
    }
    if let Some(principal) = principal {
        writeln!(out, "      as: {}", member(principal))?;
    }
    if !groups.is_empty() {
        writeln!(out, "      groups: [{}]", list(groups.iter().map(ToString::to_string)))?;
    }
    if let Some(endpoints) = endpoints {
        writeln!(out, "      endpoints: [{}]", list(endpoints.iter().map(ToString::to_string)))?;
    }
    if !tags.is_empty() {
        let tags = tags.iter().map(|(name, value)| format!("{name}: {}", text(value)));
        writeln!(out, "      tags: {{ {} }}", list(tags))?;
    }
    Ok(())
}
