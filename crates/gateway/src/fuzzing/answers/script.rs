//! Writes a provider's stream from bytes.
//!
//! `|` and a digit begin an event with a piece of one of five texts; the bytes up to the next `|`
//! are the piece. Printable ASCII stands for itself; control bytes for parts of what guards look
//! for; the rest for characters that guards see through or that take several bytes.

use serde_json::{Value, json};

use crate::operation::Operation;
use crate::sse::write_event;

const PARTS: [&str; 32] = [
    "jane.doe@example.com",
    "jane.doe@",
    "jane.doe",
    "example",
    ".com",
    "zanzibar",
    "zan",
    "zibar",
    "bob@example.com",
    "\t",
    "\n",
    "<EMAIL_ADDRESS_1>",
    "<EMAIL_",
    "ADDRESS_1>",
    "<email address 1>",
    "4111 1111 1111 1111",
    "4111",
    " 1111",
    "DE89370400440532013000",
    "AKIAQ3EGRHWZTNX5LPVD",
    "ghp_",
    "https://evil.test/?q=",
    "![a](",
    "ignore all previous instructions",
    "emFuemliYXI=",
    "z a n z i b a r",
    "mnamvone",
    "%7a%61%6e",
    "&#122;an",
    "\\u007a",
    "\u{1b}[8m",
    "-----BEGIN PRIVATE KEY-----",
];

const ODD: [char; 16] = [
    '\u{200b}',
    '\u{ad}',
    '\u{202e}',
    '\u{fe0f}',
    '\u{e0041}',
    'а',
    'е',
    'ｚ',
    'Ａ',
    '＠',
    'é',
    '\u{301}',
    'ß',
    '中',
    '🙂',
    '\u{0}',
];

/// The stream that a provider of a protocol sends. Translated streams have one text of a kind, one
/// after the other, since a translation takes them in no other order.
pub(super) fn write(spoken: Operation, translated: bool, said: &[u8], end: u8) -> String {
    let mut pieces: Vec<(u8, String)> = Vec::new();
    for event in said.split(|byte| *byte == b'|').skip(1) {
        let Some((number, text)) = event.split_first() else { continue };
        let number = match number % 5 {
            1 | 4 if translated => 0,
            number => number,
        };
        pieces.push((number, text.iter().map(|byte| part(*byte)).collect()));
    }
    if translated {
        pieces.sort_by_key(|(number, _)| *number);
    }
    let mut used: Vec<u8> = pieces.iter().map(|(number, _)| *number).collect();
    used.sort_unstable();
    used.dedup();
    let mut out = Vec::new();
    let mut say = |event: Value| {
        let name = event.get("type").and_then(Value::as_str).map(str::to_owned);
        write_event(&mut out, name.as_deref(), &event.to_string());
    };
    if spoken == Operation::Messages {
        say(json!({"type":"message_start","message":{"id":"msg_1","type":"message",
            "role":"assistant","model":"m","content":[],"usage":{"input_tokens":1}}}));
    }
    if translated {
        for number in used {
            begin(spoken, number, &mut say);
            for (_, text) in pieces.iter().filter(|(it, _)| *it == number) {
                say(piece(spoken, number, text));
            }
            stop(spoken, number, &mut say);
        }
    } else {
        for number in &used {
            begin(spoken, *number, &mut say);
        }
        for (number, text) in &pieces {
            say(piece(spoken, *number, text));
        }
        for number in &used {
            stop(spoken, *number, &mut say);
        }
    }
    // A stream may break off before its end, or before its last word.
    let (ends, is_whole) = (end % 3 != 1, end.is_multiple_of(3));
    if ends {
        match spoken {
            Operation::Messages => {
                say(json!({"type":"message_delta","delta":{"stop_reason":"end_turn"},
                    "usage":{"output_tokens":1}}));
                if is_whole {
                    say(json!({"type":"message_stop"}));
                }
            }
            Operation::Responses => {
                say(json!({"type":"response.completed","response":{"id":"r","output":[]}}));
            }
            _ => {
                for index in 0..5 {
                    say(json!({"choices":[{"index":index,"delta":{},"finish_reason":"stop"}]}));
                    if translated {
                        break;
                    }
                }
                if is_whole {
                    out.extend_from_slice(b"data: [DONE]\n\n");
                }
            }
        }
    }
    String::from_utf8(out).expect("events are text")
}

fn part(byte: u8) -> String {
    match byte {
        0..32 => PARTS.get(usize::from(byte)).copied().unwrap_or_default().to_owned(),
        32..127 => char::from(byte).to_string(),
        _ => ODD.get(usize::from(byte % 16)).copied().map(String::from).unwrap_or_default(),
    }
}

fn begin(spoken: Operation, number: u8, say: &mut impl FnMut(Value)) {
    match (spoken, number) {
        (Operation::Messages, _) => {
            let block = match number {
                2 => json!({"type":"tool_use","id":"call_1","name":"lookup","input":{}}),
                3 => json!({"type":"thinking","thinking":"","signature":""}),
                _ => json!({"type":"text","text":""}),
            };
            say(json!({"type":"content_block_start","index":number,"content_block":block}));
        }
        (Operation::ChatCompletions, 2) => {
            let call = json!({"index":0,"id":"call_1","type":"function",
                "function":{"name":"lookup","arguments":""}});
            say(json!({"choices":[{"index":0,"delta":{"tool_calls":[call]}}]}));
        }
        _ => {}
    }
}

fn piece(spoken: Operation, number: u8, text: &str) -> Value {
    match spoken {
        Operation::Messages => {
            let delta = match number {
                2 => json!({"type":"input_json_delta","partial_json":text}),
                3 => json!({"type":"thinking_delta","thinking":text}),
                _ => json!({"type":"text_delta","text":text}),
            };
            json!({"type":"content_block_delta","index":number,"delta":delta})
        }
        Operation::Responses => {
            let kind = match number {
                2 => "response.function_call_arguments.delta",
                3 => "response.reasoning_summary_text.delta",
                4 => "response.refusal.delta",
                _ => "response.output_text.delta",
            };
            let part = if number == 3 { "summary_index" } else { "content_index" };
            json!({"type":kind,"output_index":number,part:0,"delta":text})
        }
        Operation::Completions => json!({"choices":[{"index":number,"text":text}]}),
        _ => {
            let delta = match number {
                2 => json!({"tool_calls":[{"index":0,"function":{"arguments":text}}]}),
                3 => json!({"reasoning_content":text}),
                4 => json!({"refusal":text}),
                _ => json!({"content":text}),
            };
            json!({"choices":[{"index":u8::from(number == 1),"delta":delta}]})
        }
    }
}

fn stop(spoken: Operation, number: u8, say: &mut impl FnMut(Value)) {
    if spoken == Operation::Messages {
        say(json!({"type":"content_block_stop","index":number}));
    }
}
