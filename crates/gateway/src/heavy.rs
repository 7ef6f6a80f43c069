//! Long work on a thread that others wait for.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Bodies and events above this size are read where they do not hold up other requests. Reading as
/// much takes about a millisecond.
const LONG_BYTES: usize = 128 << 10;

/// Does work that takes time in proportion to `bytes`. When that is long, the other tasks of this
/// thread move elsewhere first.
pub(crate) fn run<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    if bytes > LONG_BYTES { aside(work) } else { work() }
}

/// Does work that takes long, or waits: the other tasks of this thread move elsewhere first.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    let can_move = || {
        Handle::try_current()
            .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
    };
    if can_move() { tokio::task::block_in_place(work) } else { work() }
}
