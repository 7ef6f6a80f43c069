//! From byte offsets to lines and columns.

/// A place in a text; all but `offset` count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Bytes before it.
    pub(super) offset: usize,
    pub(super) line: usize,
    /// In Unicode code points.
    pub(super) column: usize,
}

/// Walks through a text. Offsets that come in order cost one pass over all of them together.
#[derive(Debug, Clone)]
pub(super) struct Places<'t> {
    text: &'t str,
    at: Position,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: Position { offset: 0, line: 1, column: 1 } }
    }

    /// The place of an offset; one inside a character, or past the end, is moved back.
    pub(super) fn of(&mut self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        if offset < self.at.offset {
            *self = Self::new(self.text);
        }
        for c in self.text.get(self.at.offset..offset).unwrap_or_default().chars() {
            if c == '\n' {
                self.at.line += 1;
                self.at.column = 1;
            } else {
                self.at.column += 1;
            }
        }
        self.at.offset = offset;
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_code_points() {
        let mut places = Places::new("añb\r\n\nxy");
        let at = |places: &mut Places<'_>, offset| {
            let position = places.of(offset);
            (position.line, position.column)
        };
        assert_eq!(at(&mut places, 0), (1, 1));
        assert_eq!(at(&mut places, 3), (1, 3));
        assert_eq!(at(&mut places, 6), (2, 1));
        assert_eq!(at(&mut places, 8), (3, 2));
        // Backwards, inside a character, past the end.
        assert_eq!(at(&mut places, 2), (1, 2));
        assert_eq!(at(&mut places, 99), (3, 3));
    }
}
