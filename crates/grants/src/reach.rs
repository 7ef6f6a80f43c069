//! What a token opens: a limit for each of several things, or none.

use std::collections::BTreeSet;
use std::fmt::Debug;

use bartizan_core::id::Name;
use bartizan_core::money::NanoUsd;

use crate::error::WriteError;
use crate::pattern::{HostPatterns, MAX_ENTRIES, NamePatterns, Patterns, Shape};

/// What a token opens. Where a limit is absent, all that policy allows is open; policy is asked in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Endpoints that it opens.
    pub endpoints: Option<BTreeSet<Name>>,
    /// Tools that it opens.
    pub tools: Option<NamePatterns>,
    /// Tables that it opens.
    pub tables: Option<NamePatterns>,
    /// Hosts that it opens.
    pub hosts: Option<HostPatterns>,
    /// What it may use.
    pub budget: Budget,
}

/// What a token may use until it ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Tokens of models, at most `i64::MAX`.
    pub tokens: Option<u64>,
    /// What models cost, at most `i64::MAX` nano-dollars.
    pub cost: Option<NanoUsd>,
}

impl Budget {
    /// The smaller of both, each by itself.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self { tokens: least(self.tokens, other.tokens), cost: least(self.cost, other.cost) }
    }

    /// Whether it has no limit.
    pub const fn is_unlimited(self) -> bool {
        self.tokens.is_none() && self.cost.is_none()
    }
}

impl Reach {
    /// Whether it opens an endpoint.
    pub fn opens_endpoint(&self, name: &Name) -> bool {
        self.endpoints.as_ref().is_none_or(|endpoints| endpoints.contains(name))
    }

    /// Whether it opens a tool.
    pub fn opens_tool(&self, name: &str) -> bool {
        self.tools.as_ref().is_none_or(|tools| tools.matches(name))
    }

    /// Whether it opens a table.
    pub fn opens_table(&self, name: &str) -> bool {
        self.tables.as_ref().is_none_or(|tables| tables.matches(name))
    }

    /// Whether it opens a host, which has to be in canonical form
    /// ([`canonical_host`](bartizan_core::host::canonical_host)).
    pub fn opens_host(&self, host: &str) -> bool {
        self.hosts.as_ref().is_none_or(|hosts| hosts.matches(host))
    }

    /// What both open.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            endpoints: both(self.endpoints.as_ref(), other.endpoints.as_ref(), |a, b| a & b),
            tools: both(self.tools.as_ref(), other.tools.as_ref(), Patterns::intersection),
            tables: both(self.tables.as_ref(), other.tables.as_ref(), Patterns::intersection),
            hosts: both(self.hosts.as_ref(), other.hosts.as_ref(), Patterns::intersection),
            budget: self.budget.intersection(other.budget),
        }
    }

    /// Whether the other opens whatever this one opens.
    pub fn is_within(&self, other: &Self) -> bool {
        within(self.endpoints.as_ref(), other.endpoints.as_ref(), BTreeSet::is_subset)
            && within(self.tools.as_ref(), other.tools.as_ref(), Patterns::is_within)
            && within(self.tables.as_ref(), other.tables.as_ref(), Patterns::is_within)
            && within(self.hosts.as_ref(), other.hosts.as_ref(), Patterns::is_within)
            && within(self.budget.tokens.as_ref(), other.budget.tokens.as_ref(), u64::le)
            && within(self.budget.cost.as_ref(), other.budget.cost.as_ref(), NanoUsd::le)
    }

    /// Whether a token can be written with it.
    pub(crate) fn check(&self) -> Result<(), WriteError> {
        check_len("endpoints", self.endpoints.as_ref().map(BTreeSet::len))?;
        check_len("tools", len(self.tools.as_ref()))?;
        check_len("tables", len(self.tables.as_ref()))?;
        check_len("hosts", len(self.hosts.as_ref()))?;
        let amounts = [self.budget.tokens, self.budget.cost.map(|cost| cost.0)];
        if amounts.into_iter().flatten().any(|amount| i64::try_from(amount).is_err()) {
            return Err(WriteError::Budget);
        }
        Ok(())
    }

    /// Of what nothing is open.
    pub(crate) fn closed(&self) -> Option<&'static str> {
        [
            ("endpoints", self.endpoints.as_ref().is_some_and(BTreeSet::is_empty)),
            ("tools", self.tools.as_ref().is_some_and(Patterns::is_empty)),
            ("tables", self.tables.as_ref().is_some_and(Patterns::is_empty)),
            ("hosts", self.hosts.as_ref().is_some_and(Patterns::is_empty)),
        ]
        .into_iter()
        .find_map(|(of, is_closed)| is_closed.then_some(of))
    }
}

fn len<S: Shape>(patterns: Option<&Patterns<S>>) -> Option<usize> {
    patterns.map(Patterns::len)
}

fn check_len(of: &'static str, len: Option<usize>) -> Result<(), WriteError> {
    match len {
        Some(0) => Err(WriteError::Empty { of }),
        Some(len) if len > MAX_ENTRIES => Err(WriteError::TooMany { of, limit: MAX_ENTRIES }),
        _ => Ok(()),
    }
}

fn both<T: Clone>(a: Option<&T>, b: Option<&T>, and: impl Fn(&T, &T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(and(a, b)),
        (one, other) => one.or(other).cloned(),
    }
}

fn least<T: Ord + Copy>(a: Option<T>, b: Option<T>) -> Option<T> {
    both(a.as_ref(), b.as_ref(), |a, b| *a.min(b))
}

fn within<T>(a: Option<&T>, b: Option<&T>, is_within: impl Fn(&T, &T) -> bool) -> bool {
    match (a, b) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(a), Some(b)) => is_within(a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_opens_all_and_an_empty_one_nothing() {
        let all = Reach::default();
        let none = Reach { endpoints: Some(BTreeSet::new()), ..Reach::default() };
        let name: Name = "chat".parse().unwrap();
        assert!(all.opens_endpoint(&name) && all.opens_host("a.example"));
        assert!(!none.opens_endpoint(&name) && none.opens_host("a.example"));
        assert_eq!(all.intersection(&none), none);
        assert!(none.is_within(&all) && !all.is_within(&none));
        assert_eq!((all.closed(), none.closed()), (None, Some("endpoints")));
    }

    #[test]
    fn sets_are_bounded() {
        let tools = |n: usize| {
            let names: Vec<String> = (0..n).map(|n| format!("t{n}")).collect();
            let tools = NamePatterns::new(names.iter().map(String::as_str)).unwrap();
            Reach { tools: Some(tools), ..Reach::default() }
        };
        assert!(tools(64).check().is_ok());
        assert_eq!(tools(65).check(), Err(WriteError::TooMany { of: "tools", limit: 64 }));
        assert_eq!(tools(0).check(), Err(WriteError::Empty { of: "tools" }));
        let budget = Budget { tokens: Some(u64::MAX), cost: None };
        assert_eq!(Reach { budget, ..Reach::default() }.check(), Err(WriteError::Budget));
    }
}
