//! Text that a request makes the provider read by itself, so that no guard sees it.
//!
//! One table for all protocols: servers take each other's words, and Databricks has one path for
//! several protocols. A type of tool that is not known to run at the client counts as hosted, so
//! that a new one is refused until someone has thought about it.

use bartizan_core::settings::Unseen;

use super::type_of;
use crate::json::{Document, Kind, Value};

/// Members of a request that ask for it by being there.
const MEMBERS: &[(&str, Unseen)] = &[
    ("container", Unseen::StoredState),
    ("conversation", Unseen::StoredState),
    ("previous_response_id", Unseen::StoredState),
    ("data_sources", Unseen::HostedTools),
    ("mcp_servers", Unseen::HostedTools),
    ("plugins", Unseen::HostedTools),
    ("search_parameters", Unseen::HostedTools),
    ("web_search_options", Unseen::HostedTools),
];

/// Types of tools that run at the client, which sends what they bring with its next request. A tool
/// without a type is one of them.
const CLIENT_TOOLS: &[&str] =
    &["", "apply_patch", "computer", "computer_use_preview", "custom", "function", "local_shell"];
/// Types of tools of the same kind that end in a version, and the one that searches in the tools of
/// the request alone.
const CLIENT_TOOL_FAMILIES: &[&str] = &[
    "bash_",
    "computer_",
    "memory_",
    "text_editor_",
    "tool_search_tool_bm25_",
    "tool_search_tool_regex_",
];

/// Names a file that the provider keeps.
const FILE_ID: &str = "file_id";

/// What a request lets the provider read by itself, each with the member that asks for it; every
/// kind once.
pub(crate) fn find(document: &Document<'_>) -> Vec<(Unseen, &'static str)> {
    let root = document.root();
    let mut found: Vec<(Unseen, &'static str)> = Vec::new();
    let mut add = |unseen, field| {
        if !found.iter().any(|(known, _)| *known == unseen) {
            found.push((unseen, field));
        }
    };
    for (name, unseen) in MEMBERS {
        if root.get(name).is_some_and(asks) {
            add(*unseen, name);
        }
    }
    // In completions the prompt is a text; elsewhere an object names one that is stored.
    if root.get("prompt").is_some_and(|prompt| prompt.kind() == Kind::Object) {
        add(Unseen::StoredState, "prompt");
    }
    // The answer would be kept at the provider and never come by here.
    if root
        .get("background")
        .is_some_and(|background| background.as_bool() != Some(false) && asks(background))
    {
        add(Unseen::StoredState, "background");
    }
    for tool in root.get("tools").into_iter().flat_map(|tools| tools.items()) {
        if !runs_at_client(&type_of(tool)) {
            add(Unseen::HostedTools, "tools");
        }
        if names_state(tool) {
            add(Unseen::StoredState, "tools");
        }
    }
    if root.get("input").into_iter().flat_map(|input| input.items()).any(is_reference) {
        add(Unseen::StoredState, "input");
    }
    let messages = root.get("messages").into_iter().flat_map(|messages| messages.items());
    if messages
        .filter_map(|message| message.get("audio"))
        .any(|audio| audio.get("id").is_some_and(asks))
    {
        add(Unseen::StoredState, "messages");
    }
    let has_files = document.strings().any(|string| string.is_key && string.text == *FILE_ID);
    if has_files && names_file(root, true) {
        add(Unseen::StoredState, FILE_ID);
    }
    found
}

/// Whether a member says anything: `null` and empty lists ask for nothing.
fn asks(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Null => false,
        Kind::Array => value.items().next().is_some(),
        _ => true,
    }
}

fn runs_at_client(kind: &str) -> bool {
    let is_version = |family: &&str| {
        let version = kind.strip_prefix(*family);
        version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit()))
    };
    CLIENT_TOOLS.contains(&kind) || CLIENT_TOOL_FAMILIES.iter().any(is_version)
}

/// Whether a tool works on what the provider keeps.
fn names_state(tool: Value<'_>) -> bool {
    let container = tool.get("container").filter(|container| asks(*container));
    tool.get("vector_store_ids").is_some_and(asks)
        || container.is_some_and(|container| {
            container.kind() == Kind::String
                || ["file_ids", "container_id"]
                    .iter()
                    .any(|name| container.get(name).is_some_and(asks))
        })
}

/// Whether an item of `input` stands for one that the provider keeps. The type may be left out.
fn is_reference(item: Value<'_>) -> bool {
    let kind = type_of(item);
    kind == "item_reference"
        || kind.is_empty()
            && item.get("role").is_none_or(|role| role.as_str().is_none())
            && item.get("id").is_some()
}

