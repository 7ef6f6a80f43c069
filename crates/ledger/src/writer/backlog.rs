//! Events that the disk did not take, in memory, for areas whose policy is to go on without it.

use std::collections::VecDeque;
use std::time::Instant;

use crate::merkle::Hash;

/// Most bytes that wait; behind that, nothing goes on without the disk.
const BACKLOG_BYTES: usize = 16 << 20;

/// Lines that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    lines: VecDeque<(Box<[u8]>, Hash)>,
    bytes: usize,
    /// When the disk was asked last.
    tried: Option<Instant>,
}

impl Backlog {
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.bytes.saturating_add(bytes) <= BACKLOG_BYTES
    }

    /// Adds a line that the disk has just refused.
    pub(super) fn push(&mut self, line: &[u8], leaf: Hash) {
        self.bytes += line.len();
        self.lines.push_back((line.into(), leaf));
        self.tried.get_or_insert_with(Instant::now);
    }

    /// Takes the oldest line, to be written.
    pub(super) fn pop(&mut self) -> Option<(Box<[u8]>, Hash)> {
        let (line, leaf) = self.lines.pop_front()?;
        self.bytes -= line.len();
        if self.lines.is_empty() {
            self.tried = None;
        }
        Some((line, leaf))
    }

    /// Puts a line back that the disk has refused again.
    pub(super) fn put_back(&mut self, line: Box<[u8]>, leaf: Hash) {
        self.bytes += line.len();
        self.lines.push_front((line, leaf));
        self.tried = Some(Instant::now());
    }

    /// When the disk refused what waits; none while nothing does.
    pub(super) const fn since(&self) -> Option<Instant> {
        self.tried
    }

    /// Lines that wait.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }
}
