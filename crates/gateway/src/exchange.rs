//! One request from its head to the end of its answer: the story of the gateway.

mod doorstep;
mod endpoint;
mod kept;
mod models;
mod moderate;
mod outgoing;
mod room;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::access::{Exchanged, Unrecognised};
use bartizan_core::{
    Channel, Coded, Outcome, Principal, RequestId, Secret, Verdict, limits as caps,
};
use bartizan_guard::Session;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use tokio::sync::mpsc;

use self::doorstep::Admitted;
use crate::answer::{Guarded, Streamed, collect, guard_whole};
use crate::auth;
use crate::body::{self, ReplyBody};
use crate::error::GatewayError;
use crate::gateway::{Gateway, ReadyEndpoint, ReadyRoute, Snapshot};
use crate::heavy;
use crate::json::{Document, Kind};
use crate::keeping::Keeping;
use crate::operation::{Dialect, Operation};
use crate::protocols::{self, Protocol};
use crate::record::{Record, settled};
use crate::reply;
use crate::translate::{self, Translation};
use crate::upstream::{Answer, CallError};

/// Longest time for a form that asks for a token.
const FORM_TIME: Duration = Duration::from_secs(10);
/// Longest name of a model, in bytes.
const MODEL_BYTES: usize = 256;
/// Pieces of a stream that may wait for a slow client.
const WAITING_PIECES: usize = 16;

/// What an exchange ends in.
enum Reply {
    Whole { status: StatusCode, body: Bytes, headers: HeaderMap, outcome: Outcome },
    Streamed(Box<dyn FnOnce(Record) -> Streamed + Send>),
}

impl Reply {
    fn json(body: impl Into<Bytes>) -> Self {
        Self::Whole {
            status: StatusCode::OK,
            body: body.into(),
            headers: HeaderMap::new(),
            outcome: Outcome::Answered,
        }
    }
}

struct Exchange {
    gateway: Arc<Gateway>,
    snapshot: Arc<Snapshot>,
    operation: Operation,
    dialect: Dialect,
    /// Variable segment of the path.
    name: Option<String>,
    record: Record,
    /// Whether the exchange is counted without an event of its own.
    is_left_out: bool,
}

impl Gateway {
    /// Serves one request.
    pub(crate) async fn serve<B>(self: Arc<Self>, request: Request<B>) -> Response<ReplyBody>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let request_id = RequestId::new();
        let (operation, dialect, name) = match doorstep::admit(&self, &request, request_id) {
            Admitted::Begun { operation, dialect, name } => (operation, dialect, name),
            Admitted::Answered(reply) => return reply,
        };
        let record = Record::new(
            request_id,
            operation.name(),
            Arc::clone(&self.events),
            Arc::clone(&self.metrics),
            Arc::clone(&self.counters),
        );
        let snapshot = self.snapshot();
        let is_left_out = false;
        let exchange =
            Exchange { gateway: self, snapshot, operation, dialect, name, record, is_left_out };
        exchange.run(request).await
    }
}

