//! Certificates of clients: who signs them, and whom they stand for.

use std::collections::BTreeSet;
use std::sync::Arc;

use bartizan_core::id::Name;
use bartizan_core::settings::{CertificateName, CertificateRule, OneStar, TlsClients};

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::issuer::CertificateFile;
use crate::file::{PolicyFile, TlsFile};
use crate::located::Located;
use crate::snippet::quote;
use crate::suggest;

/// Longest name of a certificate that a policy gives, in bytes.
const NAME_BYTES: usize = 1024;

impl Compiler<'_, '_> {
    /// The outer `None` means that a problem was reported.
    #[expect(clippy::option_option, reason = "both cases are told apart by the caller")]
    pub(super) fn tls_clients(&mut self, file: &TlsFile) -> Option<Option<TlsClients>> {
        let Some(authorities) = &file.client_ca else {
            let alone = [
                ("client-crl", file.client_crl.as_ref().map(|given| given.place)),
                ("client-certificates", file.client_certificates.as_ref().map(|given| given.place)),
            ];
            for (key, place) in alone {
                let Some(place) = place else { continue };
                let message = format!("`{key}` does nothing without `client-ca`");
                let help = "add `client-ca: file:PATH` of the authorities that sign clients";
                self.report(Problem::new(place, message).help(help));
            }
            return Some(None);
        };
        let authorities = self.file_path("client-ca", authorities);
        let revoked = file.client_crl.as_ref().map(|given| self.file_path("client-crl", given));
        let are_required = self.choice(file.client_certificates.as_ref(), true);
        let revoked = match revoked {
            None => None,
            Some(path) => Some(path?),
        };
        Some(Some(TlsClients { authorities: authorities?, revoked, are_required: are_required? }))
    }

    pub(super) fn certificates(&mut self, file: &PolicyFile) -> Vec<CertificateRule> {
        let given = &file.identity.certificates;
        let asks = file.listen.tls.as_ref().is_some_and(|tls| tls.value.client_ca.is_some());
        if let (Some(first), false) = (given.first(), asks) {
            let message = "clients show no certificates";
            let help = "add `listen.tls.client-ca: file:PATH` of the authorities that sign them";
            self.report(Problem::new(first.place, message).help(help));
        }
        let mut ids = BTreeSet::new();
        let mut rules = Vec::new();
        for entry in given {
            let Some(rule) = self.certificate_rule(file, &entry.value, entry) else { continue };
            if ids.insert(rule.id.clone()) {
                rules.push(rule);
            } else {
                let id = &entry.value.id;
                let message =
                    format!("two entries of `certificates` have the id {}", quote(&id.value));
                self.report(Problem::new(id.place, message).help("give each its own"));
            }
        }
        rules
    }

    fn certificate_rule(
        &mut self,
        file: &PolicyFile,
        given: &CertificateFile,
        at: &Located<CertificateFile>,
    ) -> Option<CertificateRule> {
        let id = self.name(&given.id, "certificate");
        let names = [&given.email, &given.uri, &given.dns, &given.sha256];
        if names.iter().filter(|name| name.is_some()).count() != 1 {
            let message = "a certificate is known by one of `email`, `uri`, `dns` and `sha256`";
            let help = "keep one of them, and add an entry for each other";
            self.report(Problem::new(at.place, message).help(help));
            return None;
        }
        let name = match (&given.email, &given.uri, &given.dns, &given.sha256) {
            (Some(email), ..) => self.email(email),
            (_, Some(uri), ..) => self.uri(uri, given.principal.is_some()),
            (_, _, Some(dns), _) => self.dns(dns),
            (.., Some(hash)) => self.fingerprint(hash, given.principal.is_some()),
            _ => None,
        };
        let principal = given.principal.as_ref().map(|who| self.member(&who.value.0, who.place));
        let groups = given.groups.iter().map(|group| self.group(file, &group.value, group.place));
        let groups: Vec<_> = groups.collect();
        let endpoints = given.endpoints.as_ref().map(|list| self.opened(file, list));
        let principal = match principal {
            None => None,
            Some(principal) => Some(principal?),
        };
        let endpoints = match endpoints {
            None => None,
            Some(endpoints) => Some(endpoints?),
        };
        let groups = groups.into_iter().collect::<Option<BTreeSet<Name>>>()?;
        let groups = groups.into_iter().collect();
        let tags = Arc::new(self.tags(&given.tags));
        Some(CertificateRule { id: id?, name: name?, principal, groups, endpoints, tags })
    }

