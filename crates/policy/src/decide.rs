//! What callers may do: the lists of the policy as indexes, and its Cedar files beside them.
//!
//! A decision has the meaning that it has in Cedar: what a `forbid` speaks of is refused; of the rest, what a
//! list or a `permit` speaks of is allowed; all else is refused. [`as_cedar`](crate::as_cedar) writes the lists
//! as Cedar, and a property test holds the indexes to what plain Cedar makes of that. The indexes are there
//! because Cedar looks at every rule for every request: a thousand rules take it most of a millisecond, and
//! these take the same time whether there are ten or ten thousand.

mod cedar;
mod render;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use bartizan_core::access::{Authorize, Call, Ruling};
use bartizan_core::id::Name;
use bartizan_core::principal::{Principal, PrincipalKind};
use bartizan_core::settings::{Endpoint, Member, Subject};

pub(crate) use cedar::{Cedar, CedarText, SCHEMA};
pub use render::as_cedar;
pub(crate) use render::{
    allow_as_cedar, entity as cedar_type, literal as cedar_literal, quoted as cedar_text,
};

/// All lists of one policy.
pub(crate) struct Decisions {
    groups: Named<Arc<[Name]>>,
    endpoints: HashMap<Name, Listed>,
    cedar: Option<Cedar>,
}

impl fmt::Debug for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Lists can have a million names.
        f.write_str("Decisions")
    }
}

/// Something for each person and each program, looked up without making a key.
#[derive(Debug)]
struct Named<T> {
    users: HashMap<String, T>,
    programs: HashMap<String, T>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { users: HashMap::new(), programs: HashMap::new() }
    }
}

impl<T> Named<T> {
    const fn of(&self, kind: PrincipalKind) -> &HashMap<String, T> {
        match kind {
            PrincipalKind::User => &self.users,
            PrincipalKind::ServicePrincipal => &self.programs,
        }
    }

    const fn of_mut(&mut self, kind: PrincipalKind) -> &mut HashMap<String, T> {
        match kind {
            PrincipalKind::User => &mut self.users,
            PrincipalKind::ServicePrincipal => &mut self.programs,
        }
    }
}

/// Whom the `allow` of an endpoint lets in.
#[derive(Debug)]
enum Listed {
    Everyone,
    Some { groups: HashSet<Name>, members: Named<()> },
}

impl Listed {
    fn of(allow: &BTreeSet<Subject>) -> Self {
        if allow.is_empty() {
            return Self::Everyone;
        }
        let (mut groups, mut members) = (HashSet::new(), Named::default());
        for subject in allow {
            match subject {
                Subject::Group(group) => {
                    groups.insert(group.clone());
                }
                Subject::Principal(Member { kind, name }) => {
                    members.of_mut(*kind).insert(name.clone(), ());
                }
            }
        }
        Self::Some { groups, members }
    }

    fn allows(&self, caller: &Principal) -> bool {
        match self {
            Self::Everyone => true,
            Self::Some { groups, members } => {
                members.of(caller.kind).contains_key(&caller.name)
                    || caller.groups.iter().any(|group| groups.contains(group))
            }
        }
    }
}

impl Decisions {
    /// Compiles the lists of a policy.
    pub(crate) fn new(
        groups: &BTreeMap<Name, BTreeSet<Member>>,
        endpoints: &BTreeMap<Name, Endpoint>,
        cedar: Option<Cedar>,
    ) -> Self {
        let mut of_each: HashMap<&Member, Vec<Name>> = HashMap::new();
        for (group, members) in groups {
            for member in members {
                of_each.entry(member).or_default().push(group.clone());
            }
        }
        // Most members of a large group are in no other, or in the same others.
        let mut known: HashSet<Arc<[Name]>> = HashSet::new();
        let mut groups = Named::default();
        for (Member { kind, name }, of) in of_each {
            let of = known.get(of.as_slice()).cloned().unwrap_or_else(|| {
                let of: Arc<[Name]> = of.into();
                known.insert(Arc::clone(&of));
                of
            });
            groups.of_mut(*kind).insert(name.clone(), of);
        }
        let endpoints = endpoints
            .iter()
            .map(|(name, endpoint)| (name.clone(), Listed::of(&endpoint.allow)))
            .collect();
        Self { groups, endpoints, cedar }
    }
}

impl Authorize for Decisions {
    fn groups_of(&self, kind: PrincipalKind, name: &str) -> &[Name] {
        self.groups.of(kind).get(name).map_or(&[], |groups| &**groups)
    }

    fn call(&self, caller: &Principal, call: &Call<'_>) -> Ruling {
        // An endpoint that the policy does not have is open to nobody, whatever Cedar says.
        let Some(listed) = self.endpoints.get(call.endpoint) else {
            return Ruling::by_list(false);
        };
        let by_list = Ruling::by_list(listed.allows(caller));
        match &self.cedar {
            None => by_list,
            Some(cedar) => cedar.rule(by_list, caller, call),
        }
    }
}
