//! Where the texts of bodies are read, as an attacker would place them.

use bartizan_core::Channel;

use super::*;
use crate::envelope::Envelope;

#[test]
fn every_operation_with_a_body_has_an_extractor() {
    for operation in Operation::ALL {
        // What asks nothing of a model has no texts for one.
        let has_body =
            !matches!(operation, Operation::Models | Operation::Model | Operation::TokenExchange);
        assert_eq!(of(operation).is_some(), has_body, "{operation:?}");
    }
}

#[derive(Clone, Copy)]
enum Side {
    Request,
    Answer,
}

/// Channels on which `§` is read.
fn channels(operation: Operation, side: Side, body: &str) -> Vec<Channel> {
    let document = Document::parse(body.as_bytes()).unwrap();
    let protocol = of(operation).unwrap();
    let places = match side {
        Side::Request => {
            let mut places = Places::new(&document, Channel::User);
            protocol.place_request(document.root(), &mut places);
            places.find_modalities(&document);
            places
        }
        Side::Answer => {
            let mut places = Places::new(&document, Channel::Output);
            protocol.place_answer(document.root(), &mut places);
            places
        }
    };
    let envelope = Envelope::seal(&document, places);
    let reads = |channel: &Channel| envelope.texts(*channel).any(|text| text.contains('§'));
    Channel::ALL.into_iter().filter(reads).collect()
}

#[test]
fn texts_of_requests_are_read_as_what_they_are() {
    use Channel::{Document as Doc, System, ToolResult, ToolSchema, User};
    use Operation::{ChatCompletions as Chat, Completions, Messages, Responses};
    for (operation, body, expected) in [
        (Chat, r#"{"messages":[{"role":"developer","content":"§"}]}"#, System),
        (Chat, r#"{"messages":[{"role":"function","name":"f","content":"§"}]}"#, ToolResult),
        (
            Chat,
            r#"{"messages":[{"role":"tool","content":[{"type":"text","text":"§"}]}]}"#,
            ToolResult,
        ),
        (Chat, r#"{"messages":[{"role":"user","name":"§"}]}"#, User),
        (Chat, r#"{"messages":[{"role":"novel","content":"§"}]}"#, User),
        (Chat, r#"{"messages":[],"prediction":{"type":"content","content":"§"}}"#, User),
        (Chat, r#"{"messages":[],"metadata":{"a":"§"}}"#, User),
        (Chat, r#"{"messages":[],"user":"§"}"#, User),
        (Chat, r#"{"messages":[{"role":"assistant","audio":{"id":"§"}}]}"#, User),
        (
            Chat,
            r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"https://x.test/?§"}}]}]}"#,
            User,
        ),
        (
            Chat,
            r#"{"messages":[{"content":[{"type":"file","file":{"filename":"§","file_data":"x"}}]}]}"#,
            User,
        ),
        (Chat, r#"{"messages":[],"functions":[{"description":"§"}]}"#, ToolSchema),
        (Completions, r#"{"prompt":"x","suffix":"§"}"#, User),
        (Responses, r#"{"instructions":"§"}"#, System),
        (Responses, r#"{"input":[{"role":"developer","content":"§"}]}"#, System),
        (Responses, r#"{"input":[{"type":"function_call_output","output":"§"}]}"#, ToolResult),
        // What an item is goes before who is said to speak.
        (
            Responses,
            r#"{"input":[{"type":"function_call_output","role":"system","output":"§"}]}"#,
            ToolResult,
        ),
        (Responses, r#"{"input":[{"type":"mcp_call","arguments":"x","output":"§"}]}"#, ToolResult),
        (
            Responses,
            r#"{"input":[{"type":"file_search_call","results":[{"text":"§"}]}]}"#,
            ToolResult,
        ),
        (
            Responses,
            r#"{"input":[{"type":"mcp_list_tools","tools":[{"description":"§"}]}]}"#,
            ToolSchema,
        ),
        (Responses, r#"{"input":[{"type":"reasoning","encrypted_content":"§"}]}"#, User),
        (Responses, r#"{"prompt":{"id":"p","variables":{"a":"§"}}}"#, User),
        (
            Messages,
            r#"{"messages":[{"role":"user","content":[{"type":"search_result","content":[{"type":"text","text":"§"}]}]}]}"#,
            Doc,
        ),
        (
            Messages,
            r#"{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"§"}}]}]}"#,
            Doc,
        ),
        (
            Messages,
            r#"{"messages":[{"role":"user","content":[{"type":"document","title":"§","source":{"type":"url","url":"https://x.test"}}]}]}"#,
            Doc,
        ),
        (
            Messages,
            r#"{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://x.test/?§"}}]}]}"#,
            Doc,
        ),
        (
            Messages,
            r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"search_result","title":"§"}]}]}]}"#,
            ToolResult,
        ),
        (
            Messages,
            r#"{"messages":[{"role":"assistant","content":[{"type":"web_search_tool_result","content":[{"title":"§"}]}]}]}"#,
            ToolResult,
        ),
        (
            Messages,
            r#"{"messages":[{"role":"assistant","content":[{"type":"redacted_thinking","data":"§"}]}]}"#,
            User,
        ),
        (
            Messages,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"§"}}]}]}"#,
            User,
        ),
        (Messages, r#"{"messages":[],"mcp_servers":[{"url":"https://x.test/§"}]}"#, ToolSchema),
    ] {
        assert_eq!(channels(operation, Side::Request, body), [expected], "{operation:?} {body}");
    }
}

