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

mod class;
mod decode;
mod encoding;
mod merge;
mod model;
mod special;
mod split;
mod stream;
mod trie;
mod truncate;
#[cfg(test)]
mod work;

pub use decode::UnknownToken;
pub use encoding::Encoding;
pub use stream::Counter;
