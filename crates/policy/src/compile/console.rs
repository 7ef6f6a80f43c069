//! `console.login`: how people sign in to the console.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use bartizan_core::access::Scope;
use bartizan_core::host::{HostSet, canonical_host};
use bartizan_core::settings::{Issuer, Listen, Login, OidcLogin};
use http::Uri;

use crate::compile::Compiler;
use crate::compile::urls::PlainHttp;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::console::{LoginFile, OidcFile, RolesFile, SessionFile};
use crate::file::scalar::UrlText;
use crate::located::{Located, Place};
use crate::snippet::quote;
use crate::suggest;

/// Shortest time without a request after which a session ends.
const IDLE_MIN: Duration = Duration::from_mins(1);
/// Most scopes that are asked for.
const SCOPES_MAX: usize = 16;
/// Longest name of a scope, in bytes.
const SCOPE_BYTES: usize = 64;
/// Most entries of one scope.
const ROLES_MAX: usize = 256;

impl Compiler<'_, '_> {
    /// The outer `None` means that a problem was reported.
    #[expect(clippy::option_option, reason = "both cases are told apart by the caller")]
    pub(super) fn login(
        &mut self,
        file: &PolicyFile,
        listen: Option<&Listen>,
        issuers: &[Issuer],
    ) -> Option<Option<Login>> {
        let Some(given) = &file.console.login else { return Some(None) };
        let login = &given.value;
        let is_safe = listen.map(|listen| self.console_is_safe(given.place, listen));
        let accounts = login.accounts.as_ref().is_some_and(|accounts| accounts.value);
        if !accounts && login.oidc.is_none() {
            let problem = Problem::new(given.place, "`login` lets nobody sign in");
            self.report(problem.help("add `accounts: true` or `oidc: { … }`, or remove it"));
            return None;
        }
        let address = match &login.address {
            None => Some(None),
            Some(address) => self.console_address(address, listen).map(Some),
        };
        let oidc = login.oidc.as_ref().map(|oidc| self.oidc(&oidc.value, login, listen, issuers));
        let session = self.console_session(&login.session);
        let oidc = match oidc {
            None => None,
            Some(oidc) => Some(oidc?),
        };
        let (idle, total) = session?;
        is_safe??;
        Some(Some(Login { address: address?, accounts, oidc, idle, total }))
    }

    /// Whoever is on the way could take a session, and a browser keeps its cookie to itself there.
    fn console_is_safe(&mut self, place: Option<Place>, listen: &Listen) -> Option<()> {
        if listen.tls.is_some() || listen.console.ip().is_loopback() {
            return Some(());
        }
        let message = format!(
            "people would sign in at `{}` in the clear: passwords and sessions could be read on the way",
            listen.console
        );
        let help = "add `listen: { tls: { … } }`, or let the console listen on a loopback address behind a proxy with TLS";
        self.report(Problem::new(place, message).help(help));
        None
    }

    /// Scheme, host and port, by which the console has to answer.
    fn console_address(
        &mut self,
        given: &Located<String>,
        listen: Option<&Listen>,
    ) -> Option<String> {
        let url = self.base_url(&given.value, given.place, PlainHttp::Believed)?;
        let uri: Option<Uri> = url.parse().ok();
        let host = uri.as_ref().and_then(Uri::host).and_then(canonical_host);
        let Some(host) = host.filter(|_| url.matches('/').count() == 2) else {
            let message = format!("{} is more than scheme, host and port", quote(&url));
            let help = "write it like `https://console.example`";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        };
        let listen = listen?;
        if !answers_to(listen, &host) {
            let message = format!("the console does not answer to {}", quote(&host));
            let help = format!("add it: `listen: {{ console-names: [{host}] }}`");
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        // As browsers write an origin.
        Some(url.to_ascii_lowercase())
    }

    fn console_session(&mut self, file: &SessionFile) -> Option<(Duration, Duration)> {
        let total = self.duration(file.total.as_ref(), Login::TOTAL);
        let default = total.map_or(Login::IDLE, |total| Login::IDLE.min(total));
        let idle = self.duration(file.idle.as_ref(), default);
        let (total, idle) = (total?, idle?);
        let place = |given: Option<&Located<_>>| given.and_then(|given| given.place);
        if idle < IDLE_MIN {
            let message = "people would be signed out while they read a page";
            let place = place(file.idle.as_ref()).or_else(|| place(file.total.as_ref()));
            self.report(Problem::new(place, message).help("write `idle: 30m`"));
            return None;
        }
        if idle > total {
            let message = "a session that may be idle for longer than it lasts never ends by that";
            let problem = Problem::new(place(file.idle.as_ref()), message);
            self.report(problem.help("make `idle` shorter than `total`"));
            return None;
        }
        Some((idle, total))
    }

    fn oidc(
        &mut self,
        file: &OidcFile,
        login: &LoginFile,
        listen: Option<&Listen>,
        issuers: &[Issuer],
    ) -> Option<OidcLogin> {
        let client_id = self.claim(&file.client_id);
        let client_secret = self.secret("client-secret", &file.client_secret);
        let roles = self.roles(&file.roles);
        let authorization = self.oidc_url(file.authorization_endpoint.as_ref());
        let token = self.oidc_url(file.token_endpoint.as_ref());
        let issuer = self.login_issuer(&file.issuer, issuers);
        let scopes = self.oidc_scopes(file.scopes.as_ref());
        // People come back to this very address, and the provider has to know it.
        if login.address.is_none() && listen.is_some_and(|it| !it.console.ip().is_loopback()) {
            let message =
                "the identity provider sends people back to an address, and `login` names none";
            let help = "add `address: https://console.example`";
            self.report(Problem::new(file.issuer.place, message).help(help));
            return None;
        }
        let (roles_claim, roles) = roles?;
        let client_id = client_id?;
        let issuer = Issuer {
            audiences: BTreeSet::from([client_id.clone()]),
            groups_claim: None,
            groups: BTreeMap::new(),
            ..issuer?
        };
        Some(OidcLogin {
            issuer,
            client_id,
            client_secret: client_secret?,
            scopes: scopes?,
            authorization_endpoint: authorization?,
            token_endpoint: token?,
            roles_claim,
            roles,
        })
    }

    fn login_issuer(&mut self, given: &Located<String>, issuers: &[Issuer]) -> Option<Issuer> {
        let name = given.value.as_str();
        let found = issuers.iter().find(|issuer| issuer.id.as_str() == name);
        if let Some(issuer) = found {
            return Some(issuer.clone());
        }
        let names = || issuers.iter().map(|issuer| issuer.id.as_str());
        let help = match suggest::nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if issuers.is_empty() => "add it to `identity: { issuers: [ … ] }`".to_owned(),
            None => format!("issuers of this file: {}", suggest::list(names())),
        };
        let message = format!("no issuer is named {}", quote(name));
        self.report(Problem::new(given.place, message).help(help));
        None
    }

