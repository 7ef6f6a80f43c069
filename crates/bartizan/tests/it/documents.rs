//! Examples of policies in the documentation say what a policy can say.

use std::path::{Path, PathBuf};

use crate::cli::Place;

/// What an example may lack, since it shows a part: who and what it names, and files that are not here.
const MAY_LACK: &[&str] = &[
    "no provider is named",
    "no endpoint is named",
    "no group is named",
    "has no price for",
    "is not set",
    "no such file",
    "No such file",
    "cannot read `",
    "this build runs no models of your own",
    // Keys that are cut short.
    "…",
];

/// Pages of the project that show policies.
fn pages() -> Vec<PathBuf> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../..");
    let mut pages = vec![root.join("README.md")];
    for folder in ["docs/guides", "docs/reference"] {
        let found = std::fs::read_dir(root.join(folder)).unwrap();
        pages.extend(found.map(|entry| entry.unwrap().path()));
    }
    pages.retain(|page| page.extension().is_some_and(|it| it == "md"));
    pages.sort();
    pages
}

/// The blocks of YAML of a page, with the line at which each begins.
fn examples(page: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(page).unwrap();
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim() == "```yaml" {
            let block =
                lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
            found.push((at + 1, block.map(|line| format!("{line}\n")).collect()));
        }
    }
    found
}

/// Where the part of a policy may belong that an example shows: what stands around it, and how far it is indented.
const AROUND: &[(&str, usize)] = &[
    ("", 0),
    ("endpoints:\n  demo:\n    routes: [{ provider: demo, model: m }]\n", 4),
    ("endpoints:\n  demo:\n    routes: [{ provider: demo, model: m }]\n    guardrails:\n", 6),
    ("identity:\n  issuers:\n", 4),
    (
        "identity:\n  issuers:\n    - id: corp\n      issuer: https://id.example\n      audiences: [b]\n",
        6,
    ),
    (
        "listen:\n  tls:\n    certificate: file:c.pem\n    key: file:k.pem\n    client-ca: file:ca.pem\n",
        4,
    ),
];

/// What every policy needs.
const NEEDED: &[(&str, &str)] = &[
    ("version:", "version: 1\n"),
    (
        "providers:",
        "providers: { demo: { demo: {} }, openai: { demo: {} }, anthropic: { demo: {} } }\n",
    ),
    ("endpoints:", "endpoints: { demo: { routes: [{ provider: demo, model: m }] } }\n"),
];

/// An example as a policy, with what it leaves out.
fn whole(example: &str, (around, indent): (&str, usize)) -> String {
    let lines = || example.lines().filter(|line| !line.trim().is_empty());
    let own = lines().map(|line| line.len() - line.trim_start().len()).min().unwrap_or_default();
    let mut policy = around.to_owned();
    for line in lines() {
        policy.push_str(&" ".repeat(indent));
        policy.push_str(&line[own..]);
        policy.push('\n');
    }
    let has = |key: &str| policy.lines().any(|line| line.starts_with(key));
    let before: String =
        NEEDED.iter().filter(|(key, _)| !has(key)).map(|(_, text)| *text).collect();
    before + &policy
}

/// What is wrong with a policy, besides what an example may lack.
fn wrong(policy: &str) -> Vec<String> {
    let place = Place::new();
    place.write("bartizan.yaml", policy);
    let ran = place.run(&["config", "check"], "");
    let errors = ran.stderr.lines().filter(|line| line.starts_with("error:"));
    let errors = errors.filter(|line| !MAY_LACK.iter().any(|may| line.contains(may)));
    errors.map(str::to_owned).collect()
}

#[test]
fn every_policy_in_the_documentation_is_one() {
    let mut problems = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for (line, example) in examples(&page) {
            // Of the language of a CI, which runs the commands of the guide.
            if example.starts_with("- run: ") {
                continue;
            }
            seen += 1;
            let tries: Vec<_> =
                AROUND.iter().map(|around| wrong(&whole(&example, *around))).collect();
            if !tries.iter().any(Vec::is_empty) {
                problems.push(format!("{}:{line}: {tries:?}", page.display()));
            }
        }
    }
    assert!(seen > 30, "{seen}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn an_example_with_a_key_that_does_not_exist_is_noticed() {
    for example in
        ["endpoints: { demo: { guards: [] } }\n", "limits: [{ id: l-a, per: person }]\n", "x: [\n"]
    {
        assert!(
            AROUND.iter().all(|around| !wrong(&whole(example, *around)).is_empty()),
            "{example}"
        );
    }
}
