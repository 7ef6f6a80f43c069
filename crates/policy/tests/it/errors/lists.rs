//! Lists of hosts and packages.

use expect_test::expect;

use super::check;

#[test]
fn a_host_with_a_scheme() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - id: g-links
        on: output
        detect: links
        hosts: [example.org, 'https://example.com/']
        action: block
",
        expect![[r#"
            error: `https://example.com/` is no host
              --> bartizan.yaml:10:30
               |
            10 |         hosts: [example.org, 'https://example.com/']
               |                              ^^^^^^^^^^^^^^^^^^^^^^
            help: write a host, such as `example.org` or `*.example.org`, and nothing else
        "#]],
    );
}

#[test]
fn an_unknown_registry_and_an_odd_name() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - id: g-packages
        on: output
        detect: packages
        packages: { pipy: [requests], npm: [left-pad, 'is odd'] }
        action: flag
",
        expect![[r#"
            error: no registry is called `pipy`
              --> bartizan.yaml:10:21
               |
            10 |         packages: { pipy: [requests], npm: [left-pad, 'is odd'] }
               |                     ^^^^
            help: known here: `conda`, `crates`, `go`, `npm`, `nuget`, `packagist`, `pypi`, `rubygems`

            error: `is odd` is no name of a package of `npm`
              --> bartizan.yaml:10:55
               |
            10 |         packages: { pipy: [requests], npm: [left-pad, 'is odd'] }
               |                                                       ^^^^^^^^
            help: write names without versions, or `file:PATH`
        "#]],
    );
}
