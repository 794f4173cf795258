//! Cuts text to a number of tokens.

use std::ops::ControlFlow;

use crate::encoding::Encoding;

impl Encoding {
    /// The longest beginning of `text` that ends where one of its first `limit` tokens ends and not inside a character, and
    /// that is at most `limit` tokens by itself: text that was cut is not always cut into tokens as before.
    #[must_use]
    pub fn truncate(self, text: &str, limit: usize) -> &str {
        let (mut count, mut at) = (0, 0);
        // Where each token ends that ends a character.
        let mut ends = Vec::new();
        let all = self.tokens(text, &mut |_, size| {
            if count == limit {
                return ControlFlow::Break(());
            }
            (count, at) = (count + 1, at + size);
            if text.is_char_boundary(at) {
                ends.push(at);
            }
            ControlFlow::Continue(())
        });
        if all.is_continue() {
            return text;
        }
        while let Some(end) = ends.pop() {
            let beginning = text.get(..end).unwrap_or_default();
            if self.count_up_to(beginning, limit).is_some() {
                return beginning;
            }
        }
        ""
    }
}
