//! The tables and their columns, and how an entry becomes rows.

use std::sync::Arc;

use bartizan_core::event::{Event, FindingRecord};
use bartizan_core::time::Timestamp;
use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Int32Builder, Int64Builder, RecordBatch,
    StringViewBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::error::ArrowError;

/// A table and what it is for.
#[derive(Debug, Clone, Copy)]
pub struct TableInfo {
    /// Name in SQL.
    pub name: &'static str,
    /// What a row is.
    pub about: &'static str,
    /// Columns in order, each with what it holds.
    pub columns: &'static [(&'static str, &'static str)],
}

/// Every table that can be asked.
pub const TABLES: &[TableInfo] = &[
    TableInfo { name: EVENTS, about: "one row for each entry of the log", columns: EVENT_COLUMNS },
    TableInfo {
        name: FINDINGS,
        about: "one row for each finding of an event",
        columns: FINDING_COLUMNS,
    },
    TableInfo {
        name: USAGE,
        about: "one row for each event that used tokens",
        columns: USAGE_COLUMNS,
    },
];

/// Table of entries.
pub(crate) const EVENTS: &str = "events";
/// Table of findings.
pub(crate) const FINDINGS: &str = "findings";
/// View of what was used.
pub(crate) const USAGE: &str = "usage";