/// Whether the id of a file stands in a value. An argument of a tool may be called so too. The depth
/// is that of the document, which is capped; each value is looked at once.
fn names_file(value: Value<'_>, is_body: bool) -> bool {
    // The body itself is no tool use, whatever type it claims to have.
    let is_tool_use =
        !is_body && value.get("input").is_some() && type_of(value).ends_with("tool_use");
    let in_members = value.members().any(|(name, member)| {
        let is_id = name == *FILE_ID && member.kind() == Kind::String;
        let is_input = is_tool_use && name == *"input";
        is_id || !is_input && names_file(member, false)
    });
    in_members || value.items().any(|item| names_file(item, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> Vec<(Unseen, &'static str)> {
        find(&Document::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn state_at_the_provider_is_noticed_wherever_it_is_named() {
        for (body, field) in [
            (r#"{"previous_response_id":"resp_1"}"#, "previous_response_id"),
            (r#"{"conversation":"conv_1"}"#, "conversation"),
            (r#"{"conversation":{"id":"conv_1"}}"#, "conversation"),
            (r#"{"prompt":{"id":"pmpt_1"}}"#, "prompt"),
            (r#"{"background":true}"#, "background"),
            (r#"{"container":"cntr_1"}"#, "container"),
            (r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#, "input"),
            (r#"{"input":[{"type":null,"id":"msg_1"}]}"#, "input"),
            (r#"{"input":[{"id":"msg_1"}]}"#, "input"),
            (r#"{"input":[{"id":"msg_1","role":null}]}"#, "input"),
            (
                r#"{"type":"tool_use","input":[{"content":[{"type":"input_file","file_id":"f"}]}]}"#,
                "file_id",
            ),
            (r#"{"messages":[{"role":"assistant","audio":{"id":"audio_1"}}]}"#, "messages"),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]}"#,
                "file_id",
            ),
            (
                r#"{"messages":[{"content":[{"type":"file","file":{"file\u005fid":"f"}}]}]}"#,
                "file_id",
            ),
            (
                r#"{"messages":[{"content":[{"type":"container_upload","file_id":"f"}]}]}"#,
                "file_id",
            ),
            (
                r#"{"input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]}"#,
                "file_id",
            ),
            (r#"{"tools":[{"type":"function","vector_store_ids":["vs_1"]}]}"#, "tools"),
        ] {
            assert_eq!(found(body), [(Unseen::StoredState, field)], "{body}");
        }
    }

    #[test]
    fn tools_that_run_at_the_provider_are_noticed_and_new_ones_count_as_such() {
        for (body, field) in [
            (r#"{"web_search_options":{}}"#, "web_search_options"),
            (r#"{"mcp_servers":[{"type":"url","url":"https://x.test"}]}"#, "mcp_servers"),
            (r#"{"data_sources":[{"type":"azure_search"}]}"#, "data_sources"),
            (r#"{"tools":[{"type":"function"},{"type":"web_search"}]}"#, "tools"),
            (r#"{"tools":[{"type":"mcp","server_url":"https://x.test"}]}"#, "tools"),
            (r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}"#, "tools"),
            (r#"{"tools":[{"type":"web_fetch_20250910","name":"web_fetch"}]}"#, "tools"),
            (r#"{"tools":[{"type":"bash_code_execution_20250825"}]}"#, "tools"),
            (r#"{"tools":[{"type":"novel"}]}"#, "tools"),
            (r#"{"tools":[{"t\u0079pe":"web_search"}]}"#, "tools"),
        ] {
            assert_eq!(found(body), [(Unseen::HostedTools, field)], "{body}");
        }
        let both = r#"{"tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}"#;
        assert_eq!(found(both).len(), 2);
    }

    #[test]
    fn what_asks_for_nothing_and_what_the_client_runs_passes() {
        for body in [
            r#"{"previous_response_id":null,"conversation":null,"prompt":null,"background":false,"store":true}"#,
            r#"{"prompt":"once upon a time","mcp_servers":[],"tools":[]}"#,
            r#"{"tools":[{"name":"f","input_schema":{}},{"type":"custom","name":"g"},{"type":"function"}]}"#,
            r#"{"tools":[{"type":"bash_20250124"},{"type":"tool_search_tool_regex_20251119"},{"type":"text_editor_20250728"},{"type":"computer_use_preview"}]}"#,
            r#"{"tools":[{"type":"function","parameters":{"properties":{"file_id":{"type":"string"}}}}]}"#,
            r#"{"input":[{"role":"user","content":"hi"},{"type":"function_call_output","call_id":"c","output":"x"}]}"#,
            r#"{"input":["a","b"]}"#,
            r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":{"a":{"file_id":"mine"}}}]}]}"#,
            r#"{"messages":[{"role":"assistant","audio":null}]}"#,
        ] {
            assert_eq!(found(body), [], "{body}");
        }
    }
}
