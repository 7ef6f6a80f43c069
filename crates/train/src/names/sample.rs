//! Texts with names marked in them.

use bartizan_model::tagger::Entity;

/// A stretch of text that is one thing, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// What it is.
    pub entity: Option<Entity>,
}

impl Piece {
    /// Text that is no name.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), entity: None }
    }

    /// A name.
    pub fn named(text: impl Into<String>, entity: Entity) -> Self {
        Self { text: text.into(), entity: Some(entity) }
    }
}

/// A name in a text, by bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub entity: Entity,
}

/// A text and the names in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// The text.
    pub text: String,
    /// By place, not overlapping.
    pub marked: Vec<Marked>,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// As it came.
    Kept,
    /// No capitals.
    Lower,
    /// Capitals throughout.
    Upper,
    /// No capitals but in names.
    Casual,
}

impl Sample {
    /// Joins pieces.
    pub fn new(pieces: &[Piece], case: Case) -> Self {
        let mut sample = Self::default();
        for piece in pieces {
            let start = sample.text.len();
            match (case, piece.entity) {
                (Case::Kept, _) | (Case::Casual, Some(_)) => sample.text.push_str(&piece.text),
                (Case::Lower, _) | (Case::Casual, None) => {
                    sample.text.push_str(&piece.text.to_lowercase());
                }
                (Case::Upper, _) => sample.text.push_str(&piece.text.to_uppercase()),
            }
            let end = sample.text.len();
            if let Some(entity) = piece.entity
                && end > start
            {
                sample.marked.push(Marked { start, end, entity });
            }
        }
        sample
    }

    /// The pieces of which it is made.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut from = 0;
        let part = |start: usize, end: usize| self.text.get(start..end).unwrap_or_default();
        for marked in &self.marked {
            pieces.push(Piece::plain(part(from, marked.start)));
            pieces.push(Piece::named(part(marked.start, marked.end), marked.entity));
            from = marked.end;
        }
        pieces.push(Piece::plain(part(from, self.text.len())));
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_follow_the_text_through_every_case() {
        let pieces =
            [Piece::plain("Ruf "), Piece::named("İpek Groß", Entity::Person), Piece::plain(" an")];
        for case in [Case::Kept, Case::Lower, Case::Upper, Case::Casual] {
            let sample = Sample::new(&pieces, case);
            let marked = sample.marked[0];
            let name = sample.text.get(marked.start..marked.end).unwrap().to_lowercase();
            assert!(name.ends_with("groß") || name.ends_with("gross"), "{name}");
            assert_eq!(Sample::new(&sample.pieces(), Case::Kept), sample);
        }
    }
}