/// A number that is another one when columns are others, or in another order: FNV-1a of their names.
pub(crate) fn form() -> u32 {
    let names = EVENT_COLUMNS.iter().chain(FINDING_COLUMNS).map(|(name, _)| *name);
    // What no name has stands between two, so that none runs into the next.
    let bytes = names.flat_map(|name| name.bytes().chain([0xFF]));
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

const EVENT_COLUMNS: &[(&str, &str)] = &[
    ("leaf_index", "number of the entry; `bartizan audit prove` takes it"),
    ("time", "when it was written, UTC; null, like all that follow, where an entry is no event"),
    ("area", "`gateway`, `admin`, `ledger`, `inference`"),
    ("operation", "what happened: `chat-completions`, `key-created`, …"),
    ("request_id", "id that the caller saw in `x-bartizan-request-id`"),
    ("principal", "who asked; a pseudonym where the name was erased"),
    ("subject", "whom a change is about"),
    ("credential", "names the key, token or certificate that was shown"),
    ("endpoint", "endpoint that was asked for"),
    ("provider", "provider that answered"),
    ("model", "model that was asked"),
    ("verdict", "`allow`, `flag`, `mask` or `block`"),
    ("outcome", "`answered`, `refused`, `limited`, …"),
    ("payload", "where the inference log keeps the exchange, or why it does not"),
    ("status", "HTTP status sent to the caller"),
    ("rule", "guardrail or limit that decided"),
    ("policy", "version of the policy that decided"),
    ("findings", "how many findings there are"),
    ("not_evaluated", "what could not be inspected and why, `; ` between"),
    ("streamed", "whether the answer was streamed"),
    ("tokens_in", "tokens charged for the prompt"),
    ("tokens_out", "tokens charged for the answer"),
    ("nano_usd", "cost charged, in 10⁻⁹ US dollars"),
    (
        "duration_us",
        "from the first byte of the request to the last of the answer, in microseconds",
    ),
    ("detail", "what is worth adding in words"),
    ("tags", "what the use is put down to, as JSON: `{\"team\":\"search\"}`"),
    ("brakes", "brakes that the request went over without being refused, `; ` between"),
];

const FINDING_COLUMNS: &[(&str, &str)] = &[
    ("leaf_index", "number of the entry"),
    ("time", "when the event was written, UTC"),
    ("request_id", "id of the request"),
    ("principal", "who asked"),
    ("endpoint", "endpoint that was asked for"),
    ("model", "model that was asked"),
    ("guardrail", "guardrail of the policy"),
    ("rule", "detector"),
    ("category", "family of the detector"),
    ("channel", "where the text came from"),
    ("pointer", "where in the request or answer it stood"),
    ("score", "0 to 1"),
    ("verdict", "what the guardrail decided"),
    ("dry_run", "whether it only says what it would have done"),
    ("disguise", "outermost disguise that was undone to see it"),
    ("exception", "reason of the exception by which the policy lets it pass"),
    ("turns", "turns of the conversation that were judged together"),
];

const USAGE_COLUMNS: &[(&str, &str)] = &[
    ("leaf_index", "number of the entry"),
    ("time", "when the event was written, UTC"),
    ("principal", "who asked"),
    ("endpoint", "endpoint that was asked for"),
    ("provider", "provider that answered"),
    ("model", "model that was asked"),
    ("tokens_in", "tokens charged for the prompt"),
    ("tokens_out", "tokens charged for the answer"),
    ("usd", "cost charged, in US dollars"),
    ("tags", "what the use is put down to, as JSON"),
];

/// What makes `usage` of `events`.
pub(crate) const USAGE_VIEW: &str = "SELECT leaf_index, time, principal, endpoint, provider, model, \
     tokens_in, tokens_out, nano_usd / 1e9 AS usd, tags FROM events WHERE tokens_in IS NOT NULL";

/// Columns that name people and programs. In the files they have pseudonyms, so that an erasure reaches
/// them; whoever asks gets names.
pub(crate) const SUBJECTS: [&str; 2] = ["principal", "subject"];

/// Columns that are no text, in either table.
fn data_type(column: &str) -> DataType {
    match column {
        "leaf_index" | "tokens_in" | "tokens_out" | "nano_usd" | "duration_us" => DataType::Int64,
        "status" | "findings" | "turns" => DataType::Int32,
        "streamed" | "dry_run" => DataType::Boolean,
        "score" => DataType::Float32,
        "time" => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        _ => DataType::Utf8View,
    }
}

fn schema(columns: &[(&str, &str)]) -> SchemaRef {
    let field =
        |(name, _): &(&str, &str)| Field::new(*name, data_type(name), *name != "leaf_index");
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Columns of `events`.
pub(crate) fn event_schema() -> SchemaRef {
    schema(EVENT_COLUMNS)
}

/// Columns of `findings`.
pub(crate) fn finding_schema() -> SchemaRef {
    schema(FINDING_COLUMNS)
}

/// Rows of both tables, as they are collected.
#[derive(Default)]
pub(crate) struct Rows {
    events: EventRows,
    findings: FindingRows,
}

impl Rows {
    /// Adds the rows of an entry. One that is no event has a row that says so by having nothing else.
    pub(crate) fn push(&mut self, number: u64, entry: &[u8]) {
        let number = number.cast_signed();
        let Ok(event) = serde_json::from_slice::<Event>(entry) else {
            self.events.push_unreadable(number);
            return;
        };
        let time = event.time.parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
        self.events.push(number, time, &event);
        for finding in &event.findings {
            self.findings.push(number, time, &event, finding);
        }
    }

    /// Rows of `events` so far.
    pub(crate) const fn len(&self) -> usize {
        self.events.rows
    }

    /// The rows so far, of `events` and of `findings`; none are left here.
    pub(crate) fn take(&mut self) -> Result<(RecordBatch, RecordBatch), ArrowError> {
        let Self { events, findings } = std::mem::take(self);
        let events = RecordBatch::try_new(event_schema(), events.finish())?;
        Ok((events, RecordBatch::try_new(finding_schema(), findings.finish())?))
    }
}

#[derive(Default)]
struct EventRows {
    rows: usize,
    leaf_index: Int64Builder,
    time: TimestampMicrosecondBuilder,
    /// From `area` to `outcome`, in order.
    texts: [StringViewBuilder; 12],
    status: Int32Builder,
    rule: StringViewBuilder,
    policy: StringViewBuilder,
    findings: Int32Builder,
    not_evaluated: StringViewBuilder,
    streamed: BooleanBuilder,
    /// From `tokens_in` to `duration_us`, in order.
    numbers: [Int64Builder; 4],
    detail: StringViewBuilder,
    tags: StringViewBuilder,
    brakes: StringViewBuilder,
}

impl EventRows {
    fn push(&mut self, number: i64, time: Option<i64>, event: &Event) {
        self.rows += 1;
        self.leaf_index.append_value(number);
        self.time.append_option(time);
        let texts = [
            Some(event.area.as_str()),
            Some(event.operation.as_str()),
            Some(&*event.request_id.to_string()),
            event.principal.as_deref(),
            event.subject.as_deref(),
            event.credential.as_deref(),
            event.endpoint.as_deref(),
            event.provider.as_deref(),
            event.model.as_deref(),
            Some(event.verdict.name()),
            Some(event.outcome.name()),
            event.payload.as_deref(),
        ];
        self.texts.iter_mut().zip(texts).for_each(|(column, text)| column.append_option(text));
        self.status.append_option(event.status.map(i32::from));
        self.rule.append_option(event.rule.as_deref());
        self.policy.append_option(Some(event.policy.as_str()).filter(|policy| !policy.is_empty()));
        self.findings.append_value(i32::try_from(event.findings.len()).unwrap_or(i32::MAX));
        let reasons = event.not_evaluated.join("; ");
        self.not_evaluated.append_option(Some(reasons).filter(|reasons| !reasons.is_empty()));
        self.streamed.append_value(event.streamed);
        let numbers = [event.tokens_in, event.tokens_out, event.nano_usd, event.duration_us];
        self.numbers.iter_mut().zip(numbers).for_each(|(column, number)| {
            // What is larger than SQL's largest number stays as large as that.
            column.append_option(number.map(|number| i64::try_from(number).unwrap_or(i64::MAX)));
        });
        self.detail.append_option(event.detail.as_deref());
        let tags = serde_json::to_string(&event.tags).ok().filter(|_| !event.tags.is_empty());
        self.tags.append_option(tags);
        let brakes = event.brakes.join("; ");
        self.brakes.append_option(Some(brakes).filter(|brakes| !brakes.is_empty()));
    }

    fn push_unreadable(&mut self, number: i64) {
        self.rows += 1;
        self.leaf_index.append_value(number);
        self.time.append_null();
        self.texts.iter_mut().for_each(StringViewBuilder::append_null);
        self.status.append_null();
        self.rule.append_null();
        self.policy.append_null();
        self.findings.append_null();
        self.not_evaluated.append_null();
        self.streamed.append_null();
        self.numbers.iter_mut().for_each(Int64Builder::append_null);
        self.detail.append_null();
        self.tags.append_null();
        self.brakes.append_null();
    }

    fn finish(mut self) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.leaf_index.finish()), utc(self.time)];
        columns.extend(self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.extend([
            Arc::new(self.status.finish()) as ArrayRef,
            Arc::new(self.rule.finish()),
            Arc::new(self.policy.finish()),
            Arc::new(self.findings.finish()),
            Arc::new(self.not_evaluated.finish()),
            Arc::new(self.streamed.finish()),
        ]);
        columns.extend(self.numbers.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.push(Arc::new(self.detail.finish()));
        columns.push(Arc::new(self.tags.finish()));
        columns.push(Arc::new(self.brakes.finish()));
        columns
    }
}

#[derive(Default)]
struct FindingRows {
    leaf_index: Int64Builder,
    time: TimestampMicrosecondBuilder,
    /// From `request_id` to `pointer`, in order.
    texts: [StringViewBuilder; 9],
    score: Float32Builder,
    verdict: StringViewBuilder,
    dry_run: BooleanBuilder,
    disguise: StringViewBuilder,
    exception: StringViewBuilder,
    turns: Int32Builder,
}

impl FindingRows {
    fn push(&mut self, number: i64, time: Option<i64>, event: &Event, finding: &FindingRecord) {
        self.leaf_index.append_value(number);
        self.time.append_option(time);
        let texts = [
            Some(&*event.request_id.to_string()),
            event.principal.as_deref(),
            event.endpoint.as_deref(),
            event.model.as_deref(),
            Some(finding.guardrail.as_str()),
            Some(finding.rule.as_str()),
            Some(finding.category.as_str()),
            Some(finding.channel.name()),
            Some(finding.pointer.as_str()).filter(|pointer| !pointer.is_empty()),
        ];
        self.texts.iter_mut().zip(texts).for_each(|(column, text)| column.append_option(text));
        self.score.append_value(finding.score);
        self.verdict.append_value(finding.verdict.name());
        self.dry_run.append_value(finding.dry_run);
        self.disguise.append_option(finding.disguise.map(bartizan_core::finding::Disguise::name));
        self.exception.append_option(finding.exception.as_deref());
        self.turns
            .append_option(finding.turns.map(|turns| i32::try_from(turns).unwrap_or(i32::MAX)));
    }

    fn finish(mut self) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.leaf_index.finish()), utc(self.time)];
        columns.extend(self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.extend([
            Arc::new(self.score.finish()) as ArrayRef,
            Arc::new(self.verdict.finish()),
            Arc::new(self.dry_run.finish()),
            Arc::new(self.disguise.finish()),
            Arc::new(self.exception.finish()),
            Arc::new(self.turns.finish()),
        ]);
        columns
    }
}

fn utc(mut times: TimestampMicrosecondBuilder) -> ArrayRef {
    Arc::new(times.finish().with_timezone("+00:00"))
}
