//! The record of one exchange: event, metrics and limits settle together, once, whatever happens.

use std::sync::Arc;
use std::time::Instant;

use bartizan_core::counters::Counters;
use bartizan_core::event::{EventSink, FindingRecord, RecordError, Recorded, RefinedRecord};
use bartizan_core::settings::Price;
use bartizan_core::{Event, Name, NotEvaluated, Outcome, RequestId, Verdict};

use crate::error::GatewayError;
use crate::keeping::{Keeping, Told};
use crate::limits::{self, Reservation, Use};
use crate::metrics::Metrics;
use crate::protocols::Usage;

/// Findings kept in one event; the rest is counted in its detail.
pub(crate) const MAX_FINDINGS: usize = 64;

/// Scores of models kept in one event.
pub(crate) const MAX_REFINED: usize = 16;

/// Bytes per token, where a provider does not count.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens behind this many bytes of text, rounded up.
pub(crate) const fn estimate_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// What the exchange has to write down at its end.
pub(crate) struct Record {
    pub(crate) event: Event,
    started: Instant,
    sink: Arc<dyn EventSink>,
    metrics: Arc<Metrics>,
    counters: Arc<dyn Counters>,
    reservation: Option<Reservation>,
    price: Option<Price>,
    pub(crate) usage: Usage,
    /// Estimate for the prompt, used when the provider does not count.
    pub(crate) prompt_tokens: u64,
    /// Bytes of answer text, used when the provider does not count.
    pub(crate) answer_bytes: u64,
    /// Whether a provider was asked: then tokens are owed, answer or not.
    pub(crate) was_sent: bool,
    /// Provider and model that were asked before those of the event, and may have read the request.
    asked_before: Option<(Option<String>, Option<String>)>,
    /// Whether a provider has answered: what is refused then is the answer.
    pub(crate) was_answered: bool,
    /// What goes to the inference log; none where nothing does.
    pub(crate) keeping: Option<Keeping>,
    dropped_findings: usize,
    is_done: bool,
}

impl Record {
    pub(crate) fn new(
        request_id: RequestId,
        operation: &str,
        sink: Arc<dyn EventSink>,
        metrics: Arc<Metrics>,
        counters: Arc<dyn Counters>,
    ) -> Self {
        metrics.begin();
        Self::of(Event::new(request_id, "gateway", operation), sink, metrics, counters)
    }

    /// Nothing is known yet but what the event says.
    fn of(
        event: Event,
        sink: Arc<dyn EventSink>,
        metrics: Arc<Metrics>,
        counters: Arc<dyn Counters>,
    ) -> Self {
        Self {
            event,
            started: Instant::now(),
            sink,
            metrics,
            counters,
            reservation: None,
            price: None,
            usage: Usage::default(),
            prompt_tokens: 0,
            answer_bytes: 0,
            was_sent: false,
            asked_before: None,
            was_answered: false,
            keeping: None,
            dropped_findings: 0,
            is_done: false,
        }
    }

    /// A record of the same exchange that nobody reads and nothing is charged to.
    pub(crate) fn aside(&self) -> Self {
        let (sink, metrics) = (Arc::clone(&self.sink), Arc::clone(&self.metrics));
        let mut record = Self::of(self.event.clone(), sink, metrics, Arc::clone(&self.counters));
        record.is_done = true;
        record.started = self.started;
        record
    }

    /// Id of the request.
    pub(crate) const fn request_id(&self) -> RequestId {
        self.event.request_id
    }

    /// Notes a brake that the request goes over and that does not stop it.
    pub(crate) fn goes_over(&mut self, brake: &str) {
        self.event.brakes.push(brake.to_owned());
        self.note_brakes();
    }

    /// Takes over a reservation, to be settled with the record.
    pub(crate) fn reserve(&mut self, reservation: Reservation, price: Option<Price>) {
        for near in &reservation.near {
            let id = near.limit.as_str();
            if !self.event.limits_near.iter().any(|known| known == id) {
                self.event.limits_near.push(id.to_owned());
            }
        }
        self.reservation = Some(reservation);
        self.price = price;
        self.note_who_counted();
    }

    /// Notes that a provider is sent these bytes.
    pub(crate) fn asks(&mut self, body: &[u8], provider: &Name, model: String) {
        let provider = self.event.provider.replace(provider.to_string());
        let model = self.event.model.replace(model);
        self.asked_before = self.was_sent.then_some((provider, model));
        self.was_sent = true;
        if let Some(keeping) = &mut self.keeping {
            keeping.asks(body);
        }
    }

    /// Notes that they reached nobody. What another provider was sent before that, it has.
    pub(crate) fn reached_nobody(&mut self) {
        self.was_sent = self.asked_before.is_some();
        if let Some((provider, model)) = self.asked_before.take() {
            self.event.provider = provider;
            self.event.model = model;
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.reached_nobody();
        }
    }

    pub(crate) const fn reservation(&self) -> Option<&Reservation> {
        self.reservation.as_ref()
    }

    /// Adds what a judgement found.
    pub(crate) fn note(
        &mut self,
        verdict: Verdict,
        findings: impl IntoIterator<Item = FindingRecord>,
        not_evaluated: &[NotEvaluated],
    ) {
        for finding in findings {
            // One more of each stricter kind, since it decides.
            if self.event.findings.len() < MAX_FINDINGS || finding.verdict > self.strictest_kept() {
                self.event.findings.push(finding);
            } else {
                self.dropped_findings += 1;
            }
        }
        for reason in not_evaluated.iter().map(ToString::to_string) {
            if !self.event.not_evaluated.contains(&reason) {
                self.event.not_evaluated.push(reason);
            }
        }
        if verdict > self.event.verdict {
            self.event.verdict = verdict;
        }
        if self.event.rule.is_none() && verdict > Verdict::Allow {
            let deciding =
                self.event.findings.iter().find(|finding| finding.effective() == verdict);
            self.event.rule = deciding.map(|finding| finding.guardrail.clone());
        }
    }

