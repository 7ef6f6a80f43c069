//! How people sign in to the console: what seals the secrets of their codes, and the identity provider.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::body::Bytes;
use bartizan_console::{
    AdminError, CameBack, Later, Login, LoginFlow, Person, Seal, SignInProvider,
};
use bartizan_core::error::{Class, Coded};
use bartizan_core::redact::Secret;
use bartizan_core::settings::{self, OidcLogin, Secrets};
use bartizan_identity::{Returned, SignIn, SignInError, TOKEN_BYTES};
use bartizan_secrets::{SealError, Sealer};
use bartizan_store::Lasting;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;

use super::identity::Fetch;
use super::secrets::SecretSource;
use crate::commands::explain::codes;
use crate::format::{chain, usage};

/// What the keys of codes are derived for.
const PURPOSE: &str = "console-codes";
/// Most bytes of an answer with tokens: two tokens, and what providers add.
const ANSWER_BYTES: usize = 64 << 10;
/// Code of a provider that does not answer.
const UNREACHABLE: &str = "bartizan::login::provider-unreachable";

/// How people sign in at a console that listens there; none where the policy lets nobody.
pub(crate) fn open(
    login: Option<&settings::Login>,
    is_encrypted: bool,
    secrets: Secrets,
    data_dir: &Path,
    address: SocketAddr,
) -> anyhow::Result<Option<(Login, Option<Arc<Provider>>)>> {
    let Some(login) = login else { return Ok(None) };
    if !is_encrypted && !address.ip().is_loopback() {
        return Err(usage(
            format!("people would sign in at `{address}` in the clear"),
            "add `listen: { tls: { … } }`, or let the console listen on a loopback address behind a proxy with TLS",
        ));
    }
    let seal = if login.accounts {
        let seal = CodeSeal::new(secrets, data_dir);
        // What is wrong with the keys is found out before anybody signs in.
        seal.begin()?;
        Some(Arc::new(seal) as Arc<dyn Seal>)
    } else {
        None
    };
    let provider = login.oidc.clone().map(|oidc| -> anyhow::Result<_> {
        Ok(Arc::new(Provider(SignIn::new(oidc, Arc::new(Fetch))?)))
    });
    let provider = provider.transpose()?;
    let lasting = Lasting { idle: login.idle, total: login.total };
    let origin = origin(login, is_encrypted, address);
    let shown = provider.clone().map(|provider| provider as Arc<dyn SignInProvider>);
    Ok(Some((Login::new(origin, seal, shown, lasting), provider)))
}

/// Scheme, host and port by which browsers know the console.
pub(crate) fn origin(login: &settings::Login, is_encrypted: bool, address: SocketAddr) -> String {
    let scheme = if is_encrypted { "https" } else { "http" };
    login.address.clone().unwrap_or_else(|| format!("{scheme}://{address}"))
}

/// Seals with a key that is derived from the master keys. They are read again when there is a newer one.
pub(crate) struct CodeSeal {
    source: SecretSource,
    sealer: Mutex<Option<Arc<Sealer>>>,
}

impl CodeSeal {
    pub(crate) fn new(secrets: Secrets, data_dir: &Path) -> Self {
        // What is needed of them are the master keys alone.
        let secrets = Secrets { vault: None, ..secrets };
        Self { source: SecretSource::new(secrets, data_dir), sealer: Mutex::default() }
    }

    /// Makes the file of master keys where there is none, and reads it.
    pub(crate) fn begin(&self) -> anyhow::Result<()> {
        if self.source.make_key()? {
            let file = self.source.key_file().unwrap_or_default();
            tracing::warn!(
                file = %file.display(),
                "made a master key; without it nobody signs in with an account: keep backups of it apart"
            );
        }
        *self.sealer.lock() = Some(Arc::new(self.source.keyring()?.derive(PURPOSE)?));
        Ok(())
    }

    fn sealer(&self) -> Result<Arc<Sealer>, AdminError> {
        if let Some(sealer) = &*self.sealer.lock() {
            return Ok(Arc::clone(sealer));
        }
        self.read_again()
    }

