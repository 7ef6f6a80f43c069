//! What of an exchange goes to the inference log: collected while the exchange goes on, and handed over at its end.
//!
//! It is the text after masking. What a guardrail refused was never sent, and is not kept. Where values were put back into
//! the answer, it is kept as it was before that.

use std::sync::Arc;

use bartizan_core::event::{Event, EventSink, RecordError, Recorded};
use bartizan_core::payload::{
    ANSWER_BYTES, NotKept, Payload, PayloadSink, REQUEST_BYTES, Receipt, Side,
};
use bartizan_core::settings::{Endpoint, InferenceLog, OnNotKept};
use bartizan_core::{Coded as _, Outcome, RequestId};
use tokio::sync::oneshot;

use crate::error::GatewayError;

/// One exchange on its way to the log.
pub(crate) struct Keeping {
    sink: Arc<dyn PayloadSink>,
    log: InferenceLog,
    request: Option<Side>,
    /// What another provider was sent before that, which may have read it.
    earlier: Option<Side>,
    answer: Option<Side>,
}

impl Keeping {
    /// Begins to keep an exchange, where its endpoint does and it is drawn.
    ///
    /// # Errors
    /// That it could not be kept, and policy asks to refuse then: before anybody is asked.
    pub(crate) fn begin(
        sink: Option<&Arc<dyn PayloadSink>>,
        endpoint: &Endpoint,
        id: RequestId,
    ) -> Result<Option<Self>, GatewayError> {
        let (Some(log), Some(sink)) = (endpoint.inference_log, sink) else { return Ok(None) };
        if !is_drawn(id, log.percent) {
            return Ok(None);
        }
        if log.on_failure == OnNotKept::Withhold && !sink.is_ready() {
            return Err(GatewayError::PayloadUnavailable);
        }
        Ok(Some(Self { sink: Arc::clone(sink), log, request: None, earlier: None, answer: None }))
    }

    /// Takes what is sent to a provider, in the place of what another was sent before.
    pub(crate) fn asks(&mut self, body: &[u8]) {
        let mut request = Side::default();
        request.push(body, REQUEST_BYTES);
        self.earlier = self.request.replace(request);
    }

    /// Forgets what reached nobody: what another provider was sent before stays.
    pub(crate) fn reached_nobody(&mut self) {
        self.request = self.earlier.take();
    }

    /// Takes what went to the caller.
    pub(crate) fn answers(&mut self, piece: &[u8]) {
        self.answer.get_or_insert_default().push(piece, ANSWER_BYTES);
    }

    /// Hands it over. Its event is written when it is on the disk or will never be, whoever waits for that.
    pub(crate) fn hand_over(self, event: Event, events: Arc<dyn EventSink>) -> Told {
        let (tell, told) = oneshot::channel();
        let payload = Payload {
            event: event.clone(),
            keep: self.log.keep,
            request: self.request,
            answer: self.answer,
        };
        let mut end =
            End { event: Some(event), events, on_failure: self.log.on_failure, tell: Some(tell) };
        self.sink.keep(payload, Box::new(move |result| end.reached(result)));
        Told(told)
    }
}

/// Whether a request is among those that are kept. Its random bits decide, which no caller chooses.
fn is_drawn(id: RequestId, percent: u8) -> bool {
    // The last six bytes of a UUIDv7 are random, all of them.
    let random =
        id.bytes().into_iter().skip(10).fold(0_u64, |number, byte| number << 8 | u64::from(byte));
    random % 100 < u64::from(percent)
}

/// What is told of the end of an exchange that is kept.
pub(crate) struct Told(oneshot::Receiver<Result<Recorded, GatewayError>>);

impl Told {
    /// The end of the exchange, once it is known.
    pub(crate) async fn end(self) -> Result<Recorded, GatewayError> {
        self.0.await.unwrap_or(Err(GatewayError::PayloadUnavailable))
    }
}

/// The event of an exchange that waits for what becomes of its text. It is written once, also when nobody says.
struct End {
    event: Option<Event>,
    events: Arc<dyn EventSink>,
    on_failure: OnNotKept,
    tell: Option<oneshot::Sender<Result<Recorded, GatewayError>>>,
}

