//! Counts text that comes piece by piece.

use std::ops::ControlFlow;

use crate::encoding::Encoding;
use crate::merge::{Merger, WINDOW};
use crate::split::{Text, Within};

/// Text is counted once so much of it has come, in bytes.
const ENOUGH: usize = 1024;
/// What stands for bytes that are not UTF-8.
const REPLACEMENT: &str = "\u{fffd}";

/// A count of text that comes piece by piece, cut anywhere, also inside characters. It is the count of the whole.
///
/// The work is linear in the length of the text. What is kept is the piece of text that more text could change, mostly a
/// word: a few kilobytes at most for ordinary text, about 50 KB for one endless word. Only where such a word gives no
/// place that is certainly a boundary of tokens, which tests have not found in long ones, and for capitals without an
/// end after letters that have no case, which are in the word or not depending on what follows, is all of it kept.
#[derive(Clone, Debug)]
pub struct Counter {
    encoding: Encoding,
    /// Tokens that nothing can change any more.
    settled: usize,
    /// The text after these.
    text: String,
    /// Where in a piece `text` begins.
    within: Within,
    /// The beginning of a character.
    cut: Vec<u8>,
    /// How long `text` is when it is counted next.
    next: usize,
}

impl Counter {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            settled: 0,
            text: String::new(),
            within: Within::Start,
            cut: Vec::new(),
            next: ENOUGH,
        }
    }

    /// More of the text. What is not UTF-8 counts as U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(WINDOW) {
            if self.cut.is_empty() {
                self.decode(bytes);
            } else {
                let mut joined = std::mem::take(&mut self.cut);
                joined.extend_from_slice(bytes);
                self.decode(&joined);
            }
            if self.text.len() >= self.next {
                self.settle();
            }
        }
    }

    /// How many tokens the text is, if it ends here. Looks at what is kept of it.
    #[must_use]
    pub fn count(&self) -> usize {
        let mut rest = self.clone();
        if !rest.cut.is_empty() {
            rest.text.push_str(REPLACEMENT);
        }
        rest.pieces(true);
        rest.settled
    }

    /// How many bytes of the text are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.text.len()
    }

    /// Adds what bytes mean to the text; keeps what may be the beginning of a character.
    fn decode(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let unfinished = std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if chunks.peek().is_none() && unfinished {
                self.cut = invalid.to_vec();
            } else {
                self.text.push_str(REPLACEMENT);
            }
        }
    }

    /// Counts what more text cannot change.
    fn settle(&mut self) {
        self.pieces(false);
        if self.text.len() >= WINDOW {
            self.settle_within();
        }
        // Twice as much before the same is looked at again: so each byte is looked at a few times on average.
        self.next = (self.text.len() * 2).max(ENOUGH);
    }

    /// Counts whole pieces: all of them, or those that more text cannot change.
    fn pieces(&mut self, all: bool) {
        let text = Text::new(&self.text);
        let bytes = self.text.as_bytes();
        let mut merger = Merger::new(self.encoding.trie());
        let (mut at, mut count) = (0, 0);
        while at < bytes.len() {
            let end = text.rest(self.encoding.pattern(), at, self.within);
            if text.went_past_end() && !all {
                break;
            }
            let _ = merger.encode(bytes.get(at..end).unwrap_or_default(), &mut |_, _| {
                count += 1;
                ControlFlow::Continue(())
            });
            (at, self.within) = (end, Within::Start);
        }
        self.settled += count;
        self.text.drain(..at);
    }

    /// Counts the certain tokens at the beginning of a long piece.
    fn settle_within(&mut self) {
        let text = Text::new(&self.text);
        let open = text.open(self.encoding.pattern(), 0, self.within);
        let mut merger = Merger::new(self.encoding.trie());
        let known = self.text.as_bytes().get(..open.certain).unwrap_or_default();
        let (mut at, mut count) = (0, 0);
        let _ = merger.settle(known, &mut |_, size| {
            (at, count) = (at + size, count + 1);
            ControlFlow::Continue(())
        });
        if at == 0 {
            return;
        }
        self.settled += count;
        self.within = if at <= open.switch { open.before } else { open.after };
        self.text.drain(..at);
    }
}