    fn read_again(&self) -> Result<Arc<Sealer>, AdminError> {
        let read = || -> anyhow::Result<Sealer> { Ok(self.source.keyring()?.derive(PURPOSE)?) };
        let sealer = read().map_err(|error| AdminError {
            class: Class::Unavailable,
            code: "bartizan::login::master-key",
            message: format!("the master keys cannot be read: {}", chain(error.as_ref())),
            help: None,
        })?;
        let sealer = Arc::new(sealer);
        *self.sealer.lock() = Some(Arc::clone(&sealer));
        Ok(sealer)
    }
}

impl Seal for CodeSeal {
    fn seal(&self, place: &str, secret: &[u8]) -> Result<Vec<u8>, AdminError> {
        self.sealer()?.seal(place.as_bytes(), secret).map_err(|error| told(&error))
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, AdminError> {
        let opened = match self.sealer()?.open(place.as_bytes(), sealed) {
            Err(SealError::UnknownKey { .. }) => self.read_again()?.open(place.as_bytes(), sealed),
            opened => opened,
        };
        opened.map_err(|error| told(&error))
    }

    fn needs_reseal(&self, sealed: &[u8]) -> bool {
        self.sealer().is_ok_and(|sealer| sealer.needs_reseal(sealed))
    }
}

/// Signs people in as the policy says.
pub(crate) struct Provider(SignIn);

impl Provider {
    /// Keeps the keys of the provider fresh until `stop`.
    pub(crate) async fn follow(self: Arc<Self>, stop: impl Future<Output = ()>) {
        self.0.run(stop).await;
    }

    async fn begin_at(&self, flow: &LoginFlow) -> Result<String, AdminError> {
        let provider = self.0.provider().await.map_err(|error| told(&error))?;
        let fields = self.0.request(&flow.state, &flow.nonce, &flow.challenge, &flow.back_to);
        let fields = serde_urlencoded::to_string(fields).map_err(|_| no_answer("no address"))?;
        let place = &provider.authorization_endpoint;
        let mark = if place.contains('?') { '&' } else { '?' };
        Ok(format!("{place}{mark}{fields}"))
    }

    async fn person(&self, flow: &LoginFlow, back: CameBack) -> Result<Person, AdminError> {
        let provider = self.0.provider().await.map_err(|error| told(&error))?;
        let issuer = back.issuer.as_deref();
        self.0.check_provider(&provider, issuer).map_err(|error| refused(&error))?;
        let token = self.exchange(&provider, flow, &back.code).await?;
        let returned = Returned { issuer, id_token: token.expose(), nonce: &flow.nonce };
        let person = self.0.verify(returned).await.map_err(|error| refused(&error))?;
        Ok(Person { name: person.name, scope: person.scope })
    }

    /// The ID token for a code (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
    async fn exchange(
        &self,
        provider: &bartizan_identity::Provider,
        flow: &LoginFlow,
        code: &Secret,
    ) -> Result<Secret, AdminError> {
        let OidcLogin { client_id, client_secret, .. } = self.0.settings();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", flow.back_to.as_str()),
            ("code_verifier", flow.verifier.expose()),
        ];
        let mut headers =
            vec![(HeaderName::from_static("accept"), HeaderValue::from_static("application/json"))];
        if provider.secret_in_form {
            form.extend([
                ("client_id", client_id.as_str()),
                ("client_secret", client_secret.expose()),
            ]);
        } else {
            headers
                .push((HeaderName::from_static("authorization"), basic(client_id, client_secret)?));
        }
        let form = serde_urlencoded::to_string(form).map_err(|_| no_answer("no form"))?;
        let url = &provider.token_endpoint;
        let answered =
            bartizan_relay::post_form(url, &headers, Bytes::from(form), ANSWER_BYTES).await;
        let (status, body) = answered.map_err(|error| AdminError {
            class: Class::Unavailable,
            code: UNREACHABLE,
            message: format!("the identity provider does not answer: {}", chain(&error)),
            help: None,
        })?;
        let body = body.unwrap_or_default();
        if status != StatusCode::OK {
            return Err(not_exchanged(status, &body));
        }
        let answer: TokenAnswer = serde_json::from_slice(&body)
            .map_err(|_| no_answer("it is no JSON with an ID token"))?;
        if answer.id_token.len() > TOKEN_BYTES {
            return Err(no_answer("the ID token is too long"));
        }
        Ok(Secret::new(answer.id_token))
    }
}

impl SignInProvider for Provider {
    fn name(&self) -> &str {
        self.0.settings().issuer.id.as_str()
    }

