//! The items of an answer as they stand while it is put together, and as they are written.

use serde_json::{Map, Value, json};

use super::{mark, reasoning};
use crate::chat::{Extra, Reasoning, ReasoningDelta, ReasoningForm};
use crate::dialect::fields::put;

/// One item.
pub(super) enum Item {
    Message {
        id: String,
        /// The item's own fields, where it was read from this format.
        rest: Extra,
        status: &'static str,
        parts: Vec<Said>,
    },
    Reasoning(Thought),
    Call(Call),
    /// An item that came whole.
    Whole(Map<String, Value>),
}

/// A part of a message.
#[derive(Default)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) refusal: bool,
    pub(super) annotations: Vec<Value>,
    pub(super) logprobs: Vec<Value>,
    /// Read from this format as a whole: it has the fields it had and no others.
    pub(super) own: bool,
    pub(super) rest: Extra,
    /// A part not known here, as it was.
    pub(super) other: Option<Map<String, Value>>,
}

/// A tool call.
pub(super) struct Call {
    pub(super) id: String,
    pub(super) call_id: String,
    pub(super) name: String,
    pub(super) custom: bool,
    pub(super) arguments: String,
    pub(super) status: &'static str,
    pub(super) rest: Extra,
}

/// Reasoning.
pub(super) struct Thought {
    id: String,
    /// The provider's id and number of it.
    known_id: Option<String>,
    number: Option<u64>,
    summary: Vec<(String, Extra)>,
    content: Vec<(String, Extra)>,
    /// The part said last is a summary.
    pub(super) in_summary: bool,
    /// What is sealed: form, data and format of the pieces; text only of another vendor's.
    sealed: Reasoning,
    signature: Option<String>,
    rest: Extra,
}

impl Item {
    pub(super) fn id(&self) -> Value {
        match self {
            Self::Message { id, .. } => id.clone().into(),
            Self::Reasoning(thought) => thought.id.clone().into(),
            Self::Call(call) => call.id.clone().into(),
            Self::Whole(map) => map.get("id").cloned().unwrap_or_default(),
        }
    }

    /// The item as it is when it begins: nothing is said yet.
    pub(super) fn begun(&self) -> Value {
        match self {
            Self::Whole(map) => {
                let mut map = map.clone();
                if map.contains_key("status") {
                    put(&mut map, "status", "in_progress");
                }
                Value::Object(map)
            }
            item => item.value(),
        }
    }

    /// The item as it is.
    pub(super) fn value(&self) -> Value {
        let mut map = Map::new();
        match self {
            Self::Message { id, rest, status, parts } => {
                put(&mut map, "type", "message");
                put(&mut map, "id", id.clone());
                put(&mut map, "status", rest.get("status").and_then(Value::as_str).unwrap_or(status));
                put(&mut map, "role", rest.get("role").and_then(Value::as_str).unwrap_or("assistant"));
                put(&mut map, "content", parts.iter().map(|part| part.value(false)).collect::<Vec<_>>());
                mark::merge(&mut map, rest);
            }
            Self::Reasoning(thought) => return thought.value(),
            Self::Call(call) => {
                put(&mut map, "type", if call.custom { "custom_tool_call" } else { "function_call" });
                put(&mut map, "id", call.id.clone());
                put(&mut map, "call_id", call.call_id.clone());
                put(&mut map, "name", call.name.clone());
                put(&mut map, if call.custom { "input" } else { "arguments" }, call.arguments.clone());
                put(
                    &mut map,
                    "status",
                    call.rest.get("status").and_then(Value::as_str).unwrap_or(call.status),
                );
                mark::merge(&mut map, &call.rest);
            }
            Self::Whole(whole) => return Value::Object(whole.clone()),
        }
        Value::Object(map)
    }

    /// A part of a message, as it is or as it was when it began.
    pub(super) fn part(&self, place: usize, begun: bool) -> Value {
        match self {
            Self::Message { parts, .. } => parts.get(place).map(|part| part.value(begun)).unwrap_or_default(),
            _ => Value::Null,
        }
    }
}

impl Said {
    fn value(&self, begun: bool) -> Value {
        if let Some(other) = &self.other {
            return Value::Object(other.clone());
        }
        let text = if begun { "" } else { &self.text };
        let mut map = Map::new();
        if self.refusal {
            put(&mut map, "type", "refusal");
            put(&mut map, "refusal", text);
        } else {
            let word = self.rest.get("type").and_then(Value::as_str).unwrap_or("output_text");
            put(&mut map, "type", word);
            put(&mut map, "text", text);
            let annotations: &[Value] = if begun { &[] } else { &self.annotations };
            let logprobs: &[Value] = if begun { &[] } else { &self.logprobs };
            if !self.own || !annotations.is_empty() {
                put(&mut map, "annotations", annotations);
            }
            if !self.own || !logprobs.is_empty() {
                put(&mut map, "logprobs", logprobs);
            }
        }
        mark::merge(&mut map, &self.rest);
        Value::Object(map)
    }
}

