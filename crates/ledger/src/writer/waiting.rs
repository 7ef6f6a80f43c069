//! Waiting until an entry is on the disk: threads, and tasks that must not hold a thread up.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bartizan_core::event::{RecordError, Recorded};
use bartizan_core::settings::OnLogFailure;

use super::{Shared, State, Stop};

/// Waits until an entry is on the disk.
pub(super) fn until_synced(shared: &Arc<Shared>, entry: u64, on_failure: OnLogFailure) -> Recorded {
    let shared = Arc::clone(shared);
    Recorded::Pending(Box::pin(UntilSynced { shared, entry, on_failure }))
}

struct UntilSynced {
    shared: Arc<Shared>,
    entry: u64,
    on_failure: OnLogFailure,
}

impl Future for UntilSynced {
    type Output = Result<(), RecordError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.shared.state.lock();
        match state.is_synced(self.entry) {
            Some(Err(_)) if self.on_failure == OnLogFailure::Buffer => Poll::Ready(Ok(())),
            Some(synced) => Poll::Ready(synced.map_err(RecordError::from)),
            None => {
                state.wakers.push(context.waker().clone());
                self.shared.wake.notify_one();
                Poll::Pending
            }
        }
    }
}

impl Shared {
    /// Returns when an entry is on the disk. All who wait at the same time wait for one sync.
    pub(super) fn wait_for(&self, entry: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.waiting += 1;
        self.wake.notify_one();
        let synced = loop {
            match state.is_synced(entry) {
                Some(synced) => break synced,
                None => self.synced.wait(&mut state),
            }
        };
        state.waiting -= 1;
        synced
    }

    /// Tells all who wait that they may look again.
    pub(super) fn tell_waiting(&self) {
        let mut state = self.state.lock();
        let wakers = std::mem::take(&mut state.wakers);
        if state.waiting > 0 {
            self.synced.notify_all();
        }
        drop(state);
        wakers.into_iter().for_each(std::task::Waker::wake);
    }
}

impl State {
    /// Whether an entry is on the disk, or will not be; none while that is open.
    fn is_synced(&self, entry: u64) -> Option<io::Result<()>> {
        if self.synced > entry {
            return Some(Ok(()));
        }
        let fails = self.failed.sync || self.broken || self.stop > Stop::None;
        fails.then(|| Err(io::Error::other("the event could not be synced to disk")))
    }
}
