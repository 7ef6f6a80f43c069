//! What blocks say. The first names the holder, in facts, and may limit what it opens; all others only limit it.

use std::sync::Arc;

use bartizan_core::id::{MAX_NAME_BYTES, Name};
use bartizan_core::principal::{PrincipalKind, parse_qualified};
use bartizan_core::tags::Tags;
use bartizan_core::time::Timestamp;
use uuid::Uuid;

use crate::grant::{Binding, Grant, Origin};
use crate::pattern::MAX_ENTRIES;
use crate::reach::Reach;
use crate::restriction::{Restriction, Term, write_fact, write_time_fact};
use crate::symbols::{NewSymbols, Symbols};
use crate::wire::{Fields, Malformed, Message};

/// Most checks of a block: there are seven things to limit.
const MAX_CHECKS: usize = 16;
/// Version of the language that is written: the oldest that is still in use, and enough.
const WRITTEN_VERSION: u64 = 3;
/// Versions in which the same means the same (Biscuit specification 3.3, "Version").
const READ_VERSIONS: std::ops::RangeInclusive<u64> = 3..=6;

const PRINCIPAL: &str = "principal";
const GROUP: &str = "group";
const TAG: &str = "tag";
const SESSION: &str = "session";
const ORIGIN: &str = "origin";
const BOUND: &str = "bound";
const ISSUED: &str = "issued";

/// The limits of a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// What stays open.
    pub(crate) reach: Reach,
    /// The last second in which the token is good.
    pub(crate) expires: Option<Timestamp>,
    /// Who the block was made for, in the words of whoever made it.
    pub(crate) note: Option<String>,
}

/// Writes the first block. Checks and facts have been looked at.
pub(crate) fn write_first(grant: &Grant) -> Vec<u8> {
    let mut symbols = Symbols::default().next_block();
    let mut facts = vec![write_fact(PRINCIPAL, &[grant.kind.name(), &grant.name], &mut symbols)];
    facts.extend(
        grant.groups.iter().map(|group| write_fact(GROUP, &[group.as_str()], &mut symbols)),
    );
    facts.extend(
        grant
            .tags
            .iter()
            .map(|(name, value)| write_fact(TAG, &[name.as_str(), value], &mut symbols)),
    );
    facts.push(write_fact(SESSION, &[&grant.session.to_string()], &mut symbols));
    facts.push(write_fact(ORIGIN, &[grant.origin.as_str()], &mut symbols));
    let (method, thumbprint) = (grant.binding.method(), grant.binding.thumbprint().to_string());
    facts.push(write_fact(BOUND, &[method, &thumbprint], &mut symbols));
    facts.push(write_time_fact(ISSUED, grant.issued, &mut symbols));
    write(&facts, &grant.reach, Some(grant.expires), None, symbols)
}

/// Writes a block that narrows the token whose strings these are.
pub(crate) fn write_narrowing(limits: &Limits, symbols: &Symbols<'_>) -> Vec<u8> {
    write(&[], &limits.reach, limits.expires, limits.note.as_deref(), symbols.next_block())
}

fn write(
    facts: &[Message],
    reach: &Reach,
    expires: Option<Timestamp>,
    note: Option<&str>,
    mut symbols: NewSymbols,
) -> Vec<u8> {
    let limits = Restriction::of(reach).into_iter().chain(expires.map(Restriction::Until));
    let checks: Vec<Message> = limits.map(|limit| limit.write(&mut symbols)).collect();
    let strings = symbols.added().iter();
    let block = strings.fold(Message::default(), |block, text| block.bytes(1, text.as_bytes()));
    let block = note.into_iter().fold(block, |block, note| block.bytes(2, note.as_bytes()));
    let block = block.number(3, WRITTEN_VERSION);
    let block = facts.iter().fold(block, |block, fact| block.message(4, fact));
    checks.iter().fold(block, |block, check| block.message(6, check)).into_bytes()
}

