//! The items of a request's `input`, written.

use serde_json::{Map, Value};

use super::item::word_of_result;
use super::part::{self, Side};
use super::{mark, reasoning};
use crate::chat::{Content, Message, Part, Role, Shape, ToolCall, ToolKind, ToolResult};
use crate::dialect::fields::{put, put_some};
use crate::dialect::loss::Notes;

/// Writes messages as items, in order.
pub(super) struct Items<'a> {
    /// The request was read from this format.
    pub(super) own: bool,
    pub(super) notes: &'a mut Notes,
    pub(super) written: Vec<Value>,
    calls: Vec<Call>,
}

/// A call that was written, for the results that follow.
struct Call {
    id: String,
    name: String,
    custom: bool,
    answered: bool,
}

impl<'a> Items<'a> {
    pub(super) const fn new(own: bool, notes: &'a mut Notes) -> Self {
        Self { own, notes, written: Vec::new(), calls: Vec::new() }
    }

    /// Writes the items of one message, the `index`th.
    pub(super) fn push(&mut self, message: &Message, index: usize) {
        let place = format!("messages[{index}]");
        if message.name.is_some() {
            self.notes.hint(format!("{place}.name"), "OpenAI Responses has no names of participants");
        }
        let mut said: Vec<(usize, &Part)> = Vec::new();
        let mut thought: Vec<&Part> = Vec::new();
        let mut first = true;
        for (number, part) in message.parts.iter().enumerate() {
            let continues = matches!(part.content, Content::Reasoning(_))
                && thought.last().is_some_and(|last| reasoning::continues(last, part));
            if !continues {
                self.reasoning(&mut thought, &place);
            }
            if is_content(part) {
                said.push((number, part));
                continue;
            }
            self.message(message, &mut said, &mut first, &place);
            match &part.content {
                Content::Reasoning(_) => thought.push(part),
                Content::ToolCall(call) => self.call(call, part, number, &place),
                Content::ToolResult(result) => self.result(result, part, number, &place),
                Content::Other(kind) => self.other(kind, part),
                _ => {}
            }
        }
        self.reasoning(&mut thought, &place);
        if message.parts.is_empty() {
            let content = part::encode_content(&[], message.shape, Side::Input, &place, self.own, self.notes);
            self.item(message, content, true);
        } else {
            self.message(message, &mut said, &mut first, &place);
        }
    }

    /// A message item of what was said up to here.
    fn message<'m>(
        &mut self,
        message: &'m Message,
        said: &mut Vec<(usize, &'m Part)>,
        first: &mut bool,
        place: &str,
    ) {
        let said = std::mem::take(said);
        if said.is_empty() {
            return;
        }
        let side = if message.role == Role::Assistant { Side::Output } else { Side::Input };
        let whole = said.len() == message.parts.len();
        // What lost all of its parts says nothing any more; the loss is noted.
        let shape = if whole || self.own { message.shape } else { Shape::Auto };
        let content = part::encode_content(&said, shape, side, place, self.own, self.notes);
        if content.as_array().is_some_and(Vec::is_empty) {
            return;
        }
        self.item(message, content, std::mem::take(first));
    }

