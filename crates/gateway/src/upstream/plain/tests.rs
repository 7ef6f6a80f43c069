//! Connections are used again where that is safe, against a server that speaks raw bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// What the server does with the first, second … request of all its connections.
#[derive(Clone, Copy)]
enum Act {
    /// Answers and waits for more.
    Answer,
    /// Answers and closes.
    AnswerAndClose,
    /// Answers and says one more thing that nobody asked for.
    AnswerTwice,
    /// Begins an answer and never ends it.
    Begin,
    /// Closes without a word.
    Close,
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";
const OTHER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
const BEGUN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nfine";

struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    /// Connections that the client has closed.
    left: Arc<AtomicUsize>,
}

async fn server(acts: &'static [Act]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1?x=1", listener.local_addr().unwrap());
    let (connections, left) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (Arc::clone(&connections), Arc::clone(&left));
    let requests = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.0.fetch_add(1, Ordering::SeqCst);
            let (left, requests) = (Arc::clone(&counted.1), Arc::clone(&requests));
            tokio::spawn(async move {
                let mut room = [0; 4096];
                loop {
                    let Ok(1..) = stream.read(&mut room).await else {
                        left.fetch_add(1, Ordering::SeqCst);
                        return;
                    };
                    let said = match acts[requests.fetch_add(1, Ordering::SeqCst)] {
                        Act::Answer => ANSWER.to_owned(),
                        Act::AnswerTwice => [ANSWER, OTHER].concat(),
                        Act::Begin => BEGUN.to_owned(),
                        Act::AnswerAndClose => {
                            stream.write_all(ANSWER.as_bytes()).await.unwrap();
                            return;
                        }
                        Act::Close => return,
                    };
                    stream.write_all(said.as_bytes()).await.unwrap();
                }
            });
        }
    });
    Server { url, connections, left }
}

fn client() -> PlainClient {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    PlainClient::new(connector)
}

async fn ask(client: &PlainClient, server: &Server) -> Result<Response<PlainBody>, PlainError> {
    let body = Full::new(Bytes::from_static(b"{}"));
    client.request(Request::post(&server.url).body(body).unwrap()).await
}

/// All of a body.
async fn read(response: Response<PlainBody>) -> Vec<u8> {
    let mut body = response.into_body();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        all.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    all
}

async fn fine(client: &PlainClient, server: &Server) {
    assert_eq!(read(ask(client, server).await.unwrap()).await, b"fine");
}

fn connections(server: &Server) -> usize {
    server.connections.load(Ordering::SeqCst)
}

#[tokio::test]
async fn calls_share_a_connection_when_they_follow_each_other() {
    let server = server(&[Act::Answer; 8]).await;
    let client = client();
    for _ in 0..4 {
        fine(&client, &server).await;
    }
    assert_eq!(connections(&server), 1);
    let (first, second) = tokio::join!(ask(&client, &server), ask(&client, &server));
    assert_eq!(read(first.unwrap()).await, b"fine");
    assert_eq!(read(second.unwrap()).await, b"fine");
    assert_eq!(connections(&server), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    let server = server(&[Act::AnswerAndClose, Act::AnswerAndClose, Act::Answer]).await;
    let client = client();
    for _ in 0..3 {
        fine(&client, &server).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(connections(&server), 3);
}

#[tokio::test]
async fn what_nobody_asked_for_reaches_nobody() {
    let server = server(&[Act::AnswerTwice, Act::Answer, Act::Answer]).await;
    let client = client();
    for _ in 0..3 {
        fine(&client, &server).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(connections(&server), 2);
}

#[tokio::test]
async fn an_answer_that_is_left_closes_its_connection() {
    let server = server(&[Act::Begin, Act::Answer]).await;
    let client = client();
    let response = ask(&client, &server).await.unwrap();
    let mut body = response.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    drop(body);
    fine(&client, &server).await;
    assert_eq!(connections(&server), 2);
    for _ in 0..100 {
        if server.left.load(Ordering::SeqCst) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the server still works for nobody");
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    let server = server(&[Act::Answer, Act::Close, Act::Answer]).await;
    let client = client();
    fine(&client, &server).await;
    let error = ask(&client, &server).await.unwrap_err();
    assert!(matches!(error, PlainError::BrokeOff(_)), "{error:?}");
    assert_eq!(connections(&server), 1);
}
