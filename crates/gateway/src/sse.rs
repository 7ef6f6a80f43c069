//! Server-sent events, byte for byte (WHATWG HTML, "Server-sent events", section 9.2).
//!
//! [`Splitter`] cuts a byte stream into events without losing or adding a byte, however the network
//! has chunked it; [`write_event`] writes one. What the data mean is up to the protocols, and
//! whether an event may go on is up to the guard: the splitter only makes sure that nothing can
//! pass it unseen.

use bartizan_core::{Class, Coded, limits};
use bytes::{Bytes, BytesMut};

#[cfg(test)]
mod tests;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A stream is not what the gateway reads as server-sent events. The splitter stops at the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One event is longer than the cap.
    #[error("a server-sent event is longer than {cap} bytes")]
    TooLong {
        /// The cap.
        cap: usize,
    },
    /// One event is not UTF-8; readers differ in what they make of it.
    #[error("a server-sent event is not valid UTF-8 at its byte {offset}")]
    InvalidUtf8 {
        /// First wrong byte, counted from the start of the event.
        offset: usize,
    },
    /// The stream ended without the blank line that ends an event. A reader by the specification
    /// discards the rest, others do not.
    #[error("the stream ended inside a server-sent event, {bytes} bytes after its start")]
    Unfinished {
        /// Bytes of the event that came.
        bytes: usize,
    },
}

impl Coded for SseError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "bartizan::gateway::sse-event-too-long",
            Self::InvalidUtf8 { .. } => "bartizan::gateway::sse-invalid-utf8",
            Self::Unfinished { .. } => "bartizan::gateway::sse-unfinished",
        }
    }

    fn class(&self) -> Class {
        Class::Upstream
    }
}

/// Everything up to and including one blank line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The exact bytes, with the blank line. The raws of a stream, joined, are the stream.
    pub raw: Bytes,
    /// Type, when it is named and not empty.
    pub event: Option<String>,
    /// The data lines joined with line feeds, as a reader gets them. UTF-8.
    pub data: Bytes,
    /// Whether there is a data line: without one, readers drop the event.
    pub has_data: bool,
    /// Last event id, when it is given.
    pub id: Option<String>,
    /// Reconnection time in milliseconds, when it is given.
    pub retry_millis: Option<u64>,
    /// Nothing but comments or blank lines.
    pub only_comment: bool,
    /// [`raw`](Self::raw) has text that none of the other fields show: comments, unknown fields,
    /// values that a later line overrides. Who forwards `raw` forwards it unread.
    pub has_unread_text: bool,
}

/// Cuts a byte stream into events. Time is linear in the bytes, however small the chunks.
///
/// An event whose blank line is a lone CR is held until the next byte shows that no LF belongs to
/// it; with LF or CRLF nothing is held.
#[derive(Debug)]
pub struct Splitter {
    cap: usize,
    buffer: BytesMut,
    /// Everything before is searched for line ends.
    searched: usize,
    /// Start of the line that is being searched.
    line_start: usize,
    is_first: bool,
    failed: Option<SseError>,
}

impl Default for Splitter {
    /// With the cap of [`limits::SSE_EVENT_BYTES`].
    fn default() -> Self {
        Self::new(limits::SSE_EVENT_BYTES)
    }
}

impl Splitter {
    /// Allows events of at most `cap` bytes.
    pub fn new(cap: usize) -> Self {
        Self {
            cap,
            buffer: BytesMut::new(),
            searched: 0,
            line_start: 0,
            is_first: true,
            failed: None,
        }
    }

    /// Takes the next bytes of the stream. Drain [`next`](Self::next) after each: until then
    /// everything is kept. After an error bytes are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next event that is complete; none until more bytes are pushed.
    ///
    /// An error comes once; after it there are no more events.
    #[expect(clippy::should_implement_trait, reason = "`None` is not the end: more may be pushed")]
    pub fn next(&mut self) -> Option<Result<Event, SseError>> {
        if self.failed.is_some() {
            return None;
        }
        match self.find_end(false) {
            Some(end) => Some(self.take(end)),
            None if self.buffer.len() > self.cap => {
                Some(Err(self.fail(SseError::TooLong { cap: self.cap })))
            }
            None => None,
        }
    }

