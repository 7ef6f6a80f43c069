//! What a policy says that it decides: `tests:`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use bartizan_core::id::{Name, RuleId};
use bartizan_core::settings::{Endpoint, Expected, PolicyTest};
use bartizan_core::verdict::Verdict;

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::scalar::ExpectText;
use crate::file::test::TestFile;
use crate::located::{Located, Unsupported};
use crate::snippet::quote;
use crate::suggest;

/// Said, where a test does not say what.
const USUAL_WORDS: &str = "Hello.";
/// How often a request may be made.
const TIMES: RangeInclusive<u64> = 1..=100_000;
/// What a test may expect.
const WORDS: [&str; 6] = ["allow", "flag", "mask", "block", "deny", "limit"];
/// Most tests.
const TESTS_MAX: usize = 10_000;

/// Something is wrong, and was said.
struct Reported;

impl Compiler<'_, '_> {
    pub(super) fn tests(
        &mut self,
        file: &PolicyFile,
        endpoints: &BTreeMap<Name, Endpoint>,
    ) -> Vec<PolicyTest> {
        if let Some(beyond) = file.tests.get(TESTS_MAX) {
            let message = format!("there are more than {TESTS_MAX} tests");
            self.report(Problem::new(beyond.place, message).help("remove some"));
        }
        let tests = file.tests.iter().take(TESTS_MAX);
        tests.filter_map(|test| self.test(file, test, endpoints)).collect()
    }

    fn test(
        &mut self,
        file: &PolicyFile,
        test: &Located<TestFile>,
        endpoints: &BTreeMap<Name, Endpoint>,
    ) -> Option<PolicyTest> {
        let Located { value: test, place } = test;
        let others = [("connect", &test.connect), ("sql", &test.sql), ("tool", &test.tool)];
        for (key, found) in others {
            self.unsupported_key(key, found);
        }
        if test.endpoint.is_none()
            && others.iter().all(|(_, found)| matches!(found, Unsupported::Absent))
        {
            let problem = Problem::new(*place, "the key `endpoint` is missing");
            self.report(problem.help("say which endpoint is asked: `endpoint: NAME`"));
        }
        let who = self.member(&test.r#as.value.0, test.r#as.place);
        let times = test.times.as_ref().map_or(Some(1), |times| {
            let fits = TIMES.contains(&times.value).then_some(times.value as u32);
            if fits.is_none() {
                let message = format!("a request cannot be made {} times", times.value);
                let help = format!("write {} to {}", TIMES.start(), TIMES.end());
                self.report(Problem::new(times.place, message).help(help));
            }
            fits
        });
        let name = test.endpoint.as_ref().and_then(|given| self.tested_endpoint(file, given));
        let endpoint = name.as_ref().and_then(|name| endpoints.get(name));
        let expected = self.expected(file, &test.expect, endpoint);
        let model = test.model.as_ref();
        let is_fixed = |endpoint: &Endpoint| endpoint.routes.iter().all(|r| r.model.is_some());
        if let (Some(model), true) = (model, endpoint.is_some_and(is_fixed)) {
            let message = "the routes of the endpoint fix the model".to_owned();
            self.report(Problem::new(model.place, message).help("remove `model`"));
        }
        let said = |given: &Option<Located<String>>| {
            given.as_ref().map_or_else(|| USUAL_WORDS.to_owned(), |given| given.value.clone())
        };
        Some(PolicyTest {
            line: place.map(|place| place.line),
            who: who?,
            endpoint: name?,
            model: model.map(|model| model.value.clone()),
            prompt: said(&test.prompt),
            tool_result: test.tool_result.as_ref().map(|given| given.value.clone()),
            answer: said(&test.answer),
            times: times?,
            expected: expected?,
        })
    }

    fn tested_endpoint(&mut self, file: &PolicyFile, given: &Located<String>) -> Option<Name> {
        let known = || file.endpoints.keys().map(|key| key.value.as_str());
        if file.endpoints.contains_key(&Located::key(&given.value)) {
            // A wrong name of an endpoint is reported where the endpoint stands.
            return given.value.parse().ok();
        }
        let help = match suggest::nearest(&given.value, known()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("endpoints of this file: {}", suggest::list(known())),
        };
        let message = format!("no endpoint is named {}", quote(&given.value));
        self.report(Problem::new(given.place, message).help(help));
        None
    }

    fn expected(
        &mut self,
        file: &PolicyFile,
        given: &Located<ExpectText>,
        endpoint: Option<&Endpoint>,
    ) -> Option<Expected> {
        let text = given.value.0.as_str();
        let mut words = text.split_whitespace();
        let (word, rule) = (words.next().unwrap_or_default(), words.next());
        if words.next().is_some() || !WORDS.contains(&word) {
            let message = format!("{} is nothing that a test can expect", quote(text));
            let help = match suggest::nearest(word, WORDS) {
                Some(near) if near != word => format!("did you mean `{near}`?"),
                _ => "write one of `allow`, `flag`, `mask`, `block`, `deny`, `limit`, and the id of the rule that decides".to_owned(),
            };
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        let guardrails = || endpoint.into_iter().flat_map(|of| &of.guardrails).map(|rail| &rail.id);
        let brakes = || endpoint.into_iter().flat_map(|of| &of.brakes).map(|brake| &brake.id);
        let limits = || endpoint.into_iter().flat_map(|of| &of.limits).map(|limit| &limit.id);
        let over_all = file.limits.iter().filter_map(|limit| limit.value.id.value.0.parse().ok());
        let over_all: Vec<RuleId> = over_all.collect();
        let judged = |verdict, rule| Some(Expected::Judged(verdict, rule));
        match word {
            "deny" => Some(Expected::Denied(self.expected_rule(given, rule, "", None).ok()?)),
            "limit" => {
                let known = endpoint.map(|_| limits().chain(&over_all).chain(brakes()).collect());
                Some(Expected::Limited(self.expected_rule(given, rule, "limit", known).ok()?))
            }
            "allow" if rule.is_some() => {
                let message = "no rule decides that a request is allowed".to_owned();
                self.report(Problem::new(given.place, message).help("write `allow` alone"));
                None
            }
            "allow" => judged(Verdict::Allow, None),
            word => {
                let known = endpoint.map(|_| guardrails().chain(brakes()).collect());
                let rule = self.expected_rule(given, rule, "guardrail", known).ok()?;
                let verdict = match word {
                    "flag" => Verdict::Flag,
                    "mask" => Verdict::Mask,
                    _ => Verdict::Block,
                };
                judged(verdict, rule)
            }
        }
    }

    /// The rule that a test names, if it names one.
    fn expected_rule(
        &mut self,
        given: &Located<ExpectText>,
        rule: Option<&str>,
        what: &str,
        known: Option<Vec<&RuleId>>,
    ) -> Result<Option<RuleId>, Reported> {
        let Some(rule) = rule else { return Ok(None) };
        let Ok(id) = rule.parse::<RuleId>() else {
            let message = format!("{} cannot be the id of a rule", quote(rule));
            self.report(Problem::new(given.place, message).help("write it like `g-pii`"));
            return Err(Reported);
        };
        let Some(known) = known else { return Ok(Some(id)) };
        if known.contains(&&id) {
            return Ok(Some(id));
        }
        let names = || known.iter().map(|id| id.as_str());
        let help = match suggest::nearest(rule, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("the endpoint has no {what}"),
            None => format!("each {what} of the endpoint: {}", suggest::list(names())),
        };
        let message = format!("the endpoint has no {what} {}", quote(rule));
        self.report(Problem::new(given.place, message).help(help));
        Err(Reported)
    }
}
