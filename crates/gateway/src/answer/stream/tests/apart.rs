//! Texts are told apart as every client does, or not at all.

use super::*;

/// An event of a protocol, from its number as it is written and a piece of text.
type Way<'w> = (Operation, &'w dyn Fn(&str, &str) -> String);

fn refused(operation: Operation, events: &[&str]) {
    let (out, ended) = pumped(operation, word(), Session::default(), events);
    let why = format!("{events:?}\n{out}");
    assert!(matches!(ended, Some(Outcome::UpstreamFailed | Outcome::AnswerRefused)), "{why}");
    assert!(!out.contains("zibar"), "{why}");
}

#[test]
fn one_text_under_two_spellings_of_its_number_ends_the_answer() {
    let chat = |index: &str, text: &str| {
        format!(r#"{{"choices":[{{{index}"delta":{{"content":"{text}"}}}}]}}"#)
    };
    let call = |index: &str, text: &str| {
        format!(
            r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{{{index}"function":{{"arguments":"{text}"}}}}]}}}}]}}"#
        )
    };
    let block = |index: &str, text: &str| {
        format!(
            r#"{{{index}"type":"content_block_delta","delta":{{"type":"text_delta","text":"{text}"}}}}"#
        )
    };
    let output = |index: &str, text: &str| {
        let index = index.replace("index", "output_index");
        format!(
            r#"{{{index}"type":"response.output_text.delta","content_index":0,"delta":"{text}"}}"#
        )
    };
    let part = |index: &str, text: &str| {
        let index = index.replace("index", "content_index");
        format!(
            r#"{{{index}"type":"response.output_text.delta","output_index":0,"delta":"{text}"}}"#
        )
    };
    let ways: [Way<'_>; 5] = [
        (Operation::ChatCompletions, &chat),
        (Operation::ChatCompletions, &call),
        (Operation::Messages, &block),
        (Operation::Responses, &output),
        (Operation::Responses, &part),
    ];
    for (operation, way) in ways {
        for other in [
            r#""index":1.0,"#,
            r#""index":"1","#,
            r#""index":1e0,"#,
            r#""index":-1,"#,
            r#""index":null,"#,
            "",
        ] {
            let first = way(r#""index":1,"#, "all is zan");
            refused(operation, &[&first, &way(other, "zibar they said")]);
        }
    }
}

