//! Long stretches, reported in pieces.
//!
//! A stretch that goes on for kilobytes must not be held back until it ends. It is cut where the
//! original text passes a multiple of [`SEGMENT_BYTES`], so every piece is bounded, the pieces touch
//! without overlapping, and a stream cuts where the whole is cut.

use crate::text::View;

/// Most bytes of original text in one piece.
pub(crate) const SEGMENT_BYTES: usize = 512;

/// Calls `piece` for each piece of `start..end` of the view, in order; gives the start of the last.
pub(crate) fn pieces(
    view: &View<'_>,
    start: usize,
    end: usize,
    mut piece: impl FnMut(usize, usize),
) -> usize {
    let start = view.text().floor_char_boundary(start);
    let end = view.text().ceil_char_boundary(end);
    let segment = |at: usize| (view.base() + view.start_in_source(at)) / SEGMENT_BYTES;
    let mut from = start;
    let mut current = segment(start);
    let inside = view.text().get(start..end).unwrap_or_default();
    for (at, _) in inside.char_indices().skip(1) {
        let next = segment(start + at);
        if next != current {
            piece(from, start + at);
            from = start + at;
            current = next;
        }
    }
    piece(from, end);
    from
}
