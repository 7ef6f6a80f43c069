//! A client that sends what no library would: half a head, a body that never ends, or that reads a
//! byte and waits.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A connection without a library on it.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Connects to the host and port of a base URL such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// When the URL names no address or nobody listens there.
    pub async fn connect(base: &str) -> io::Result<Self> {
        Ok(Self { stream: TcpStream::connect(address(base)?).await? })
    }

    /// Connects with a receive buffer of about that many bytes, so that what is not read soon
    /// stays with the sender.
    ///
    /// # Errors
    /// As for [`Raw::connect`].
    pub async fn connect_narrow(base: &str, buffer_bytes: u32) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(buffer_bytes)?;
        Ok(Self { stream: socket.connect(address(base)?).await? })
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the peer has closed.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Sends a block again and again, up to so many bytes, while reading what comes back; ends when
    /// the peer closes, or after `patience`. Returns the bytes that went out and what came back.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when the peer has not closed in time.
    pub async fn flood(
        self,
        block: &[u8],
        bytes: u64,
        patience: Duration,
    ) -> io::Result<(u64, Vec<u8>)> {
        let (mut reader, mut writer) = self.stream.into_split();
        let write = async {
            let mut sent = 0;
            while sent < bytes && writer.write_all(block).await.is_ok() {
                sent += block.len() as u64;
            }
            sent
        };
        let read = async {
            let mut answer = Vec::new();
            let mut piece = [0; 4096];
            // A reset ends the answer as a close does: what came before it counts.
            while let Ok(read @ 1..) = reader.read(&mut piece).await {
                answer.extend_from_slice(piece.get(..read).unwrap_or_default());
            }
            answer
        };
        tokio::time::timeout(patience, async { tokio::join!(write, read) })
            .await
            .map_err(|_| io::ErrorKind::TimedOut.into())
    }

    /// Reads at most so many bytes; none when the peer has closed.
    ///
    /// # Errors
    /// When the connection was reset.
    pub async fn read(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; bytes];
        let read = self.stream.read(&mut piece).await?;
        piece.truncate(read);
        Ok(piece)
    }

    /// Waits until the peer closes or resets; what it sends meanwhile is returned.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when it has not in time.
    pub async fn closed(&mut self, patience: Duration) -> io::Result<Vec<u8>> {
        let read = async {
            let mut answer = Vec::new();
            while let Ok(piece) = self.read(4096).await {
                if piece.is_empty() {
                    break;
                }
                answer.extend_from_slice(&piece);
            }
            answer
        };
        tokio::time::timeout(patience, read).await.map_err(|_| io::ErrorKind::TimedOut.into())
    }
}

/// Address of a base URL on this machine.
fn address(base: &str) -> io::Result<SocketAddr> {
    let host = base.split_once("://").map_or(base, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    host.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn floods_until_the_peer_closes_and_keeps_what_it_said() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut piece = [0; 1024];
            stream.read_exact(&mut piece).await.unwrap();
            stream.write_all(b"enough").await.unwrap();
        });
        let raw = Raw::connect(&base).await.unwrap();
        let (sent, answer) =
            raw.flood(&[b'a'; 512], 1 << 30, Duration::from_secs(10)).await.unwrap();
        assert_eq!(answer, b"enough");
        assert!((1024..1 << 30).contains(&sent), "{sent}");
    }

    #[test]
    fn finds_the_address_in_a_url() {
        assert_eq!(address("http://127.0.0.1:80/v1").unwrap().port(), 80);
        assert!(address("http://somewhere").is_err());
    }
}
