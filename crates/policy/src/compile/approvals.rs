//! `approvals:`: which changes take a second person.

use std::time::Duration;

use bartizan_core::settings::Approvals;
use bartizan_core::time::parse_duration;

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::approvals::ApprovalsFile;
use crate::file::scalar::DurationText;
use crate::located::Located;
use crate::snippet::quote;

impl Compiler<'_, '_> {
    pub(super) fn approvals(&mut self, file: &ApprovalsFile) -> Option<Approvals> {
        let usual = Approvals::default();
        let weaker_endpoints = self.choice(file.weaker_endpoints.as_ref(), usual.weaker_endpoints);
        let policy_file = self.choice(file.policy_file.as_ref(), usual.policy_file);
        let expire = self.expire(file.expire.as_ref());
        Some(Approvals {
            weaker_endpoints: weaker_endpoints?,
            policy_file: policy_file?,
            expire: expire?,
        })
    }

    /// `24h`: an hour to thirty days.
    fn expire(&mut self, given: Option<&Located<DurationText>>) -> Option<Duration> {
        let Some(given) = given else { return Some(Approvals::EXPIRE) };
        let range = Approvals::SHORTEST..=Approvals::LONGEST;
        let expire = parse_duration(&given.value.0).ok().filter(|expire| range.contains(expire));
        if expire.is_none() {
            let message = format!("{} is not a time that a change can wait", quote(&given.value.0));
            let help = "write hours or days, from `1h` to `30d`";
            self.report(Problem::new(given.place, message).help(help));
        }
        expire
    }
}
