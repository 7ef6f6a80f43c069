//! An upstream that answers at once, so that a bench measures what stands before it.
//!
//! Reads no more of a request than it needs to know where it ends and whether a stream is wanted;
//! every answer is one write of bytes made beforehand. Speaks chat completions only.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::load::wire::{content_length, find};

/// Largest request; a connection that sends more is closed.
const REQUEST_LIMIT_BYTES: usize = 16 << 20;

/// Answers, made once.
#[derive(Debug)]
pub struct Answers {
    whole: Vec<u8>,
    stream: Vec<u8>,
}

impl Answers {
    /// Answers that say the given text; a stream says it in pieces of that many bytes (ASCII text;
    /// elsewhere pieces end after the character).
    pub fn new(text: &str, piece_bytes: usize) -> Self {
        let quoted = serde_json::Value::from(text);
        let body = format!(
            "{{\"id\":\"chatcmpl-fast\",\"object\":\"chat.completion\",\"created\":1767225600,\
             \"model\":\"fast\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\
             \"content\":{quoted}}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":10,\
             \"completion_tokens\":10,\"total_tokens\":20}}}}"
        );
        let whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self { whole: whole.into_bytes(), stream: stream(text, piece_bytes).into_bytes() }
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(
            "The quick brown fox jumps over the lazy dog, again and again, until it rains.",
            8,
        )
    }
}

fn stream(text: &str, piece_bytes: usize) -> String {
    let frame = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-fast\",\"object\":\"chat.completion.chunk\",\
             \"created\":1767225600,\"model\":\"fast\",\"choices\":[{{\"index\":0,\
             \"delta\":{{{delta}}},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let mut frames = vec![frame("\"role\":\"assistant\",\"content\":\"\"", "null")];
    for piece in crate::upstream::pieces(text, &[piece_bytes]) {
        let quoted = serde_json::Value::from(piece);
        frames.push(frame(&format!("\"content\":{quoted}"), "null"));
    }
    frames.push(frame("", "\"stop\""));
    frames.push("data: [DONE]\n\n".to_owned());
    let mut out = String::from(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    for frame in frames {
        // Writing to a string cannot fail.
        let _ = write!(out, "{:x}\r\n{frame}\r\n", frame.len());
    }
    out.push_str("0\r\n\r\n");
    out
}

/// Serves connections until cancelled.
pub async fn serve(listener: TcpListener, answers: Answers) {
    let answers = Arc::new(answers);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: let other connections end.
            tokio::task::yield_now().await;
            continue;
        };
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            // A client that breaks off is no concern of a bench.
            let _ = connection(stream, &answers).await;
        });
    }
}

async fn connection(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let head = loop {
            if let Some(end) = find(&buffer, b"\r\n\r\n") {
                break end + 4;
            }
            read_more(&mut stream, &mut buffer).await?;
        };
        let length = buffer.get(..head).and_then(content_length).unwrap_or(0);
        let total = head.saturating_add(length);
        while buffer.len() < total {
            read_more(&mut stream, &mut buffer).await?;
        }
        let body = buffer.get(head..total).unwrap_or_default();
        let streamed = [b"\"stream\":true".as_slice(), b"\"stream\": true"]
            .iter()
            .any(|word| find(body, word).is_some());
        stream.write_all(if streamed { &answers.stream } else { &answers.whole }).await?;
        buffer.drain(..total);
    }
}

async fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    if buffer.len() > REQUEST_LIMIT_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if stream.read_buf(buffer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::Client;

    #[tokio::test]
    async fn answers_whole_and_streamed_on_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(serve(listener, Answers::new("hello big world", 4)));
        let client = Client::new(base);
        for _ in 0..2 {
            let whole =
                client.post_json("/v1/chat/completions", &json!({ "model": "m" })).await.unwrap();
            assert_eq!(whole.json()["choices"][0]["message"]["content"], "hello big world");
            let ask = json!({ "model": "m", "stream": true });
            let events = client.post_json("/v1/chat/completions", &ask).await.unwrap().events();
            let said: String = events
                .iter()
                .filter_map(|event| serde_json::from_str::<serde_json::Value>(event).ok())
                .filter_map(|event| {
                    event["choices"][0]["delta"]["content"].as_str().map(str::to_owned)
                })
                .collect();
            assert_eq!(said, "hello big world");
            assert_eq!(events.last().unwrap(), "[DONE]");
        }
        server.abort();
    }
}