impl Exchange {
    async fn run<B>(mut self, request: Request<B>) -> Response<ReplyBody>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        self.record.event.policy.clone_from(&self.snapshot.settings.version);
        let (status, body, headers, outcome) = match self.steps(request).await {
            Ok(Reply::Streamed(make)) => return self.start_stream(make),
            Ok(Reply::Whole { status, body, headers, outcome }) => {
                (status, ReplyBody::whole(body), headers, outcome)
            }
            Err(error) => {
                let outcome = self.note_error(&error);
                self.note_stranger(&error);
                let reply = reply::error(&error, self.dialect, self.record.request_id());
                let (head, body) = reply.into_parts();
                (head.status, body, head.headers, outcome)
            }
        };
        if self.is_left_out {
            self.record.forget(outcome, status.as_u16());
        }
        if let Err(error) = settled(self.record.finish(outcome, status.as_u16())).await {
            let mut reply = reply::error(&error, self.dialect, self.record.request_id());
            reply::decorate(reply.headers_mut(), &self.record.event, Verdict::Block);
            return reply;
        }
        let mut reply = Response::new(body);
        *reply.status_mut() = status;
        *reply.headers_mut() = headers;
        self.decorate(&mut reply);
        reply
    }

    fn decorate(&self, reply: &mut Response<ReplyBody>) {
        let headers = reply.headers_mut();
        if !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        reply::decorate(headers, &self.record.event, self.record.event.verdict);
        if let Some(reservation) = self.record.reservation() {
            reply::rate_limits(headers, reservation);
        }
    }

    fn start_stream(
        mut self,
        make: Box<dyn FnOnce(Record) -> Streamed + Send>,
    ) -> Response<ReplyBody> {
        self.record.event.streamed = true;
        let (sender, receiver) = mpsc::channel(WAITING_PIECES);
        let mut reply = Response::new(ReplyBody::Pieces(receiver));
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        self.decorate(&mut reply);
        tokio::spawn(make(self.record).run(sender));
        reply
    }

    /// Leaves the event out where one before it speaks for callers whom nobody recognised.
    fn note_stranger(&mut self, error: &GatewayError) {
        if self.record.event.principal.is_some() {
            return;
        }
        let holder = error.holder();
        self.record.event.principal = holder.map(str::to_owned);
        match self.gateway.strangers.notice(error, Instant::now()) {
            None => self.is_left_out = true,
            Some(0) => {}
            Some(more) => {
                let detail =
                    format!("{}; {more} more since the last event of this kind", error.code());
                self.record.event.detail = Some(detail);
            }
        }
    }

    /// Writes an error into the record and says how the exchange ended.
    fn note_error(&mut self, error: &GatewayError) -> Outcome {
        use bartizan_core::Class;
        match error {
            GatewayError::Blocked { rule, .. } | GatewayError::GuardFailed { rule } => {
                self.record.note(Verdict::Block, [], &[]);
                self.record.decided_by(rule.as_str());
            }
            GatewayError::EndpointForbidden { rule: Some(rule), .. } => {
                self.record.note(Verdict::Block, [], &[]);
                self.record.decided_by(rule);
            }
            GatewayError::Limited(exhausted) => {
                self.record.note(Verdict::Block, [], &[]);
                self.record.decided_by(exhausted.limit.as_str());
            }
            GatewayError::Braked(braked) => {
                self.record.note(Verdict::Block, [], &[]);
                self.record.decided_by(braked.brake.as_str());
            }
            other if matches!(other.class(), Class::Upstream | Class::Internal) => {}
            _ => self.record.note(Verdict::Block, [], &[]),
        }
        self.record.event.detail = Some(error.code().to_owned());
        match error.class() {
            Class::Limit => Outcome::Limited,
            Class::Upstream => Outcome::UpstreamFailed,
            Class::Internal => Outcome::Failed,
            _ if self.record.was_answered => Outcome::AnswerRefused,
            _ => Outcome::Refused,
        }
    }

    async fn steps<B>(&mut self, request: Request<B>) -> Result<Reply, GatewayError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (head, body) = request.into_parts();
        if self.operation == Operation::TokenExchange {
            return self.exchange_token(&head, body).await;
        }
        let mut caller =
            auth::identify(&head, &*self.gateway.keys, &self.snapshot.settings).await?;
        self.record.event.principal = Some(caller.qualified.clone());
        self.record.event.credential = Some(caller.credential.clone());
        self.record.event.tags.clone_from(&caller.tags);
        caller.check_scope()?;
        if matches!(self.operation, Operation::Models | Operation::Model) {
            return models::answer(&self.snapshot, &caller, self.name.as_deref()).map(Reply::json);
        }
        if let Some(encoding) = body::encoding(&head.headers) {
            return Err(GatewayError::BodyEncoded { encoding });
        }
        let body = body::read(body, caps::REQUEST_BODY_BYTES).await?;
        let document = heavy::run(body.len(), || Document::parse(&body))?;
        if document.root().kind() != Kind::Object {
            return Err(GatewayError::NotAnObject);
        }
        if self.operation == Operation::Invocations {
            self.operation = endpoint::invoked(document.root());
        }
        let target = endpoint::find(
            &self.snapshot,
            self.operation,
            document.root(),
            self.name.as_deref(),
            &caller,
        )?;
        self.record.event.endpoint = Some(target.endpoint.name.to_string());
        caller.at(&target.endpoint.settings.tags);
        self.record.event.tags.clone_from(&caller.tags);
        let chosen = target.chosen_model();
        if !chosen.is_empty() && is_name_of_model(chosen) {
            // What decides about the call is in its event, also when it is refused.
            self.record.event.model = Some(chosen.to_owned());
        }
        let name = &target.endpoint.settings.name;
        let ruling =
            self.snapshot.rule(&caller, name, self.operation.name(), target.chosen_model());
        if !ruling.is_allowed {
            let (endpoint, rule) = (name.to_string(), ruling.rule);
            return Err(GatewayError::EndpointForbidden { endpoint, rule });
        }
        self.reserve(&caller, &target, &document).await?;
        if self.operation == Operation::Moderations {
            let guard = Arc::clone(&target.endpoint.guard);
            return moderate::answer(&document, &guard, &caller.principal, &mut self.record)
                .map(Reply::json);
        }
        self.ask(&target, &document, &head.headers, &caller.principal).await
    }

    /// Makes a short token of another credential.
    async fn exchange_token<B>(&mut self, head: &Parts, body: B) -> Result<Reply, GatewayError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        // Nobody has been recognised yet: who cannot get a token takes up no room.
        if !self.gateway.keys.makes_tokens() {
            return Err(GatewayError::TokensNotMade);
        }
        let reading = body::read(body, caps::TOKEN_FORM_BYTES);
        let form = tokio::time::timeout(FORM_TIME, reading).await;
        let form = form.map_err(|_| GatewayError::BodyUnreadable)??;
        let nothing = Secret::new(String::new());
        let request = auth::presented(head, &nothing);
        let keys = &*self.gateway.keys;
        let mut exchanged = keys.exchange(&request, &form);
        if matches!(exchanged, Some(Err(Unrecognised::Token { may_wait: true, .. }))) {
            keys.wait_to_exchange(&form).await;
            exchanged = keys.exchange(&request, &form);
        }
        let Some(exchanged) = exchanged else {
            return Err(GatewayError::TokensNotMade);
        };
        let Exchanged { principal, detail, body } = exchanged?;
        self.record.event.principal = Some(principal);
        self.record.event.detail = Some(detail);
        let mut headers = HeaderMap::new();
        // RFC 6749, section 5.1.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let (status, outcome) = (StatusCode::OK, Outcome::Answered);
        Ok(Reply::Whole { status, body: body.into(), headers, outcome })
    }

    /// Asks the routes in order until one takes the request.
    async fn ask(
        &mut self,
        target: &endpoint::Target,
        document: &Document<'_>,
        client: &HeaderMap,
        caller: &Principal,
    ) -> Result<Reply, GatewayError> {
        let deadline = Instant::now() + target.endpoint.settings.total_timeout;
        let (payloads, id) = (self.gateway.payloads.as_ref(), self.record.request_id());
        self.record.keeping = Keeping::begin(payloads, &target.endpoint.settings, id)?;
        let mut last = None;
        let able: Vec<usize> = (0..)
            .zip(&target.endpoint.routes)
            .filter(|(_, route)| route.provider.speaks(self.operation).is_some())
            .map(|(index, _)| index)
            .collect();
        for index in &able {
            let Some(route) = target.endpoint.routes.get(*index) else { continue };
            let is_last = Some(index) == able.last();
            let model = route.model.clone().unwrap_or_else(|| target.model.clone());
            if !is_name_of_model(&model) {
                return Err(GatewayError::Shape(
                    "`model` must be a name of at most 256 bytes without control characters",
                ));
            }
            let outgoing =
                self.prepare(&target.endpoint, route, &model, document, client, caller)?;
            self.record.asks(&outgoing.call.body, &route.provider_name, model);
            let wait = target.endpoint.settings.attempt_timeout;
            let wait = wait.min(deadline.saturating_duration_since(Instant::now()));
            let credentials = outgoing::credentials(&outgoing.call.headers);
            let sent = match outgoing.built_in {
                Some(answer) => Ok(answer),
                None => self.gateway.upstream.send(&route.provider_name, outgoing.call, wait).await,
            };
            match sent {
                Err(CallError::NotConnected) => {
                    self.record.reached_nobody();
                    let endpoint = target.endpoint.name.to_string();
                    last = Some(GatewayError::ProviderUnreachable { endpoint });
                }
                Err(CallError::TimedOut) => return Err(GatewayError::ProviderTimeout),
                Err(CallError::BrokeOff) => return Err(GatewayError::ProviderBrokeOff),
                // The provider has given the request up, so another may be asked.
                Ok(answer) if may_go_on(answer.status) && !is_last => {}
                // Nothing here follows a redirection, and what it says is no answer.
                Ok(answer) if answer.status.is_redirection() => {
                    return Err(GatewayError::ProviderUnreadable);
                }
                Ok(answer) => {
                    let translation = translate::between(self.operation, outgoing.spoken);
                    return self
                        .answer(
                            &target.endpoint,
                            answer,
                            &credentials,
                            translation,
                            outgoing.session,
                            deadline,
                        )
                        .await;
                }
            }
        }
        Err(last.unwrap_or_else(|| GatewayError::Unsupported {
            endpoint: target.endpoint.name.to_string(),
            operation: self.operation.name(),
        }))
    }

    /// Reads and guards what the provider answered.
    async fn answer(
        &mut self,
        endpoint: &Arc<ReadyEndpoint>,
        answer: Answer,
        credentials: &[String],
        translation: Option<&'static dyn Translation>,
        session: Arc<Session>,
        deadline: Instant,
    ) -> Result<Reply, GatewayError> {
        let Some(protocol) = protocols::of(self.operation) else {
            return Err(GatewayError::ProviderUnreadable);
        };
        if let Some(encoding) = body::encoding(&answer.headers) {
            // `identity` was asked for; what is encoded cannot be guarded.
            tracing::warn!(encoding, "answer is encoded");
            return Err(GatewayError::ProviderUnreadable);
        }
        let idle = endpoint.settings.idle_timeout;
        let headers = passed_on(&answer.headers, &endpoint.guard);
        let is_stream = answer.headers.get(CONTENT_TYPE).is_some_and(|kind| {
            kind.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream")
        });
        if answer.status.is_success() && is_stream {
            let codec = protocol.stream().ok_or(GatewayError::ProviderUnreadable)?;
            let guard = Arc::clone(&endpoint.guard);
            let kept = kept::apart(&self.record, protocol, translation, &session);
            return Ok(Reply::Streamed(Box::new(move |record| Streamed {
                kept,
                body: answer.body,
                protocol,
                codec,
                translation: translation.map(Translation::stream),
                guard,
                session,
                record,
                idle,
                deadline,
            })));
        }
        let mut body = collect(answer.body, caps::RESPONSE_BODY_BYTES, idle, deadline).await?;
        if !answer.status.is_success() {
            // A provider that refuses a credential may repeat it.
            body = outgoing::without(body, credentials);
        }
        let translated = heavy::run(body.len(), || translated(&body, answer.status, translation))?;
        let body = translated.unwrap_or(body);
        self.record.was_answered = answer.status.is_success();
        if !answer.status.is_success() {
            self.record.was_sent = false;
        }
        self.guarded(protocol, body, answer.status, headers, &endpoint.guard, &session)
    }

    fn guarded(
        &mut self,
        protocol: &dyn Protocol,
        body: Bytes,
        status: StatusCode,
        headers: HeaderMap,
        guard: &bartizan_guard::Guard,
        session: &Session,
    ) -> Result<Reply, GatewayError> {
        let outcome = if status.is_success() { Outcome::Answered } else { Outcome::UpstreamFailed };
        let bytes = body.len();
        let record = &mut self.record;
        let apart = record.keeping.is_some() && session.vault().has_restorable();
        let again = apart.then(|| body.clone());
        let guarded = || guard_whole(body, protocol, guard, session, record);
        match heavy::run(bytes, guarded)? {
            Guarded::Passed(body) => {
                self.keep_answer(&body, again, protocol, guard, session);
                Ok(Reply::Whole { status, body, headers, outcome })
            }
            Guarded::Refused { error, filtered } => match filtered {
                Some(filtered) if self.dialect == Dialect::OpenAi && status.is_success() => {
                    let outcome = Outcome::AnswerRefused;
                    Ok(Reply::Whole { status, body: filtered.into(), headers, outcome })
                }
                _ => Err(error),
            },
        }
    }

    fn prepare(
        &mut self,
        endpoint: &ReadyEndpoint,
        route: &ReadyRoute,
        model: &str,
        document: &Document<'_>,
        client: &HeaderMap,
        caller: &Principal,
    ) -> Result<outgoing::Outgoing, GatewayError> {
        let began = Instant::now();
        self.record.begin_again();
        let prepared = outgoing::prepare(
            &outgoing::Request {
                operation: self.operation,
                document,
                client,
                endpoint,
                route,
                model,
                caller,
            },
            &mut self.record,
        );
        self.gateway.metrics.guarded(began.elapsed());
        prepared
    }
}

