//! What a field of the document may hold: how it is read, written back and described.
//!
//! A shape is told apart from the Rust type it reads into, so a `Duration` can have bounds and a `u64` can be a size.

use serde_json::Value;

use super::reader::Reader;

/// What a field may hold.
pub(super) trait Shape {
    /// The Rust type it becomes.
    type Value;

    /// Reads `value`; `None` after telling `reader` every problem with it.
    fn read(value: &Value, reader: &mut Reader) -> Option<Self::Value>;

    /// Writes it as in a document, in its canonical form. Null means "leave it out". Literal secrets are hidden.
    fn write(value: &Self::Value) -> Value;

    /// Describes it for the JSON Schema and the reference.
    fn describe() -> Description;

    /// What it is when the document does not have it; `None` when it must be there.
    #[must_use]
    fn absent() -> Option<Self::Value> {
        None
    }
}

/// A shape in data: the JSON Schema and the reference are made from this.
#[derive(Clone, Debug)]
pub enum Description {
    /// One value.
    Scalar {
        /// What to call it in the reference: "duration", "size", ...
        label: String,
        /// Its JSON Schema.
        schema: Value,
    },
    /// A list.
    List {
        /// Each element.
        item: Box<Self>,
        /// At least so many.
        least: usize,
    },
    /// A map from names to entries that are all alike.
    Map {
        /// What a name is: "provider name", ...
        name: &'static str,
        /// A regular expression that every name matches.
        pattern: &'static str,
        /// Each entry.
        entry: Box<Self>,
        /// At least so many.
        least: usize,
    },
    /// A map with known keys.
    Section {
        /// What it is about.
        about: String,
        /// Its keys.
        fields: Vec<Field>,
    },
}

/// A key of a section.
#[derive(Clone, Debug)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What it does.
    pub about: String,
    /// Whether it must be there.
    pub presence: Presence,
    /// What it holds.
    pub shape: Description,
}

/// Whether a key must be there.
#[derive(Clone, Debug, PartialEq)]
pub enum Presence {
    /// It must.
    Required,
    /// It may be left out, which means that there is none.
    Optional,
    /// It may be left out, which means this.
    Default(Value),
}

impl Description {
    /// A single value.
    pub(super) fn scalar(label: impl Into<String>, schema: Value) -> Self {
        Self::Scalar { label: label.into(), schema }
    }
}
