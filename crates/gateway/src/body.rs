//! Bodies: reading a request's with a cap, and the two shapes of an answer's.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc;

use crate::error::GatewayError;

/// Longest wait for the next piece of a request body.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Body of a reply.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    /// All of it.
    Whole(Full<Bytes>),
    /// Piece by piece, as a task sends them.
    Pieces(mpsc::Receiver<Bytes>),
}

impl ReplyBody {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Full::new(bytes.into()))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context),
            Self::Pieces(pieces) => {
                pieces.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}

/// The encoding of a body that did not come as it is; none for `identity`. Every header of the name
/// counts: what only one reader of several would decode was not guarded.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<String> {
    let mut all = headers.get_all(CONTENT_ENCODING).iter();
    let other = all.find(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))?;
    Some(other.to_str().unwrap_or("?").chars().take(32).collect())
}

/// Reads a request body of at most `limit_bytes`. Refuses early when the length is announced.
pub(crate) async fn read<B>(mut body: B, limit_bytes: usize) -> Result<Bytes, GatewayError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let too_large = || GatewayError::BodyTooLarge { limit_bytes };
    if body.size_hint().lower() > limit_bytes as u64 {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let next = tokio::time::timeout(STALL_TIMEOUT, body.frame()).await;
        let Some(frame) = next.map_err(|_| GatewayError::BodyUnreadable)? else { break };
        let frame = frame.map_err(|_| GatewayError::BodyUnreadable)?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limit_bytes {
            return Err(too_large());
        }
        // Most bodies come in one piece, which needs no copy.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
                first = Bytes::new();
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_content_encoding_counts() {
        for (values, expected) in [
            (&[][..], None),
            (&["identity"], None),
            (&["Identity", "identity"], None),
            (&["gzip"], Some("gzip")),
            (&["identity", "gzip"], Some("gzip")),
            (&["identity, br"], Some("identity, br")),
            (&[""], Some("")),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            assert_eq!(encoding(&headers).as_deref(), expected, "{values:?}");
        }
    }
}
