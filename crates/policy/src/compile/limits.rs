//! Limits: who is counted, what is counted, and whether it can be.

use std::collections::BTreeSet;

use bartizan_core::id::RuleId;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::settings::{Limit, LimitSubject, Price, Subject};

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::endpoint::{EndpointFile, LimitFile, PerFile};
use crate::file::scalar::{RuleIdText, ShareText};
use crate::located::Located;
use crate::snippet::quote;

/// Ids that events give to what short tokens bound.
const RESERVED: [&str; 2] = ["token-budget", "token-proof"];

impl Compiler<'_, '_> {
    pub(super) fn limit(
        &mut self,
        file: &PolicyFile,
        limit: &LimitFile,
        ids: &mut BTreeSet<RuleId>,
    ) -> Option<Limit> {
        if matches!(limit.per.value, PerFile::All) {
            let message = "a limit of one endpoint does not count over all";
            let help = "write `per: endpoint`, or move the limit to `limits:` beside `endpoints:`";
            self.report(Problem::new(limit.per.place, message).help(help));
        }
        self.any_limit(file, limit, ids)
    }

    /// A limit over all endpoints.
    pub(super) fn shared_limit(
        &mut self,
        file: &PolicyFile,
        limit: &LimitFile,
        ids: &mut BTreeSet<RuleId>,
    ) -> Option<Limit> {
        if matches!(limit.per.value, PerFile::Endpoint) {
            let message = "a limit over all endpoints does not count one";
            let help = "write `per: all`, or move the limit to the endpoint";
            self.report(Problem::new(limit.per.place, message).help(help));
        }
        self.any_limit(file, limit, ids)
    }

    fn any_limit(
        &mut self,
        file: &PolicyFile,
        limit: &LimitFile,
        ids: &mut BTreeSet<RuleId>,
    ) -> Option<Limit> {
        let id = self.rule_id(&limit.id, ids);
        self.not_reserved(&limit.id)?;
        let per = match &limit.per.value {
            PerFile::User => Some(LimitSubject::User),
            PerFile::ServicePrincipal => Some(LimitSubject::ServicePrincipal),
            PerFile::Endpoint => Some(LimitSubject::Endpoint),
            PerFile::All => Some(LimitSubject::All),
            PerFile::Group(group) => {
                self.group(file, &group.value, group.place).map(LimitSubject::Group)
            }
            PerFile::Tag(tag) => self.tag_name(&tag.value, tag.place).map(LimitSubject::Tag),
        };
        let only = self.only(file, limit);
        if limit.requests.is_none() && limit.tokens.is_none() && limit.usd.is_none() {
            let message = format!("the limit {} limits nothing", quote(&limit.id.value.0));
            let help = "add `requests`, `tokens` or `usd`, such as `requests: 60/min`";
            self.report(Problem::new(limit.id.place, message).help(help));
        }
        let requests = limit.requests.as_ref().map(|rate| self.rate(rate));
        let tokens = limit.tokens.as_ref().map(|rate| self.rate(rate));
        let nano_usd = limit.usd.as_ref().map(|budget| self.budget(budget));
        let soft_percent = match &limit.soft {
            None => None,
            Some(share) => Some(self.soft_share(share)?),
        };
        Some(Limit {
            id: id?,
            per: per?,
            only,
            requests: requests.flatten(),
            tokens: tokens.flatten(),
            nano_usd: nano_usd.flatten(),
            soft_percent,
        })
    }

    /// Refuses ids that events give to what short tokens bound.
    pub(super) fn not_reserved(&mut self, id: &Located<RuleIdText>) -> Option<()> {
        if !RESERVED.contains(&id.value.0.as_str()) {
            return Some(());
        }
        let message = format!("{} names a bound of short tokens", quote(&id.value.0));
        self.report(Problem::new(id.place, message).help("choose another id"));
        None
    }

    /// A share of less than the whole, in percent.
    fn soft_share(&mut self, given: &Located<ShareText>) -> Option<u8> {
        let number = given.value.0.strip_suffix('%').and_then(|number| number.parse().ok());
        let share = number.filter(|share| (1..=99).contains(share));
        if share.is_none() {
            let message = format!("{} is no share of a limit", quote(&given.value.0));
            self.report(
                Problem::new(given.place, message).help("write `1%` to `99%`, such as `80%`"),
            );
        }
        share
    }

    fn only(&mut self, file: &PolicyFile, limit: &LimitFile) -> BTreeSet<Subject> {
        let Some(only) = &limit.only else { return BTreeSet::new() };
        // Settings read an empty set as "all", which nobody means by an empty list.
        if only.value.is_empty() {
            let problem = Problem::new(only.place, "`only` names nobody");
            self.report(problem.help("name groups or principals, or remove the key"));
        }
        let counted = match limit.per.value {
            PerFile::User => Some(PrincipalKind::User),
            PerFile::ServicePrincipal => Some(PrincipalKind::ServicePrincipal),
            PerFile::Endpoint | PerFile::All | PerFile::Group(_) | PerFile::Tag(_) => None,
        };
        let subjects = self.subjects(file, &only.value);
        for given in &only.value {
            let text = given.value.0.as_str();
            let kind = match (text.starts_with("sp:"), text.contains('@')) {
                (true, _) => PrincipalKind::ServicePrincipal,
                (false, true) => PrincipalKind::User,
                (false, false) => continue,
            };
            if let Some(counted) = counted.filter(|counted| *counted != kind) {
                let message =
                    format!("{} is never counted by a limit per {}", quote(text), counted.name());
                let help = format!("write `per: {}`, or remove the name", kind.name());
                self.report(Problem::new(given.place, message).help(help));
            }
        }
        subjects
    }

    /// Money can be counted only for models with a price.
    pub(super) fn prices_for_budgets(&mut self, file: &PolicyFile, endpoint: &EndpointFile) {
        let mut limits = endpoint.limits.iter().chain(&file.limits);
        let Some(budget) = limits.find_map(|limit| limit.value.usd.as_ref()) else {
            return;
        };
        if file.prices.keys().any(|key| key.value == Price::OF_OTHERS) {
            return;
        }
        for route in &endpoint.routes {
            let (place, missing) = match &route.model {
                Some(model) if file.prices.keys().any(|key| key.value == model.value) => continue,
                Some(model) => (model.place, quote(&model.value)),
                None if !file.prices.is_empty() => continue,
                None => (budget.place, "any model".to_owned()),
            };
            let message =
                format!("`prices` has no price for {missing}, so `usd` cannot be counted");
            let help = "add US dollars per million tokens, such as `prices: { MODEL: { input: 0.25, \
                        output: 2 } }`; `\"*\"` stands for all models without a price";
            self.report(Problem::new(place, message).help(help));
        }
    }
}
