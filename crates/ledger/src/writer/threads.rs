//! The two threads of a log, from start to end: one brings events to the disk, one signs what is there.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::Condvar;

use super::{EventLogWriter, Shared, State, Stop};
use crate::error::LedgerError;

/// Starts a thread. If it ends before its time, the log takes nothing any more.
pub(super) fn start(
    name: &str,
    shared: &Arc<Shared>,
    body: fn(&Shared),
) -> Result<JoinHandle<()>, LedgerError> {
    let shared = Arc::clone(shared);
    let guarded = move || {
        if catch_unwind(AssertUnwindSafe(|| body(&shared))).is_err() {
            // What it knew of the tree may be half done: signing on could sign what is not so. Nothing is
            // promised any more, and whoever waits is told.
            shared.state.lock().broken = true;
            shared.tell_waiting();
        }
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(guarded).map_err(LedgerError::Thread)
}

impl Shared {
    /// Body of the sync thread.
    pub(super) fn keep_synced(&self) {
        self.keep_doing(&self.wake, Stop::Syncing, State::due, Self::sync);
        // The last sync may have begun to remove files, which is an entry of its own.
        if self.state.lock().dirty_since.is_some() {
            let _ = self.sync();
        }
    }

    /// Body of the thread that signs.
    pub(super) fn keep_signed(&self) {
        let due = |state: &State| {
            Some(state.sign_after.map_or(state.look_after, |sign| sign.min(state.look_after)))
        };
        self.keep_doing(&self.wake_signer, Stop::Signing, due, Self::look_and_sign);
    }

    /// Does something whenever it is due, and a last time before it ends.
    fn keep_doing(
        &self,
        wake: &Condvar,
        end: Stop,
        due: fn(&State) -> Option<Instant>,
        act: fn(&Self) -> io::Result<()>,
    ) {
        let mut stop = Stop::None;
        while stop < end {
            let mut state = self.state.lock();
            while state.stop < end {
                match due(&state) {
                    None => wake.wait(&mut state),
                    Some(due) if due <= Instant::now() => break,
                    Some(due) => {
                        wake.wait_until(&mut state, due);
                    }
                }
            }
            stop = state.stop;
            drop(state);
            // A failure is logged and kept in the state; there is no one else to hand it to.
            let _ = act(self);
        }
    }
}

impl Drop for EventLogWriter {
    fn drop(&mut self) {
        // What is not on the disk is not signed, so that the thread that syncs ends first. It takes what
        // waits in memory to the disk, if that can be.
        for (stop, thread) in
            [(Stop::Syncing, &mut self.sync_thread), (Stop::Signing, &mut self.sign_thread)]
        {
            self.shared.state.lock().stop = stop;
            self.shared.wake.notify_one();
            self.shared.wake_signer.notify_one();
            if let Some(thread) = thread.take() {
                // A thread that panicked has nothing left to do.
                let _ = thread.join();
            }
        }
        let lost = self.progress().waiting;
        if lost > 0 {
            let dir = self.shared.dir.display();
            tracing::error!(lost, %dir, "events that waited for the disk are lost");
        }
    }
}
