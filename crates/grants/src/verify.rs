//! From the text of a token to what it opens.

use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;
use jiff::SignedDuration;

use crate::block::{self, Limits};
use crate::container::Container;
use crate::error::GrantError;
use crate::grant::Grant;
use crate::reach::Budget;
use crate::revoked::{RevocationId, Revocations};
use crate::signing::PublicKeys;
use crate::symbols::Symbols;
use crate::{CLOCK_SKEW, MAX_LIFETIME, text};

/// A token that was checked: what it says is what its issuer said, as far as holders did not narrow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    grant: Grant,
    blocks: Vec<RevocationId>,
    allowances: Vec<Allowance>,
    notes: Vec<String>,
}

/// A budget, and the block that sets it. All tokens with that block draw on the same budget, however they were
/// narrowed further; so whoever narrows a token gets no second budget by doing it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Which block.
    pub block: RevocationId,
    /// What all tokens with it may use together.
    pub budget: Budget,
}

impl Verified {
    /// What the token says, narrowed by all its blocks.
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The same.
    pub fn into_grant(self) -> Grant {
        self.grant
    }

    /// Ids of the token and of all that it was narrowed from, the first block's first.
    pub fn blocks(&self) -> &[RevocationId] {
        &self.blocks
    }

    /// Each budget that the token draws on. Use counts against all of them.
    pub fn allowances(&self) -> &[Allowance] {
        &self.allowances
    }

    /// For whom holders narrowed it, in their words: nobody has checked them.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl PublicKeys {
    /// Checks a token. It is as good as a password until a proof of the key that it is bound to is checked as well:
    /// [`Grant::binding`].
    ///
    /// 67 µs for a token as it was made, and 44 µs more for each time that it was narrowed, most of which is
    /// signatures (`benches/verify.rs`).
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn verify(&self, token: &Secret, now: Timestamp) -> Result<Verified, GrantError> {
        self.check(token, None, now)
    }

    /// Checks a token, and that it was not revoked: by its blocks before any signature is checked, by its origin
    /// after.
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn verify_unless_revoked(
        &self,
        token: &Secret,
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<Verified, GrantError> {
        self.check(token, Some(revocations), now)
    }

    fn check(
        &self,
        token: &Secret,
        revocations: Option<&Revocations>,
        now: Timestamp,
    ) -> Result<Verified, GrantError> {
        let bytes = text::decode(token)?;
        let container = Container::parse(&bytes)?;
        let blocks: Vec<RevocationId> =
            container.blocks.iter().map(|block| RevocationId::new(*block.signature)).collect();
        if revocations.is_some_and(|revocations| revocations.has_any(&blocks)) {
            return Err(GrantError::Revoked);
        }
        let root = self.find(container.root_key_id, now).ok_or(GrantError::UnknownKey)?;
        container.verify(root)?;
        let content = Content::read(&container)?;
        if lifetime(&content.first) > signed(MAX_LIFETIME) {
            return Err(GrantError::LivesTooLong);
        }
        let narrowest = content.narrowest();
        if now.duration_until(narrowest.issued) > signed(CLOCK_SKEW) {
            return Err(GrantError::NotYet);
        }
        if now.as_second() > narrowest.expires.as_second() {
            return Err(GrantError::Expired);
        }
        let verified = Verified {
            allowances: content.allowances(&blocks),
            grant: narrowest,
            blocks,
            notes: content.limits.into_iter().filter_map(|limits| limits.note).collect(),
        };
        if revocations.is_some_and(|revocations| revocations.is_revoked(&verified)) {
            return Err(GrantError::Revoked);
        }
        Ok(verified)
    }
}

/// What the blocks of a token say.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    /// What the first says.
    pub(crate) first: Grant,
    /// How all others narrow it.
    limits: Vec<Limits>,
    /// The strings of all.
    pub(crate) symbols: Symbols<'a>,
}

impl<'a> Content<'a> {
    /// Reads all blocks of a token.
    pub(crate) fn read(container: &Container<'a>) -> Result<Self, GrantError> {
        let mut symbols = Symbols::default();
        let mut blocks = container.blocks.iter().enumerate();
        let (_, first) = blocks.next().ok_or(GrantError::Malformed)?;
        let first = block::read_first(first.data, &mut symbols);
        let first = first.map_err(|_| GrantError::FirstBlock)?;
        let limits = blocks.map(|(number, block)| {
            block::read_narrowing(block.data, &mut symbols)
                .map_err(|_| GrantError::Block { number })
        });
        Ok(Self { first, limits: limits.collect::<Result<_, _>>()?, symbols })
    }

    /// What all blocks allow together.
    pub(crate) fn narrowest(&self) -> Grant {
        self.limits.iter().fold(self.first.clone(), |grant, limits| Grant {
            reach: grant.reach.intersection(&limits.reach),
            expires: limits.expires.map_or(grant.expires, |expires| expires.min(grant.expires)),
            ..grant
        })
    }

    fn allowances(&self, blocks: &[RevocationId]) -> Vec<Allowance> {
        let budgets = self.limits.iter().map(|limits| limits.reach.budget);
        let budgets = std::iter::once(self.first.reach.budget).chain(budgets);
        blocks
            .iter()
            .zip(budgets)
            .filter(|(_, budget)| !budget.is_unlimited())
            .map(|(block, budget)| Allowance { block: *block, budget })
            .collect()
    }
}

fn lifetime(grant: &Grant) -> SignedDuration {
    grant.issued.duration_until(grant.expires)
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
