//! Which changes take a second person.

use expect_test::expect;

use super::check;

#[test]
fn a_number_of_people_that_is_none() {
    check(
        "version: 1
approvals: { weaker-endpoints: two-person, policy-file: all }
",
        expect![[r#"
            error: `two-person` is not a number of people
             --> bartizan.yaml:2:32
              |
            2 | approvals: { weaker-endpoints: two-person, policy-file: all }
              |                                ^^^^^^^^^^
            help: known here: `none`, `two-people`

            error: `all` is not a number of people
             --> bartizan.yaml:2:57
              |
            2 | approvals: { weaker-endpoints: two-person, policy-file: all }
              |                                                         ^^^
            help: known here: `none`, `two-people`
        "#]],
    );
}

#[test]
fn a_time_that_no_change_can_wait() {
    check(
        "version: 1
approvals: { expire: 31d }
",
        expect![[r#"
            error: `31d` is not a time that a change can wait
             --> bartizan.yaml:2:22
              |
            2 | approvals: { expire: 31d }
              |                      ^^^
            help: write hours or days, from `1h` to `30d`
        "#]],
    );
}

#[test]
fn a_key_that_is_not_known() {
    check(
        "version: 1
approvals: { weaker-endpoint: two-people }
",
        expect![[r#"
            error: unknown key `weaker-endpoint`
             --> bartizan.yaml:2:14
              |
            2 | approvals: { weaker-endpoint: two-people }
              |              ^^^^^^^^^^^^^^^
            help: did you mean `weaker-endpoints`?
        "#]],
    );
}
