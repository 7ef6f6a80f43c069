//! What a fake provider answers: content, pace and faults, independent of any API.

use std::time::Duration;

/// Replies in order of requests; the last one repeats.
#[derive(Debug, Clone)]
pub struct Script {
    replies: Vec<Reply>,
}

impl Script {
    /// Answers every request with a fixed text.
    pub fn text(text: impl Into<String>) -> Self {
        Reply::text(text).into()
    }

    /// Answers with the last text that the user wrote.
    pub fn echo() -> Self {
        Reply::turn(Turn { text: Some(Text::EchoLastUser), ..Turn::default() }).into()
    }

    /// Does what the last user text says: `repeat after me: X`, `call NAME with JSON`,
    /// `fail with STATUS`; echoes anything else.
    pub fn obedient() -> Self {
        Reply::turn(Turn { text: Some(Text::Obey), ..Turn::default() }).into()
    }

    /// Fails every request.
    pub fn fault(fault: Fault) -> Self {
        Reply::text("this text precedes or follows the fault").fault(fault).into()
    }

    /// Answers the first request with the first reply and so on; the last one repeats.
    pub fn sequence(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { replies: replies.into_iter().collect() }
    }

    /// The reply to the request of that position.
    pub(super) fn reply(&self, index: usize) -> Reply {
        self.replies.get(index).or_else(|| self.replies.last()).cloned().unwrap_or_default()
    }
}

impl From<Reply> for Script {
    fn from(reply: Reply) -> Self {
        Self { replies: vec![reply] }
    }
}

/// One answer and the way it is sent.
#[derive(Debug, Clone)]
pub struct Reply {
    /// One turn per choice; choice `i` takes turn `i` modulo their number.
    pub turns: Vec<Turn>,
    /// Bytes of text per streamed piece, used in a circle. A piece that would end inside a
    /// character ends after it.
    pub pieces: Vec<usize>,
    /// Bytes per write, used in a circle, wherever they fall: splits SSE frames and UTF-8. Empty
    /// writes one frame at a time.
    pub splits: Vec<usize>,
    /// Time before the headers.
    pub first_delay: Duration,
    /// Time before each write of a body that is streamed.
    pub delay: Duration,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            turns: vec![Turn::default()],
            pieces: vec![5],
            splits: Vec::new(),
            first_delay: Duration::ZERO,
            delay: Duration::ZERO,
            fault: None,
        }
    }
}

impl Reply {
    /// Answers with a fixed text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::turn(Turn { text: Some(Text::Fixed(text.into())), ..Turn::default() })
    }

    /// Answers with a tool call; `arguments` is sent as it is, valid JSON or not.
    pub fn tool_call(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        let call = ToolCall { name: name.into(), arguments: arguments.into() };
        Self::turn(Turn { tool_calls: vec![call], ..Turn::default() })
    }

    /// Answers with one turn for every choice.
    pub fn turn(turn: Turn) -> Self {
        Self { turns: vec![turn], ..Self::default() }
    }

    /// Answers with another turn per choice.
    pub fn turns(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self { turns: turns.into_iter().collect(), ..Self::default() }
    }

    /// Sets the bytes of text per streamed piece.
    #[must_use]
    pub fn pieces(mut self, sizes: impl IntoIterator<Item = usize>) -> Self {
        self.pieces = sizes.into_iter().collect();
        self
    }

    /// Sets the bytes per write.
    #[must_use]
    pub fn splits(mut self, sizes: impl IntoIterator<Item = usize>) -> Self {
        self.splits = sizes.into_iter().collect();
        self
    }

    /// Sets the time before the headers.
    #[must_use]
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// Sets the time before each write of a streamed body.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets what goes wrong.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }
}

/// What the model says in one choice. Parts left out are not sent.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    /// Sent before the text, where the API has a place for it.
    pub reasoning: Option<String>,
    /// The answer.
    pub text: Option<Text>,
    /// A refusal in place of an answer.
    pub refusal: Option<String>,
    /// Tool calls, in order.
    pub tool_calls: Vec<ToolCall>,
}

/// Where the text of an answer comes from.
#[derive(Debug, Clone)]
pub enum Text {
    /// This text.
    Fixed(String),
    /// The last text of the user.
    EchoLastUser,
    /// What the last text of the user asks for.
    Obey,
}

