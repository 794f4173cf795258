//! The system prompt and the messages of a conversation.

use serde_json::{Map, Value};

use super::model::Abilities;
use super::{part, reasoning, tool};
use crate::chat::{Content, Message, Part, Request, Role, Shape, ToolCall, ToolKind, ToolResult};
use crate::dialect::DecodeError;
use crate::dialect::cache_mark;
use crate::dialect::fields::{self, Path, merge, put};
use crate::dialect::loss::Notes;

/// Reads `system`, a text or a list of text blocks, as a message of its own.
pub(super) fn take_system(map: &mut Map<String, Value>) -> Result<Option<Message>, DecodeError> {
    let (parts, shape) = part::take_content(map, &Path::Root, "system", false)?;
    Ok((shape != Shape::Absent).then(|| Message { shape, ..Message::new(Role::System, parts) }))
}

/// Reads one message.
pub(super) fn decode_message(value: Value, path: &Path<'_>) -> Result<Message, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let role = match fields::need_string(&mut map, path, "role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        _ => return Err(path.field_error("role", "expected user, assistant or system")),
    };
    let (parts, shape) = part::take_content(&mut map, path, "content", false)?;
    if shape == Shape::Absent {
        return Err(path.field_error("content", "required: a string or an array of content blocks"));
    }
    Ok(Message { role, name: None, parts, shape, extra: map })
}

/// Writes the conversation: `system` and `messages`.
pub(super) fn put_conversation(
    map: &mut Map<String, Value>,
    request: &Request,
    abilities: &Abilities,
    notes: &mut Notes,
) {
    let mut writer =
        Writer { notes, system: System::None, out: Vec::new(), of_tools: false, calls: Vec::new() };
    for (index, message) in request.messages.iter().enumerate() {
        let next = request.messages.get(index + 1);
        writer.message(index, message, next, abilities);
    }
    match writer.system {
        System::None => {}
        System::One(text) => put(map, "system", text),
        System::Blocks(blocks) => put(map, "system", blocks),
    }
    put(map, "messages", writer.out);
}

enum System {
    None,
    /// The only one so far, spelt as a text.
    One(String),
    Blocks(Vec<Value>),
}

struct Writer<'a> {
    notes: &'a mut Notes,
    system: System,
    out: Vec<Value>,
    /// The last message was made of results of tools, which stand in messages of their own in other formats.
    of_tools: bool,
    /// Calls so far: id, name, whether a result came.
    calls: Vec<(String, String, bool)>,
}