    fn item(&mut self, message: &Message, content: Value, with_extra: bool) {
        let role = match &message.role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::Assistant => "assistant",
            Role::User | Role::Tool | Role::Function => "user",
            Role::Other(_) => {
                self.notes.hint(
                    "messages.role",
                    "a role that OpenAI Responses does not know is told as the user's",
                );
                "user"
            }
        };
        let mut map = Map::new();
        put(&mut map, "type", "message");
        put(&mut map, "role", role);
        put(&mut map, "content", content);
        if with_extra {
            mark::merge(&mut map, &message.extra);
        }
        self.written.push(Value::Object(map));
    }

    fn reasoning(&mut self, thought: &mut Vec<&Part>, place: &str) {
        let parts = std::mem::take(thought);
        if parts.is_empty() {
            return;
        }
        if reasoning::is_ours(&parts, self.own) {
            self.written.push(Value::Object(reasoning::encode(&parts)));
        } else {
            self.notes.hint(
                format!("{place}.reasoning"),
                "only sealed reasoning of OpenAI's own models can be sent back to them",
            );
        }
    }

    fn call(&mut self, call: &ToolCall, part: &Part, number: usize, place: &str) {
        let mut map = Map::new();
        let custom = match &call.kind {
            ToolKind::Function | ToolKind::LegacyFunction => false,
            ToolKind::Custom => true,
            ToolKind::BuiltIn(_) => {
                self.notes.meaning(
                    format!("{place}.content[{number}]"),
                    "a call of a tool that ran at another provider cannot be told in OpenAI Responses",
                );
                return;
            }
        };
        // A vendor without ids still needs one here: the number of the call in the conversation.
        let id = match call.id.as_ref().filter(|id| self.own || !id.is_empty()) {
            Some(id) => id.clone(),
            None => format!("call_{}", self.calls.len()),
        };
        put(&mut map, "type", if custom { "custom_tool_call" } else { "function_call" });
        put(&mut map, "call_id", id.clone());
        put(&mut map, "name", call.name.clone());
        match &*call.arguments {
            input if custom => put(&mut map, "input", input),
            "" if !self.own => put(&mut map, "arguments", "{}"),
            arguments => put(&mut map, "arguments", arguments),
        }
        if part.signature.is_some() && !self.own {
            self.notes.hint(format!("{place}.content[{number}].signature"), "only reasoning carries one");
        }
        self.no_cache(part, number, place);
        mark::merge(&mut map, &part.extra);
        self.written.push(Value::Object(map));
        self.calls.push(Call { id, name: call.name.clone(), custom, answered: false });
    }

    fn result(&mut self, result: &ToolResult, part: &Part, number: usize, place: &str) {
        // By id, or else the first call without a result, of the same name if there is one.
        let by_id = |call: &Call| result.call_id.as_deref() == Some(call.id.as_str());
        let by_name =
            |call: &Call| !call.answered && result.name.as_ref().is_none_or(|name| *name == call.name);
        let known = self
            .calls
            .iter()
            .rposition(by_id)
            .or_else(|| result.call_id.is_none().then(|| self.calls.iter().position(by_name)).flatten());
        let call = known.and_then(|known| self.calls.get_mut(known));
        let (id, custom) = match call {
            Some(call) => {
                call.answered = true;
                (call.id.clone(), call.custom)
            }
            None => (result.call_id.clone().unwrap_or_default(), false),
        };
        let word = part.extra.get("type").and_then(Value::as_str).unwrap_or(word_of_result(custom));
        let mut map = Map::new();
        put(&mut map, "type", word);
        put(&mut map, "call_id", id);
        let parts: Vec<(usize, &Part)> = result.parts.iter().enumerate().collect();
        let field = format!("{place}.content[{number}]");
        // The call says the name as well; only this format's own callers said it here.
        put_some(&mut map, "name", result.name.as_ref().filter(|_| self.own));
        if !self.own && result.name.is_some() && known.is_none() {
            self.notes.hint(format!("{field}.name"), "a result says which call it is for, not which tool");
        }
        let output = part::encode_content(&parts, result.shape, Side::Input, &field, self.own, self.notes);
        put(&mut map, "output", output);
        if result.is_error {
            self.notes.hint(format!("{field}.is_error"), "a tool's failure can only be told in its text");
        }
        self.no_cache(part, number, place);
        mark::merge(&mut map, &part.extra);
        self.written.push(Value::Object(map));
    }

    fn other(&mut self, kind: &str, part: &Part) {
        let mut map = Map::new();
        put(&mut map, "type", kind);
        mark::merge(&mut map, &part.extra);
        self.written.push(Value::Object(map));
    }

    fn no_cache(&mut self, part: &Part, number: usize, place: &str) {
        if part.cache.is_some() {
            self.notes.hint(
                format!("{place}.content[{number}].cache"),
                "OpenAI caches prompts without being asked",
            );
        }
    }
}

/// Whether a part stands in a message's content rather than being an item.
fn is_content(part: &Part) -> bool {
    match &part.content {
        Content::Reasoning(_) | Content::ToolCall(_) | Content::ToolResult(_) => false,
        Content::Other(_) => !mark::is_other(part, mark::ITEM),
        Content::Text(_)
        | Content::Image(_)
        | Content::Audio(_)
        | Content::Video(_)
        | Content::File(_)
        | Content::Refusal(_) => true,
    }
}
