//! What a policy promises of itself: `proofs:`.

use std::collections::BTreeSet;

use bartizan_core::channel::ChannelSet;
use bartizan_core::id::{Name, RuleId};
use bartizan_core::settings::{Claim, Property, Subject};
use bartizan_core::verdict::Action;

use crate::compile::Compiler;
use crate::compile::guardrails::words;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::endpoint::Words;
use crate::file::property::{GuardedFile, PropertyFile};
use crate::file::scalar::SubjectText;
use crate::located::{Located, Place};
use crate::snippet::quote;
use crate::suggest;

/// Most proofs.
const PROOFS_MAX: usize = 1_000;
/// Stands for every endpoint.
const EVERY: &str = "*";

impl Compiler<'_, '_> {
    pub(super) fn properties(&mut self, file: &PolicyFile) -> Vec<Property> {
        if let Some(beyond) = file.proofs.get(PROOFS_MAX) {
            let message = format!("there are more than {PROOFS_MAX} proofs");
            self.report(Problem::new(beyond.place, message).help("remove some"));
        }
        let mut ids = BTreeSet::new();
        let given = file.proofs.iter().take(PROOFS_MAX);
        given.filter_map(|given| self.property(file, &given.value, given.place, &mut ids)).collect()
    }

    fn property(
        &mut self,
        file: &PolicyFile,
        given: &PropertyFile,
        place: Option<Place>,
        ids: &mut BTreeSet<RuleId>,
    ) -> Option<Property> {
        let text = given.id.value.0.as_str();
        let id = match text.parse::<RuleId>() {
            Ok(id) => Some(id),
            Err(error) => {
                let message = format!("{} cannot be the id of a proof: {error}", quote(text));
                self.report(Problem::new(given.id.place, message).help("write it like `p-staff`"));
                None
            }
        };
        if id.as_ref().is_some_and(|id| !ids.insert(id.clone())) {
            let message = format!("two proofs have the id {}", quote(text));
            self.report(Problem::new(given.id.place, message).help("give each its own"));
        }
        let endpoints = self.endpoints_named(file, &given.endpoint);
        let claim = self.claim_of(file, given, place);
        Some(Property {
            id: id?,
            line: place.map(|place| place.line),
            endpoints: endpoints?,
            claim: claim?,
        })
    }

    /// One endpoint, several, or all of the file.
    fn endpoints_named(&mut self, file: &PolicyFile, given: &Located<Words>) -> Option<Vec<Name>> {
        let named = words(given);
        let known = || file.endpoints.keys().map(|key| key.value.as_str());
        let mut endpoints = BTreeSet::new();
        let mut complete = true;
        for (name, place) in &named {
            if *name == EVERY {
                // A wrong name of an endpoint is reported where the endpoint stands.
                endpoints.extend(known().filter_map(|name| name.parse::<Name>().ok()));
            } else if known().any(|known| known == *name) {
                endpoints.extend(name.parse::<Name>());
            } else {
                complete = false;
                let help = match suggest::nearest(name, known()) {
                    Some(endpoint) => format!("did you mean `{endpoint}`?"),
                    None => "name one of `endpoints:`, or `\"*\"` for all".to_owned(),
                };
                let message = format!("no endpoint is named {}", quote(name));
                self.report(Problem::new(*place, message).help(help));
            }
        }
        if endpoints.is_empty() && complete {
            // It would hold of nothing, which looks like a proof.
            let problem = Problem::new(given.place, "this is about no endpoint");
            self.report(problem.help("name one of `endpoints:`"));
            return None;
        }
        complete.then(|| endpoints.into_iter().collect())
    }

    fn claim_of(
        &mut self,
        file: &PolicyFile,
        given: &PropertyFile,
        place: Option<Place>,
    ) -> Option<Claim> {
        let PropertyFile { only, never, always, guarded, .. } = given;
        match (only, never, always, guarded) {
            (Some(who), None, None, None) => self.meant(file, "only", who).map(Claim::Only),
            (None, Some(who), None, None) => self.meant(file, "never", who).map(Claim::Never),
            (None, None, Some(who), None) => self.meant(file, "always", who).map(Claim::Always),
            (None, None, None, Some(guarded)) => self.guarded(&guarded.value),
            _ => {
                let message = "a proof is about one of `only`, `never`, `always` and `guarded`";
                let help = "keep one of them, and add an entry for each other";
                self.report(Problem::new(place, message).help(help));
                None
            }
        }
    }

    /// Groups and principals, where an empty list would make a proof of nothing.
    fn meant(
        &mut self,
        file: &PolicyFile,
        key: &str,
        given: &Located<Vec<Located<SubjectText>>>,
    ) -> Option<BTreeSet<Subject>> {
        // `only: []` says that nobody may call, and is no mistake.
        if given.value.is_empty() && key != "only" {
            let problem = Problem::new(given.place, format!("`{key}` names nobody"));
            self.report(problem.help("name groups or principals"));
            return None;
        }
        let subjects = self.subjects(file, &given.value);
        // One that is wrong was reported, and a repeated one is the same.
        Some(subjects)
    }

    fn guarded(&mut self, given: &GuardedFile) -> Option<Claim> {
        let on = self.channels(&given.on);
        let wanted = words(&given.detect);
        if wanted.is_empty() {
            let problem = Problem::new(given.detect.place, "`detect` names nothing to look for");
            self.report(problem.help("write `detect: pii`"));
            return None;
        }
        let detectors = self.detectors_named(&wanted);
        let at_least = self.choice(given.at_least.as_ref(), Action::Mask);
        let guards = self.catalogue.guards;
        let detectors = detectors.map(|all| {
            let judges = |id: &'static str| {
                guards.iter().find(|(known, _)| *known == id).map_or(ChannelSet::ALL, |(_, on)| *on)
            };
            all.into_iter().map(|id| (id, judges(id))).collect()
        });
        Some(Claim::Guarded { on: on?, detectors: detectors?, at_least: at_least? })
    }
}