impl End {
    fn reached(&mut self, result: Result<Receipt, NotKept>) {
        let (Some(mut event), Some(tell)) = (self.event.take(), self.tell.take()) else { return };
        event.payload = Some(match &result {
            Ok(receipt) => receipt.to_string(),
            Err(why) => why.to_string(),
        });
        let withheld = result.is_err() && self.on_failure == OnNotKept::Withhold;
        let error = GatewayError::PayloadUnavailable;
        if withheld && event.outcome != Outcome::Disconnected {
            event.outcome = Outcome::Failed;
            event.detail = Some(error.code().to_owned());
            if !event.streamed {
                event.status = Some(error.status().as_u16());
            }
        }
        let written = self.events.record(&event);
        if let Err(error) = &written {
            tracing::error!(request_id = %event.request_id, %error, "event not written");
        }
        let end = match written {
            _ if withheld => Err(error),
            Ok(recorded) => Ok(recorded),
            Err(RecordError(_)) => Err(GatewayError::LogUnavailable),
        };
        // Where the caller has left, nobody waits.
        let _ = tell.send(end);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.reached(Err(NotKept::Closed));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use bartizan_core::payload::Done;

    use super::*;

    #[derive(Default)]
    struct Events(Mutex<Vec<Event>>);

    impl EventSink for Events {
        fn record(&self, event: &Event) -> Result<Recorded, RecordError> {
            self.0.lock().unwrap().push(event.clone());
            Ok(Recorded::Settled)
        }
    }

    /// Answers with this, or drops what it was given.
    struct Sink(Option<Result<Receipt, NotKept>>);

    impl PayloadSink for Sink {
        fn keep(&self, _payload: Payload, done: Done) {
            if let Some(result) = self.0 {
                done(result);
            }
        }

        fn is_ready(&self) -> bool {
            true
        }
    }

    const RECEIPT: Receipt = Receipt { segment: 1, offset: 24, digest: [7; 32] };

    /// What the event says, and what whoever waits is told.
    async fn ended(
        result: Option<Result<Receipt, NotKept>>,
        on_failure: OnNotKept,
        outcome: Outcome,
    ) -> (Event, Result<Recorded, GatewayError>) {
        let log = InferenceLog { keep: Duration::from_secs(1), percent: 100, on_failure };
        let sink = Arc::new(Sink(result)) as Arc<dyn PayloadSink>;
        let keeping = Keeping { sink, log, request: None, earlier: None, answer: None };
        let events = Arc::new(Events::default());
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        (event.outcome, event.status) = (outcome, Some(200));
        let told = keeping.hand_over(event, Arc::clone(&events) as _).end().await;
        let mut all = std::mem::take(&mut *events.0.lock().unwrap());
        assert_eq!(all.len(), 1, "an event is written once");
        (all.remove(0), told)
    }

    #[tokio::test]
    async fn an_event_says_what_became_of_the_text() {
        use Outcome::{Answered, Disconnected};
        let (event, told) = ended(Some(Ok(RECEIPT)), OnNotKept::Withhold, Answered).await;
        assert_eq!(event.payload, Some(RECEIPT.to_string()));
        assert!(told.is_ok() && event.outcome == Answered);

        let full = Some(Err(NotKept::QueueFull));
        let (event, told) = ended(full, OnNotKept::Answer, Answered).await;
        assert_eq!(event.payload.as_deref(), Some("not-kept:queue-full"));
        assert!(told.is_ok() && event.outcome == Answered && event.detail.is_none());

        let (event, told) = ended(full, OnNotKept::Withhold, Answered).await;
        assert!(matches!(told, Err(GatewayError::PayloadUnavailable)));
        assert_eq!((event.outcome, event.status), (Outcome::Failed, Some(503)));

        // Who has left is not told anything, and left all the same.
        let (event, _) = ended(full, OnNotKept::Withhold, Disconnected).await;
        assert_eq!((event.outcome, event.status), (Disconnected, Some(200)));
    }

    #[tokio::test]
    async fn an_event_is_written_also_when_nobody_says_what_became_of_the_text() {
        let (event, told) = ended(None, OnNotKept::Withhold, Outcome::Answered).await;
        assert_eq!(event.payload.as_deref(), Some("not-kept:closed"));
        assert!(matches!(told, Err(GatewayError::PayloadUnavailable)));
    }

    #[test]
    fn as_many_are_drawn_as_policy_says() {
        let ids: Vec<RequestId> = (0..20_000).map(|_| RequestId::new()).collect();
        let drawn = |percent| ids.iter().filter(|id| is_drawn(**id, percent)).count();
        assert_eq!(drawn(100), ids.len());
        // Five standard deviations of 20,000 draws.
        assert!(drawn(10).abs_diff(2_000) < 215, "{}", drawn(10));
        // What is drawn for less is drawn for more.
        assert!(ids.iter().all(|id| !is_drawn(*id, 10) || is_drawn(*id, 20)));
    }
}
