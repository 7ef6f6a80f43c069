//! The bytes that go out: translated, with the model of the route, judged, spliced.

use std::sync::Arc;

use bartizan_core::time::now;
use bartizan_core::{Category, Channel, NotEvaluated, Principal, Verdict};
use bartizan_guard::context_index::ContextIndex;
use bartizan_guard::{Session, SessionBuilder};
use bytes::Bytes;
use http::HeaderMap;

use crate::envelope::{Envelope, Places};
use crate::error::{GatewayError, Stage};
use crate::gateway::{ReadyEndpoint, ReadyRoute};
use crate::heavy;
use crate::json::{Document, Edits, escape_into};
use crate::operation::Operation;
use crate::protocols::{self, Protocol};
use crate::providers::forwarded;
use crate::record::Record;
use crate::translate;
use crate::upstream::{Answer, Call};

/// What is asked, and of whom.
pub(super) struct Request<'r> {
    pub(super) operation: Operation,
    pub(super) document: &'r Document<'r>,
    pub(super) client: &'r HeaderMap,
    pub(super) endpoint: &'r ReadyEndpoint,
    pub(super) route: &'r ReadyRoute,
    pub(super) model: &'r str,
    pub(super) caller: &'r Principal,
}

/// A call that was judged.
pub(super) struct Outgoing {
    pub(super) call: Call,
    /// The answer already, from a provider that needs no network.
    pub(super) built_in: Option<Answer>,
    pub(super) session: Arc<Session>,
    pub(super) spoken: Operation,
}

/// Prepares the call of one route.
pub(super) fn prepare(
    request: &Request<'_>,
    record: &mut Record,
) -> Result<Outgoing, GatewayError> {
    let provider = &request.route.provider;
    let unsupported = || GatewayError::Unsupported {
        endpoint: request.endpoint.name.to_string(),
        operation: request.operation.name(),
    };
    let spoken = provider.speaks(request.operation).ok_or_else(unsupported)?;
    let protocol = protocols::of(spoken).ok_or_else(unsupported)?;
    let (body, session) = heavy::run(request.document.source().len(), || {
        if spoken == request.operation {
            return judge(request.document, protocol, spoken, request, None, record);
        }
        let translation = translate::between(request.operation, spoken).ok_or_else(unsupported)?;
        let vault = begin(request).build();
        let masked = judge_documents(request, &vault, record)?;
        let parsed;
        let document = match &masked {
            Some(masked) => {
                parsed = Document::parse(masked)?;
                &parsed
            }
            None => request.document,
        };
        let body = translation.request(document.root())?;
        let document = Document::parse(&body)?;
        judge(&document, protocol, spoken, request, masked.is_some().then_some(&vault), record)
    })?;
    let (uri, mut headers) = provider.target(spoken, request.model).map_err(|error| {
        tracing::error!(provider = %request.route.provider_name, %error, "provider cannot be called");
        GatewayError::ProviderUnreachable { endpoint: request.endpoint.name.to_string() }
    })?;
    let is_fine = |value: &str| {
        let report = request.endpoint.guard.inspect(Channel::User, value, &Session::default());
        report.verdict() <= Verdict::Flag
    };
    forwarded(request.client, &mut headers, &is_fine);
    let built_in = provider.answer_here(spoken, &body);
    Ok(Outgoing { call: Call { uri, headers, body }, built_in, session, spoken })
}

