//! `multipart/form-data` (RFC 7578, RFC 2046) read while it comes in: the values of a few named fields are told, every
//! other byte is given back as it came.
//!
//! The reader is strict. What servers are known to read in different ways (folded or repeated headers, escapes in a
//! field's name, text before the first part) is refused: who decides by a field's value must be sure that the upstream
//! reads the same one.

mod head;
mod scanner;

pub use scanner::{Piece, Scanner};

/// The longest value of a field that is told, bytes. Names of models and the like are much shorter.
pub const LONGEST_VALUE: usize = 1024;
/// The longest head of a part, bytes.
pub const LONGEST_HEAD: usize = 8 * 1024;
/// The longest boundary, bytes (RFC 2046, 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// A body that is no form, or not one that everybody reads alike.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The content type names no boundary, or one that cannot be.
    #[error("the content-type must be multipart/form-data with one boundary of at most 70 characters")]
    Boundary,
    /// The body does not begin with the boundary.
    #[error("the body does not begin with the boundary that the content-type names")]
    Start,
    /// What follows a boundary is neither a part nor the end.
    #[error("a boundary is followed by something that is neither a part nor the end")]
    Delimiter,
    /// A part's head is too long.
    #[error("the head of a part is longer than {LONGEST_HEAD} bytes")]
    LongHead,
    /// A part's head cannot be read.
    #[error("the head of a part cannot be read: {0}")]
    Head(&'static str),
    /// The value of a field is too long.
    #[error("the field `{0}` is longer than {LONGEST_VALUE} bytes")]
    LongValue(&'static str),
    /// The value of a field is not UTF-8.
    #[error("the field `{0}` is not UTF-8")]
    Text(&'static str),
    /// There is something behind the end.
    #[error("something follows the last boundary")]
    Trailing,
    /// The body ended in the middle of a part.
    #[error("the body ends before its last boundary")]
    Incomplete,
}

/// The boundary that a content type names.
///
/// # Errors
/// When it is not that of a form, or names no boundary, several, or an impossible one.
pub fn boundary(content_type: &str) -> Result<String, MultipartError> {
    let (kind, parameters) = content_type.split_once(';').ok_or(MultipartError::Boundary)?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(MultipartError::Boundary);
    }
    let mut found = None;
    for (name, value) in head::parameters(parameters).map_err(|_| MultipartError::Boundary)? {
        if name.eq_ignore_ascii_case("boundary") && found.replace(value).is_some() {
            return Err(MultipartError::Boundary);
        }
    }
    let boundary = found.ok_or(MultipartError::Boundary)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let fits = (1..=LONGEST_BOUNDARY).contains(&boundary.len()) && boundary.bytes().all(allowed);
    if fits && !boundary.ends_with(' ') { Ok(boundary) } else { Err(MultipartError::Boundary) }
}

/// Whether a content type is that of a form.
#[must_use]
pub fn is_form(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"))
}