#[test]
fn streams_that_leave_numbers_out_are_read_by_what_they_have() {
    let chat = |text: &str| format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#);
    refused(Operation::ChatCompletions, &[&chat("all is zan"), &chat("zibar they said")]);
    let item = |id: &str, text: &str| {
        format!(r#"{{"type":"response.output_text.delta","item_id":"{id}","delta":"{text}"}}"#)
    };
    refused(Operation::Responses, &[&item("a", "all is zan"), &item("a", "zibar they said")]);
    // Another item between them does not keep the halves apart.
    refused(
        Operation::Responses,
        &[&item("a", "all is zan"), &item("b", "well "), &item("a", "zibar they said")],
    );
}

#[test]
fn nothing_of_a_text_comes_after_its_end() {
    let delta = |text: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
        )
    };
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    refused(Operation::Messages, &[&delta("all is zan"), stop, &delta("zibar they said")]);
    let chunk = |text: &str, reason: &str| {
        chat_choice(&format!(r#""delta":{{"content":"{text}"}},"finish_reason":{reason}"#))
    };
    refused(
        Operation::ChatCompletions,
        &[&chunk("all is zan", "\"stop\""), &chunk("zibar they said", "null")],
    );
    let output = |text: &str| {
        format!(
            r#"{{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"{text}"}}"#
        )
    };
    let done = r#"{"type":"response.output_item.done","output_index":0}"#;
    refused(Operation::Responses, &[&output("all is zan"), done, &output("zibar they said")]);
    // What is done with one part of an item says nothing about another.
    let summary = |text: &str| {
        format!(
            r#"{{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"{text}"}}"#
        )
    };
    let done = r#"{"type":"response.output_text.done","output_index":0,"content_index":0}"#;
    let events = [summary("well, "), output("so"), done.to_owned(), summary("well")];
    let mut events: Vec<&str> = events.iter().map(String::as_str).collect();
    events.push(r#"{"type":"response.completed","response":{"id":"r"}}"#);
    let (out, ended) = pumped(Operation::Responses, word(), Session::default(), &events);
    assert_eq!(ended, Some(Outcome::Answered), "{out}");
    let events = [output("all is zan"), done.to_owned(), output("zibar they said")];
    refused(Operation::Responses, &events.each_ref().map(String::as_str));
    // An empty piece says nothing.
    let (out, ended) = pumped(
        Operation::ChatCompletions,
        word(),
        Session::default(),
        &[&chunk("well", "\"stop\""), &chunk("", "null"), "[DONE]"],
    );
    assert_eq!(ended, Some(Outcome::Answered), "{out}");
}

#[test]
fn an_empty_reason_does_not_end_a_choice() {
    let chunk =
        |text: &str| chat_choice(&format!(r#""delta":{{"content":"{text}"}},"finish_reason":"""#));
    refused(Operation::ChatCompletions, &[&chunk("all is zan"), &chunk("zibar they said")]);
}

#[test]
fn texts_that_a_client_joins_are_joined() {
    let delta = |index: u64, text: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":"{text}"}}}}"#
        )
    };
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    refused(
        Operation::Messages,
        &[&delta(0, "all is zan"), stop, &delta(1, "zi"), &delta(1, "bar they said")],
    );
    let part = |index: u64, text: &str| {
        format!(
            r#"{{"type":"response.output_text.delta","output_index":{index},"content_index":0,"delta":"{text}"}}"#
        )
    };
    let done = r#"{"type":"response.output_item.done","output_index":0}"#;
    refused(Operation::Responses, &[&part(0, "all is zan"), done, &part(1, "zibar they said")]);
    refused(
        Operation::Responses,
        &[
            r#"{"type":"response.completed","response":{"id":"r","output":[{"type":"message","content":[
                {"type":"output_text","text":"all is zan"},{"type":"output_text","text":"zibar"}]}]}}"#,
        ]
        .map(|event| event.replace('\n', " "))
        .each_ref()
        .map(String::as_str),
    );
    // What is held over the break goes out with the block.
    let (out, ended) = pumped(
        Operation::Messages,
        word(),
        Session::default(),
        &[
            &delta(0, "all is zan"),
            stop,
            &delta(1, "zi"),
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"message_stop"}"#,
        ],
    );
    assert_eq!(ended, Some(Outcome::Answered), "{out}");
    let held = out.find(r#""text":"zi""#).unwrap();
    assert!(held < out.find(r#""content_block_stop","index":1"#).unwrap(), "{out}");
}

#[test]
fn an_answer_whose_choices_have_ended_needs_no_end_marker() {
    let ended = |reason: &str| {
        let mut pump = pump(Operation::ChatCompletions, word(), Session::default());
        let mut splitter = Splitter::default();
        let event =
            chat_choice(&format!(r#""delta":{{"content":"well"}},"finish_reason":{reason}"#));
        let piece = Bytes::from(format!("data: {event}\n\n"));
        assert!(matches!(pump.take(Some(Ok(piece)), &mut splitter, None), Flow::On));
        let Flow::Done(outcome) = pump.take(None, &mut splitter, None) else { panic!("goes on") };
        (outcome, String::from_utf8(std::mem::take(&mut pump.out)).unwrap())
    };
    let (outcome, out) = ended("\"stop\"");
    assert_eq!(outcome, Outcome::Answered);
    assert!(out.ends_with("data: [DONE]\n\n"), "{out}");
    let (outcome, out) = ended("null");
    assert_eq!(outcome, Outcome::UpstreamFailed);
    assert!(out.contains("provider-broke-off"), "{out}");
}

#[test]
fn a_translated_answer_needs_no_end_marker_after_its_reason() {
    let translated = |last: &str| {
        let mut pump = pump(Operation::Messages, word(), Session::default());
        let mut translation =
            crate::translate::between(Operation::Messages, Operation::ChatCompletions)
                .unwrap()
                .stream();
        let mut splitter = Splitter::default();
        let event = chat_choice(&format!(r#""delta":{{"content":"well"}},"finish_reason":{last}"#));
        let piece = Bytes::from(format!("data: {event}\n\n"));
        let flow = pump.take(Some(Ok(piece)), &mut splitter, Some(&mut *translation));
        assert!(matches!(flow, Flow::On));
        let flow = pump.take(None, &mut splitter, Some(&mut *translation));
        let Flow::Done(outcome) = flow else { panic!("goes on") };
        (outcome, String::from_utf8(std::mem::take(&mut pump.out)).unwrap())
    };
    let (outcome, out) = translated("\"stop\"");
    assert_eq!(outcome, Outcome::Answered, "{out}");
    assert!(out.contains("message_stop") && out.contains("end_turn"), "{out}");
    assert_eq!(translated("null").0, Outcome::UpstreamFailed);
}

#[test]
fn a_name_that_its_event_does_not_say_itself_is_left_out() {
    let (out, _) = pumped(
        Operation::Responses,
        word(),
        Session::default(),
        &["event: response.zan.zibar\ndata: {\"type\":\"response.queued\"}"],
    );
    assert_eq!(out, "data: {\"type\":\"response.queued\"}\n\n");
}
