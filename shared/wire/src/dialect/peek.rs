//! What the checks of a caller's request have in common, in formats whose body names the model: see
//! [`openai_chat::peek`](super::openai_chat::peek).

use std::ops::Range;

use super::DecodeError;
use crate::json::{Cursor, Flaw, Kind};

/// The longest name of a model, bytes. Names go into records, headers and errors.
const LONGEST_MODEL: usize = 256;

/// Why a body is refused.
pub(crate) enum Refusal {
    /// It is not JSON.
    Json(Flaw),
    /// A field is missing or wrong.
    Field(DecodeError),
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Self {
        Self::Json(flaw)
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        Self::Field(error)
    }
}

impl Refusal {
    /// The error for the caller. `members` names what a request must have.
    pub(crate) fn explain(self, body: &[u8], members: &str) -> DecodeError {
        match self {
            Self::Field(error) => error,
            Self::Json(_) if body.iter().all(u8::is_ascii_whitespace) => {
                DecodeError::at("", format!("the body is empty: send a JSON object with {members}"))
            }
            Self::Json(flaw) => {
                DecodeError::at("", format!("the body is not valid JSON: {}", flaw.explain(body)))
            }
        }
    }
}

#[cold]
pub(crate) fn mismatch(path: impl Into<String>, expected: &str, got: Kind) -> DecodeError {
    DecodeError::at(path, format!("expected {expected}, got {}", got.described()))
}

/// Reads the name of the model; the span is that of the value, quotes included.
pub(crate) fn read_model(cursor: &mut Cursor<'_>, kind: Kind) -> Result<(String, Range<usize>), Refusal> {
    if kind != Kind::String {
        return Err(mismatch("model", "a string", kind).into());
    }
    let text = cursor.text()?;
    let Some(model) = text.decoded() else {
        return Err(
            DecodeError::at("model", "has an escape that is half a character: send plain UTF-8").into()
        );
    };
    if model.trim().is_empty() {
        return Err(DecodeError::at("model", "is empty: name the model that is to answer").into());
    }
    if model.len() > LONGEST_MODEL {
        let reason = format!("is longer than {LONGEST_MODEL} bytes: no model has such a name");
        return Err(DecodeError::at("model", reason).into());
    }
    Ok((model.into_owned(), text.span()))
}

/// Reads the messages, at least one, each an object that `read_message` checks; it is given its place.
pub(crate) fn read_messages(
    cursor: &mut Cursor<'_>,
    kind: Kind,
    read_message: impl Fn(&mut Cursor<'_>, usize) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if kind != Kind::Array {
        return Err(mismatch("messages", "an array", kind).into());
    }
    let mut list = cursor.enter()?;
    let mut index = 0;
    while cursor.item(&mut list)? {
        let kind = cursor.kind()?;
        if kind != Kind::Object {
            return Err(mismatch(format!("messages[{index}]"), "an object", kind).into());
        }
        read_message(cursor, index)?;
        index += 1;
    }
    if index == 0 {
        return Err(DecodeError::at("messages", "is empty: send at least one message").into());
    }
    Ok(())
}
