//! What the guard knows about the request that a text belongs to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::canaries::Canary;
use crate::prompt_index::PromptIndex;
use crate::vault::Vault;

/// Shared by all texts of one request and its answer.
#[derive(Debug, Default)]
pub struct Session {
    vault: Mutex<Vault>,
    system_prompt: Option<PromptIndex>,
    canaries: Vec<String>,
    prepared: Vec<Canary>,
}

impl Session {
    /// Starts a session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// The placeholders of the request.
    pub fn vault(&self) -> MutexGuard<'_, Vault> {
        // A vault whose holder panicked is still consistent: every change is one insertion.
        self.vault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The system prompt, ready for overlap search; absent when the request has none.
    pub const fn system_prompt(&self) -> Option<&PromptIndex> {
        self.system_prompt.as_ref()
    }

    /// Strings that stand in the system prompt for the sole purpose of being noticed elsewhere.
    pub fn canaries(&self) -> &[String] {
        &self.canaries
    }

    pub(crate) fn prepared_canaries(&self) -> &[Canary] {
        &self.prepared
    }
}

/// Collects what is known before the first text is judged.
#[derive(Debug, Default)]
pub struct SessionBuilder {
    session: Session,
}

impl SessionBuilder {
    /// Adds a system prompt; several are joined.
    #[must_use]
    pub fn system_prompt(mut self, text: &str) -> Self {
        if !text.trim().is_empty() {
            self.session.system_prompt.get_or_insert_default().add(text);
        }
        self
    }

    /// Goes on with the placeholders of a session that read a part of the same request.
    #[must_use]
    pub fn vault(mut self, vault: Vault) -> Self {
        self.session.vault = Mutex::new(vault);
        self
    }

    /// Adds a canary.
    #[must_use]
    pub fn canary(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.session.prepared.extend(Canary::new(&text));
        self.session.canaries.push(text);
        self
    }

    /// The session.
    pub fn build(self) -> Session {
        self.session
    }
}
