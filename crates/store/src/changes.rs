//! Changes that wait for a second person: who asked, who may decide, and that each is decided once.
//!
//! What becomes weaker is found out by the policy room and kept here as text; what a change does is done by whoever
//! runs the gateway. Every step is one transaction, so that of two gateways one decides.

mod people;
mod record;

use std::collections::HashMap;
use std::fmt::Write as _;

use bartizan_core::id::Name;
use bartizan_core::principal::PrincipalKind;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::backend::{Rows, timestamp};
use crate::endpoints::ENDPOINT_BYTES;
use crate::error::StoreError;
use crate::store::Store;
pub use people::SESSION;
use people::{line, two_people};
pub use record::{Approved, Approver, ChangeKind, ChangeRecord, ChangeState, Hand, NewChange};

/// Most changes that wait at once.
pub const WAITING_MAX: usize = 100;
/// Changes that were decided and are kept.
const DECIDED_MAX: usize = 1_000;

/// Stands for an endpoint as it is kept; another for each text, and for none.
pub fn endpoint_digest(body: Option<&str>) -> String {
    let Some(body) = body else { return "absent".to_owned() };
    Sha256::digest(body).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl Store {
    /// Keeps a change until it is decided. One that waits already, for the same thing by the same person, is returned
    /// in its place, with false.
    ///
    /// # Errors
    /// [`StoreError::TooManyChanges`], [`StoreError::EndpointTooLarge`], [`StoreError::Database`].
    pub fn propose_change(&self, new: &NewChange) -> Result<(ChangeRecord, bool), StoreError> {
        if new.body.len() > ENDPOINT_BYTES {
            return Err(StoreError::EndpointTooLarge);
        }
        let record = made(new.clone());
        self.change_endpoints(|rows| {
            let all = rows.changes()?;
            let is_waiting = |change: &&ChangeRecord| change.waits_at(record.created);
            for known in all.iter().filter(is_waiting).filter(|known| known.is_like(&record)) {
                let known = rows.change(&known.id)?.filter(|known| known.body == record.body);
                if let Some(known) = known {
                    return Ok((known, false));
                }
            }
            if all.iter().filter(is_waiting).count() >= WAITING_MAX {
                return Err(StoreError::TooManyChanges);
            }
            let decided: Vec<_> =
                all.iter().filter(|change| change.state != ChangeState::Waiting).collect();
            let surplus = (decided.len() + 1).saturating_sub(DECIDED_MAX);
            for old in decided.iter().take(surplus) {
                rows.delete_change(&old.id)?;
            }
            rows.insert_change(&record)?;
            Ok((record.clone(), true))
        })
    }

    /// Every change that is kept, the oldest first, without bodies.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn list_changes(&self) -> Result<Vec<ChangeRecord>, StoreError> {
        let now = bartizan_core::time::now();
        let changes = self.read(|rows| rows.changes())?;
        Ok(changes.into_iter().map(|change| change.seen_at(now)).collect())
    }

    /// One change.
    ///
    /// # Errors
    /// [`StoreError::ChangeNotFound`], [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn get_change(&self, id: &str) -> Result<ChangeRecord, StoreError> {
        let found = self.read(|rows| rows.change(id))?;
        let found = found.ok_or_else(|| StoreError::ChangeNotFound { id: id.to_owned() })?;
        Ok(found.seen_at(bartizan_core::time::now()))
    }

    /// Approves a change, if the approver is a person, another than the proposer, and neither holds a key that somebody
    /// made for both. An endpoint is changed in the same step, if it still is what the change was compared with.
    ///
    /// # Errors
    /// [`StoreError::ChangeNotFound`], [`StoreError::ChangeOver`], [`StoreError::NoPerson`],
    /// [`StoreError::SamePerson`], [`StoreError::SameHand`], [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn approve_change(&self, id: &str, by: &Approver) -> Result<Approved, StoreError> {
        let now = now();
        self.change_endpoints(|rows| {
            let mut change = waiting(rows, id, now)?;
            let keys: HashMap<_, _> =
                rows.keys()?.into_iter().map(|(_, key)| (key.id.clone(), key)).collect();
            if by.kind != PrincipalKind::User {
                return Err(StoreError::NoPerson);
            }
            let Some(proposer) = &change.proposer else {
                // Whoever stands for it has to be known as well as whoever approves.
                line(&keys, &by.hand)?;
                change.proposer = Some(by.hand.clone());
                rows.update_change(&change)?;
                return Ok(Approved::OneMore(change));
            };
            two_people(&keys, proposer, &by.hand)?;
            (change.decider, change.decided) = (Some(by.hand.principal.clone()), Some(now));
            let current = match change.kind {
                ChangeKind::PolicyFile => None,
                ChangeKind::EndpointPut | ChangeKind::EndpointDelete => {
                    let found = rows.endpoint(&change.name)?;
                    Some(endpoint_digest(found.as_ref().map(|found| found.body.as_str())))
                }
            };
            if current.is_some_and(|current| current != change.against) {
                change.state = ChangeState::Void;
                rows.update_change(&change)?;
                return Ok(Approved::Void(change));
            }
            change.state = ChangeState::Approved;
            rows.update_change(&change)?;
            match change.kind {
                ChangeKind::PolicyFile => {}
                ChangeKind::EndpointPut => {
                    rows.put_endpoint(&change.name, &change.body, now.as_microsecond())?;
                }
                ChangeKind::EndpointDelete => {
                    rows.delete_endpoint(&change.name)?;
                }
            }
            if change.is_of_endpoint() {
                void_others(rows, &change.name, now)?;
            }
            Ok(Approved::Done(change))
        })
    }

    /// Rejects a change, also one's own.
    ///
    /// # Errors
    /// [`StoreError::ChangeNotFound`], [`StoreError::ChangeOver`], [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn reject_change(&self, id: &str, by: &Hand) -> Result<ChangeRecord, StoreError> {
        self.end_change(id, ChangeState::Rejected, Some(&by.principal))
    }

    /// Ends a change whose object is not what it was.
    ///
    /// # Errors
    /// [`StoreError::ChangeNotFound`], [`StoreError::ChangeOver`], [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn void_change(&self, id: &str) -> Result<ChangeRecord, StoreError> {
        self.end_change(id, ChangeState::Void, None)
    }

    fn end_change(
        &self,
        id: &str,
        state: ChangeState,
        decider: Option<&str>,
    ) -> Result<ChangeRecord, StoreError> {
        let now = now();
        self.change_endpoints(|rows| {
            let mut change = waiting(rows, id, now)?;
            (change.state, change.decided) = (state, Some(now));
            change.decider = decider.map(str::to_owned);
            rows.update_change(&change)?;
            Ok(change)
        })
    }

    /// Makes, replaces or removes (where there is no body) an endpoint, if it still is what `against` says; false when it
    /// is not.
    ///
    /// # Errors
    /// [`StoreError::EndpointTooLarge`], [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn change_endpoint(
        &self,
        name: &Name,
        body: Option<&str>,
        against: &str,
    ) -> Result<bool, StoreError> {
        if body.is_some_and(|body| body.len() > ENDPOINT_BYTES) {
            return Err(StoreError::EndpointTooLarge);
        }
        let (name, now) = (name.as_str(), now());
        self.change_endpoints(|rows| {
            let found = rows.endpoint(name)?;
            if endpoint_digest(found.as_ref().map(|found| found.body.as_str())) != against {
                return Ok(false);
            }
            match body {
                Some(body) => rows.put_endpoint(name, body, now.as_microsecond())?,
                None => {
                    rows.delete_endpoint(name)?;
                }
            }
            void_others(rows, name, now)?;
            Ok(true)
        })
    }

    /// Marks the changes whose time is over, and returns them; of several gateways one gets each.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn expire_changes(&self) -> Result<Vec<ChangeRecord>, StoreError> {
        let now = now();
        let is_over =
            |change: &ChangeRecord| change.state == ChangeState::Waiting && change.expires <= now;
        // Most of the time there is none, and nothing is to be written.
        if !self.read(|rows| rows.changes())?.iter().any(is_over) {
            return Ok(Vec::new());
        }
        self.change_endpoints(|rows| {
            let mut over: Vec<_> = rows.changes()?.into_iter().filter(is_over).collect();
            for change in &mut over {
                (change.state, change.decided) = (ChangeState::Expired, Some(now));
                rows.update_change(change)?;
            }
            Ok(over)
        })
    }

    /// Whether two people have approved that this policy takes the place of that one, and gateways may still take it.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn is_policy_approved(&self, against: &str, target: &str) -> Result<bool, StoreError> {
        let now = now();
        let changes = self.read(|rows| rows.changes())?;
        Ok(changes.iter().any(|change| {
            change.is_open_policy(now) && change.against == against && change.target == target
        }))
    }

    /// A policy came into force: what was approved about files counts no more, except that this one may still be taken
    /// by other gateways.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn close_policy_changes(&self, in_force: &str) -> Result<(), StoreError> {
        let now = now();
        let is_left =
            |change: &ChangeRecord| change.is_open_policy(now) && change.target != in_force;
        if !self.read(|rows| rows.changes())?.iter().any(is_left) {
            return Ok(());
        }
        self.change_endpoints(|rows| {
            for mut change in rows.changes()?.into_iter().filter(is_left) {
                change.expires = now;
                rows.update_change(&change)?;
            }
            Ok(())
        })
    }
}

