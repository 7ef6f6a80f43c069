//! Connections, by how they were encrypted when they were made.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How connections are encrypted. Another certificate, and others of whose clients are taken, can come while the server
/// runs; connections from before then end with the answers that are under way.
pub type TlsSource = watch::Receiver<Arc<rustls::ServerConfig>>;

/// The connections of a server, which end when it stops, and before that when they would be encrypted otherwise.
#[derive(Debug)]
pub struct Connections {
    tls: Option<TlsSource>,
    current: GracefulShutdown,
    /// Those that were made before a certificate changed.
    leaving: JoinSet<()>,
}

impl Connections {
    /// None yet.
    pub fn new(tls: Option<TlsSource>) -> Self {
        Self { tls, current: GracefulShutdown::new(), leaving: JoinSet::new() }
    }

    /// How the next one is encrypted; none for one that is not.
    pub fn tls(&self) -> Option<Arc<rustls::ServerConfig>> {
        self.tls.as_ref().map(|tls| Arc::clone(&tls.borrow()))
    }

    /// Follows the next one to its end.
    pub fn watcher(&self) -> Watcher {
        self.current.watcher()
    }

    /// Has those leave that are encrypted as nobody is any more. Never ends, and may be dropped at any time.
    pub async fn renew(&mut self) -> Infallible {
        loop {
            let Some(tls) = &mut self.tls else { return std::future::pending().await };
            tokio::select! {
                changed = tls.changed() => {
                    if changed.is_err() {
                        // Nobody is left who could say so.
                        return std::future::pending().await;
                    }
                    let before = std::mem::take(&mut self.current);
                    self.leaving.spawn(before.shutdown());
                }
                _ = self.leaving.join_next(), if !self.leaving.is_empty() => {}
            }
        }
    }

    /// Lets answers end, no longer than `most`; false when some did not.
    pub async fn drain(mut self, most: Duration) -> bool {
        self.leaving.spawn(self.current.shutdown());
        tokio::time::timeout(most, self.leaving.join_all()).await.is_ok()
    }
}
