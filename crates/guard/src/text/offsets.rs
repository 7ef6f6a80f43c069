//! Maps from the bytes of a view to the bytes of the original text.

use bartizan_core::Span;

/// Where each byte of a view came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offsets {
    /// The view is the original, shifted by this many bytes.
    Shifted(usize),
    /// For each byte of the view, the range of the original that produced it.
    Table(Vec<(u32, u32)>),
    /// The whole view stands for one range of the original.
    Whole(Span),
}

impl Offsets {
    /// The range of the original that produced `start..end` of the view.
    ///
    /// An empty range maps to the place before the byte at `start`.
    pub fn to_source(&self, start: usize, end: usize) -> Span {
        match self {
            Self::Shifted(by) => Span::new(start + by, end + by),
            Self::Whole(span) => *span,
            Self::Table(table) => {
                let from = self.start_of(start);
                let to = match end.checked_sub(1).and_then(|last| table.get(last)) {
                    Some((_, to)) if end > start => *to as usize,
                    _ => from,
                };
                Span::new(from, to)
            }
        }
    }

    /// First byte of the original that produced the byte at `start`; past the end, the end.
    pub fn start_of(&self, start: usize) -> usize {
        match self {
            Self::Shifted(by) => start + by,
            Self::Whole(span) => span.start,
            Self::Table(table) => match table.get(start) {
                Some((from, _)) => *from as usize,
                None => table.last().map_or(0, |(_, to)| *to as usize),
            },
        }
    }

    /// The map of a view of a view: `inner` maps to the text that `self` maps to the original.
    #[must_use]
    pub fn compose(&self, inner: Self) -> Self {
        match (self, inner) {
            (Self::Shifted(0), inner) => inner,
            (Self::Whole(span), _) => Self::Whole(*span),
            (outer, Self::Shifted(by)) => match outer {
                Self::Table(table) => Self::Table(table.get(by..).unwrap_or_default().to_vec()),
                Self::Shifted(more) => Self::Shifted(by + more),
                Self::Whole(span) => Self::Whole(*span),
            },
            (outer, Self::Whole(span)) => Self::Whole(outer.to_source(span.start, span.end)),
            (outer, Self::Table(table)) => Self::Table(
                table
                    .into_iter()
                    .map(|(from, to)| {
                        let span = outer.to_source(from as usize, to as usize);
                        (span.start as u32, span.end as u32)
                    })
                    .collect(),
            ),
        }
    }
}

/// Copies a stretch of a text to a view of it, and notes where each byte came from.
pub(super) fn copy(
    text: &str,
    from: usize,
    to: usize,
    out: &mut String,
    table: &mut Vec<(u32, u32)>,
) {
    let part = text.get(from..to).unwrap_or_default();
    out.push_str(part);
    for (at, c) in part.char_indices() {
        let start = from + at;
        let end = start + c.len_utf8();
        table.resize(table.len() + c.len_utf8(), (start as u32, end as u32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_maps_whole_characters() {
        let map = Offsets::Table(vec![(0, 2), (2, 5), (5, 6)]);
        assert_eq!(map.to_source(0, 2), Span::new(0, 5));
        assert_eq!(map.to_source(1, 1), Span::new(2, 2));
        assert_eq!(map.start_of(3), 6);
    }

    #[test]
    fn composition_goes_through_both_maps() {
        let outer = Offsets::Table(vec![(10, 12), (12, 13), (13, 14)]);
        let inner = Offsets::Table(vec![(0, 2), (2, 3)]);
        assert_eq!(outer.compose(inner).to_source(0, 2), Span::new(10, 14));
    }
}
