//! What the guard knows about the request that a text belongs to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bartizan_core::Principal;
use bartizan_core::settings::Subject;
use bartizan_core::time::Timestamp;

use crate::canaries::Canary;
use crate::context_index::ContextIndex;
use crate::prompt_index::{PromptCache, PromptIndex};
use crate::vault::Vault;

/// Shared by all texts of one request and its answer.
#[derive(Debug, Default)]
pub struct Session {
    vault: Mutex<Vault>,
    system_prompt: Option<Arc<PromptIndex>>,
    context: Option<Arc<ContextIndex>>,
    canaries: Vec<String>,
    prepared: Vec<Canary>,
    now: Option<Timestamp>,
    caller: Option<Principal>,
    /// Time that models of the policy took, in nanoseconds.
    refining: AtomicU64,
}

impl Session {
    /// Starts a session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// The same session with nothing to put back: what is written keeps the placeholders of the request, and so
    /// does what would have come back.
    #[must_use]
    pub fn without_values(&self) -> Self {
        let again = |text: &String| Canary::new(text);
        Self {
            vault: Mutex::new(self.vault().without_values()),
            system_prompt: self.system_prompt.clone(),
            context: self.context.clone(),
            canaries: self.canaries.clone(),
            prepared: self.canaries.iter().filter_map(again).collect(),
            now: self.now,
            caller: self.caller.clone(),
            refining: AtomicU64::new(self.refining.load(Ordering::Relaxed)),
        }
    }

    /// The placeholders of the request.
    pub fn vault(&self) -> MutexGuard<'_, Vault> {
        // A vault whose holder panicked is still consistent: every change is one insertion.
        self.vault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The system prompt, ready for overlap search; absent when the request has none.
    pub fn system_prompt(&self) -> Option<&PromptIndex> {
        self.system_prompt.as_deref()
    }

    /// What the texts of the request say; absent when it carries too little, or nobody asks.
    pub fn context(&self) -> Option<&ContextIndex> {
        self.context.as_deref()
    }

    /// Strings that stand in the system prompt for the sole purpose of being noticed elsewhere.
    pub fn canaries(&self) -> &[String] {
        &self.canaries
    }

    /// When the request came; absent when nobody said.
    pub const fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// Whether the caller is the subject, or in its group.
    pub(crate) fn is(&self, subject: &Subject) -> bool {
        let Some(caller) = &self.caller else { return false };
        match subject {
            Subject::Principal(member) => member.kind == caller.kind && member.name == caller.name,
            Subject::Group(name) => caller.groups.contains(name),
        }
    }

    /// Time that models of the policy took for texts of the request so far.
    pub(crate) fn refining(&self) -> Duration {
        Duration::from_nanos(self.refining.load(Ordering::Relaxed))
    }

    /// Adds time that a model took.
    pub(crate) fn refined_for(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // The texts of a request are read one after the other, so that nothing is lost here.
        let sum = self.refining.load(Ordering::Relaxed).saturating_add(nanos);
        self.refining.store(sum, Ordering::Relaxed);
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
    /// Sets the system prompt, which may consist of several texts.
    #[must_use]
    pub fn system_prompt<'t>(mut self, texts: impl IntoIterator<Item = &'t str>) -> Self {
        self.session.system_prompt = PromptCache::default().index(texts);
        self
    }

    /// Sets a system prompt of several texts that was read before.
    #[must_use]
    pub fn system_prompt_index(mut self, index: Option<Arc<PromptIndex>>) -> Self {
        self.session.system_prompt = index;
        self
    }

    /// Sets what the texts of the request say.
    #[must_use]
    pub fn context(mut self, context: Option<Arc<ContextIndex>>) -> Self {
        self.session.context = context;
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

    /// Says when the request came: exceptions that end count only where this is known, and keep
    /// counting as they did until the answer has ended.
    #[must_use]
    pub const fn now(mut self, now: Timestamp) -> Self {
        self.session.now = Some(now);
        self
    }

    /// Says who calls, for exceptions that policy makes for some.
    #[must_use]
    pub fn caller(mut self, caller: Principal) -> Self {
        self.session.caller = Some(caller);
        self
    }

    /// The session.
    pub fn build(self) -> Session {
        self.session
    }
}