    /// Adds scores that models gave.
    pub(crate) fn note_refined(&mut self, refined: impl IntoIterator<Item = RefinedRecord>) {
        let room = MAX_REFINED.saturating_sub(self.event.refined.len());
        self.event.refined.extend(refined.into_iter().take(room));
    }

    fn strictest_kept(&self) -> Verdict {
        self.event.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Allow)
    }

    /// Forgets what was decided about a request that goes to another provider after all.
    pub(crate) fn begin_again(&mut self) {
        self.event.findings.clear();
        self.event.not_evaluated.clear();
        self.event.refined.clear();
        self.event.verdict = Verdict::Allow;
        self.event.rule = None;
        self.dropped_findings = 0;
        self.note_brakes();
        self.note_who_counted();
    }

    fn note_brakes(&mut self) {
        if !self.event.brakes.is_empty() {
            self.event.verdict = self.event.verdict.max(Verdict::Flag);
        }
    }

    fn note_who_counted(&mut self) {
        if self.reservation.as_ref().is_some_and(|reservation| reservation.is_alone) {
            self.event.not_evaluated.push(NotEvaluated::SharedLimits.to_string());
        }
    }

    /// Counts findings that no record was made of.
    pub(crate) const fn leave_out(&mut self, findings: usize) {
        self.dropped_findings += findings;
    }

    /// Notes the rule behind the verdict.
    pub(crate) fn decided_by(&mut self, rule: &str) {
        self.event.rule = Some(rule.to_owned());
    }

    /// Tokens and money used, as the provider counted or as estimated.
    fn used(&self, outcome: Outcome) -> Use {
        if !self.was_sent {
            return Use::default();
        }
        let nothing_known = self.usage == Usage::default() && self.answer_bytes == 0;
        if let (Outcome::Disconnected, true, Some(reservation)) =
            (outcome, nothing_known, &self.reservation)
        {
            // The provider works on and nobody will hear how much: what was planned is owed.
            return reservation.reserved;
        }
        let input = self.usage.input.unwrap_or(self.prompt_tokens);
        let output = self.usage.output.unwrap_or_else(|| estimate_tokens(self.answer_bytes));
        let nano_usd = self.price.map_or(0, |price| {
            price.input.per_million(input).saturating_add(price.output.per_million(output)).0
        });
        Use { tokens: input.saturating_add(output), nano_usd }
    }

    /// Counts without writing an event, for callers who are nobody.
    pub(crate) fn forget(&mut self, outcome: Outcome, status: u16) {
        self.event.outcome = outcome;
        self.event.status = Some(status);
        self.metrics.end(&self.event, self.started.elapsed());
        self.is_done = true;
    }

    /// Settles, counts and writes the event. The first call counts; later ones do nothing. What goes to
    /// the client after that waits for the log.
    pub(crate) fn finish(&mut self, outcome: Outcome, status: u16) -> Ending {
        if std::mem::replace(&mut self.is_done, true) {
            return Ending::Written(Ok(Recorded::Settled));
        }
        let used = self.used(outcome);
        if let Some(reservation) = &self.reservation {
            limits::settle(&*self.counters, reservation, used);
        }
        let event = &mut self.event;
        if event.rule.is_none() && event.verdict == Verdict::Flag {
            // Nothing else was found.
            event.rule = event.brakes.first().cloned();
        }
        event.outcome = outcome;
        event.status = Some(status);
        event.duration_us = Some(self.started.elapsed().as_micros() as u64);
        if self.was_sent {
            let input = self.usage.input.unwrap_or(self.prompt_tokens);
            event.tokens_in = Some(input);
            event.tokens_out = Some(used.tokens.saturating_sub(input));
            event.nano_usd = self.price.map(|_| used.nano_usd);
        }
        if self.dropped_findings > 0 {
            let more = format!("{} more findings", self.dropped_findings);
            event.detail = Some(match event.detail.take() {
                Some(code) => format!("{code}; {more}"),
                None => more,
            });
        }
        self.metrics.end(event, self.started.elapsed());
        if let Some(keeping) = self.keeping.take() {
            return Ending::Kept(keeping.hand_over(event.clone(), Arc::clone(&self.sink)));
        }
        let written = self.sink.record(event);
        if let Err(error) = &written {
            tracing::error!(request_id = %event.request_id, %error, "event not written");
        }
        Ending::Written(written)
    }
}

/// What became of the event of an exchange.
#[must_use = "what goes to the client waits until it is settled"]
pub(crate) enum Ending {
    /// The log has it, or does not take it.
    Written(Result<Recorded, RecordError>),
    /// It is written when what was said is kept.
    Kept(Told),
}

/// Waits until what was written is as safe as the policy asks.
pub(crate) async fn settled(ending: Ending) -> Result<(), GatewayError> {
    let recorded = match ending {
        Ending::Written(written) => written.map_err(|_| GatewayError::LogUnavailable)?,
        Ending::Kept(told) => told.end().await?,
    };
    recorded.settled().await.map_err(|_| GatewayError::LogUnavailable)
}

impl Drop for Record {
    /// An exchange that is dropped half way has lost its client.
    fn drop(&mut self) {
        if !self.is_done {
            // The error has been logged, and nobody is left to be told or to wait.
            let _ = self.finish(Outcome::Disconnected, 499);
        }
    }
}
