//! JSON read and edited in place: one validating pass, spans instead of a tree, edits that leave every other byte
//! as it was.
//!
//! Nothing here builds a value out of a whole body, and nothing quotes a body's text in an error. Values that were built
//! elsewhere are written by [`to_bytes`].

mod cursor;
mod scan;
mod splice;
#[cfg(test)]
mod tests;
mod text;
mod write;

pub(crate) use cursor::{Cursor, Flaw};
pub use scan::{Member, Object, scan};
pub use splice::Splice;
pub(crate) use text::Text;
pub use write::{to_bytes, write};

/// The deepest nesting that any reader here follows, the outermost object included.
pub const MAX_DEPTH: usize = 128;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, whole or not.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind with its article, for an error's text.
    #[must_use]
    pub const fn described(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// Bytes that are not JSON (RFC 8259), or not JSON we can be sure an upstream reads as we do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at line {line} column {column}")]
pub struct JsonError {
    /// Bytes before the place.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its character in the line, from 1.
    pub column: usize,
    /// What is wrong there, for a person.
    pub reason: String,
}

impl JsonError {
    fn at(body: &[u8], offset: usize, reason: impl Into<String>) -> Self {
        let before = body.get(..offset).unwrap_or(body);
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        // Bytes that begin a character; what is not UTF-8 counts byte by byte.
        let characters = before.get(line_start..).unwrap_or_default().iter().filter(|b| (**b & 0xc0) != 0x80);
        Self { offset, line, column: characters.count() + 1, reason: reason.into() }
    }
}