    fn begin<'a>(&'a self, flow: &'a LoginFlow) -> Later<'a, String> {
        Box::pin(self.begin_at(flow))
    }

    fn finish<'a>(&'a self, flow: &'a LoginFlow, back: CameBack) -> Later<'a, Person> {
        Box::pin(self.person(flow, back))
    }
}

/// What a provider answers to a code.
#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

/// What a provider answers to a code that it does not take (RFC 6749, section 5.2).
#[derive(Deserialize)]
struct TokenError {
    error: String,
}

/// The header that says as whom this is asked (RFC 6749, section 2.3.1: both parts are encoded as in a form).
fn basic(client_id: &str, secret: &Secret) -> Result<HeaderValue, AdminError> {
    let encoded = |text: &str| {
        // The encoding of a field without a name, behind its sign.
        let field = serde_urlencoded::to_string([("", text)]);
        field.map(|field| field.trim_start_matches('=').to_owned())
    };
    let (Ok(id), Ok(secret)) = (encoded(client_id), encoded(secret.expose())) else {
        return Err(no_answer("no header"));
    };
    let pair = STANDARD.encode(format!("{id}:{secret}"));
    let mut value =
        HeaderValue::from_str(&format!("Basic {pair}")).map_err(|_| no_answer("no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Words of the standard, which are repeated: no others are.
const KNOWN: [&str; 5] = [
    "invalid_request",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// A code that is not taken was used before, or is for somebody else; all else is wrong with this client.
fn not_exchanged(status: StatusCode, body: &[u8]) -> AdminError {
    let said = serde_json::from_slice::<TokenError>(body).ok().map(|said| said.error);
    if said.as_deref() == Some("invalid_grant") {
        return AdminError {
            class: Class::Unauthenticated,
            code: "bartizan::login::code",
            message: "the identity provider does not take the code".to_owned(),
            help: None,
        };
    }
    let said = said.as_deref().and_then(|said| KNOWN.into_iter().find(|known| *known == said));
    let said = said.map(|said| format!(" `{said}`")).unwrap_or_default();
    AdminError {
        class: Class::Upstream,
        code: "bartizan::login::provider-refused",
        message: format!("the identity provider answers{said} with status {}", status.as_u16()),
        help: Some(
            "check `client-id`, `client-secret` and the redirect URI that is registered there"
                .to_owned(),
        ),
    }
}

fn no_answer(what: &str) -> AdminError {
    AdminError {
        class: Class::Upstream,
        code: "bartizan::login::provider-answer",
        message: format!("the identity provider gives no answer that can be used: {what}"),
        help: None,
    }
}

/// A person who is not signed in, with the reason for the log.
fn refused(error: &SignInError) -> AdminError {
    let help = match error {
        SignInError::NoRole { .. } => Some(
            "ask an admin: `console.login.oidc.roles` of the policy says who may come in"
                .to_owned(),
        ),
        _ => None,
    };
    AdminError { help, ..AdminError::of(error) }
}

fn told(error: &(impl Coded + 'static)) -> AdminError {
    let help = codes::fix(error.code()).filter(|fix| !fix.is_empty()).map(str::to_owned);
    let class = match error.class() {
        // Whoever asks can do nothing about it.
        Class::Usage | Class::NotFound | Class::Unauthenticated => Class::Unavailable,
        class => class,
    };
    AdminError { class, code: error.code(), message: chain(error), help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_of_a_client_is_encoded_before_it_is_joined() {
        let header = basic("my client", &Secret::new("a:b%+ü")).unwrap();
        let pair = header.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
        assert_eq!(pair, "my+client:a%3Ab%25%2B%C3%BC");
        assert!(header.is_sensitive());
    }

    #[test]
    fn what_a_provider_says_is_not_repeated_unless_it_is_a_word_of_the_standard() {
        let said = |body: &str| not_exchanged(StatusCode::BAD_REQUEST, body.as_bytes());
        assert_eq!(said(r#"{"error":"invalid_grant"}"#).class, Class::Unauthenticated);
        assert!(said(r#"{"error":"invalid_client"}"#).message.contains("`invalid_client`"));
        for other in [r#"{"error":"<script>"}"#, "", "[]", r#"{"error":1}"#] {
            let error = said(other);
            assert_eq!(error.class, Class::Upstream);
            assert_eq!(error.message, "the identity provider answers with status 400");
        }
    }
}