/// Ends what waits about an endpoint that somebody changed.
pub(crate) fn void_others(
    rows: &mut dyn Rows,
    endpoint: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    for mut change in rows.changes()? {
        if change.name == endpoint && change.is_of_endpoint() && change.waits_at(now) {
            (change.state, change.decided) = (ChangeState::Void, Some(now));
            rows.update_change(&change)?;
        }
    }
    Ok(())
}

/// Takes the name of somebody out of what is kept about changes; what they asked for counts no more.
pub(crate) fn forget(rows: &mut dyn Rows, principal: &str) -> Result<(), StoreError> {
    for mut change in rows.changes()? {
        let asked = change.proposer.as_ref().is_some_and(|hand| hand.principal == principal);
        let decided = change.decider.as_deref() == Some(principal);
        if asked {
            if change.state == ChangeState::Waiting {
                (change.state, change.decided) = (ChangeState::Void, Some(now()));
            }
            change.proposer = None;
        }
        if decided {
            change.decider = None;
        }
        if asked || decided {
            rows.update_change(&change)?;
        }
    }
    Ok(())
}

fn made(new: NewChange) -> ChangeRecord {
    let NewChange { kind, name, body, against, target, proposer, weaknesses, expires } = new;
    ChangeRecord {
        id: Uuid::now_v7().to_string(),
        kind,
        name,
        body,
        against,
        target,
        proposer,
        weaknesses,
        created: now(),
        expires: timestamp(expires.as_microsecond()),
        state: ChangeState::Waiting,
        decider: None,
        decided: None,
    }
}

/// To the precision that is stored.
fn now() -> Timestamp {
    timestamp(bartizan_core::time::now().as_microsecond())
}

fn waiting(rows: &mut dyn Rows, id: &str, now: Timestamp) -> Result<ChangeRecord, StoreError> {
    let change =
        rows.change(id)?.ok_or_else(|| StoreError::ChangeNotFound { id: id.to_owned() })?;
    let change = change.seen_at(now);
    match change.state {
        ChangeState::Waiting => Ok(change),
        state => Err(StoreError::ChangeOver { id: id.to_owned(), state }),
    }
}
