//! Messages as RFC 5424 has them: header, structured data, and the entry as text.

use bartizan_core::event::Event;
use bartizan_core::settings::Facility;

use crate::batch::{Batch, Entry};
use crate::severity::Severity;

/// Name of the structured data. 32473 is the enterprise number for whoever has none (RFC 5612).
const SD_ID: &str = "bartizan@32473";
/// What stands for something that is not known.
const NIL: &str = "-";
/// Stands before a text that is not plain ASCII (RFC 5424, section 6.4).
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// Most bytes of a datagram: every receiver should take as many (RFC 5426, section 3.2).
const DATAGRAM_BYTES: usize = 2048;

/// Who sends messages.
#[derive(Debug)]
pub(super) struct Sender {
    facility: Facility,
    host: String,
    process: u32,
}

impl Sender {
    /// This process on this machine.
    pub(super) fn new(facility: Facility) -> Self {
        Self { facility, host: host(), process: std::process::id() }
    }

    /// The message of an entry.
    pub(super) fn message(&self, batch: &Batch, entry: &Entry) -> Vec<u8> {
        let event = entry.event();
        let mut message = self.head(batch, entry, event.as_ref(), &[]);
        push_text(&mut message, &entry.line);
        message
    }

    /// The message of an entry, short enough for a datagram: without its findings if it has to be, and
    /// without any text if that is not enough. The structured data says so.
    pub(super) fn datagram(&self, batch: &Batch, entry: &Entry) -> Vec<u8> {
        let whole = self.message(batch, entry);
        if whole.len() <= DATAGRAM_BYTES {
            return whole;
        }
        let event = entry.event();
        if let Some(event) = &event {
            let count = event.findings.len();
            let short = without_findings(event);
            let mark = [("left-out", format!("{count} findings"))];
            let mut message = self.head(batch, entry, Some(event), &mark);
            push_text(&mut message, &short);
            if message.len() <= DATAGRAM_BYTES {
                return message;
            }
        }
        self.head(batch, entry, event.as_ref(), &[("left-out", "text".to_owned())])
    }

    /// Header and structured data.
    fn head(
        &self,
        batch: &Batch,
        entry: &Entry,
        event: Option<&Event>,
        marks: &[(&str, String)],
    ) -> Vec<u8> {
        let severity = event.map_or(Severity::Notice, Severity::of).syslog();
        let priority = u16::from(self.facility.code()) * 8 + u16::from(severity);
        let time = event.map_or(NIL, |event| event.time.as_str());
        let kind = event.map_or(NIL.to_owned(), |event| printable(&event.operation, 32));
        let (host, process) = (&self.host, self.process);
        let mut head = format!("<{priority}>1 {time} {host} bartizan {process} {kind} [{SD_ID}");
        push_parameter(&mut head, "log", &batch.log);
        push_parameter(&mut head, "entry", &entry.number.to_string());
        if let Some(event) = event {
            push_parameter(&mut head, "area", &event.area);
            push_parameter(&mut head, "request-id", &event.request_id.to_string());
            push_parameter(&mut head, "verdict", event.verdict.name());
            push_parameter(&mut head, "outcome", event.outcome.name());
            let names = [
                ("principal", &event.principal),
                ("endpoint", &event.endpoint),
                ("rule", &event.rule),
            ];
            for (name, value) in names {
                if let Some(value) = value {
                    push_parameter(&mut head, name, value);
                }
            }
        }
        for (name, value) in marks {
            push_parameter(&mut head, name, value);
        }
        head.push(']');
        head.into_bytes()
    }
}

/// Name of this machine, as messages carry it.
fn host() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    printable(&name, 255)
}

/// Visible ASCII, so many characters at most; `-` where nothing is left.
fn printable(text: &str, most: usize) -> String {
    let text: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if text.is_empty() { NIL.to_owned() } else { text }
}

/// Most characters of a value in structured data, which repeats what the text says.
const VALUE_CHARS: usize = 128;

fn push_parameter(head: &mut String, name: &str, value: &str) {
    head.push(' ');
    head.push_str(name);
    head.push_str("=\"");
    for c in value.chars().take(VALUE_CHARS) {
        // RFC 5424, section 6.3.3.
        if matches!(c, '"' | '\\' | ']') {
            head.push('\\');
        }
        head.push(if c.is_control() { ' ' } else { c });
    }
    head.push('"');
}

