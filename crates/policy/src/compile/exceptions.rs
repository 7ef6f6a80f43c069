//! Exceptions of a guardrail: `allow:` for texts, `except:` for callers.

use bartizan_core::settings::{Detect, Excepted, Exception, Subject};
use bartizan_core::time::{Timestamp, end_of_day};

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::endpoint::{AllowFile, ExceptFile, GuardrailFile};
use crate::file::scalar::DateText;
use crate::located::Located;
use crate::snippet::quote;
use crate::{pattern, suggest};

/// Most exceptions of one kind.
const MOST: usize = 256;
/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 200;

impl Compiler<'_, '_> {
    /// The exceptions that could be read; the others are reported.
    pub(super) fn exceptions(
        &mut self,
        policy: &PolicyFile,
        file: &GuardrailFile,
        detect: Option<&Detect>,
    ) -> Vec<Exception> {
        for (key, len, first) in [
            ("allow", file.allow.len(), file.allow.first().and_then(|entry| entry.place)),
            ("except", file.except.len(), file.except.first().and_then(|entry| entry.place)),
        ] {
            if len > MOST {
                let message = format!("`{key}` has {len} entries, at most {MOST} may be");
                self.report(Problem::new(first, message).help("use a `pattern` for several texts"));
            }
        }
        if let (Some(entry), Some(Detect::Topics(_) | Detect::Size { .. })) =
            (file.allow.first(), detect)
        {
            let message = "`allow` is for findings with a text of their own";
            let help = "this guardrail judges whole texts; remove `allow`";
            self.report(Problem::new(entry.place, message).help(help));
        }
        let mut exceptions = Vec::new();
        for entry in &file.allow {
            exceptions.extend(self.allowed(entry));
        }
        for entry in &file.except {
            exceptions.extend(self.excepted(policy, entry, detect));
        }
        exceptions
    }

    fn allowed(&mut self, entry: &Located<AllowFile>) -> Option<Exception> {
        let file = &entry.value;
        let what = match (&file.literal, &file.pattern) {
            (Some(literal), None) => self.literal(literal).map(Excepted::Literal),
            (None, Some(given)) => match pattern::check(&given.value) {
                Ok(()) => Some(Excepted::Pattern(given.value.clone())),
                Err(refusal) => {
                    self.report(Problem::new(given.place, refusal.message).help(refusal.help));
                    None
                }
            },
            _ => {
                let problem = Problem::new(entry.place, "one of `literal` and `pattern` is needed");
                self.report(problem.help("write the exact text as `literal`"));
                None
            }
        };
        let reason = self.reason(&file.reason, file.literal.as_ref());
        let until = match &file.expires {
            Some(given) => Some(self.until(given)?),
            None => None,
        };
        Some(Exception { what: what?, reason: reason?, until })
    }

    fn literal(&mut self, given: &Located<String>) -> Option<String> {
        if given.value.is_empty() || given.value.len() > pattern::MAX_BYTES {
            let message = format!("`literal` has {} bytes", given.value.len());
            let help = "write the text of the finding, of 1 to 1024 bytes";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        Some(given.value.clone())
    }

    fn excepted(
        &mut self,
        policy: &PolicyFile,
        entry: &Located<ExceptFile>,
        detect: Option<&Detect>,
    ) -> Option<Exception> {
        let file = &entry.value;
        let subject = match (&file.principal, &file.group) {
            (Some(principal), None) => {
                self.member(&principal.value.0, principal.place).map(Subject::Principal)
            }
            (None, Some(group)) => {
                self.group(policy, &group.value, group.place).map(Subject::Group)
            }
            _ => {
                let problem = Problem::new(entry.place, "one of `principal` and `group` is needed");
                self.report(problem.help("write `principal: alice@example.com`"));
                None
            }
        };
        let rule = self.rule_of(&file.rule, detect);
        let reason = self.reason(&file.reason, None);
        let until = match &file.expires {
            Some(given) => Some(self.until(given)?),
            None => None,
        };
        let what = Excepted::Caller { subject: subject?, rule: rule? };
        Some(Exception { what, reason: reason?, until })
    }

    /// A detector of the guardrail.
    fn rule_of(
        &mut self,
        given: &Located<String>,
        detect: Option<&Detect>,
    ) -> Option<&'static str> {
        // What is wrong with `detect` is reported there.
        let known: &[&'static str] = match detect? {
            Detect::Detectors(ids) => ids,
            _ => &[],
        };
        let found = known.iter().copied().find(|id| *id == given.value);
        if found.is_none() {
            let message = format!("{} is no detector of this guardrail", quote(&given.value));
            let help = match suggest::nearest(&given.value, known.iter().copied()) {
                Some(id) => format!("did you mean `{id}`?"),
                None if known.is_empty() => "`except` goes with detectors of the catalogue".into(),
                None => format!("`detect` gives {}", suggest::list(known.iter().copied())),
            };
            self.report(Problem::new(given.place, message).help(help));
        }
        found
    }

    fn reason(
        &mut self,
        given: &Located<String>,
        literal: Option<&Located<String>>,
    ) -> Option<String> {
        let reason = given.value.trim();
        if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.contains(['\n', '\r']) {
            let message = "`reason` has to be one line of 1 to 200 bytes";
            let help = "say why it passes, such as `reason: test card of the manual`";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        if literal.is_some_and(|literal| reason.contains(&literal.value)) {
            let message = "`reason` repeats the text that passes, and events repeat the reason";
            self.report(Problem::new(given.place, message).help("say why, and not what"));
            return None;
        }
        Some(reason.to_owned())
    }

    /// The end of the day.
    fn until(&mut self, given: &Located<DateText>) -> Option<Timestamp> {
        let end = end_of_day(&given.value.0);
        if end.is_none() {
            let message = format!("{} is no day", quote(&given.value.0));
            let help = "write it as `expires: 2027-01-31`";
            self.report(Problem::new(given.place, message).help(help));
        }
        end
    }
}