impl Thought {
    pub(super) fn new(id: String, piece: &ReasoningDelta) -> Self {
        let rest = match piece.extra.get("item") {
            Some(Value::Object(rest)) => rest.clone(),
            _ => Extra::new(),
        };
        let sealed = Reasoning {
            form: piece.reasoning.form,
            format: piece.reasoning.format.clone(),
            ..Reasoning::default()
        };
        Self {
            id,
            known_id: piece.id.clone(),
            number: piece.index,
            summary: Vec::new(),
            content: Vec::new(),
            in_summary: false,
            sealed,
            signature: None,
            rest,
        }
    }

    fn is_ours(&self) -> bool {
        self.sealed.format.as_deref() == Some(reasoning::FORMAT)
    }

    /// Whether a piece belongs to this item. `in_part`: its last part has not ended.
    pub(super) fn goes_on_with(&self, piece: &ReasoningDelta, in_part: bool) -> bool {
        let (mine, theirs) = (self.sealed.format.as_ref(), piece.reasoning.format.as_ref());
        // Whose reasoning it is may be said with its signature only, at the end.
        let only_signs = piece.reasoning.text.is_empty() && piece.reasoning.data.is_none();
        let is_other = theirs.is_some() && theirs != mine && !(mine.is_none() && only_signs);
        if piece.extra.contains_key("item") || is_other {
            return false;
        }
        match (&self.known_id, &piece.id) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ if self.number.is_some() && piece.index.is_some() => self.number == piece.index,
            _ => in_part || (self.is_ours() && self.sealed.data.is_none()) || self.is_empty(),
        }
    }

    /// Nothing but a number so far: a signature may still come.
    fn is_empty(&self) -> bool {
        self.summary.is_empty()
            && self.content.is_empty()
            && self.sealed.data.is_none()
            && self.signature.is_none()
    }

    /// Adds text. Returns the place of its part and whether it begins there.
    pub(super) fn think(&mut self, text: &str, summary: bool, extra: &Extra, new: bool) -> (usize, bool) {
        self.in_summary = summary;
        let parts = if summary { &mut self.summary } else { &mut self.content };
        let begins = new || parts.is_empty();
        if begins {
            parts.push((String::new(), extra.clone()));
        }
        if let Some((said, _)) = parts.last_mut() {
            said.push_str(text);
        }
        (parts.len().saturating_sub(1), begins)
    }

    /// Takes what has to go back to the vendor.
    pub(super) fn seal(&mut self, piece: &ReasoningDelta) {
        if self.sealed.format.is_none() {
            self.sealed.format.clone_from(&piece.reasoning.format);
        }
        if let Some(data) = &piece.reasoning.data {
            self.sealed.data.get_or_insert_default().push_str(data);
        }
        if let Some(signature) = &piece.signature {
            self.signature.get_or_insert_default().push_str(signature);
        }
        if !self.is_ours() {
            self.sealed.text.push_str(&piece.reasoning.text);
            if self.sealed.form == ReasoningForm::Opaque {
                self.sealed.form = piece.reasoning.form;
            }
        }
    }

    /// The part said last: its place, its text and itself.
    pub(super) fn last(&self) -> Option<(usize, String, Value)> {
        let (parts, word) =
            if self.in_summary { (&self.summary, "summary_text") } else { (&self.content, "reasoning_text") };
        let (text, _) = parts.last()?;
        Some((parts.len() - 1, text.clone(), json!({"type": word, "text": text})))
    }

    fn value(&self) -> Value {
        let list = |parts: &[(String, Extra)], word| -> Vec<Value> {
            parts.iter().map(|(text, extra)| reasoning::text(word, text, extra)).collect()
        };
        let mut map = Map::new();
        put(&mut map, "type", "reasoning");
        put(&mut map, "id", self.id.clone());
        put(&mut map, "summary", list(&self.summary, "summary_text"));
        if !self.content.is_empty() {
            put(&mut map, "content", list(&self.content, "reasoning_text"));
        }
        if let Some(sealed) = reasoning::seal(&self.sealed, self.signature.as_ref()) {
            put(&mut map, "encrypted_content", sealed);
        }
        mark::merge(&mut map, &self.rest);
        Value::Object(map)
    }
}
