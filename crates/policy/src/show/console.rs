//! `console:` as text for people.

use std::fmt::{self, Write};

use bartizan_core::settings::{Login, OidcLogin};

use super::{SET, duration, list, text};

pub(super) fn write(out: &mut String, login: Option<&Login>) -> fmt::Result {
    let Some(login) = login else { return Ok(()) };
    writeln!(out, "console:")?;
    writeln!(out, "  login:")?;
    if let Some(address) = &login.address {
        writeln!(out, "    address: {}", text(address))?;
    }
    writeln!(out, "    accounts: {}", login.accounts)?;
    if let Some(oidc) = &login.oidc {
        writeln!(out, "    oidc:")?;
        writeln!(out, "      issuer: {}", oidc.issuer.id)?;
        writeln!(out, "      client-id: {}", text(&oidc.client_id))?;
        writeln!(out, "      client-secret: {SET}")?;
        let scopes = list(oidc.scopes.iter().map(|scope| text(scope)));
        writeln!(out, "      scopes: [{scopes}]")?;
        if let Some(url) = &oidc.authorization_endpoint {
            writeln!(out, "      authorization-endpoint: {}", text(url))?;
        }
        if let Some(url) = &oidc.token_endpoint {
            writeln!(out, "      token-endpoint: {}", text(url))?;
        }
        writeln!(out, "      roles:")?;
        writeln!(out, "        claim: {}", text(&oidc.roles_claim))?;
        for scope in OidcLogin::SCOPES {
            let theirs = oidc.roles.iter().filter(|(_, given)| **given == scope);
            let theirs: Vec<String> = theirs.map(|(role, _)| text(role)).collect();
            if !theirs.is_empty() {
                writeln!(out, "        {}: [{}]", scope.name(), list(theirs.into_iter()))?;
            }
        }
    }
    writeln!(out, "    session:")?;
    writeln!(out, "      idle: {}", duration(login.idle))?;
    writeln!(out, "      total: {}", duration(login.total))
}
