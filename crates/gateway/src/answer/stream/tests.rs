//! What a provider spreads over events is read as the client would read it.

mod apart;
mod noted;
mod values;

use bartizan_core::event::{EventSink, RecordError, Recorded};
use bartizan_core::settings::Detect;
use bartizan_core::{Action, Event, RequestId};

use super::*;
use crate::fixtures::guardrail;
use crate::limits::MemoryCounters;
use crate::metrics::Metrics;
use crate::operation::Operation;
use crate::protocols;

struct NoLog;

impl EventSink for NoLog {
    fn record(&self, _: &Event) -> Result<Recorded, RecordError> {
        Ok(Recorded::Settled)
    }
}

fn guard(detect: Detect, action: Action) -> Arc<Guard> {
    let guardrail = guardrail("g-test", detect, action);
    Arc::new(Guard::builder().guardrail(&guardrail).unwrap().build().unwrap())
}

fn word() -> Arc<Guard> {
    guard(Detect::Keywords(vec!["zanzibar".to_owned()]), Action::Block)
}

fn email(action: Action) -> Arc<Guard> {
    guard(Detect::Detectors(vec!["email"]), action)
}

/// Sends raw events through; what the client gets, and how it ended.
fn pumped(
    operation: Operation,
    guard: Arc<Guard>,
    session: Session,
    events: &[&str],
) -> (String, Option<Outcome>) {
    let mut pump = pump(operation, guard, session);
    let mut splitter = Splitter::default();
    let mut ended = None;
    for event in events {
        let raw = if event.starts_with("event:") {
            format!("{event}\n\n")
        } else {
            format!("data: {event}\n\n")
        };
        if let Flow::Done(outcome) = pump.take(Some(Ok(raw.into())), &mut splitter, None) {
            ended = Some(outcome);
            break;
        }
    }
    (String::from_utf8(std::mem::take(&mut pump.out)).unwrap(), ended)
}

fn record() -> Record {
    Record::new(
        RequestId::new(),
        "test",
        Arc::new(NoLog),
        Arc::new(Metrics::default()),
        Arc::new(MemoryCounters::default()),
    )
}

fn pump(operation: Operation, guard: Arc<Guard>, session: Session) -> Pump {
    let protocol = protocols::of(operation).unwrap();
    Pump {
        protocol,
        codec: protocol.stream().unwrap(),
        guard,
        session: Arc::new(session),
        record: record(),
        texts: BTreeMap::new(),
        clean_frame: None,
        frame_keys: RandomState::new(),
        watch: Watch::default(),
        seams: Seams::default(),
        out: Vec::new(),
    }
}

/// Two events that differ in one text, with something said before.
fn split(operation: Operation, template: &str) -> (String, Option<Outcome>) {
    let events: Vec<String> =
        ["all is zan", "zibar they said"].iter().map(|half| template.replace('@', half)).collect();
    let mut events: Vec<&str> = events.iter().map(String::as_str).collect();
    let last = match operation {
        Operation::Messages => r#"{"type":"message_stop"}"#,
        Operation::Responses => r#"{"type":"response.completed","response":{"id":"r"}}"#,
        _ => "[DONE]",
    };
    events.push(last);
    pumped(operation, word(), Session::default(), &events)
}

fn chat_choice(choice: &str) -> String {
    format!(
        r#"{{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,{choice}}}]}}"#
    )
}

