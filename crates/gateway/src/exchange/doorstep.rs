//! Requests that end before an exchange begins: to no path, by another method, with a head too
//! large, or for what everyone may know.
//!
//! They ask nothing of a model and say nothing about a caller, so they are counted and make no
//! events: whoever has no key must not be able to push real events out of the log.

use std::sync::Arc;

use bartizan_core::{Coded, Outcome, RequestId, Verdict};
use http::Request;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use crate::body::ReplyBody;
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::operation::{self, Dialect, Matched, Operation};
use crate::record::Record;
use crate::reply;

/// Most bytes of path and headers. The server takes twice as many, so that a refusal in the words of
/// the client's protocol is possible; beyond that, HTTP itself answers 431.
const HEAD_BYTES: usize = 32 << 10;

/// What these requests are counted as.
const OPERATION: &str = "none";

/// What becomes of a request.
pub(super) enum Admitted {
    /// It begins an exchange. `name` is the variable segment of the path.
    Begun { operation: Operation, dialect: Dialect, name: Option<String> },
    /// That is all.
    Answered(Response<ReplyBody>),
}

/// Looks at the head of a request.
pub(super) fn admit<B>(gateway: &Gateway, request: &Request<B>, request_id: RequestId) -> Admitted {
    let matched = operation::find(request.method(), request.uri().path());
    let dialect = match &matched {
        Matched::Operation { dialect, .. } | Matched::WrongMethod { dialect, .. } => *dialect,
        Matched::Fixed(_) | Matched::Nowhere => Dialect::OpenAi,
    };
    let error = match matched {
        _ if head_bytes(request) > HEAD_BYTES => {
            GatewayError::HeadTooLarge { limit_bytes: HEAD_BYTES }
        }
        Matched::Operation { operation, dialect, name } => {
            return Admitted::Begun { operation, dialect, name };
        }
        Matched::Fixed(body) => {
            let mut reply = Response::new(ReplyBody::whole(body));
            let json = HeaderValue::from_static("application/json");
            reply.headers_mut().insert(CONTENT_TYPE, json);
            return Admitted::Answered(count(gateway, request_id, None, reply));
        }
        Matched::WrongMethod { allowed, .. } => GatewayError::MethodNotAllowed { allowed },
        Matched::Nowhere => GatewayError::UnknownPath,
    };
    let reply = reply::error(&error, dialect, request_id);
    Admitted::Answered(count(gateway, request_id, Some(&error), reply))
}

fn head_bytes<B>(request: &Request<B>) -> usize {
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    target + headers.sum::<usize>()
}

fn count(
    gateway: &Gateway,
    request_id: RequestId,
    error: Option<&GatewayError>,
    mut reply: Response<ReplyBody>,
) -> Response<ReplyBody> {
    let mut record = Record::new(
        request_id,
        OPERATION,
        Arc::clone(&gateway.events),
        Arc::clone(&gateway.metrics),
        Arc::clone(&gateway.counters),
    );
    let mut outcome = Outcome::Answered;
    if let Some(error) = error {
        tracing::debug!(%request_id, code = error.code(), "refused before an exchange");
        outcome = Outcome::Refused;
        record.event.verdict = Verdict::Block;
    }
    record.forget(outcome, reply.status().as_u16());
    reply::decorate(reply.headers_mut(), &record.event, record.event.verdict);
    reply
}