    fn oidc_scopes(
        &mut self,
        given: Option<&Located<Vec<Located<String>>>>,
    ) -> Option<Vec<String>> {
        let Some(given) = given else {
            return Some(OidcLogin::DEFAULT_SCOPES.map(str::to_owned).to_vec());
        };
        // RFC 6749, section 3.3.
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        let mut scopes = Vec::new();
        for scope in given.value.iter().filter(|scope| scope.value != "openid") {
            let text = &scope.value;
            if text.is_empty() || text.len() > SCOPE_BYTES || !text.bytes().all(is_plain) {
                let message = format!("{} cannot be the name of a scope", quote(text));
                let help = format!("write 1 to {SCOPE_BYTES} visible characters, such as `groups`");
                self.report(Problem::new(scope.place, message).help(help));
                return None;
            }
            scopes.push(text.clone());
        }
        if scopes.len() > SCOPES_MAX {
            let message = format!("these are more than {SCOPES_MAX} scopes");
            self.report(Problem::new(given.place, message).help("name those that are needed"));
            return None;
        }
        Some(scopes)
    }

    /// The outer `None` means that a problem was reported.
    #[expect(clippy::option_option, reason = "both cases are told apart by the caller")]
    fn oidc_url(&mut self, given: Option<&Located<UrlText>>) -> Option<Option<String>> {
        let Some(given) = given else { return Some(None) };
        // Secrets are sent there, and what comes back is believed.
        self.base_url(&given.value.0, given.place, PlainHttp::Believed).map(Some)
    }

    fn roles(&mut self, given: &Located<RolesFile>) -> Option<(String, BTreeMap<String, Scope>)> {
        let file = &given.value;
        let claim = self.claim(&file.claim);
        let mut roles = BTreeMap::new();
        let mut is_fine = true;
        for (scope, entries) in [
            (Scope::Admin, &file.admin),
            (Scope::Operator, &file.operator),
            (Scope::Auditor, &file.auditor),
            (Scope::Viewer, &file.viewer),
        ] {
            if entries.len() > ROLES_MAX {
                let message = format!("`{}` has more than {ROLES_MAX} entries", scope.name());
                let problem = Problem::new(given.place, message);
                self.report(problem.help("make a group for them at the identity provider"));
                is_fine = false;
            }
            for entry in entries {
                let Some(name) = self.claim(entry) else {
                    is_fine = false;
                    continue;
                };
                if let Some(other) = roles.insert(name, scope) {
                    let message = format!(
                        "{} is listed twice, as `{}` too",
                        quote(&entry.value),
                        other.name()
                    );
                    self.report(Problem::new(entry.place, message).help("keep one of the two"));
                    is_fine = false;
                }
            }
        }
        if roles.is_empty() && is_fine {
            let problem = Problem::new(given.place, "`roles` lets nobody in");
            self.report(problem.help("name a group, such as `admin: [sec-admins]`"));
            return None;
        }
        claim.filter(|_| is_fine).map(|claim| (claim, roles))
    }
}

/// Whether the console answers to a host, in canonical form.
fn answers_to(listen: &Listen, host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_own = match bare.parse::<IpAddr>() {
        Ok(address) => {
            let own = listen.console.ip();
            address.is_loopback() || own.is_unspecified() || address == own
        }
        Err(_) => host == "localhost",
    };
    is_own || HostSet::new(&listen.console_names).contains(host)
}
