//! Where the keys of an issuer come from, and how they are fetched from there.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bartizan_core::settings::{Issuer, IssuerKeys};
use serde_json::Value;

use crate::address;
use crate::error::{KeySetError, KeysError};
use crate::json::{self, Object};
use crate::key_set::{DOCUMENT_BYTES, KeySet};

/// Longest wait for one document.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// What went wrong on the way, in the words of whoever fetches.
pub type FetchError = Box<dyn Error + Send + Sync>;

/// Fetches documents. Whoever implements it has the network; this crate has not.
pub trait FetchKeys: Send + Sync {
    /// The body of a `200` answer to a GET of `url`, with the certificate checked where it is `https`. More than
    /// `cap_bytes` are an error, and so is a redirect: it would lead to a host that nobody has allowed.
    fn fetch(
        &self,
        url: &str,
        cap_bytes: u64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + '_>>;
}

/// Where keys come from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// They are in the policy.
    Policy,
    /// They are at this URL.
    Url(String),
    /// This document says where they are, and that has to be on the host of the issuer.
    Discovery {
        /// Where the document is.
        url: String,
        /// Host of the issuer.
        host: String,
    },
}

impl Origin {
    /// Where policy says that the keys of an issuer are.
    ///
    /// # Errors
    /// [`KeysError::Address`], when they must not be taken from there.
    pub(crate) fn of(issuer: &Issuer) -> Result<Self, KeysError> {
        match &issuer.keys {
            IssuerKeys::Inline(_) => Ok(Self::Policy),
            IssuerKeys::Url(url) => address::host_of(url).map(|_| Self::Url(url.clone())),
            IssuerKeys::Discovery => {
                let url = address::discovery_of(&issuer.url)?;
                address::host_of(&url).map(|host| Self::Discovery { url, host })
            }
        }
    }

    /// The keys that are there now; nothing where they never change.
    ///
    /// # Errors
    /// [`KeysError`], when they cannot be fetched or used.
    pub(crate) async fn fetch(
        &self,
        issuer: &Issuer,
        fetch: &dyn FetchKeys,
    ) -> Result<Option<KeySet>, KeysError> {
        let url = match self {
            Self::Policy => return Ok(None),
            Self::Url(url) => url.clone(),
            Self::Discovery { url, host } => {
                let document = read(fetch, url).await?;
                keys_url(&issuer.url, url, host, &document)?
            }
        };
        let document = read(fetch, &url).await?;
        let keys = KeySet::parse(issuer, &document);
        keys.map(Some).map_err(|source: KeySetError| KeysError::Document { url, source })
    }
}

/// Where a discovery document says that the keys are.
fn keys_url(issuer: &str, url: &str, host: &str, document: &[u8]) -> Result<String, KeysError> {
    let document = discovered(issuer, url, document)?;
    address_in(&document, "jwks_uri", url, host)
}

/// The discovery document of an issuer.
pub(crate) fn discovered(issuer: &str, url: &str, document: &[u8]) -> Result<Object, KeysError> {
    let document = json::object(document)
        .map_err(|source| KeysError::Discovery { url: url.to_owned(), source })?;
    // Section 4.3: it has to be the very same, or one issuer could speak for another.
    if text_in(&document, "issuer", url)? != issuer {
        return Err(KeysError::OtherIssuer { url: url.to_owned() });
    }
    Ok(document)
}

/// An address in a discovery document, on the host of its issuer.
pub(crate) fn address_in(
    document: &Object,
    member: &'static str,
    url: &str,
    host: &str,
) -> Result<String, KeysError> {
    let address = text_in(document, member, url)?;
    let its_host = address::safe_host(address)
        .map_err(|what| KeysError::DiscoveryAddress { url: url.to_owned(), what })?;
    if its_host != host {
        return Err(KeysError::ForeignHost { url: url.to_owned(), host: its_host });
    }
    Ok(address.to_owned())
}

fn text_in<'d>(
    document: &'d Object,
    member: &'static str,
    url: &str,
) -> Result<&'d str, KeysError> {
    let missing = || KeysError::DiscoveryMember { url: url.to_owned(), member };
    document.get(member).and_then(Value::as_str).ok_or_else(missing)
}

/// One document, within size and time. Neither is left to whoever fetches.
pub(crate) async fn read(fetch: &dyn FetchKeys, url: &str) -> Result<Vec<u8>, KeysError> {
    let answer = tokio::time::timeout(FETCH_TIMEOUT, fetch.fetch(url, DOCUMENT_BYTES)).await;
    let answer =
        answer.map_err(|_| KeysError::TimedOut { url: url.to_owned(), limit: FETCH_TIMEOUT })?;
    let bytes = answer
        .map_err(|source| KeysError::Fetch { url: url.to_owned(), source: Arc::from(source) })?;
    if bytes.len() as u64 > DOCUMENT_BYTES {
        return Err(KeysError::TooLarge { url: url.to_owned(), limit_bytes: DOCUMENT_BYTES });
    }
    Ok(bytes)
}
