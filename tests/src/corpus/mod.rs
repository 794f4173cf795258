//! The corpus: one folder a case, one exchange each. `tests/corpus/README.md` says how a case is written.
//!
//! This module reads cases; it plays nothing. A case that is not written well is an error with its path, never a case
//! that is left out.

mod case;
mod file;
mod format;
mod forward;
mod frames;
mod load;
mod service;

pub use case::{Case, Conduct, ExpectedError, Key, Leaves, RecordRule, Request, Upstream};
pub use format::Format;
pub use load::{folder, load};
pub use service::Service;
