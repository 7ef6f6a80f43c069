//! Narrower tokens, by whoever holds one. Nobody is asked, and no root key is needed.

use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;

use crate::block::{self, Limits};
use crate::container::Container;
use crate::error::WriteError;
use crate::mint::whole_seconds;
use crate::reach::Reach;
use crate::text;
use crate::verify::Content;

/// What a token shall be narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// What stays open, of what the token opens; a limit that is absent stays as it is.
    pub reach: Reach,
    /// The last second in which the token is good, in whole seconds; one after the token's own changes nothing.
    pub expires: Option<Timestamp>,
    /// For whom, such as the name of an agent: 1 to 128 bytes, without control characters and those that change how
    /// text is shown (direction, what is not seen, separators of lines). It is for people who read logs, and decides
    /// nothing.
    pub note: Option<String>,
}

/// Makes a token that opens less. The new token is bound to the same key, draws on the budgets of the old one, and
/// is revoked with it.
///
/// The old token is not checked: a token that is refused stays refused.
///
/// # Errors
/// [`WriteError`], also where nothing would be left of what the token opens.
pub fn narrow(token: &Secret, narrowing: &Narrowing) -> Result<Secret, WriteError> {
    let limits = limits(narrowing)?;
    let bytes = text::decode(token)?;
    let container = Container::parse(&bytes)?;
    let content = Content::read(&container)?;
    let before = content.narrowest();
    if before.reach.closed().is_none()
        && let Some(of) = before.reach.intersection(&limits.reach).closed()
    {
        return Err(WriteError::NothingLeft { of });
    }
    if limits.expires.is_some_and(|expires| expires < before.issued) {
        return Err(WriteError::Lifetime);
    }
    let block = block::write_narrowing(&limits, &content.symbols);
    text::encode(&container.append(&block)?)
}

fn limits(narrowing: &Narrowing) -> Result<Limits, WriteError> {
    if *narrowing == Narrowing::default() {
        return Err(WriteError::Nothing);
    }
    narrowing.reach.check()?;
    let note = narrowing.note.clone();
    if !note.as_deref().is_none_or(block::is_note) {
        return Err(WriteError::Note);
    }
    let expires = narrowing.expires.map(whole_seconds).transpose()?;
    Ok(Limits { reach: narrowing.reach.clone(), expires, note })
}
