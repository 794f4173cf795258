//! Marks that a reader of this format leaves in `extra` and its writer takes out again.
//!
//! They tell the writer what was read from this format and how it was spelt. A mark whose value says nothing (`null`)
//! is left behind without a word when the conversation goes to another format.

use serde_json::{Map, Value};

use crate::chat::{Content, Extra, Part};

/// On a request: it was read from this format. On a part that is not known here ([`Content::Other`]): it is an
/// [`ITEM`] of this format or a part of a message's content ([`PART`]).
pub(super) const ORIGIN: &str = "openai_responses";
/// See [`ORIGIN`].
pub(super) const ITEM: &str = "item";
/// See [`ORIGIN`].
pub(super) const PART: &str = "part";
/// On a message: it was the field `instructions`.
pub(super) const INSTRUCTIONS: &str = "openai_responses_instructions";
/// On a message: it was the field `input`, a string.
pub(super) const INPUT: &str = "openai_responses_input";
/// On a tool: `strict` was not said, and is true by default.
pub(super) const STRICT_BY_DEFAULT: &str = "openai_responses_strict";

/// On a request: which sort of summary of its reasoning was asked for, the value of `reasoning.summary`.
pub(super) const SUMMARY: &str = "=openai_responses_summary";

/// All marks, to be taken out of what is written.
const ALL: [&str; 5] = [ORIGIN, INSTRUCTIONS, INPUT, STRICT_BY_DEFAULT, SUMMARY];

/// An item or a part that is not known here; `fields` are all of its fields but `type`.
pub(super) fn other(kind: String, mut fields: Extra, what: &str) -> Part {
    fields.insert(ORIGIN.to_owned(), what.into());
    Part { extra: fields, ..Part::new(Content::Other(kind)) }
}

/// Whether a part is an item or a part (`what`) of this format that is not known here.
pub(super) fn is_other(part: &Part, what: &str) -> bool {
    matches!(part.content, Content::Other(_)) && part.extra.get(ORIGIN).is_some_and(|mark| mark == what)
}

/// Adds what a reader left over, without the marks.
pub(super) fn merge(written: &mut Map<String, Value>, rest: &Extra) {
    for (name, value) in rest {
        if ALL.contains(&name.as_str()) {
            continue;
        }
        match (written.get_mut(name), value) {
            (None, value) => {
                written.insert(name.clone(), value.clone());
            }
            (Some(Value::Object(mine)), Value::Object(theirs)) => crate::dialect::fields::merge(mine, theirs),
            (Some(_), _) => {}
        }
    }
}
