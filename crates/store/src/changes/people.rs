//! Whether two keys are those of two people.

use std::collections::{BTreeSet, HashMap};

use super::Hand;
use crate::error::StoreError;
use crate::key::KeyRecord;

/// How ids of sessions of the console begin, where those of keys are expected; no id of a key does.
pub const SESSION: &str = "console-session:";

/// Refuses where one person could stand behind both keys.
pub(super) fn two_people(
    keys: &HashMap<String, KeyRecord>,
    proposer: &Hand,
    approver: &Hand,
) -> Result<(), StoreError> {
    if proposer.key == approver.key || same(&proposer.principal, &approver.principal) {
        return Err(StoreError::SamePerson);
    }
    // Names of keys, of accounts and of an identity provider are not the same names: one person has several.
    if source(proposer) != source(approver) {
        return Err(StoreError::SameHand);
    }
    let (proposers, approvers) = (line(keys, proposer)?, line(keys, approver)?);
    if proposers.is_disjoint(&approvers) {
        return Ok(());
    }
    Err(StoreError::SameHand)
}

/// Everybody who may know a key: its holder, whoever made it, whoever made theirs, and so on to a key that was made
/// where the state is.
pub(super) fn line(
    keys: &HashMap<String, KeyRecord>,
    hand: &Hand,
) -> Result<BTreeSet<String>, StoreError> {
    let mut line = BTreeSet::from([hand.principal.to_lowercase()]);
    // Nobody made a session but who signed in. A key that was made in one has nobody here who could be asked, and is
    // refused below.
    if hand.key.starts_with(SESSION) {
        return Ok(line);
    }
    let mut seen = BTreeSet::new();
    let mut next = Some(hand.key.clone());
    while let Some(id) = next {
        // Who made a key that is not there any more, nobody knows.
        let key = keys.get(&id).ok_or(StoreError::SameHand)?;
        line.insert(key.principal().to_lowercase());
        next = key.maker.clone().filter(|maker| !seen.contains(maker));
        seen.insert(id);
    }
    Ok(line)
}

/// Who says what somebody is called: this store for keys, and for a session what signed the person in.
fn source(hand: &Hand) -> Option<&str> {
    let (source, _) = hand.key.strip_prefix(SESSION)?.rsplit_once(':')?;
    Some(source)
}

/// Names that differ in case alone are taken for one person's.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