impl Writer<'_> {
    fn message(&mut self, index: usize, message: &Message, next: Option<&Message>, abilities: &Abilities) {
        let at = format!("messages[{index}]");
        if message.name.is_some() {
            self.notes.hint(format!("{at}.name"), "Anthropic's messages have no names");
        }
        match &message.role {
            Role::System | Role::Developer => {
                let inside = abilities.system_inside
                    && self.last_is("user")
                    && next.is_none_or(|next| next.role == Role::Assistant);
                if inside {
                    self.plain("system", message, &at);
                } else {
                    if !self.out.is_empty() {
                        // It holds from the beginning then, not from here on.
                        self.notes.lowered(at.clone());
                    }
                    self.instruct(message, &at);
                }
            }
            Role::Assistant => self.turn("assistant", message, index, &at),
            Role::Tool | Role::Function => {
                let blocks = self.blocks(message, index, &at);
                self.after_tools(blocks, message);
                self.of_tools = true;
            }
            role => {
                if *role != Role::User {
                    self.notes.meaning(format!("{at}.role"), "Anthropic knows user, assistant and system");
                }
                if self.of_tools {
                    let blocks = self.blocks(message, index, &at);
                    self.after_tools(blocks, message);
                    self.of_tools = false;
                } else {
                    self.turn("user", message, index, &at);
                }
            }
        }
    }

    fn last_is(&self, role: &str) -> bool {
        self.out.last().is_some_and(|last| last.get("role").is_some_and(|last| last == role))
    }

    /// Adds to the system prompt.
    fn instruct(&mut self, message: &Message, at: &str) {
        let text = part::plain_text(&message.parts).filter(|_| message.shape != Shape::Parts);
        if let (System::None, Some(text)) = (&self.system, text) {
            self.system = System::One(text.to_owned());
            return;
        }
        let mut blocks = match std::mem::replace(&mut self.system, System::None) {
            System::None => Vec::new(),
            System::One(text) => vec![Value::Object(part::text_block(&text))],
            System::Blocks(blocks) => blocks,
        };
        for (place, each) in message.parts.iter().enumerate() {
            let at = format!("{at}.content[{place}]");
            if matches!(each.content, Content::Text(_) | Content::Refusal(_)) {
                blocks.extend(part::encode_block(each, &at, self.notes).map(Value::Object));
            } else {
                self.notes.meaning(at, "Anthropic's system prompt holds text only");
            }
        }
        self.system = System::Blocks(blocks);
    }

    /// Writes a message of text, media and blocks of Anthropic's own.
    fn plain(&mut self, role: &str, message: &Message, at: &str) {
        let mut map = Map::new();
        put(&mut map, "role", role);
        part::put_content(&mut map, &message.parts, message.shape, at, self.notes);
        merge(&mut map, &message.extra);
        self.of_tools = false;
        self.out.push(Value::Object(map));
    }

    fn turn(&mut self, role: &str, message: &Message, index: usize, at: &str) {
        // A turn in which nothing is said, as other formats spell it, has no place here.
        let unsaid = matches!(message.shape, Shape::Auto | Shape::Null | Shape::Absent);
        if message.parts.is_empty() && unsaid && message.extra.is_empty() {
            return;
        }
        let mut map = Map::new();
        put(&mut map, "role", role);
        match part::plain_text(&message.parts).filter(|_| message.shape != Shape::Parts) {
            Some(text) => put(&mut map, "content", text),
            None => {
                let blocks = self.blocks(message, index, at);
                // All that was said could not be: it is named.
                if blocks.is_empty() && message.shape != Shape::Parts {
                    return;
                }
                put(&mut map, "content", blocks);
            }
        }
        merge(&mut map, &message.extra);
        self.of_tools = false;
        self.out.push(Value::Object(map));
    }

    /// Adds blocks to the message of tool results before, or begins one: the results of one turn's calls must stand in
    /// one message, and what the person says next with them.
    fn after_tools(&mut self, blocks: Vec<Value>, message: &Message) {
        if self.of_tools
            && let Some(Value::Object(last)) = self.out.last_mut()
            && let Some(Value::Array(content)) = last.get_mut("content")
        {
            content.extend(blocks);
            return;
        }
        let mut map = Map::new();
        put(&mut map, "role", "user");
        put(&mut map, "content", blocks);
        if message.role == Role::User {
            merge(&mut map, &message.extra);
        }
        self.out.push(Value::Object(map));
    }

    fn blocks(&mut self, message: &Message, index: usize, at: &str) -> Vec<Value> {
        let mut blocks = Vec::with_capacity(message.parts.len());
        for (place, each) in message.parts.iter().enumerate() {
            let at = format!("{at}.content[{place}]");
            let block = match &each.content {
                Content::ToolCall(call) if message.role == Role::Assistant => {
                    self.call(call, each, (index, place), &at)
                }
                Content::ToolResult(result) if message.role != Role::Assistant => {
                    let mut map = self.result(result, each, (index, place), &at);
                    if matches!(message.role, Role::Tool | Role::Function) {
                        merge(&mut map, &message.extra);
                    }
                    Some(map)
                }
                Content::Reasoning(_) if message.role == Role::Assistant => {
                    if message.parts.get(place + 1).is_some_and(|next| reasoning::is_signed_by(each, next)) {
                        continue;
                    }
                    let previous = place.checked_sub(1).and_then(|place| message.parts.get(place));
                    let previous = previous.filter(|previous| reasoning::is_signed_by(previous, each));
                    reasoning::encode_block(each, previous, &at, self.notes)
                }
                // A format that joins everything said into one text has empty ones beside calls.
                Content::Text(text) if text.text.is_empty() && message.shape != Shape::Parts => None,
                _ => part::encode_block(each, &at, self.notes),
            };
            blocks.extend(block.map(Value::Object));
        }
        blocks
    }

    fn call(
        &mut self,
        call: &ToolCall,
        part: &Part,
        (index, place): (usize, usize),
        at: &str,
    ) -> Option<Map<String, Value>> {
        if matches!(call.kind, ToolKind::BuiltIn(_)) {
            self.notes.meaning(at, "this call ran at another vendor: Anthropic cannot take it back");
            return None;
        }
        let id = match call.id.as_deref() {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => format!("call_{index}_{place}"),
        };
        let (input, exact) = tool::input_of(call);
        if !exact {
            self.notes.lowered(format!("{at}.arguments"));
        }
        let mut map = tool::call_block(&id, &call.name, input);
        cache_mark::put_cache_mark(&mut map, part.cache);
        part::note_marks(part, at, self.notes);
        part::merge_extra(&mut map, &part.extra);
        self.calls.push((id, call.name.clone(), false));
        Some(map)
    }

    /// A result says which call it answers; formats that go by name answer the first such call without a result.
    fn result(
        &mut self,
        result: &ToolResult,
        part: &Part,
        (index, place): (usize, usize),
        at: &str,
    ) -> Map<String, Value> {
        let said = result.call_id.as_deref().filter(|id| !id.is_empty());
        let known = self.calls.iter_mut().find(|(id, name, answered)| match said {
            Some(said) => id == said,
            None => !*answered && result.name.as_ref().is_none_or(|wanted| wanted == name),
        });
        let id = match (known, said) {
            (Some((id, _, answered)), _) => {
                *answered = true;
                id.clone()
            }
            (None, Some(said)) => said.to_owned(),
            (None, None) => {
                self.notes.meaning(format!("{at}.call_id"), "no call before it has this tool's name");
                format!("call_{index}_{place}")
            }
        };
        part::encode_result(result, &id, part, at, self.notes)
    }
}