#[test]
fn texts_of_answers_are_read_as_what_they_are() {
    use Channel::{Output, ToolCall, ToolResult, ToolSchema};
    use Operation::{ChatCompletions as Chat, Messages, Responses};
    let choice = |message: &str| format!(r#"{{"choices":[{{"index":0,"message":{message}}}]}}"#);
    let item = |item: &str| format!(r#"{{"output":[{item}]}}"#);
    let block = |block: &str| format!(r#"{{"content":[{block}]}}"#);
    for (operation, body, expected) in [
        (Chat, choice(r#"{"refusal":"§"}"#), &[Output][..]),
        (
            Chat,
            choice(r#"{"annotations":[{"url_citation":{"url":"https://x.test/?§"}}]}"#),
            &[Output],
        ),
        (Chat, choice(r#"{"audio":{"id":"a","transcript":"§","data":"x"}}"#), &[Output]),
        (Chat, choice(r#"{"reasoning_details":[{"text":"§"}]}"#), &[Output]),
        (Chat, choice(r#"{"tool_calls":[{"function":{"name":"§"}}]}"#), &[ToolCall]),
        (Chat, r#"{"choices":[],"id":"§"}"#.to_owned(), &[Output]),
        (Messages, block(r#"{"type":"text","citations":[{"cited_text":"§"}]}"#), &[Output]),
        (Messages, block(r#"{"type":"redacted_thinking","data":"§"}"#), &[Output]),
        (Messages, block(r#"{"type":"server_tool_use","input":{"query":"§"}}"#), &[ToolCall]),
        (
            Messages,
            block(r#"{"type":"web_search_tool_result","content":[{"title":"§"}]}"#),
            &[ToolResult, Output],
        ),
        (
            Messages,
            block(r#"{"type":"bash_code_execution_tool_result","content":{"stdout":"§"}}"#),
            &[ToolResult, Output],
        ),
        (Responses, item(r#"{"type":"function_call","arguments":"§"}"#), &[ToolCall]),
        (
            Responses,
            item(r#"{"type":"mcp_call","arguments":"x","output":"§"}"#),
            &[ToolResult, Output],
        ),
        (
            Responses,
            item(r#"{"type":"code_interpreter_call","outputs":[{"logs":"§"}]}"#),
            &[ToolResult, Output],
        ),
        (
            Responses,
            item(r#"{"type":"shell_call_output","output":[{"stdout":"§"}]}"#),
            &[ToolResult, Output],
        ),
        (
            Responses,
            item(r#"{"type":"mcp_list_tools","tools":[{"description":"§"}]}"#),
            &[ToolSchema, Output],
        ),
        (Responses, item(r#"{"type":"image_generation_call","revised_prompt":"§"}"#), &[ToolCall]),
        (
            Responses,
            item(r#"{"type":"reasoning","summary":[{"text":"§"}],"encrypted_content":"x"}"#),
            &[Output],
        ),
        (
            Responses,
            item(
                r#"{"type":"message","content":[{"type":"output_text","annotations":[{"url":"§"}]}]}"#,
            ),
            &[Output],
        ),
    ] {
        let mut found = channels(operation, Side::Answer, &body);
        let mut expected = expected.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{operation:?} {body}");
    }
}

#[test]
fn sound_that_is_asked_for_needs_a_policy_that_lists_it() {
    for (body, expected) in [
        (r#"{"modalities":["text","audio"],"messages":[]}"#, &[Modality::Audio][..]),
        (r#"{"modalities":["text"],"messages":[]}"#, &[]),
        (r#"{"modalities":null,"messages":[]}"#, &[]),
    ] {
        let document = Document::parse(body.as_bytes()).unwrap();
        let mut places = Places::new(&document, Channel::User);
        of(Operation::ChatCompletions).unwrap().place_request(document.root(), &mut places);
        assert_eq!(Envelope::seal(&document, places).modalities(), expected, "{body}");
    }
}

#[test]
fn numbers_of_texts_are_digits_in_every_event_or_in_none() {
    let read = |events: &[&str]| -> Result<Vec<Option<u64>>, GatewayError> {
        let mut numbering = Numbering::default();
        let numbers = events.iter().map(|event| {
            let document = Document::parse(event.as_bytes()).unwrap();
            numbering.read(document.root(), "index")
        });
        numbers.collect()
    };
    assert_eq!(read(&[r#"{"index":0}"#, r#"{"index":7}"#]).unwrap(), [Some(0), Some(7)]);
    assert_eq!(read(&["{}", "{}"]).unwrap(), [None, None]);
    for number in ["1.0", "1e0", "-0", "-1", "\"1\"", "null", "true", "[1]", "18446744073709551616"]
    {
        assert!(read(&[&format!(r#"{{"index":{number}}}"#)]).is_err(), "{number}");
    }
    assert!(read(&[r#"{"index":0}"#, "{}"]).is_err());
    assert!(read(&["{}", r#"{"index":0}"#]).is_err());
}
