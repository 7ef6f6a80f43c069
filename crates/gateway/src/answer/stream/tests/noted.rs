//! Guardrails that only record: nobody waits for them, and what they say is in the event.

use std::sync::Mutex;

use super::*;

/// Keeps the findings of the last event.
#[derive(Default)]
struct Kept(Mutex<Vec<FindingRecord>>);

impl EventSink for Kept {
    fn record(&self, event: &Event) -> Result<Recorded, RecordError> {
        self.0.lock().unwrap().clone_from(&event.findings);
        Ok(Recorded::Settled)
    }
}

fn delta(text: &str) -> String {
    chat_choice(&format!(r#""delta":{{"content":"{text}"}}"#))
}

/// Flags addresses, and refuses one word.
fn flags_and_blocks() -> Arc<Guard> {
    let email = guardrail("g-email", Detect::Detectors(vec!["email"]), Action::Flag);
    let word = Detect::Keywords(vec!["zanzibar".to_owned()]);
    let word = guardrail("g-word", word, Action::Block);
    let builder = Guard::builder().guardrail(&email).unwrap().guardrail(&word).unwrap();
    Arc::new(builder.build().unwrap())
}

/// The findings of the event of an answer that the provider breaks off after these events, or that the
/// client leaves after the first piece that it gets.
fn event_of(guard: Arc<Guard>, events: &[String], leaves: bool) -> Vec<FindingRecord> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let kept = Arc::new(Kept::default());
    let log: Arc<dyn EventSink> = kept.clone();
    runtime.block_on(async {
        let protocol = protocols::of(Operation::ChatCompletions).unwrap();
        let pieces = events.iter().map(|event| Bytes::from(format!("data: {event}\n\n")));
        let streamed = Streamed {
            kept: None,
            body: AnswerBody::BuiltIn(pieces.collect::<Vec<_>>().into_iter()),
            protocol,
            codec: protocol.stream().unwrap(),
            translation: None,
            guard,
            session: Arc::new(Session::default()),
            record: Record::new(
                RequestId::new(),
                "test",
                log,
                Arc::new(Metrics::default()),
                Arc::new(MemoryCounters::default()),
            ),
            idle: Duration::from_secs(10),
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let (client, mut answer) = mpsc::channel(1);
        let run = tokio::spawn(streamed.run(client));
        assert!(answer.recv().await.is_some());
        if leaves {
            drop(answer);
        } else {
            while answer.recv().await.is_some() {}
        }
        run.await.unwrap();
    });
    kept.0.lock().unwrap().clone()
}

#[test]
fn a_piece_goes_on_as_it_came_where_guardrails_only_flag() {
    let event = delta("write to jane.doe@exam");
    let (out, ended) =
        pumped(Operation::ChatCompletions, email(Action::Flag), Session::default(), &[&event]);
    assert_eq!((out, ended), (format!("data: {event}\n\n"), None));
}

#[test]
fn what_has_left_is_judged_when_the_client_leaves() {
    let events = vec![delta("write to jane.doe@example.com"); 8];
    let findings = event_of(email(Action::Flag), &events, true);
    assert!(findings.iter().any(|finding| &*finding.rule == "email"), "{findings:?}");
}

#[test]
fn what_has_left_is_judged_when_the_provider_breaks_off_or_says_what_nobody_can_read() {
    for last in [None, Some("{")] {
        let mut events = vec![delta("write to jane.doe@example.com")];
        events.extend(last.map(str::to_owned));
        let findings = event_of(email(Action::Flag), &events, false);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((&*findings[0].rule, findings[0].verdict), ("email", Verdict::Flag));
    }
}

#[test]
fn what_has_left_is_judged_when_another_guardrail_or_another_text_ends_the_answer() {
    let flagged = delta("write to jane.doe@example.com");
    let same = delta(" in zanzibar");
    let other = same.replace(r#""index":0"#, r#""index":1"#);
    for last in [same, other] {
        let findings = event_of(flags_and_blocks(), &[flagged.clone(), last], false);
        let rules: Vec<&str> = findings.iter().map(|finding| finding.guardrail.as_str()).collect();
        assert!(rules.contains(&"g-email") && rules.contains(&"g-word"), "{findings:?}");
    }
}