/// Plain ASCII stands as it is, which many readers of JSON need; other UTF-8 must have the mark.
fn push_text(message: &mut Vec<u8>, text: &[u8]) {
    message.push(b' ');
    if !text.is_ascii() {
        message.extend_from_slice(BYTE_ORDER_MARK.as_bytes());
    }
    message.extend_from_slice(text);
}

fn without_findings(event: &Event) -> Vec<u8> {
    let short = Event {
        findings: Vec::new(),
        refined: Vec::new(),
        limits_near: Vec::new(),
        brakes: Vec::new(),
        tags: bartizan_core::Tags::default(),
        payload: None,
        not_evaluated: Vec::new(),
        ..event.shortened()
    };
    // An event is text and numbers, which always can be written.
    serde_json::to_vec(&short).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bartizan_core::channel::Channel;
    use bartizan_core::event::{FindingRecord, Outcome};
    use bartizan_core::id::RequestId;
    use bartizan_core::verdict::Verdict;

    use super::*;

    fn sender() -> Sender {
        Sender { facility: Facility::Audit, host: "gate-1".to_owned(), process: 42 }
    }

    fn event() -> Event {
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        event.request_id = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        event.time = "2026-01-02T03:04:05.000006Z".to_owned();
        event.verdict = Verdict::Block;
        event.outcome = Outcome::Refused;
        event
    }

    fn batch(event: &Event) -> Batch {
        let line = serde_json::to_vec(event).unwrap().into();
        Batch {
            log: "example.com/log".into(),
            entries: vec![Entry { number: 7, line }],
            checkpoint: "".into(),
        }
    }

    fn text(event: &Event, make: impl Fn(&Sender, &Batch, &Entry) -> Vec<u8>) -> String {
        let batch = batch(event);
        String::from_utf8(make(&sender(), &batch, &batch.entries[0])).unwrap()
    }

    #[test]
    fn a_message_has_the_parts_of_the_specification() {
        let event = Event { principal: Some("a]\"\\b".to_owned()), ..event() };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            text(&event, Sender::message),
            format!(
                "<108>1 2026-01-02T03:04:05.000006Z gate-1 bartizan 42 chat-completions \
                 [bartizan@32473 log=\"example.com/log\" entry=\"7\" area=\"gateway\" \
                 request-id=\"01890a5d-ac96-774b-bcce-b302099a8057\" verdict=\"block\" \
                 outcome=\"refused\" principal=\"a\\]\\\"\\\\b\"] {json}"
            )
        );
    }

    #[test]
    fn only_what_is_not_ascii_has_the_mark() {
        let plain = text(&event(), Sender::message);
        assert!(!plain.contains('\u{feff}'));
        let other = Event { model: Some("modèle".to_owned()), ..event() };
        assert!(text(&other, Sender::message).contains("] \u{feff}{\"area\""));
    }

    #[test]
    fn a_datagram_goes_without_findings_and_says_so() {
        let finding = FindingRecord {
            category: "pii".to_owned(),
            channel: Channel::User,
            disguise: None,
            dry_run: false,
            exception: None,
            guardrail: "g-pii".to_owned(),
            pointer: "/messages/0/content".to_owned(),
            rule: "email".to_owned(),
            score: 1.0,
            turns: None,
            verdict: Verdict::Mask,
        };
        let short = text(&event(), Sender::datagram);
        assert!(short.len() <= DATAGRAM_BYTES && !short.contains("left-out"));
        let many = Event { findings: vec![finding; 50], ..event() };
        let datagram = text(&many, Sender::datagram);
        assert!(datagram.len() <= DATAGRAM_BYTES, "{}", datagram.len());
        assert!(datagram.contains("left-out=\"50 findings\"] {\"area\""), "{datagram}");
        let (_, json) = datagram.split_once("] ").unwrap();
        let read: Event = serde_json::from_str(json).unwrap();
        assert_eq!((read.request_id, read.findings.len()), (many.request_id, 0));
    }

    #[test]
    fn a_datagram_that_is_still_too_long_has_no_text() {
        let long = Some("é".repeat(128));
        let event = Event {
            principal: long.clone(),
            endpoint: long.clone(),
            rule: long.clone(),
            model: long.clone(),
            provider: long,
            ..event()
        };
        let datagram = text(&event, Sender::datagram);
        assert!(datagram.len() <= DATAGRAM_BYTES, "{}", datagram.len());
        assert!(datagram.ends_with("left-out=\"text\"]"), "{datagram}");
    }
}
