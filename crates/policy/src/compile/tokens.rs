//! `identity.tokens`: short tokens that are made of other credentials.

use std::time::Duration;

use bartizan_core::settings::{Listen, Tokens};

use crate::compile::Compiler;
use crate::compile::urls::PlainHttp;
use crate::error::Problem;
use crate::file::issuer::TokensFile;
use crate::located::Located;
use crate::snippet::quote;

/// Shortest life of a token.
const LIFETIME_MIN: Duration = Duration::from_secs(60);

impl Compiler<'_, '_> {
    /// The outer `None` means that a problem was reported.
    #[expect(clippy::option_option, reason = "both cases are told apart by the caller")]
    pub(super) fn tokens(
        &mut self,
        given: Option<&Located<TokensFile>>,
        listen: Option<&Listen>,
    ) -> Option<Option<Tokens>> {
        let Some(given) = given else { return Some(None) };
        let file = &given.value;
        let lifetime = self.duration(file.lifetime.as_ref(), Tokens::LIFETIME);
        if lifetime.is_some_and(|life| !(LIFETIME_MIN..=Tokens::LIFETIME).contains(&life)) {
            let place = file.lifetime.as_ref().and_then(|given| given.place);
            let message = "a short token is good for `1m` to `15m`";
            self.report(Problem::new(place, message).help("write `lifetime: 15m`"));
            return None;
        }
        if file.origins.is_empty() && listen.is_some_and(|it| !it.gateway.ip().is_loopback()) {
            let message = "proofs are made for an address, and the policy does not say by which callers \
                           know the gateway";
            let help = "add `origins: [\"https://gateway.example\"]`";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        let origins: Vec<_> = file.origins.iter().map(|origin| self.origin(origin)).collect();
        let keys = file.keys.as_ref().map(|given| self.file_path("keys", given));
        let keys = match keys {
            None => None,
            Some(keys) => Some(keys?),
        };
        let origins = origins.into_iter().collect::<Option<Vec<String>>>()?;
        Some(Some(Tokens { lifetime: lifetime?, origins, keys }))
    }

    /// Scheme, host and port.
    fn origin(&mut self, given: &Located<String>) -> Option<String> {
        let url = self.base_url(&given.value, given.place, PlainHttp::Anywhere)?;
        if url.matches('/').count() > 2 {
            let message = format!("{} is more than scheme, host and port", quote(&url));
            let help = "write it like `https://gateway.example`";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        Some(url)
    }
}
