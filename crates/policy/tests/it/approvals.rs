//! Which changes take a second person: what it becomes, and how it is shown.

use std::time::Duration;

use bartizan_core::settings::{Approval, Approvals};

use super::load;

#[test]
fn nothing_takes_two_people_unless_the_policy_says_so() {
    let settings = load("version: 1").unwrap();
    assert_eq!(settings.approvals, Approvals::default());
    assert!(!bartizan_policy::show(&settings).contains("approvals"));
    let text = "version: 1\napprovals: { weaker-endpoints: two-people, policy-file: two-people, expire: 30d }\n";
    let settings = load(text).unwrap();
    let day = Duration::from_hours(24);
    let both = Approval::TwoPeople;
    let expected = Approvals { weaker_endpoints: both, policy_file: both, expire: 30 * day };
    assert_eq!(settings.approvals, expected);
    let shown = bartizan_policy::show(&settings);
    let lines =
        "approvals:\n  weaker-endpoints: two-people\n  policy-file: two-people\n  expire: 30d\n";
    assert!(shown.contains(lines), "{shown}");
    assert_eq!(load(&shown).unwrap().approvals, expected);
}
