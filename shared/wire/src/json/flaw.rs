//! What is wrong with a document, small enough to be handed through every step of a reader for nothing.

use super::JsonError;

/// Where a document is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(super) offset: usize,
    pub(super) reason: Reason,
}

impl Flaw {
    /// The same for a person.
    #[cold]
    pub(crate) fn explain(self, body: &[u8]) -> JsonError {
        JsonError::at(body, self.offset, self.reason.text())
    }
}

/// What was expected or not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    NotUtf8,
    Mark,
    Value,
    String,
    Container,
    NameOrEnd,
    Name,
    Colon,
    CommaOrBrace,
    CommaOrBracket,
    End,
    Early,
    Depth,
    Hex,
    Escape,
    Control,
    Zero,
    Digit,
}

impl Reason {
    const fn text(self) -> &'static str {
        match self {
            Self::NotUtf8 => "the text is not UTF-8",
            Self::Mark => "the text starts with a byte order mark, which JSON may not",
            Self::Value => "expected a value",
            Self::String => "expected a string",
            Self::Container => "expected an object or an array",
            Self::NameOrEnd => "expected a member name in quotes or `}`",
            Self::Name => "expected a member name in quotes",
            Self::Colon => "expected `:`",
            Self::CommaOrBrace => "expected `,` or `}`",
            Self::CommaOrBracket => "expected `,` or `]`",
            Self::End => "expected the end of the text",
            Self::Early => "the text ends too early",
            Self::Depth => "values are nested too deeply",
            Self::Hex => "expected four hexadecimal digits",
            Self::Escape => "unknown escape in a string",
            Self::Control => "a control character in a string must be escaped",
            Self::Zero => "a number may not start with 0",
            Self::Digit => "expected a digit",
        }
    }
}
