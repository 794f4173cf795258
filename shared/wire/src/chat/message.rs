//! One message: who speaks, and the parts said.

use std::borrow::Cow;

use super::{Content, Extra, Part, Role};

/// How the text of a message was spelt, for formats that allow more than one way; keeps what is written equal to what
/// was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Whatever is usual for the format.
    #[default]
    Auto,
    /// One string.
    Text,
    /// A list of parts, even if it is a single text.
    Parts,
    /// An explicit `null`.
    Null,
    /// No field at all.
    Absent,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The participant's name, to tell several of one role apart.
    pub name: Option<String>,
    /// What is said, in order. Empty text has no part, see `shape`.
    pub parts: Vec<Part>,
    /// How the text was spelt.
    pub shape: Shape,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Message {
    /// A message of one text.
    #[must_use]
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self::new(role, vec![Part::text(text)])
    }

    /// A message of some parts.
    #[must_use]
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, name: None, parts, shape: Shape::Auto, extra: Extra::new() }
    }

    /// All text parts together; borrowed when there is at most one.
    #[must_use]
    pub fn joined_text(&self) -> Cow<'_, str> {
        join_text(&self.parts)
    }

    /// The tool calls in this message.
    pub fn tool_calls(&self) -> impl Iterator<Item = &super::ToolCall> {
        self.parts.iter().filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

/// The text parts one after another, without a separator.
pub(crate) fn join_text(parts: &[Part]) -> Cow<'_, str> {
    let mut texts = parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    let Some(first) = texts.next() else { return Cow::Borrowed("") };
    let mut joined = Cow::Borrowed(first);
    for next in texts {
        joined.to_mut().push_str(next);
    }
    joined
}
