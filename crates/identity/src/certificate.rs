//! Who stands behind a certificate (RFC 5280) that a client showed.
//!
//! That an authority of the policy signed it, and that its holder has the key, TLS has settled. Here is read what it
//! says, and looked at whether it is still good: a connection may live longer than the certificate.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bartizan_core::error::{Class, Coded};
use bartizan_core::hex;
use bartizan_core::id::Name;
use bartizan_core::principal::{PrincipalKind, parse_qualified};
use bartizan_core::settings::{CertificateName, CertificateRule, Member};
use bartizan_core::tags::Tags;
use bartizan_core::time::Timestamp;
use jiff::SignedDuration;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;

/// Hex digits of the hash that names a certificate in logs.
const ID_DIGITS: usize = 16;

/// Recognises callers by their certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    rules: Vec<CertificateRule>,
}

/// Who stands behind a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Id of the rule that says so.
    pub rule: Name,
    /// Person or program.
    pub kind: PrincipalKind,
    /// Name without prefix.
    pub name: String,
    /// Groups of the policy that the rule puts the caller into.
    pub groups: Vec<Name>,
    /// The only endpoints that it opens; absent where it opens all that are.
    pub endpoints: Option<Arc<[Name]>>,
    /// What use with it is put down to.
    pub tags: Arc<Tags>,
    /// When the certificate ends.
    pub expires: Timestamp,
    /// Names the certificate in logs: 16 hex digits of its SHA-256.
    pub certificate_id: String,
}

/// A certificate stands for nobody. What it says, never what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// It cannot be read.
    #[error("the certificate of the client cannot be read")]
    Malformed,
    /// It ended.
    #[error("the certificate of the client has expired")]
    Expired,
    /// It begins later.
    #[error("the certificate of the client is not valid yet")]
    NotYetValid,
    /// The policy does not know it.
    #[error("no entry of `identity.certificates` fits the certificate of the client")]
    Unknown,
    /// It names several callers.
    #[error("the certificate of the client names several callers by `{rule}`")]
    Ambiguous {
        /// Id of the rule.
        rule: Name,
    },
    /// The name is none that a principal can have.
    #[error("the certificate of the client names nobody by `{rule}`: {what}")]
    Name {
        /// Id of the rule.
        rule: Name,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Coded for CertificateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "bartizan::identity::certificate-malformed",
            Self::Expired | Self::NotYetValid => "bartizan::identity::certificate-expired",
            Self::Unknown => "bartizan::identity::certificate-unknown",
            Self::Ambiguous { .. } | Self::Name { .. } => "bartizan::identity::certificate-name",
        }
    }

    fn class(&self) -> Class {
        Class::Unauthenticated
    }
}

impl Certificates {
    /// Those that policy names.
    pub const fn new(rules: Vec<CertificateRule>) -> Self {
        Self { rules }
    }

    /// Whether no certificate stands for anybody.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Who stands behind a certificate in DER at this moment. No I/O; some microseconds.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn identify(&self, der: &[u8], now: Timestamp) -> Result<Shown, CertificateError> {
        let certificate = Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        let fields = &certificate.tbs_certificate;
        let [begins, expires] = [fields.validity.not_before, fields.validity.not_after].map(time);
        let (begins, expires) = begins.zip(expires).ok_or(CertificateError::Malformed)?;
        if now < begins {
            return Err(CertificateError::NotYetValid);
        }
        if now >= expires {
            return Err(CertificateError::Expired);
        }
        let names = fields.get::<SubjectAltName>().map_err(|_| CertificateError::Malformed)?;
        let names = names.map(|(_, names)| names.0).unwrap_or_default();
        let hash = digest(&SHA256, der);
        for rule in &self.rules {
            let Some(Member { kind, name }) = holder(rule, &names, hash.as_ref())? else {
                continue;
            };
            let mut certificate_id = hex::encode(hash.as_ref());
            certificate_id.truncate(ID_DIGITS);
            return Ok(Shown {
                rule: rule.id.clone(),
                kind,
                name,
                groups: rule.groups.clone(),
                endpoints: rule.endpoints.clone(),
                tags: Arc::clone(&rule.tags),
                expires,
                certificate_id,
            });
        }
        Err(CertificateError::Unknown)
    }
}

/// Whom a rule sees in a certificate; nobody where it does not fit.
fn holder(
    rule: &CertificateRule,
    names: &[GeneralName],
    hash: &[u8],
) -> Result<Option<Member>, CertificateError> {
    if let CertificateName::Sha256(wanted) = &rule.name {
        return Ok((hash == wanted).then(|| rule.principal.clone()).flatten());
    }
    let mut found = None;
    for (kind, name) in names.iter().filter_map(|name| named(&rule.name, name)) {
        let holder = match &rule.principal {
            Some(principal) => principal.clone(),
            None => Member { kind, name: checked(rule, &name)?.to_owned() },
        };
        if found.as_ref().is_some_and(|other| *other != holder) {
            return Err(CertificateError::Ambiguous { rule: rule.id.clone() });
        }
        found = Some(holder);
    }
    Ok(found)
}

/// What one name of a certificate says by a rule.
fn named(rule: &CertificateName, name: &GeneralName) -> Option<(PrincipalKind, String)> {
    match (rule, name) {
        (CertificateName::Email(star), GeneralName::Rfc822Name(address)) => {
            // What stands before the last `@` may differ by case alone (RFC 5321, section 2.4).
            let (local, domain) = address.as_str().rsplit_once('@')?;
            let address = format!("{local}@{}", domain.to_ascii_lowercase());
            star.find(&address, '@')?;
            Some((PrincipalKind::User, address))
        }
        (CertificateName::Uri(star), GeneralName::UniformResourceIdentifier(uri)) => {
            let name = star.find(uri.as_str(), '/')?;
            Some((PrincipalKind::ServicePrincipal, name.to_owned()))
        }
        (CertificateName::Dns(star), GeneralName::DnsName(host)) => {
            let host = host.as_str().to_ascii_lowercase();
            star.find(&host, '.')?;
            Some((PrincipalKind::ServicePrincipal, host))
        }
        _ => None,
    }
}

/// A name that a principal can have.
fn checked<'n>(rule: &CertificateRule, name: &'n str) -> Result<&'n str, CertificateError> {
    let refused = |what| CertificateError::Name { rule: rule.id.clone(), what };
    match parse_qualified(name).map_err(refused)? {
        (PrincipalKind::User, name) => Ok(name),
        // The prefix is that of programs in policy, and no part of a name.
        (PrincipalKind::ServicePrincipal, _) => {
            Err(refused("the name of a principal does not begin with `sp:`"))
        }
    }
}

fn time(time: Time) -> Option<Timestamp> {
    let since = SignedDuration::try_from(time.to_unix_duration()).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(since).ok()
}

#[cfg(test)]
mod tests;
