//! What becomes of each member of a request: tables instead of silence.
//!
//! A translation lists every member that it knows of an object. What is in no table cannot be
//! translated, so that a new field of a protocol is refused until someone has thought about it.
//! `null` asks for nothing and is always fine.

use std::borrow::Cow;

use crate::error::GatewayError;
use crate::json::{Kind, Value};

/// A member of an object and what becomes of it.
pub(super) struct Field {
    name: &'static str,
    fate: Fate,
}

enum Fate {
    /// The translated request says the same.
    Carried,
    /// Left out, and why nothing is lost.
    LeftOut { why: &'static str },
    /// Left out where `harmless` holds; other values are refused under the name `what`.
    LeftOutIf { harmless: fn(Value<'_>) -> bool, why: &'static str, what: &'static str },
    /// The other protocol has no words for it.
    Refused { what: &'static str },
}

/// A member whose meaning is carried over.
pub(super) const fn carried(name: &'static str) -> Field {
    Field { name, fate: Fate::Carried }
}

/// A member that can be left out because of `why`.
pub(super) const fn left_out(name: &'static str, why: &'static str) -> Field {
    Field { name, fate: Fate::LeftOut { why } }
}

/// A member that can be left out when `harmless` says so.
pub(super) const fn left_out_if(
    name: &'static str,
    harmless: fn(Value<'_>) -> bool,
    why: &'static str,
    what: &'static str,
) -> Field {
    Field { name, fate: Fate::LeftOutIf { harmless, why, what } }
}

/// A member that the other protocol has no words for; `what` names it in the error.
pub(super) const fn refused(name: &'static str, what: &'static str) -> Field {
    Field { name, fate: Fate::Refused { what } }
}

/// Looks every member of an object up in its table.
///
/// # Errors
/// `Untranslatable` for members that are refused, and under the name `unknown` for members that
/// the table does not have and for values that are no object; the error never repeats the request's
/// own words.
pub(super) fn check(
    object: Value<'_>,
    table: &[Field],
    unknown: &'static str,
) -> Result<(), GatewayError> {
    if object.kind() != Kind::Object {
        return Err(GatewayError::Untranslatable { what: unknown });
    }
    for (name, value) in object.members() {
        if value.kind() == Kind::Null {
            continue;
        }
        let Some(field) = table.iter().find(|field| name == *field.name) else {
            return Err(GatewayError::Untranslatable { what: unknown });
        };
        match field.fate {
            Fate::Carried => {}
            Fate::LeftOutIf { harmless, what, .. } if !harmless(value) => {
                return Err(GatewayError::Untranslatable { what });
            }
            Fate::LeftOut { why } | Fate::LeftOutIf { why, .. } => {
                tracing::debug!(field = field.name, why, "left out of a translated request");
            }
            Fate::Refused { what } => return Err(GatewayError::Untranslatable { what }),
        }
    }
    Ok(())
}

/// A member that is there and not `null`.
pub(super) fn present<'d>(object: Value<'d>, name: &str) -> Option<Value<'d>> {
    object.get(name).filter(|value| value.kind() != Kind::Null)
}

/// The items of a list; nothing where it is missing. `what` names it in the error.
pub(super) fn list<'d>(
    object: Value<'d>,
    name: &str,
    what: &'static str,
) -> Result<Vec<Value<'d>>, GatewayError> {
    match present(object, name) {
        None => Ok(Vec::new()),
        Some(list) if list.kind() == Kind::Array => Ok(list.items().collect()),
        Some(_) => Err(GatewayError::Untranslatable { what }),
    }
}

/// A truth value that may be missing; `what` names it in the error.
pub(super) fn switch(
    object: Value<'_>,
    name: &str,
    what: &'static str,
) -> Result<Option<bool>, GatewayError> {
    let read = |value: Value<'_>| value.as_bool().ok_or(GatewayError::Untranslatable { what });
    present(object, name).map(read).transpose()
}

/// A string; `what` names it in the error.
pub(super) fn text<'d>(value: Value<'d>, what: &'static str) -> Result<Cow<'d, str>, GatewayError> {
    let text = value.as_str().ok_or(GatewayError::Untranslatable { what })?;
    Ok(text.text())
}

/// A member that must be there and be a string; `what` names it in the error.
pub(super) fn text_of<'d>(
    object: Value<'d>,
    name: &str,
    what: &'static str,
) -> Result<Cow<'d, str>, GatewayError> {
    text(object.get(name).ok_or(GatewayError::Untranslatable { what })?, what)
}

/// A member that may be missing and else is a string; `what` names it in the error.
pub(super) fn text_if_any<'d>(
    object: Value<'d>,
    name: &str,
    what: &'static str,
) -> Result<Option<Cow<'d, str>>, GatewayError> {
    present(object, name).map(|value| text(value, what)).transpose()
}

/// A member of a stable name such as `type` or `role`; empty where it is missing or no string.
pub(super) fn word<'d>(object: Value<'d>, name: &str) -> Cow<'d, str> {
    object.get(name).and_then(|value| value.as_str()).map(|text| text.text()).unwrap_or_default()
}

/// Whether a value is the number 0.
pub(super) fn is_zero(value: Value<'_>) -> bool {
    value.as_f64() == Some(0.0)
}

/// Whether a value is `false`.
pub(super) fn is_false(value: Value<'_>) -> bool {
    value.as_bool() == Some(false)
}

/// Whether a value is an array or object that holds nothing.
pub(super) fn is_empty(value: Value<'_>) -> bool {
    matches!(value.kind(), Kind::Array | Kind::Object)
        && value.items().next().is_none()
        && value.members().next().is_none()
}