/// A tool call by the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Name of the tool.
    pub name: String,
    /// Arguments as text, usually JSON.
    pub arguments: String,
}

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset in place of a response.
    ResetBeforeHeaders,
    /// The connection is reset after that many frames of the body.
    ResetMidStream {
        /// Frames (or, for JSON, writes) sent before.
        after_frames: usize,
    },
    /// The body ends properly after that many frames, without its closing frames.
    EndsEarly {
        /// Frames sent before.
        after_frames: usize,
    },
    /// The request is read and never answered.
    NeverAnswers,
    /// The body comes one byte at a time.
    SlowDrip {
        /// Time before each byte.
        every: Duration,
    },
    /// A JSON body that breaks off in the middle.
    MalformedJson,
    /// A stream whose second frame is not JSON.
    MalformedSse,
    /// Status 200 with an HTML page.
    WrongContentType,
    /// A well-formed answer whose text is this long.
    HugeBody {
        /// Bytes of text.
        bytes: u64,
    },
    /// A stream that goes on and on: pieces of text, until so many bytes of events are sent. A body
    /// in one piece has a text of that length.
    Flood {
        /// Bytes of events.
        bytes: u64,
    },
    /// An error in the vendor's words.
    Status {
        /// HTTP status.
        status: u16,
        /// Value of `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
}

/// A turn with its text resolved.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) reasoning: Option<String>,
    pub(super) text: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) tool_calls: Vec<ToolCall>,
}

/// A turn resolved against the last user text, or a failure that the text asked for.
pub(super) fn resolve(turn: &Turn, last_user: &str) -> Result<Said, Fault> {
    let mut said = Said {
        reasoning: turn.reasoning.clone(),
        text: None,
        refusal: turn.refusal.clone(),
        tool_calls: turn.tool_calls.clone(),
    };
    match &turn.text {
        None => {}
        Some(Text::Fixed(text)) => said.text = Some(text.clone()),
        Some(Text::EchoLastUser) => said.text = Some(last_user.to_owned()),
        Some(Text::Obey) => obey(&mut said, last_user)?,
    }
    Ok(said)
}

fn obey(said: &mut Said, last_user: &str) -> Result<(), Fault> {
    if let Some(text) = last_user.strip_prefix("repeat after me: ") {
        said.text = Some(text.to_owned());
    } else if let Some(status) = last_user.strip_prefix("fail with ") {
        let status = status.trim().parse().unwrap_or(500);
        return Err(Fault::Status { status, retry_after: (status == 429).then_some(7) });
    } else if let Some((name, arguments)) =
        last_user.strip_prefix("call ").and_then(|rest| rest.split_once(" with "))
    {
        said.tool_calls
            .push(ToolCall { name: name.to_owned(), arguments: arguments.trim().to_owned() });
    } else {
        said.text = Some(last_user.to_owned());
    }
    Ok(())
}

/// Cuts text into pieces of the given sizes, used in a circle, never inside a character.
pub(crate) fn pieces<'a>(text: &'a str, sizes: &[usize]) -> Vec<&'a str> {
    let mut sizes = sizes.iter().copied().filter(|size| *size > 0).cycle();
    let mut rest = text;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let mut end = sizes.next().unwrap_or(usize::MAX).min(rest.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (piece, tail) = rest.split_at(end);
        out.push(piece);
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_follow_the_sizes_in_a_circle() {
        assert_eq!(pieces("abcdefgh", &[1, 3]), ["a", "bcd", "e", "fgh"]);
        assert_eq!(pieces("aßc", &[2]), ["aß", "c"]);
        assert_eq!(pieces("abc", &[]), ["abc"]);
        assert!(pieces("", &[1]).is_empty());
    }

    proptest! {
        #[test]
        fn pieces_join_to_the_text(text in ".{0,80}", sizes in prop::collection::vec(0usize..9, 0..4)) {
            prop_assert_eq!(pieces(&text, &sizes).concat(), text);
        }
    }

    #[test]
    fn obeys_the_last_user() {
        let turn = Turn { text: Some(Text::Obey), ..Turn::default() };
        assert_eq!(resolve(&turn, "repeat after me: x y").unwrap().text.unwrap(), "x y");
        let said = resolve(&turn, "call look with {\"a\": 1}").unwrap();
        assert_eq!(
            said.tool_calls,
            [ToolCall { name: "look".to_owned(), arguments: "{\"a\": 1}".to_owned() }]
        );
        assert_eq!(
            resolve(&turn, "fail with 503").unwrap_err(),
            Fault::Status { status: 503, retry_after: None }
        );
        assert_eq!(resolve(&turn, "hello").unwrap().text.unwrap(), "hello");
    }
}