#[test]
fn a_word_over_two_events_is_refused_wherever_it_stands() {
    let chat = [
        r#""delta":{"content":"@"}"#,
        r#""delta":{"content":[{"type":"text","text":"@"}]}"#,
        r#""delta":{"function_call":{"arguments":"@"}}"#,
        r#""delta":{"audio":{"transcript":"@"}}"#,
        r#""delta":{"thinking":"@"}"#,
        r#""delta":{"reasoning":"@"}"#,
        r#""delta":{"reasoning_content":"@"}"#,
        r#""delta":{"reasoning_details":[{"type":"reasoning.text","text":"@"}]}"#,
        r#""delta":{"tool_calls":[{"index":0,"function":{"name":"@"}}]}"#,
        r#""delta":{"tool_calls":[{"index":0,"custom":{"input":"@"}}]}"#,
        r#""message":{"content":"@"}"#,
        r#""text":"@""#,
    ];
    let chat = chat.iter().map(|choice| (Operation::ChatCompletions, chat_choice(choice)));
    let completions = [r#""text":"@""#, r#""delta":{"content":"@"}"#].iter().map(|choice| {
        (Operation::Completions, format!(r#"{{"choices":[{{"index":0,{choice}}}]}}"#))
    });
    let messages = [
        r#"{"type":"citations_delta","citation":{"cited_text":"@"}}"#,
        r#"{"type":"text_delta","text":"@"}"#,
        r#"{"type":"novel_delta","novelty":"@"}"#,
    ];
    let messages = messages.iter().map(|delta| {
        let event = format!(r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#);
        (Operation::Messages, event)
    });
    let responses = [
        "response.custom_tool_call_input.delta",
        "response.code_interpreter_call_code.delta",
        "response.audio.transcript.delta",
        "response.mcp_call_arguments.delta",
        "response.novel.delta",
    ];
    let responses = responses.iter().map(|kind| {
        let event = format!(
            r#"{{"type":"{kind}","sequence_number":1,"item_id":"i_1","output_index":0,"delta":"@"}}"#
        );
        (Operation::Responses, event)
    });
    for (operation, template) in chat.chain(completions).chain(messages).chain(responses) {
        let (out, ended) = split(operation, &template);
        assert_eq!(ended, Some(Outcome::AnswerRefused), "{template}\n{out}");
        assert!(!out.contains("zibar"), "{template}\n{out}");
        let apart = template.replace('@', "all is well, @ ");
        let events = [apart.replace('@', "zan"), apart.replace('@', "zebra")];
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let (out, ended) = pumped(operation, word(), Session::default(), &events);
        assert_eq!(ended, None, "{template}\n{out}");
    }
}

#[test]
fn a_block_that_begins_with_text_is_read_with_its_deltas() {
    let (out, ended) = pumped(
        Operation::Messages,
        word(),
        Session::default(),
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"so zan"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"zibar it is"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
        ],
    );
    assert_eq!(ended, Some(Outcome::AnswerRefused), "{out}");
    let (out, ended) = pumped(
        Operation::Responses,
        word(),
        Session::default(),
        &[
            r#"{"type":"response.content_part.added","output_index":0,"content_index":0,"part":{"type":"output_text","text":"so zan"}}"#,
            r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"zibar it is"}"#,
            r#"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":""}"#,
        ],
    );
    assert_eq!(ended, Some(Outcome::AnswerRefused), "{out}");
}

#[test]
fn a_delta_of_an_unknown_type_is_part_of_the_text_it_names() {
    let events = [
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"later_delta","text":"jane.doe@exam"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ple.com, she said"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
    ];
    let (out, _) = pumped(Operation::Messages, email(Action::Mask), Session::default(), &events);
    assert!(out.contains("EMAIL_ADDRESS"), "{out}");
    assert!(!out.contains("jane.doe@exam"), "{out}");
}

#[test]
fn what_would_be_masked_over_two_events_ends_the_answer() {
    let event = |text: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"citations_delta","citation":{{"cited_text":"{text}"}}}}}}"#
        )
    };
    let halves = [event("write to jane.doe@exam"), event("ple.com for more")];
    let halves: Vec<&str> = halves.iter().map(String::as_str).collect();
    let (out, ended) =
        pumped(Operation::Messages, email(Action::Mask), Session::default(), &halves);
    assert_eq!(ended, Some(Outcome::AnswerRefused), "{out}");
    assert!(!out.contains("ple.com"), "{out}");
    // What stands in one event is masked there, and the answer goes on.
    let whole = [event("write to jane.doe@example.com, "), event("or to john.doe@example.com.")];
    let whole: Vec<&str> = whole.iter().map(String::as_str).collect();
    let (out, ended) = pumped(Operation::Messages, email(Action::Mask), Session::default(), &whole);
    assert_eq!(ended, None, "{out}");
    assert!(!out.contains("example.com") && out.contains("or to <"), "{out}");
}

