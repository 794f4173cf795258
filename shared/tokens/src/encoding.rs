//! The encodings, and what can be asked of them.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::merge::{Merger, Sink};
use crate::split::{Pattern, Text};
use crate::trie::Trie;

/// An encoding: a vocabulary, a split pattern, special tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// GPT-4o, GPT-4.1, GPT-5, o1, o3, o4-mini.
    O200kBase,
    /// GPT-4, GPT-3.5 and the embedding models since ada-002.
    Cl100kBase,
    /// gpt-oss: [`Self::O200kBase`] with the special tokens of the Harmony format.
    O200kHarmony,
}

impl Encoding {
    /// How many tokens `text` is. What looks like a special token is counted as plain text.
    #[must_use]
    pub fn count(self, text: &str) -> usize {
        let mut count = 0;
        let _ = self.tokens(text, &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        });
        count
    }

    /// How many tokens these bytes are. What is not UTF-8 is counted as U+FFFD, as who reads the text gets to see it.
    #[must_use]
    pub fn count_bytes(self, bytes: &[u8]) -> usize {
        match String::from_utf8_lossy(bytes) {
            Cow::Borrowed(text) => self.count(text),
            Cow::Owned(text) => self.count(&text),
        }
    }

    /// How many tokens `text` is, if it is not more than `limit`. Stops once it is.
    #[must_use]
    pub fn count_up_to(self, text: &str, limit: usize) -> Option<usize> {
        let mut count = 0;
        let counted = self.tokens(text, &mut |_, _| {
            count += 1;
            if count > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        counted.is_continue().then_some(count)
    }

    /// The ranks of the tokens of `text`. What looks like a special token is plain text.
    #[must_use]
    pub fn encode(self, text: &str) -> Vec<u32> {
        let mut ranks = Vec::new();
        let _ = self.tokens(text, &mut |rank, _| {
            ranks.push(rank);
            ControlFlow::Continue(())
        });
        ranks
    }

    /// Gives the tokens of plain text to `sink`, until it stops.
    #[inline]
    pub(crate) fn tokens(self, text: &str, sink: &mut impl Sink) -> ControlFlow<()> {
        let mut merger = Merger::new(self.trie());
        let (pattern, pieces) = (self.pattern(), Text::new(text));
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let end = pieces.piece(pattern, at);
            merger.encode(bytes.get(at..end).unwrap_or_default(), sink)?;
            at = end;
        }
        ControlFlow::Continue(())
    }

    pub(crate) fn trie(self) -> Trie {
        match self {
            Self::O200kBase | Self::O200kHarmony => Trie(include_bytes!("tables/o200k_base.bin")),
            Self::Cl100kBase => Trie(include_bytes!("tables/cl100k_base.bin")),
        }
    }

    pub(crate) fn pattern(self) -> Pattern {
        match self {
            Self::O200kBase | Self::O200kHarmony => Pattern::O200k,
            Self::Cl100kBase => Pattern::Cl100k,
        }
    }
}
