//! Exact token counts of OpenAI's encodings.
//!
//! The vocabularies are tables of bytes that are searched where they lie: nothing is built at the start, so the first
//! count of a new process or isolate takes microseconds. The counts are those of `tiktoken`, token by token; the tests
//! compare them with `tiktoken-rs`.
//!
//! ```
//! use postern_tokens::Encoding;
//!
//! let (encoding, exact) = Encoding::for_model("gpt-4o-mini");
//! assert_eq!((encoding, exact), (Encoding::O200kBase, true));
//! assert_eq!(encoding.count("hello world"), 2);
//! ```

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod chat;
mod class;
mod encoding;
mod family;
mod image;
mod merge;
mod model;
mod split;
mod trie;

pub use chat::{Count, count_answer, count_request, count_text};
pub use encoding::Encoding;
pub use family::{Basis, Family, family};
/// stub
pub struct Counter(u64, Encoding);
impl Counter {
    /// x
    pub fn new(e: Encoding) -> Self {
        Self(0, e)
    }
    /// x
    pub fn push(&mut self, t: &str) {
        self.0 += self.1.count(t) as u64;
    }
    /// x
    pub fn finish(self) -> u64 {
        self.0
    }
}
