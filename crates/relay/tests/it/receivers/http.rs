//! A server of HTTP/1.1 that answers as a function says, and misbehaves when it is told to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Mood, Moods};

/// A request, read whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, as they came.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Status, further header lines, and body.
pub(crate) type Answer = (u16, &'static str, String);

/// Serves until the process ends. A request that is cut is either read by half, or answered by nobody
/// after it was taken.
pub(crate) async fn serve<F>(moods: Moods, answer: F) -> SocketAddr
where
    F: Fn(Request) -> Answer + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        let mut cuts = 0;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            cuts += 1;
            let (moods, answer) = (moods.clone(), Arc::clone(&answer));
            let is_read = cuts % 2 == 0;
            tokio::spawn(async move { connection(stream, &moods, is_read, answer.as_ref()).await });
        }
    });
    address
}

async fn connection(
    stream: TcpStream,
    moods: &Moods,
    is_read: bool,
    answer: &(dyn Fn(Request) -> Answer + Send + Sync),
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = head(&mut stream).await?;
        let len: usize =
            request.headers.get("content-length").map_or(0, |len| len.parse().unwrap());
        let mood = moods.get();
        if mood == Mood::Cuts && !is_read {
            let mut half = vec![0; len / 2];
            stream.read_exact(&mut half).await.ok()?;
            return None;
        }
        request.body = vec![0; len];
        stream.read_exact(&mut request.body).await.ok()?;
        let (status, headers, body) = match mood {
            Mood::Refuses => (503, "retry-after: 1\r\n", "busy".to_owned()),
            Mood::Cuts => {
                answer(request);
                return None;
            }
            Mood::Slow => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                answer(request)
            }
            Mood::Well => answer(request),
        };
        let head =
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(body.as_bytes()).await.ok()?;
    }
}

async fn head(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut request =
        Request { method: words.next()?, target: words.next()?, ..Request::default() };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { return Some(request) };
        request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}