#[test]
fn what_frames_every_event_is_no_text() {
    let events: Vec<String> = (0..4)
        .map(|at| {
            format!(
                r#"{{"id":"barzan","object":"chat.completion.chunk","created":1,"model":"zibarzan","system_fingerprint":"zibarzan","choices":[{{"index":0,"delta":{{"content":"w{at} "}}}}]}}"#
            )
        })
        .collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let (out, ended) = pumped(Operation::ChatCompletions, word(), Session::default(), &events);
    assert_eq!(ended, None, "{out}");
    assert!(out.contains("zibarzan"), "{out}");
}

#[test]
fn a_text_of_repeated_pieces_is_read_whole() {
    let bonbon = guard(Detect::Keywords(vec!["bonbon".to_owned()]), Action::Block);
    let event = chat_choice(r#""delta":{"novel":"bon"}"#);
    let (out, ended) =
        pumped(Operation::ChatCompletions, bonbon, Session::default(), &[&event, &event]);
    assert_eq!(ended, Some(Outcome::AnswerRefused), "{out}");
}

#[test]
fn reasoning_members_have_a_text_each_and_keep_their_name() {
    let events = [
        chat_choice(r#""delta":{"reasoning":"a zan"}"#),
        chat_choice(r#""delta":{"reasoning_content":"zibar b"}"#),
        chat_choice(r#""delta":{},"finish_reason":"stop""#),
    ];
    let mut events: Vec<&str> = events.iter().map(String::as_str).collect();
    events.push("[DONE]");
    let (out, ended) = pumped(Operation::ChatCompletions, word(), Session::default(), &events);
    assert_eq!(ended, Some(Outcome::Answered), "{out}");
    let said = |name: &str| -> String {
        let name = format!(r#""{name}":""#);
        out.split(&*name).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    };
    assert_eq!(said("reasoning"), "a zan");
    assert_eq!(said("reasoning_content"), "zibar b");
}

#[test]
fn a_masked_model_name_does_not_come_back_in_our_own_events() {
    let event = |content: &str, more: &str| {
        format!(
            r#"{{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"jane.doe@example.com","choices":[{{"index":0,"delta":{{"content":"{content}"}}{more}}}]}}"#
        )
    };
    let events = [event("hi zan", ""), event("", r#","finish_reason":"stop""#)];
    let mut events: Vec<&str> = events.iter().map(String::as_str).collect();
    events.push("[DONE]");
    let (out, ended) =
        pumped(Operation::ChatCompletions, email(Action::Mask), Session::default(), &events);
    assert_eq!(ended, Some(Outcome::Answered), "{out}");
    assert!(!out.contains("jane.doe"), "{out}");
}

#[test]
fn ids_with_anything_but_id_characters_are_not_taken_over() {
    let event = r#"{"id":"an id","object":"chat.completion.chunk","created":7,"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant"}}]}"#;
    let stopped = chat_choice(r#""delta":{"content":"zanzibar now"}"#);
    let (out, ended) =
        pumped(Operation::ChatCompletions, word(), Session::default(), &[event, &stopped]);
    assert_eq!(ended, Some(Outcome::AnswerRefused), "{out}");
    let last = out.split("\n\n").find(|event| event.contains("content_filter")).unwrap();
    assert!(last.contains(r#""id":"chatcmpl-bartizan""#), "{last}");
    assert!(last.contains(r#""created":7,"model":"m-1""#), "{last}");
}

#[test]
fn only_event_names_of_the_protocol_pass() {
    let named = |name: &str, data: &str| format!("event: {name}\ndata: {data}");
    let known = named("ping", r#"{"type":"ping"}"#);
    let unknown = named("zanzi_bar", r#"{"type":"ping"}"#);
    let (out, _) = pumped(Operation::Messages, word(), Session::default(), &[&known, &unknown]);
    assert_eq!(out, "event: ping\ndata: {\"type\":\"ping\"}\n\ndata: {\"type\":\"ping\"}\n\n");
    let known = named("response.queued", r#"{"type":"response.queued"}"#);
    let unknown = named("response.Jane-1", r#"{"type":"response.queued"}"#);
    let (out, _) = pumped(Operation::Responses, word(), Session::default(), &[&known, &unknown]);
    assert!(out.starts_with("event: response.queued\n") && !out.contains("Jane"), "{out}");
    let named = named("zanzi_bar", &chat_choice(r#""delta":{"content":"well said "}"#));
    let (out, _) = pumped(Operation::ChatCompletions, word(), Session::default(), &[&named]);
    assert!(out.starts_with("data: "), "{out}");
}

#[test]
fn long_names_take_no_room_in_the_watch() {
    let name = "t".repeat(100_000);
    let members: Vec<String> = (0..200).map(|at| format!(r#""m{at}":"x""#)).collect();
    let event = format!(r#"{{"type":"{name}","{name}":{{{}}}}}"#, members.join(","));
    let (_, ended) = pumped(Operation::Responses, word(), Session::default(), &[&event]);
    assert_eq!(ended, None);
    let half = |text: &str| format!(r#"{{"type":"{name}","{name}":"{text}"}}"#);
    let (out, ended) = pumped(
        Operation::Responses,
        word(),
        Session::default(),
        &[&half("all is zan"), &half("zibar they said")],
    );
    assert_eq!(ended, Some(Outcome::AnswerRefused), "{}", out.len());
}

#[test]
fn whole_events_say_what_the_masked_deltas_said() {
    let delta = |text: &str| {
        format!(
            r#"{{"type":"response.output_text.delta","sequence_number":1,"item_id":"i_1","output_index":0,"content_index":0,"delta":"{text}","obfuscation":"a1b2"}}"#
        )
    };
    let text = "write to jane.doe@example.com or john.doe@example.com today";
    let done = format!(
        r#"{{"type":"response.output_text.done","sequence_number":1,"item_id":"i_1","output_index":0,"content_index":0,"text":"{text}"}}"#
    );
    let completed = format!(
        r#"{{"type":"response.completed","sequence_number":2,"response":{{"id":"r_1","output":[{{"type":"message","content":[{{"type":"output_text","text":"{text}"}}]}}]}}}}"#
    );
    let (first, second) = text.split_at(20);
    let (out, ended) = pumped(
        Operation::Responses,
        email(Action::Mask),
        Session::default(),
        &[&delta(first), &delta(second), &done, &completed],
    );
    assert_eq!(ended, Some(Outcome::Answered), "{out}");
    assert!(!out.contains("example.com") && !out.contains("a1b2"), "{out}");
    let said = |name: &str| -> Vec<&str> {
        out.split(name).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    };
    let masked = said(r#""delta":""#).concat();
    assert!(masked.starts_with("write to <"), "{masked}");
    assert_eq!(said(r#""text":""#), [&*masked, &*masked]);
}

#[test]
fn a_client_that_does_not_read_is_left() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let event = format!("data: {}\n\n", chat_choice(r#""delta":{"content":"well said "}"#));
        let protocol = protocols::of(Operation::ChatCompletions).unwrap();
        let streamed = Streamed {
            kept: None,
            body: AnswerBody::BuiltIn(vec![Bytes::from(event); 8].into_iter()),
            protocol,
            codec: protocol.stream().unwrap(),
            translation: None,
            guard: word(),
            session: Arc::new(Session::default()),
            record: record(),
            idle: Duration::from_millis(20),
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let (client, mut unread) = mpsc::channel(1);
        timeout(Duration::from_secs(10), streamed.run(client)).await.unwrap();
        assert!(unread.recv().await.is_some());
        assert!(unread.recv().await.is_none());
    });
}
