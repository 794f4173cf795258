//! Token counts: of texts in OpenAI's encodings, exactly, and of whole requests and answers by the rules that vendors
//! publish.
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
mod decode;
mod encoding;
mod family;
mod image;
mod merge;
mod model;
mod special;
mod split;
mod stream;
mod trie;
mod truncate;
#[cfg(test)]
mod work;

pub use chat::{Count, count_answer, count_request, count_text};
pub use decode::UnknownToken;
pub use encoding::Encoding;
pub use family::{Basis, Family, family};
pub use stream::Counter;
