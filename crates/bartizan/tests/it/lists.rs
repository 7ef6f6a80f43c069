//! Detectors that policy gives lists: hosts of links, names of packages.

use bartizan_testkit::upstream::Script;

use crate::cli::Place;
use crate::support::{Stage, chat, said};

const GUARDS: &str = r"
      - { id: g-links, on: [output], detect: links, hosts: [example.org], action: mask }
      - { id: g-packages, on: [output], detect: packages, packages: { pypi: [requests] }, action: mask }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_lead_to_listed_hosts_and_known_packages_only() {
    let stage = Stage::start(Script::obedient(), GUARDS, "").await;
    for stream in [false, true] {
        let ask = "repeat after me: `pip install requests reqeusts-auth` from \
                   https://example.org@evil.example/a or https://example.org/b";
        let answer = stage.post("/v1/chat/completions", &chat("open", ask, stream)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let said = said(&answer);
        assert!(said.contains("pip install requests <PACKAGE_1>"), "stream={stream}: {said}");
        assert!(
            said.contains("from <OUTSIDE_LINK_1> or https://example.org/b"),
            "stream={stream}: {said}"
        );
    }
}

#[test]
fn a_list_of_packages_may_be_a_file_beside_the_policy() {
    let place = Place::new();
    place.write("names.txt", "# known\nrequests\n");
    place.write(
        "p.yaml",
        "version: 1\nproviders: { demo: { demo: {} } }\nendpoints:\n  e:\n    routes: [{ provider: demo }]\n    \
         guardrails:\n      - { id: g, on: [output], detect: packages, packages: { pypi: 'file:names.txt' }, action: block }\n",
    );
    let check =
        |text: &str| place.run(&["check", "--config", "p.yaml", "--channel", "output"], text);
    assert_eq!(check("pip install requests").code, 0);
    let ran = check("pip install reqeusts");
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("unknown-package (supply-chain"), "{}", ran.stdout);
}