/// The secrets among the headers of a call, without the scheme before them.
pub(super) fn credentials(headers: &HeaderMap) -> Vec<String> {
    let sensitive = headers.values().filter(|value| value.is_sensitive());
    sensitive
        .filter_map(|value| value.to_str().ok()?.split(' ').next_back())
        .filter(|secret| !secret.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A body in which no credential of ours stands.
pub(super) fn without(body: Bytes, credentials: &[String]) -> Bytes {
    let mut clean: Option<Vec<u8>> = None;
    for secret in credentials {
        let text = clean.as_deref().unwrap_or(&body);
        let places: Vec<usize> = memchr::memmem::find_iter(text, secret.as_bytes()).collect();
        if places.is_empty() {
            continue;
        }
        let mut out = Vec::with_capacity(text.len());
        let mut from = 0;
        for place in places {
            out.extend_from_slice(text.get(from..place).unwrap_or_default());
            out.extend_from_slice(b"***");
            from = place + secret.len();
        }
        out.extend_from_slice(text.get(from..).unwrap_or_default());
        clean = Some(out);
    }
    clean.map_or(body, Bytes::from)
}

/// Judges the documents of a request that will be translated, since other protocols know no such
/// thing and they become what the user says. Gives the body after masking, if there are any.
fn judge_documents(
    request: &Request<'_>,
    session: &Session,
    record: &mut Record,
) -> Result<Option<Vec<u8>>, GatewayError> {
    let guard = &request.endpoint.guard;
    let Some(protocol) = protocols::of(request.operation) else { return Ok(None) };
    if !guard.reads(Channel::Document) {
        return Ok(None);
    }
    let mut places = Places::new(request.document, Channel::User);
    protocol.place_request(request.document.root(), &mut places);
    places.find_modalities(request.document);
    let mut envelope = Envelope::seal(request.document, places);
    envelope.reserve_placeholders(session);
    envelope.retain(Channel::Document);
    if envelope.is_empty() {
        return Ok(None);
    }
    let judgement = envelope.inspect(guard, session);
    judgement.note(record);
    if let Some(error) = judgement.refusal(Stage::Input) {
        return Err(error);
    }
    let mut edits = Edits::new(request.document);
    judgement.apply(&mut edits)?;
    Ok(Some(edits.apply()?))
}

/// Judges a body and gives what is left of it after masking. `begun` is the session in which a part
/// of the request has been judged already.
fn judge(
    document: &Document<'_>,
    protocol: &dyn Protocol,
    spoken: Operation,
    request: &Request<'_>,
    begun: Option<&Session>,
    record: &mut Record,
) -> Result<(Bytes, Arc<Session>), GatewayError> {
    let root = document.root();
    let mut places = Places::new(document, Channel::User);
    protocol.place_request(root, &mut places);
    places.find_modalities(document);
    if let Some(model) = root.get("model") {
        // The name that goes out is judged by itself: the body gets the route's.
        places.done(model);
    }
    let envelope = Envelope::seal(document, places);
    record.prompt_tokens = crate::record::estimate_tokens(envelope.text_bytes() as u64);

    let mut unread = Vec::new();
    for modality in envelope.modalities() {
        if !request.endpoint.settings.modalities.contains(modality) {
            return Err(GatewayError::ModalityRefused { modality: *modality });
        }
        unread.push(NotEvaluated::Modality(modality.name().to_owned()));
    }
    for (unseen, field) in protocols::unseen::find(document) {
        if !request.endpoint.settings.unseen.contains(&unseen) {
            return Err(GatewayError::UnseenRefused { field, unseen });
        }
        unread.push(NotEvaluated::Unseen(unseen.name().to_owned()));
    }

    let guard = &request.endpoint.guard;
    if request.route.model.is_none()
        && guard.inspect(Channel::User, request.model, &Session::default()).verdict()
            > Verdict::Flag
    {
        return Err(GatewayError::Shape(
            "`model` holds text that a guardrail does not let through",
        ));
    }
    let mut session = begin(request);
    if guard.reads(Channel::Output) || guard.reads(Channel::ToolCall) {
        let prompt = request.endpoint.prompts.index(envelope.texts(Channel::System));
        session = session.system_prompt_index(prompt);
    }
    if guard.categories(Channel::Output).contains(&Category::Groundedness) {
        let translated = (spoken != request.operation).then_some(request);
        session = session.context(context(&envelope, translated));
    }
    for canary in &request.endpoint.settings.canaries {
        session = session.canary(canary);
    }
    if let Some(begun) = begun {
        session = session.vault(std::mem::take(&mut *begun.vault()));
    }
    let session = session.build();
    if begun.is_none() {
        envelope.reserve_placeholders(&session);
    }
    let mut judgement = envelope.inspect(guard, &session);
    judgement.not_evaluated.append(&mut unread);
    judgement.note(record);
    if let Some(error) = judgement.refusal(Stage::Input) {
        return Err(error);
    }
    session.vault().seal();
    let mut edits = Edits::new(document);
    judgement.apply(&mut edits)?;
    set_model(&mut edits, document, spoken, request)?;
    let body = if edits.is_empty() {
        Bytes::copy_from_slice(document.source().as_bytes())
    } else {
        edits.apply()?.into()
    };
    Ok((body, Arc::new(session)))
}

/// What the guard knows of a request before it reads any of it.
/// Fewest bytes of documents and results of tools on which an answer could lean.
const MIN_CONTEXT_BYTES: usize = 200;

/// What the texts of a request say, where it carries enough that an answer could lean on. The documents of one
/// that was translated stand in the request as it came.
fn context(envelope: &Envelope<'_>, translated: Option<&Request<'_>>) -> Option<Arc<ContextIndex>> {
    let given = |envelope: &Envelope<'_>| {
        let texts = envelope.texts(Channel::Document).chain(envelope.texts(Channel::ToolResult));
        texts.map(str::len).sum::<usize>()
    };
    let mut bytes = given(envelope);
    let original = translated.and_then(|it| Some((it, protocols::of(it.operation)?)));
    if let Some((request, protocol)) = original {
        let mut places = Places::new(request.document, Channel::User);
        protocol.place_request(request.document.root(), &mut places);
        bytes = bytes.max(given(&Envelope::seal(request.document, places)));
    }
    if bytes < MIN_CONTEXT_BYTES {
        return None;
    }
    let channels = [Channel::Document, Channel::ToolResult, Channel::User, Channel::System];
    let texts = channels.into_iter().flat_map(|channel| envelope.texts(channel));
    ContextIndex::new(texts).map(Arc::new)
}

fn begin(request: &Request<'_>) -> SessionBuilder {
    Session::builder().now(now()).caller(request.caller.clone())
}

/// Names the model of the route in the body, or takes the name out where the path says it.
fn set_model(
    edits: &mut Edits<'_>,
    document: &Document<'_>,
    spoken: Operation,
    request: &Request<'_>,
) -> Result<(), GatewayError> {
    let root = document.root();
    let named = root.get("model");
    if !request.route.provider.model_in_body(spoken) {
        if let Some(named) = named {
            edits.remove(named.id())?;
        }
        return Ok(());
    }
    if named.and_then(|named| named.as_str()).is_some_and(|named| named == *request.model) {
        return Ok(());
    }
    let mut raw = vec![b'"'];
    escape_into(&mut raw, request.model);
    raw.push(b'"');
    edits.set_member(root.id(), "model", &raw)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_come_back_in_an_error() {
        let mut headers = HeaderMap::new();
        let mut value = http::HeaderValue::from_static("Bearer upstream-cred-12345");
        value.set_sensitive(true);
        headers.insert("authorization", value);
        headers.insert("accept", http::HeaderValue::from_static("application/json"));
        let credentials = credentials(&headers);
        assert_eq!(credentials, ["upstream-cred-12345"]);
        let body = Bytes::from_static(b"bad key upstream-cred-12345, again upstream-cred-12345!");
        assert_eq!(without(body, &credentials), "bad key ***, again ***!");
        assert_eq!(without(Bytes::from_static(b"fine"), &credentials), "fine");
    }
}