/// Reads the first block.
pub(crate) fn read_first<'a>(
    data: &'a [u8],
    symbols: &mut Symbols<'a>,
) -> Result<Grant, Malformed> {
    let mut block = Block::read(data, symbols)?;
    let mut holder = Holder::default();
    while let Some(fact) = block.fields.message(4)? {
        holder.read(fact.only(1)?, symbols)?;
    }
    if block.note.is_some() {
        return Err(Malformed);
    }
    let limits = block.read_limits(symbols)?;
    holder.into_grant(limits).ok_or(Malformed)
}

/// Reads a block that narrows. One that says anything else is refused, whatever it says.
pub(crate) fn read_narrowing<'a>(
    data: &'a [u8],
    symbols: &mut Symbols<'a>,
) -> Result<Limits, Malformed> {
    Block::read(data, symbols)?.read_limits(symbols)
}

/// Whether a text may stand as the note of a block: it is shown to people who read logs.
pub(crate) fn is_note(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(misleads)
}

/// Whether a character controls something, or changes how those around it are shown: those of the categories Cc, Cf,
/// Zl and Zp of Unicode 16 (controls, direction, what is not seen, and separators of lines and paragraphs).
const fn misleads(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1F}'
            | '\u{7F}'..='\u{9F}'
            | '\u{AD}'
            | '\u{600}'..='\u{605}'
            | '\u{61C}'
            | '\u{6DD}'
            | '\u{70F}'
            | '\u{890}'..='\u{891}'
            | '\u{8E2}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{110BD}'
            | '\u{110CD}'
            | '\u{13430}'..='\u{1343F}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0001}'
            | '\u{E0020}'..='\u{E007F}'
    )
}

/// A block, as far as all have the same.
struct Block<'a> {
    fields: Fields<'a>,
    note: Option<&'a str>,
    version: u64,
}

impl<'a> Block<'a> {
    fn read(data: &'a [u8], symbols: &mut Symbols<'a>) -> Result<Self, Malformed> {
        let mut fields = Fields::new(data);
        while let Some(text) = fields.text(1)? {
            symbols.push(text)?;
        }
        let note = fields.text(2)?;
        if !note.is_none_or(is_note) {
            return Err(Malformed);
        }
        let version = fields.number(3)?.ok_or(Malformed)?;
        if !READ_VERSIONS.contains(&version) {
            return Err(Malformed);
        }
        Ok(Self { fields, note, version })
    }

    /// The rest, which is checks and nothing else: neither facts (in another than the first block) nor rules,
    /// scopes or keys, all of which could change what a check sees.
    fn read_limits(mut self, symbols: &Symbols<'a>) -> Result<Limits, Malformed> {
        let mut limits = Limits { note: self.note.map(str::to_owned), ..Limits::default() };
        let mut checks = 0;
        while let Some(check) = self.fields.message(6)? {
            checks += 1;
            if checks > MAX_CHECKS {
                return Err(Malformed);
            }
            let limit = Restriction::read(check, self.version, symbols)?;
            if let Restriction::Until(last) = limit {
                limits.expires = Some(limits.expires.map_or(last, |before| before.min(last)));
            } else if let Some(reach) = limit.into_reach() {
                limits.reach = limits.reach.intersection(&reach);
            }
        }
        self.fields.end()?;
        Ok(limits)
    }
}

/// Facts about the holder. Each stands once, except groups and tags.
#[derive(Default)]
struct Holder {
    principal: Option<(PrincipalKind, String)>,
    groups: Vec<Name>,
    tags: Tags,
    session: Option<Uuid>,
    origin: Option<Origin>,
    binding: Option<Binding>,
    issued: Option<Timestamp>,
}

