//! What a model has said so far, kept to be counted for the case that its provider gives no figures.
//!
//! Nothing is counted while figures may still come, but what has come is folded into a counter now and then, so that a
//! long answer does not stay in memory.

use bytes::Bytes;
use postern_tokens::{Counter, count_answer, count_request, family};
use postern_wire::{Dialect, Usage};

/// How much text is kept as it is, bytes.
const KEPT: usize = 4 * 1024;

/// The text of an answer on its way by.
#[derive(Default)]
pub(super) struct Tally {
    /// Text that no counter has seen.
    pending: String,
    /// Has counted the rest, in the encoding of the upstream model.
    counter: Option<Box<Counter>>,
    /// More than text was said, or by several voices at once: the count will be an estimate.
    mixed: bool,
}

impl Tally {
    /// Adds text that `model` said.
    pub(super) fn push(&mut self, model: &str, text: &str) {
        self.pending.push_str(text);
        if self.pending.len() > KEPT {
            let counter = self.counter.get_or_insert_with(|| Box::new(Counter::new(family(model).encoding)));
            counter.push(&self.pending);
            self.pending.clear();
        }
    }

    /// Notes that the answer holds what is not plain text of one choice.
    pub(super) const fn mixed(&mut self) {
        self.mixed = true;
    }

    /// Counts a call: what was asked and what was said. Whether it is an estimate comes with it.
    pub(super) fn count(&mut self, dialect: Dialect, request: &Bytes, model: &str) -> (Usage, bool) {
        let said = std::mem::take(self);
        let family = family(model);
        let encoded = match said.counter {
            None => family.encoding.count(&said.pending) as u64,
            Some(mut counter) => {
                counter.push(&said.pending);
                counter.finish()
            }
        };
        let output = count_answer(&family, encoded);
        let (input, guessed) = match dialect.decode_request(request) {
            Ok(request) => {
                let input = count_request(model, &request);
                (input.tokens, input.estimated)
            }
            // The look at it was content with what the full reading is not.
            Err(_) => (postern_tokens::count_text(model, &String::from_utf8_lossy(request)).tokens, true),
        };
        let usage = Usage { input, output: output.tokens, ..Usage::default() };
        (usage, guessed || output.estimated || said.mixed)
    }
}