    fn opened(
        &mut self,
        file: &PolicyFile,
        given: &Located<Vec<Located<String>>>,
    ) -> Option<Arc<[Name]>> {
        if given.value.is_empty() {
            let problem = Problem::new(given.place, "`endpoints` opens nothing");
            self.report(problem.help("name one, or remove the key"));
            return None;
        }
        let mut opened = Vec::new();
        for name in &given.value {
            if file.endpoints.contains_key(&Located::key(&name.value)) {
                // A wrong name of an endpoint is reported where the endpoint stands.
                opened.push(name.value.parse().ok()?);
                continue;
            }
            let known = file.endpoints.keys().map(|key| key.value.as_str());
            let message = format!("no endpoint is named {}", quote(&name.value));
            let help = match suggest::nearest(&name.value, known) {
                Some(endpoint) => format!("did you mean `{endpoint}`?"),
                None => "name one of `endpoints:`".to_owned(),
            };
            self.report(Problem::new(name.place, message).help(help));
            return None;
        }
        Some(opened.into())
    }

    fn email(&mut self, given: &Located<String>) -> Option<CertificateName> {
        let help = "write `alice@example.com`, or `*@example.com` for all of a domain";
        let star = self.star(given, help)?;
        let fits = given.value.rsplit_once('@').is_some_and(|(local, domain)| {
            !domain.is_empty()
                && !domain.contains('*')
                && (local == "*" || (!local.is_empty() && !local.contains('*')))
        });
        if !fits {
            let message = format!("{} is no address of a certificate", quote(&given.value));
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        let (local, domain) = given.value.rsplit_once('@')?;
        let lower = format!("{local}@{}", domain.to_ascii_lowercase());
        OneStar::new(&lower).or(Some(star)).map(CertificateName::Email)
    }

    fn uri(&mut self, given: &Located<String>, is_named: bool) -> Option<CertificateName> {
        let help = "write it like `spiffe://example.org/agent/*`";
        let star = self.star(given, help)?;
        let scheme = given.value.split_once("://").map(|(scheme, _)| scheme);
        let segment = star.before().ends_with('/')
            && (star.after().is_empty() || star.after().starts_with('/'));
        let path = star.before().split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        if scheme.is_none_or(str::is_empty) || (star.has_star() && !(segment && path)) {
            let message = format!("{} is no URI of a certificate", quote(&given.value));
            let help = format!("{help}; `*` stands for one whole segment of the path");
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        if !star.has_star() && !is_named {
            let message = "a URI alone does not say what the caller is called";
            let help = "add `as: sp:NAME`, or put `*` in the place of its name";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        Some(CertificateName::Uri(star))
    }

    fn dns(&mut self, given: &Located<String>) -> Option<CertificateName> {
        let help = "write `bot.agents.example`, or `*.agents.example` for all below";
        let lower = given.value.to_ascii_lowercase();
        let star = self.star(&Located { value: lower.clone(), place: given.place }, help)?;
        let rest = lower.strip_prefix("*.").unwrap_or(&lower);
        let label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        // A star above a single label would stand for hosts of everybody.
        let is_deep = !star.has_star() || rest.contains('.');
        if !rest.split('.').all(label) || !is_deep {
            let message = format!("{} is no host of a certificate", quote(&given.value));
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        Some(CertificateName::Dns(star))
    }

    fn fingerprint(&mut self, given: &Located<String>, is_named: bool) -> Option<CertificateName> {
        if !is_named {
            let message = "a hash does not say who calls";
            let help = "add `as: alice@example.com` or `as: sp:NAME`";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        let hash = read_hash(&given.value);
        if hash.is_none() {
            let message = format!("{} is no SHA-256", quote(&given.value));
            let help = "write the 64 hex digits that `openssl x509 -fingerprint -sha256` prints";
            self.report(Problem::new(given.place, message).help(help));
        }
        hash.map(CertificateName::Sha256)
    }

    fn star(&mut self, given: &Located<String>, help: &str) -> Option<OneStar> {
        let text = &given.value;
        let fits = !text.is_empty()
            && text.len() <= NAME_BYTES
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        let star = OneStar::new(text).filter(|_| fits);
        if star.is_none() {
            let message = format!("{} is no name of a certificate", quote(text));
            self.report(Problem::new(given.place, message).help(help));
        }
        star
    }
}

/// 64 hex digits, with or without colons between bytes.
fn read_hash(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    let mut hash = [0; 32];
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(hash)
}
