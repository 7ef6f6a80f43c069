//! Texts that are judged together, and the way back from the joined text to each.

use std::borrow::Cow;

use bartizan_core::{Channel, Span};
use bartizan_guard::{Edit, Session};

use super::{Form, Leaf, TextEdit};

/// Several leaves as one text.
pub(super) struct Joined<'l, 'd> {
    pub(super) text: Cow<'l, str>,
    pub(super) channel: Channel,
    pub(super) leaves: Vec<&'l Leaf<'d>>,
    /// First byte of each leaf in the text.
    pub(super) starts: Vec<usize>,
}

impl<'l, 'd> Joined<'l, 'd> {
    pub(super) fn new(leaves: Vec<&'l Leaf<'d>>, separator: &str) -> Self {
        let channel = leaves.first().map_or(Channel::User, |leaf| leaf.channel);
        if let [leaf] = leaves.as_slice() {
            let text = Cow::Borrowed(&*leaf.text);
            return Self { text, channel, leaves, starts: vec![0] };
        }
        let mut text = String::new();
        let mut starts = Vec::with_capacity(leaves.len());
        for leaf in &leaves {
            if !starts.is_empty() {
                text.push_str(separator);
            }
            starts.push(text.len());
            text.push_str(&leaf.text);
        }
        Self { text: Cow::Owned(text), channel, leaves, starts }
    }

    /// Index of the leaf that holds the byte at `at`, or of the last before it.
    pub(super) fn index_at(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Where each leaf stands in the text.
    pub(super) fn texts(&self) -> Vec<Span> {
        let leaves = self.leaves.iter().zip(&self.starts);
        leaves.map(|(leaf, start)| Span::new(*start, start + leaf.text.len())).collect()
    }

    pub(super) fn leaf_at(&self, at: usize) -> Option<&'l Leaf<'d>> {
        self.leaves.get(self.index_at(at)).copied()
    }

    /// Whether a span reaches over the break between two leaves.
    pub(super) fn crosses(&self, span: Span) -> bool {
        let next = self.starts.get(self.index_at(span.start) + 1);
        next.is_some_and(|start| *start < span.end)
    }

    /// Turns an edit of the joined text into edits of its leaves: the first gets the new text. What is
    /// written alike for different values is numbered in the names of members, which stay apart.
    pub(super) fn split(&self, edit: &Edit, session: &Session, edits: &mut Vec<TextEdit>) {
        let span = edit.span;
        let first = self.index_at(span.start);
        let is_key = self.leaves.get(first).is_some_and(|leaf| leaf.form == Form::Key);
        let numbered = edit.alike.filter(|_| is_key).map(|label| {
            let value = self.text.get(span.range()).unwrap_or_default();
            session.vault().placeholder(label, value, false)
        });
        let mut text = Some(numbered.as_deref().unwrap_or(&edit.text));
        let touched = self.leaves.iter().zip(&self.starts).skip(first);
        for (leaf, start) in touched.take_while(|(_, start)| **start < span.end) {
            let from = span.start.max(*start);
            let to = span.end.min(start + leaf.text.len());
            if from < to {
                edits.push(TextEdit {
                    id: leaf.id,
                    form: leaf.form,
                    range: from - start..to - start,
                    text: text.take().unwrap_or_default().to_owned(),
                });
            }
        }
    }
}
