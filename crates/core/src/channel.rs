//! Where a piece of text comes from. Trust differs by channel, so detectors and policy do too.

use serde::{Deserialize, Serialize};

/// Origin of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Channel {
    /// Written by the user, or a request field of unknown meaning.
    User,
    /// System or developer prompt, written by the application.
    System,
    /// A document handed to the model: retrieval, file, search result.
    Document,
    /// What a tool returned.
    ToolResult,
    /// Names, descriptions and schemas of tools and response formats.
    ToolSchema,
    /// Name and arguments of a tool call, made by the model.
    ToolCall,
    /// Text, reasoning or refusal written by the model.
    Output,
}

impl Channel {
    /// All channels, in declaration order.
    pub const ALL: [Self; 7] = [
        Self::User,
        Self::System,
        Self::Document,
        Self::ToolResult,
        Self::ToolSchema,
        Self::ToolCall,
        Self::Output,
    ];

    /// Name used in policy and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::System => "system",
            Self::Document => "document",
            Self::ToolResult => "tool-result",
            Self::ToolSchema => "tool-schema",
            Self::ToolCall => "tool-call",
            Self::Output => "output",
        }
    }

    /// Reads a name written by [`Channel::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// Whether text on this channel was written by someone the application does not control.
    pub const fn is_untrusted(self) -> bool {
        !matches!(self, Self::System)
    }
}

impl std::fmt::Display for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ChannelSet(u8);

impl ChannelSet {
    /// No channel.
    pub const EMPTY: Self = Self(0);
    /// Every channel.
    pub const ALL: Self = Self(0x7F);
    /// Every channel of a request: all but the model's own words.
    pub const INPUT: Self = Self::of(&[
        Channel::User,
        Channel::System,
        Channel::Document,
        Channel::ToolResult,
        Channel::ToolSchema,
    ]);

    /// The set of the given channels.
    pub const fn of(channels: &[Channel]) -> Self {
        let mut bits = 0;
        let mut rest = channels;
        while let [first, tail @ ..] = rest {
            bits |= 1 << (*first as u8);
            rest = tail;
        }
        Self(bits)
    }

    /// The set with one more channel.
    #[must_use]
    pub const fn with(self, channel: Channel) -> Self {
        Self(self.0 | 1 << (channel as u8))
    }

    /// Channels of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the channel is in the set.
    pub const fn contains(self, channel: Channel) -> bool {
        self.0 & (1 << (channel as u8)) != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The channels of the set, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Channel> {
        Channel::ALL.into_iter().filter(move |channel| self.contains(*channel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for channel in Channel::ALL {
            assert_eq!(Channel::from_name(channel.name()), Some(channel));
            assert!(ChannelSet::ALL.contains(channel));
        }
        assert_eq!(Channel::from_name("nowhere"), None);
    }

    #[test]
    fn input_leaves_out_the_models_words() {
        assert!(!ChannelSet::INPUT.contains(Channel::Output));
        assert!(!ChannelSet::INPUT.contains(Channel::ToolCall));
        assert_eq!(ChannelSet::INPUT.iter().count(), 5);
    }
}
