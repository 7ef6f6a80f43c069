//! Identity providers: whose tokens are taken, and what their claims mean.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bartizan_core::id::Name;
use bartizan_core::settings::{ClaimTest, Issuer, IssuerKeys, JwtAlgorithm};
use sha2::{Digest as _, Sha256};

use crate::compile::Compiler;
use crate::compile::urls::PlainHttp;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::issuer::{ClaimFile, ClaimedGroupsFile, IssuerFile};
use crate::file::scalar::DurationText;
use crate::located::Located;
use crate::snippet::quote;

/// How tokens may be signed where the policy does not say.
const ALGORITHMS: [JwtAlgorithm; 2] = [JwtAlgorithm::Rs256, JwtAlgorithm::Es256];
/// Longest text of a claim or audience that a policy names, in bytes.
const CLAIM_BYTES: usize = 256;
/// Longest life of a token that a policy may allow.
const MAX_AGE: Duration = Duration::from_hours(24);

impl Compiler<'_, '_> {
    pub(super) fn issuers(&mut self, file: &PolicyFile) -> Vec<Issuer> {
        let mut issuers: Vec<Issuer> = Vec::new();
        for given in &file.identity.issuers {
            let Some(issuer) = self.issuer(file, &given.value) else { continue };
            let twice = |key: &str, of: &Located<String>| {
                let message = format!("two issuers have the same `{key}`, {}", quote(&of.value));
                Problem::new(of.place, message).help("keep one of the two")
            };
            if issuers.iter().any(|other| other.id == issuer.id) {
                self.report(twice("id", &given.value.id));
            } else if issuers.iter().any(|other| other.url == issuer.url) {
                self.report(twice("issuer", &given.value.issuer));
            } else {
                issuers.push(issuer);
            }
        }
        issuers
    }

    fn issuer(&mut self, file: &PolicyFile, given: &IssuerFile) -> Option<Issuer> {
        let id = self.name(&given.id, "issuer");
        let url = self.issuer_url(&given.issuer);
        let audiences = self.audiences(&given.audiences);
        let algorithms = match &given.algorithms {
            None => BTreeSet::from(ALGORITHMS),
            Some(words) => {
                if words.value.is_empty() {
                    let problem = Problem::new(words.place, "`algorithms` lets no token pass");
                    self.report(problem.help("name one, such as `RS256`, or remove the key"));
                }
                words.value.iter().filter_map(|word| self.word(word)).collect()
            }
        };
        let keys = self.issuer_keys(given);
        let user_claim = match &given.user {
            None => Some(Issuer::DEFAULT_USER_CLAIM.to_owned()),
            Some(claim) => self.claim(claim),
        };
        let (groups_claim, groups) = match &given.groups {
            None => (None, BTreeMap::new()),
            Some(groups) => self.claimed_groups(file, &groups.value),
        };
        let tags = self.claimed_tags(&given.tags);
        let program = given.program.as_ref().map(|test| self.claim_test(&test.value));
        let clock_skew = self.bounded(
            given.clock_skew.as_ref(),
            "clock-skew",
            Issuer::DEFAULT_CLOCK_SKEW,
            Issuer::LONGEST_CLOCK_SKEW,
        );
        let max_age =
            self.bounded(given.max_age.as_ref(), "max-age", Issuer::DEFAULT_MAX_AGE, MAX_AGE);
        let program = match program {
            None => None,
            Some(test) => Some(test?),
        };
        Some(Issuer {
            id: id?,
            url: url?,
            audiences,
            algorithms,
            keys: keys?,
            user_claim: user_claim?,
            groups_claim,
            program,
            groups,
            tags,
            clock_skew: clock_skew?,
            max_age: max_age?,
        })
    }

    /// The issuer as tokens name it. It is compared to the letter, so that it is kept as it is written.
    fn issuer_url(&mut self, given: &Located<String>) -> Option<String> {
        let url = self.text_or_reference(&given.value, given.place)?;
        self.base_url(&url, given.place, PlainHttp::Believed)?;
        Some(url)
    }

    fn audiences(&mut self, given: &Located<Vec<Located<String>>>) -> BTreeSet<String> {
        if given.value.is_empty() {
            let problem = Problem::new(given.place, "`audiences` lets no token pass");
            let help = "name what tokens for this gateway have as `aud`; without it, tokens for other services would be taken";
            self.report(problem.help(help));
        }
        given.value.iter().filter_map(|audience| self.claim(audience)).collect()
    }

    fn issuer_keys(&mut self, given: &IssuerFile) -> Option<IssuerKeys> {
        let Some(keys) = &given.keys else { return Some(IssuerKeys::Discovery) };
        if keys.value.0.starts_with("file:") {
            let text = self.text_or_reference(&keys.value.0, keys.place)?;
            // A key that is taken out of the file makes another version.
            self.lists.push(Sha256::digest(&text).into());
            return Some(IssuerKeys::Inline(text));
        }
        let url = self.text_or_reference(&keys.value.0, keys.place)?;
        self.base_url(&url, keys.place, PlainHttp::Believed)?;
        Some(IssuerKeys::Url(url))
    }

    fn claimed_groups(
        &mut self,
        file: &PolicyFile,
        given: &ClaimedGroupsFile,
    ) -> (Option<String>, BTreeMap<String, Name>) {
        let claim = self.claim(&given.claim);
        if given.map.is_empty() {
            let problem = Problem::new(given.claim.place, "`map` puts nobody into a group");
            self.report(problem.help("write `map: { NAME-IN-TOKENS: GROUP }`"));
        }
        let mut groups = BTreeMap::new();
        for (claimed, group) in &given.map {
            if let Some(group) = self.group(file, &group.value, group.place) {
                groups.insert(claimed.value.clone(), group);
            }
        }
        (claim, groups)
    }

    fn claim_test(&mut self, given: &ClaimFile) -> Option<ClaimTest> {
        let claim = self.claim(&given.claim)?;
        let value = match &given.value {
            None => None,
            Some(value) => Some(self.claim(value)?),
        };
        Some(ClaimTest { claim, value })
    }

    /// Name or text of a claim.
    pub(super) fn claim(&mut self, given: &Located<String>) -> Option<String> {
        let text = &given.value;
        if !text.is_empty() && text.len() <= CLAIM_BYTES && !text.chars().any(char::is_control) {
            return Some(text.clone());
        }
        let message = format!("{} can stand in no claim of a token", quote(text));
        let help = format!("write 1 to {CLAIM_BYTES} bytes without control characters");
        self.report(Problem::new(given.place, message).help(help));
        None
    }

    fn bounded(
        &mut self,
        given: Option<&Located<DurationText>>,
        key: &str,
        default: Duration,
        most: Duration,
    ) -> Option<Duration> {
        let duration = self.duration(given, default)?;
        if duration <= most {
            return Some(duration);
        }
        let message = format!("`{key}` is longer than {} s", most.as_secs());
        self.report(Problem::new(given.and_then(|g| g.place), message).help("make it shorter"));
        None
    }
}