impl Holder {
    fn read(&mut self, fact: Fields<'_>, symbols: &Symbols<'_>) -> Result<(), Malformed> {
        let mut fact = fact;
        let name = symbols.get(fact.number(1)?.ok_or(Malformed)?)?;
        let first = Term::read(fact.message(2)?.ok_or(Malformed)?, symbols)?;
        let second = fact.message(2)?.map(|term| Term::read(term, symbols)).transpose()?;
        fact.end()?;
        let is_known = match (name, first, second) {
            (PRINCIPAL, Term::String(kind), Some(Term::String(name))) => {
                set(&mut self.principal, principal(kind, name))
            }
            (GROUP, Term::String(group), None) => match group.parse() {
                Ok(group) if self.groups.len() < MAX_ENTRIES => {
                    self.groups.push(group);
                    true
                }
                _ => false,
            },
            (TAG, Term::String(name), Some(Term::String(value))) => {
                name.parse().is_ok_and(|name| self.tags.add(name, value).is_ok())
            }
            (SESSION, Term::String(id), None) => set(&mut self.session, session(id)),
            (ORIGIN, Term::String(id), None) => set(&mut self.origin, id.parse().ok()),
            (BOUND, Term::String(method), Some(Term::String(thumbprint))) => {
                set(&mut self.binding, Binding::read(method, thumbprint))
            }
            (ISSUED, Term::Date(time), None) => set(&mut self.issued, Some(time)),
            _ => false,
        };
        if is_known { Ok(()) } else { Err(Malformed) }
    }

    fn into_grant(self, limits: Limits) -> Option<Grant> {
        let (kind, name) = self.principal?;
        Some(Grant {
            kind,
            name,
            groups: self.groups,
            tags: Arc::new(self.tags),
            session: self.session?,
            origin: self.origin?,
            binding: self.binding?,
            issued: self.issued?,
            expires: limits.expires?,
            reach: limits.reach,
        })
    }
}

/// Whether a value was read, and none was there before.
fn set<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    value.is_some() && std::mem::replace(slot, value).is_none()
}

fn principal(kind: &str, name: &str) -> Option<(PrincipalKind, String)> {
    let kinds = [PrincipalKind::User, PrincipalKind::ServicePrincipal];
    let kind = kinds.into_iter().find(|known| known.name() == kind)?;
    is_principal(kind, name).then(|| (kind, name.to_owned()))
}

/// Whether policy could name it.
pub(crate) fn is_principal(kind: PrincipalKind, name: &str) -> bool {
    match kind {
        PrincipalKind::User => parse_qualified(name) == Ok((kind, name)),
        PrincipalKind::ServicePrincipal => {
            parse_qualified(&format!("sp:{name}")) == Ok((kind, name))
        }
    }
}

/// A session in the form in which it is written.
fn session(text: &str) -> Option<Uuid> {
    let id = Uuid::parse_str(text).ok()?;
    (is_session(id) && id.hyphenated().to_string() == text).then_some(id)
}

/// Whether it is a UUIDv7.
pub(crate) fn is_session(id: Uuid) -> bool {
    id.get_version_num() == 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_shown_as_they_are() {
        for note in ["reader (agent 2)", "päss ✓", "読む", "\u{1F468}\u{1F3FD}", "عربي"] {
            assert!(is_note(note), "{note}");
        }
        for hidden in [
            '\0',
            '\n',
            '\r',
            '\t',
            '\u{1B}',
            '\u{7F}',
            '\u{85}',
            '\u{9F}',
            '\u{AD}',
            '\u{61C}',
            '\u{180E}',
            '\u{200B}',
            '\u{200D}',
            '\u{200E}',
            '\u{200F}',
            '\u{2028}',
            '\u{2029}',
            '\u{202A}',
            '\u{202E}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{206F}',
            '\u{FEFF}',
            '\u{FFFB}',
            '\u{E0001}',
            '\u{E0041}',
        ] {
            assert!(!is_note(&format!("a{hidden}b")), "{hidden:?}");
        }
        let controls = (char::MIN..=char::MAX).filter(|character| character.is_control());
        assert!(controls.into_iter().all(misleads));
    }
}
