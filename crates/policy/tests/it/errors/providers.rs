//! Providers: kinds, addresses, credentials.

use expect_test::expect;

use super::check;

#[test]
fn an_unknown_kind_of_provider() {
    check(
        "version: 1
providers:
  p: { opnai: { api-key: env:OPENAI_API_KEY } }
",
        expect![[r#"
            error: `opnai` is not known here
             --> bartizan.yaml:3:8
              |
            3 |   p: { opnai: { api-key: env:OPENAI_API_KEY } }
              |        ^^^^^
            help: did you mean `openai`?
        "#]],
    );
}

#[test]
fn a_provider_without_key() {
    check(
        "version: 1
providers:
  p: { anthropic: {} }
",
        expect![[r#"
            error: the key `api-key` is missing
             --> bartizan.yaml:3:19
              |
            3 |   p: { anthropic: {} }
              |                   ^
            help: add `api-key:` to this entry
        "#]],
    );
}

#[test]
fn a_literal_key() {
    check(
        "version: 1
providers:
  p: { openai: { api-key: sk-proj-abcdefghijklmnop } }
",
        expect![[r#"
            error: `api-key` holds a credential itself
             --> bartizan.yaml:3:27
              |
            3 |   p: { openai: { api-key: •••••••••••••••••••••••• } }
              |                           ^^^^^^^^^^^^^^^^^^^^^^^^
            help: keep it out of the policy: write `api-key: env:NAME`, `api-key: file:PATH` or `api-key: secret:NAME`
        "#]],
    );
}

#[test]
fn an_unset_variable() {
    check(
        "version: 1
providers:
  p: { anthropic: { api-key: env:ANTHROPIC_KEY } }
",
        expect![[r#"
            error: the environment variable `ANTHROPIC_KEY` is not set
             --> bartizan.yaml:3:30
              |
            3 |   p: { anthropic: { api-key: env:ANTHROPIC_KEY } }
              |                              ^^^^^^^^^^^^^^^^^
            help: set it (`export ANTHROPIC_KEY=…`) or remove what needs it
        "#]],
    );
}

#[test]
fn a_wrong_variable_name() {
    check(
        "version: 1
providers:
  p: { anthropic: { api-key: 'env:MY KEY' } }
",
        expect![[r#"
            error: `MY KEY` cannot name an environment variable
             --> bartizan.yaml:3:30
              |
            3 |   p: { anthropic: { api-key: 'env:MY KEY' } }
              |                              ^^^^^^^^^^^^
            help: write letters, digits and `_` after `env:`, such as `env:OPENAI_API_KEY`
        "#]],
    );
}

#[test]
fn a_missing_file() {
    check(
        "version: 1
providers:
  p: { anthropic: { api-key: file:does/not/exist } }
",
        expect![[r#"
            error: cannot read the file `does/not/exist`: no such file (looked for does/not/exist)
             --> bartizan.yaml:3:30
              |
            3 |   p: { anthropic: { api-key: file:does/not/exist } }
              |                              ^^^^^^^^^^^^^^^^^^^
            help: a relative path starts at the folder of the policy file
        "#]],
    );
}

#[test]
fn an_address_with_password() {
    check(
        "version: 1
providers:
  p: { openai-compatible: { base-url: 'https://me:pw@example.com/v1' } }
",
        expect![[r#"
            error: the address holds a user or password
             --> bartizan.yaml:3:39
              |
            3 |   p: { openai-compatible: { base-url: •••••••••••••••••••••••••••••• } }
              |                                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: remove what stands before `@`; a credential goes into `api-key` as a reference
        "#]],
    );
}

#[test]
fn an_address_with_query() {
    check(
        "version: 1
providers:
  p: { openai-compatible: { base-url: 'https://example.com/v1?x=1' } }
",
        expect![[r#"
            error: the address `https://example.com/v1?x=1` has a query or fragment
             --> bartizan.yaml:3:39
              |
            3 |   p: { openai-compatible: { base-url: 'https://example.com/v1?x=1' } }
              |                                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: write an address such as `https://api.example.com/v1`
        "#]],
    );
}

#[test]
fn an_address_without_scheme() {
    check(
        "version: 1
providers:
  p: { openai-compatible: { base-url: example.com/v1 } }
",
        expect![[r#"
            error: `example.com/v1` is not an http address
             --> bartizan.yaml:3:39
              |
            3 |   p: { openai-compatible: { base-url: example.com/v1 } }
              |                                       ^^^^^^^^^^^^^^
            help: write an address such as `https://api.example.com/v1`
        "#]],
    );
}

#[test]
fn plain_http_beyond_this_machine() {
    check(
        "version: 1
providers:
  p: { openai-compatible: { base-url: 'http://10.0.0.7/v1' } }
",
        expect![[r#"
            error: `http://10.0.0.7/v1` sends keys and prompts over plain http
             --> bartizan.yaml:3:39
              |
            3 |   p: { openai-compatible: { base-url: 'http://10.0.0.7/v1' } }
              |                                       ^^^^^^^^^^^^^^^^^^^^
            help: write `https://`, or accept the risk with `danger-allow-plain-http: true`
        "#]],
    );
}

#[test]
fn a_host_with_a_path() {
    check(
        "version: 1
providers:
  p: { databricks: { host: w.example.com/serving, token: env:OPENAI_API_KEY } }
",
        expect![[r#"
            error: `https://w.example.com/serving` is more than a host
             --> bartizan.yaml:3:28
              |
            3 |   p: { databricks: { host: w.example.com/serving, token: env:OPENAI_API_KEY } }
              |                            ^^^^^^^^^^^^^^^^^^^^^
            help: write the host alone, such as `my-workspace.cloud.databricks.com`
        "#]],
    );
}

#[test]
fn a_wrong_api_version() {
    check(
        "version: 1
providers:
  p: { azure-openai: { base-url: https://a.example.com, api-version: 'a&b', api-key: env:OPENAI_API_KEY } }
",
        expect![[r#"
            error: `a&b` is not a version of the Azure API
             --> bartizan.yaml:3:70
              |
            3 | …//a.example.com, api-version: 'a&b', api-key: env:OPENAI_API_KEY } }
              |                                ^^^^^
            help: write a version such as `api-version: 2024-10-21`
        "#]],
    );
}

#[test]
fn a_chunk_out_of_range() {
    check(
        "version: 1
providers:
  p: { demo: { chunk: 0 } }
",
        expect![[r#"
            error: `chunk` is 0, outside 1 to 65536
             --> bartizan.yaml:3:23
              |
            3 |   p: { demo: { chunk: 0 } }
              |                       ^
            help: write `chunk: 5`
        "#]],
    );
}

#[test]
fn a_provider_that_is_a_word() {
    check(
        "version: 1
providers:
  p: openai
",
        expect![[r#"
            error: expected a map of keys
             --> bartizan.yaml:4:1
        "#]],
    );
}

#[test]
fn a_provider_that_is_a_list() {
    check(
        "version: 1
providers:
  p: [demo]
",
        expect![[r#"
            error: expected a map with one key
             --> bartizan.yaml:3:6
              |
            3 |   p: [demo]
              |      ^
            help: the key says which kind it is, such as `demo: {}` for a provider
        "#]],
    );
}

#[test]
fn a_provider_of_no_kind() {
    check(
        "version: 1
providers:
  p: {}
",
        expect![[r#"
            error: expected a map with one key
             --> bartizan.yaml:3:7
              |
            3 |   p: {}
              |       ^
            help: the key says which kind it is, such as `demo: {}` for a provider
        "#]],
    );
}

#[test]
fn a_provider_of_two_kinds() {
    check(
        "version: 1
providers:
  p: { demo: {}, anthropic: {} }
",
        expect![[r#"
            error: one key says which kind it is, and a second one follows
             --> bartizan.yaml:3:18
              |
            3 |   p: { demo: {}, anthropic: {} }
              |                  ^^^^^^^^^
            help: keep one of the two
        "#]],
    );
}