    /// Ends the stream. Call it after [`next`](Self::next) has given none.
    ///
    /// Returns the last event if a lone CR ended it.
    ///
    /// # Errors
    /// [`SseError::Unfinished`] if bytes are left; the error of [`next`](Self::next) again if there
    /// was one.
    pub fn finish(mut self) -> Result<Option<Event>, SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let last = match self.find_end(true) {
            Some(end) => Some(self.take(end)?),
            None => None,
        };
        match self.buffer.len() {
            0 => Ok(last),
            bytes => Err(SseError::Unfinished { bytes }),
        }
    }

    /// Length of the first event of the buffer, if its blank line is there.
    fn find_end(&mut self, is_at_end: bool) -> Option<usize> {
        loop {
            let unsearched = self.buffer.get(self.searched..)?;
            let Some(found) = memchr::memchr2(b'\r', b'\n', unsearched) else {
                self.searched = self.buffer.len();
                return None;
            };
            let line_end = self.searched + found;
            let is_cr = unsearched.get(found) == Some(&b'\r');
            let next_line = match unsearched.get(found + 1) {
                Some(b'\n') if is_cr => line_end + 2,
                None if is_cr && !is_at_end => {
                    self.searched = line_end;
                    return None;
                }
                _ => line_end + 1,
            };
            let has_bom = self.is_first && self.line_start == 0 && self.buffer.starts_with(BOM);
            let line_start = if has_bom { BOM.len() } else { self.line_start };
            self.searched = next_line;
            self.line_start = next_line;
            if line_end == line_start {
                return Some(next_line);
            }
        }
    }

    /// Takes the first `end` bytes out of the buffer and reads them as one event.
    fn take(&mut self, end: usize) -> Result<Event, SseError> {
        let raw = self.buffer.split_to(end).freeze();
        let is_first = std::mem::replace(&mut self.is_first, false);
        self.searched = 0;
        self.line_start = 0;
        if raw.len() > self.cap {
            return Err(self.fail(SseError::TooLong { cap: self.cap }));
        }
        match std::str::from_utf8(&raw) {
            Ok(text) => {
                let without_bom = text.strip_prefix('\u{FEFF}').filter(|_| is_first);
                Ok(read_event(&raw, without_bom.unwrap_or(text)))
            }
            Err(error) => Err(self.fail(SseError::InvalidUtf8 { offset: error.valid_up_to() })),
        }
    }

    fn fail(&mut self, error: SseError) -> SseError {
        self.failed = Some(error);
        self.buffer = BytesMut::new();
        error
    }
}

/// Reads the lines of one event. `text` lies in `raw`.
fn read_event(raw: &Bytes, text: &str) -> Event {
    let mut event = Event { raw: raw.clone(), only_comment: true, ..Event::default() };
    let mut joined = BytesMut::new();
    for line in lines(text) {
        if let Some(comment) = line.strip_prefix(':') {
            event.has_unread_text |= !comment.trim_ascii().is_empty();
            continue;
        }
        if line.is_empty() {
            continue;
        }
        event.only_comment = false;
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                let value = raw.slice_ref(value.as_bytes());
                if event.has_data {
                    // The first of several lines is copied when the second comes.
                    if joined.is_empty() {
                        joined.extend_from_slice(&event.data);
                    }
                    joined.extend_from_slice(b"\n");
                    joined.extend_from_slice(&value);
                } else {
                    event.data = value;
                }
                event.has_data = true;
            }
            // The last line of a field counts; what it overrides nobody reads.
            "event" => {
                let earlier = event.event.take();
                event.has_unread_text |= earlier.is_some();
                event.event = (!value.is_empty()).then(|| value.to_owned());
            }
            "id" if !value.contains('\0') => {
                event.has_unread_text |= event.id.replace(value.to_owned()).is_some();
            }
            "retry" if is_digits(value) => {
                let earlier = event.retry_millis.take();
                event.retry_millis = value.parse().ok();
                event.has_unread_text |= earlier.is_some() || event.retry_millis.is_none();
            }
            _ => event.has_unread_text = true,
        }
    }
    if !joined.is_empty() {
        event.data = joined.freeze();
    }
    event
}

fn is_digits(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// The lines of a text by the specification: ended by LF, CRLF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr2(b'\r', b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let (line, tail) = rest.split_at_checked(end)?;
        let after = tail.strip_prefix("\r\n").or_else(|| tail.get(1..));
        rest = after.unwrap_or_default();
        Some(line)
    })
}

/// Appends one event. Data with line breaks become several data lines, so a CR or CRLF in them
/// reaches the reader as LF; line breaks in the type are left out.
pub fn write_event(out: &mut Vec<u8>, event: Option<&str>, data: &str) {
    out.reserve(data.len() + 16);
    if let Some(name) = event {
        out.extend_from_slice(b"event: ");
        out.extend(name.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        out.push(b'\n');
    }
    let mut rest = Some(data);
    while let Some(text) = rest {
        let end = memchr::memchr2(b'\r', b'\n', text.as_bytes());
        let (line, tail) = end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""));
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
        rest = end.and_then(|_| tail.strip_prefix("\r\n").or_else(|| tail.get(1..)));
    }
    out.push(b'\n');
}