/// Whether a model may be called so, here and in events.
fn is_name_of_model(name: &str) -> bool {
    name.len() <= MODEL_BYTES && !name.chars().any(char::is_control)
}

/// Statuses by which a provider says that it will not answer this request, and another may. After a
/// 500 or 504 it may have worked, and charge for it; an answer of it has not begun.
fn may_go_on(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504 | 529)
}

fn translated(
    body: &Bytes,
    status: StatusCode,
    translation: Option<&'static dyn Translation>,
) -> Result<Option<Bytes>, GatewayError> {
    let Some(translation) = translation else { return Ok(None) };
    let document = Document::parse(body).map_err(|_| GatewayError::ProviderUnreadable)?;
    let body = if status.is_success() {
        translation.answer(document.root())?
    } else {
        translation.error(document.root())
    };
    Ok(Some(body.into()))
}

/// Headers of the provider that the client gets. Values are short tokens, never text.
fn passed_on(headers: &HeaderMap, guard: &bartizan_guard::Guard) -> HeaderMap {
    const ALLOWED: [&str; 4] =
        ["served-model-name", "openai-processing-ms", "retry-after", "request-id"];
    let mut passed = HeaderMap::new();
    for name in ALLOWED {
        let Some(value) = headers.get(name) else { continue };
        let fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(byte);
        let is_let_through = |value: &str| {
            guard.inspect(Channel::Output, value, &Session::default()).verdict() <= Verdict::Flag
        };
        if value.len() <= 128
            && value.as_bytes().iter().all(fine)
            && value.to_str().is_ok_and(is_let_through)
        {
            passed.insert(HeaderName::from_static(name), value.clone());
        }
    }
    passed
}
