//! Callers for whom a property about calls may not hold, tried one after the other.

use std::collections::BTreeSet;

use bartizan_core::access::Call;
use bartizan_core::id::Name;
use bartizan_core::principal::{Principal, PrincipalKind};
use bartizan_core::settings::{Claim, Member, Property, Settings, Subject};
use bartizan_core::time::Timestamp;

use super::{Counterexample, OPERATIONS, breaks};

/// Most requests that are tried where Cedar decides too: each takes it some microseconds for each policy, and trying
/// proves nothing there.
const TRIED_WITH_CEDAR: usize = 20_000;

/// A request that breaks the property. Where lists alone decide and there is none, no request does.
pub(super) fn counterexample(
    settings: &Settings,
    property: &Property,
    has_cedar: bool,
    now: Timestamp,
) -> Option<Counterexample> {
    let mut left = if has_cedar { TRIED_WITH_CEDAR } else { usize::MAX };
    for endpoint in &property.endpoints {
        let around = Around::of(settings, property, endpoint);
        let operations = if has_cedar { &OPERATIONS[..] } else { OPERATIONS.get(..1)? };
        let models = if has_cedar { models(settings, endpoint) } else { vec![String::new()] };
        let found = around.callers(|caller| {
            for operation in operations {
                for model in &models {
                    left = left.checked_sub(1)?;
                    let call = Call { endpoint, operation, model, at: now };
                    let ruling = settings.access.call(caller, &call);
                    if breaks(&property.claim, caller, &ruling) {
                        return Some(Counterexample::Call {
                            caller: caller.clone(),
                            endpoint: endpoint.clone(),
                            operation: (*operation).to_owned(),
                            model: model.clone(),
                            at: now,
                            ruling,
                        });
                    }
                }
            }
            None
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Models that a caller may name at an endpoint.
fn models(settings: &Settings, endpoint: &Name) -> Vec<String> {
    let mut models = vec![String::new()];
    if let Some(endpoint) = settings.endpoints.get(endpoint)
        && endpoint.routes.iter().any(|route| route.model.is_none())
    {
        models.extend(settings.prices.keys().take(8).cloned());
    }
    models
}

/// Groups that the token of an issuer, or a certificate, can put its holder into.
pub(super) fn brought(settings: &Settings) -> BTreeSet<&Name> {
    let by_token = settings.issuers.iter().flat_map(|issuer| issuer.groups.values());
    by_token.chain(settings.certificates.iter().flat_map(|rule| &rule.groups)).collect()
}

/// Whom a property and the list of an endpoint speak of.
struct Around<'s> {
    settings: &'s Settings,
    named: BTreeSet<&'s Subject>,
    /// Groups among these that tokens can bring.
    brought: Vec<&'s Name>,
}

impl<'s> Around<'s> {
    fn of(settings: &'s Settings, property: &'s Property, endpoint: &Name) -> Self {
        let mut named: BTreeSet<&Subject> = match &property.claim {
            Claim::Only(who) | Claim::Never(who) | Claim::Always(who) => who.iter().collect(),
            Claim::Guarded { .. } => BTreeSet::new(),
        };
        let listed = settings.endpoints.get(endpoint).map(|endpoint| &endpoint.allow);
        named.extend(listed.into_iter().flatten());
        let can_come = brought(settings);
        let groups = named.iter().filter_map(|subject| match subject {
            Subject::Group(group) => Some(group),
            Subject::Principal(_) => None,
        });
        let brought = groups.filter(|group| can_come.contains(group)).collect();
        Self { settings, named, brought }
    }

    /// Shows callers until one is found that is asked for.
    ///
    /// INVARIANT: whoever breaks a property of lists has somebody here who breaks it too. A list lets somebody in, and a
    /// property speaks of somebody, by their name or by one group. Whom neither names is as good as a stranger, with a
    /// group for each at most; of whom one is about by name or by a listed group, one more group is enough.
    fn callers<T>(&self, mut asked: impl FnMut(&Principal) -> Option<T>) -> Option<T> {
        let kinds = [PrincipalKind::User, PrincipalKind::ServicePrincipal];
        for kind in kinds {
            let stranger = self.stranger(kind);
            let mut try_with = |groups: &[&Name]| asked(&self.with(kind, &stranger, groups));
            if let Some(found) = try_with(&[]) {
                return Some(found);
            }
            for (index, one) in self.brought.iter().enumerate() {
                if let Some(found) = try_with(&[one]) {
                    return Some(found);
                }
                for other in self.brought.iter().skip(index + 1) {
                    if let Some(found) = try_with(&[one, other]) {
                        return Some(found);
                    }
                }
            }
        }
        for subject in &self.named {
            let members: Box<dyn Iterator<Item = &Member>> = match subject {
                Subject::Principal(member) => Box::new(std::iter::once(member)),
                Subject::Group(group) => {
                    Box::new(self.settings.groups.get(group).into_iter().flatten())
                }
            };
            for Member { kind, name } in members {
                let once = std::iter::once(None).chain(self.brought.iter().map(Some));
                for group in once {
                    let groups: &[&Name] = group.map_or(&[], std::slice::from_ref);
                    if let Some(found) = asked(&self.with(*kind, name, groups)) {
                        return Some(found);
                    }
                }
            }
        }
        None
    }

    /// A caller with the groups that the policy puts them into, and more.
    fn with(&self, kind: PrincipalKind, name: &str, more: &[&Name]) -> Principal {
        let listed = self.settings.access.groups_of(kind, name);
        let mut groups: Vec<Name> = listed.iter().chain(more.iter().copied()).cloned().collect();
        groups.sort_unstable();
        groups.dedup();
        Principal { kind, name: name.to_owned(), groups }
    }

    /// Somebody whom nothing names.
    fn stranger(&self, kind: PrincipalKind) -> String {
        let base = match kind {
            PrincipalKind::User => "somebody@else.example",
            PrincipalKind::ServicePrincipal => "something-else",
        };
        let is_named = |name: &str| {
            let member = Member { kind, name: name.to_owned() };
            !self.settings.access.groups_of(kind, name).is_empty()
                || self.named.contains(&Subject::Principal(member))
        };
        let names =
            std::iter::once(base.to_owned()).chain((2..).map(|n: u64| format!("{base}-{n}")));
        names.into_iter().find(|name| !is_named(name)).unwrap_or_default()
    }
}
