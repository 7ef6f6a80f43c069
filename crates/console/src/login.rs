//! People who sign in with a browser: with an account that is kept here, or through an identity provider.
//!
//! What has to be sealed, and everything that has to be asked over a network, is left to traits that the binary
//! implements. What is typed is in no log, no event and no answer.

mod cookies;
mod events;
mod flow;
mod form;
mod pace;
mod password;
mod totp;

use std::pin::Pin;
use std::sync::Arc;

use bartizan_core::access::Scope;
use bartizan_core::redact::Secret;
use bartizan_store::{Lasting, Store};
use zeroize::Zeroizing;

use crate::error::AdminError;

pub(crate) use cookies::{Cookie, csrf_token};
pub(crate) use events::{Kept, Refusals, Whose};
pub(crate) use flow::{FLOW_LASTS, begin as begin_flow, resume as resume_flow};
pub(crate) use form::{FORM_BYTES, read as read_form};
pub(crate) use pace::Pace;
pub(crate) use pace::Peer;
pub use pace::from_peer;
pub(crate) use password::{Hashers, Password};
pub(crate) use totp::{TotpSecret, svg};

/// How people sign in, while the policy lets them.
#[derive(Clone)]
pub struct Login {
    /// Scheme, host and port by which browsers know the console: `https://console.example`.
    origin: String,
    /// Seals the secrets of codes; none where no accounts sign in.
    pub(crate) accounts: Option<Arc<dyn Seal>>,
    /// Signs people in elsewhere; none where the policy names nobody.
    pub(crate) provider: Option<Arc<dyn SignInProvider>>,
    pub(crate) lasting: Lasting,
    pub(crate) desk: Arc<Desk>,
}

/// What all logins of this process share.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) pace: Pace,
    pub(crate) hashers: Hashers,
    pub(crate) refusals: Refusals,
}

impl Login {
    /// People sign in at this origin, scheme with host and port. Sessions end as `lasting` says.
    pub fn new(
        origin: String,
        accounts: Option<Arc<dyn Seal>>,
        provider: Option<Arc<dyn SignInProvider>>,
        lasting: Lasting,
    ) -> Self {
        Self { origin, accounts, provider, lasting, desk: Arc::default() }
    }

    /// Scheme, host and port by which browsers know the console.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether cookies travel encrypted alone. Where they do not, the console listens on this machine.
    pub(crate) fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// Where an identity provider sends people back to, to the letter.
    pub(crate) fn back_to(&self) -> String {
        format!("{}/login/callback", self.origin)
    }

    /// Whether somebody who signed in that way may go on.
    pub(crate) fn takes(&self, issuer: Option<&str>) -> bool {
        match (issuer, &self.provider) {
            (None, _) => self.accounts.is_some(),
            (Some(issuer), Some(provider)) => provider.name() == issuer,
            (Some(_), None) => false,
        }
    }
}

/// Seals the secrets that codes are made of. Calls may block.
pub trait Seal: Send + Sync {
    /// Seals a secret for a place: it can be opened for that place alone.
    ///
    /// # Errors
    /// What is wrong with the keys.
    fn seal(&self, place: &str, secret: &[u8]) -> Result<Vec<u8>, AdminError>;

    /// Opens what was sealed for a place.
    ///
    /// # Errors
    /// What is wrong with it, or with the keys.
    fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AdminError>;

    /// Whether it should be sealed again, since there is a newer key.
    fn needs_reseal(&self, sealed: &[u8]) -> bool;
}

/// An answer that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, AdminError>> + Send + 'a>>;

/// Signs people in elsewhere.
pub trait SignInProvider: Send + Sync {
    /// Id of the issuer in the policy.
    fn name(&self) -> &str;

    /// The address to send a browser to.
    ///
    /// # Errors
    /// That nobody knows it.
    fn begin<'a>(&'a self, flow: &'a LoginFlow) -> Later<'a, String>;

    /// Who came back.
    ///
    /// # Errors
    /// Class `Denied` for a person who may not come in; else why it is not known who it is.
    fn finish<'a>(&'a self, flow: &'a LoginFlow, back: CameBack) -> Later<'a, Person>;
}

/// What holds a login at an identity provider together, from the way there to the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginFlow {
    /// Comes back with the browser.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Sent with the code (RFC 7636).
    pub verifier: Secret,
    /// SHA-256 of `verifier`, in base64url.
    pub challenge: String,
    /// Where the browser comes back to.
    pub back_to: String,
}

/// What a browser brings back.
#[derive(Debug, Clone)]
pub struct CameBack {
    /// Good for tokens, once.
    pub code: Secret,
    /// Who sent it, as it says (RFC 9207).
    pub issuer: Option<String>,
}

/// Somebody whom an identity provider signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name of the person.
    pub name: String,
    /// What they may do.
    pub scope: Scope,
}

/// Where the secret of an account's codes is sealed for.
pub fn place_of_codes(account: &str) -> String {
    format!("account:{account}")
}

/// Seals the codes of all accounts anew that are sealed with an older key.
///
/// # Errors
/// What is wrong with the store or the keys.
pub fn reseal_codes(store: &Store, seal: &dyn Seal) -> Result<(), AdminError> {
    let failed = |error: bartizan_store::StoreError| AdminError::of(&error);
    for (name, sealed) in store.sealed_codes().map_err(failed)? {
        if seal.needs_reseal(&sealed) {
            let place = place_of_codes(&name);
            let again = seal.seal(&place, &seal.open(&place, &sealed)?)?;
            store.reseal_codes(&name, &sealed, &again).map_err(failed)?;
        }
    }
    Ok(())
}
