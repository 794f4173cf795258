//! The items of a request's `input`, read.

use serde_json::Value;

use super::part::{self, Side};
use super::{mark, reasoning};
use crate::chat::{Content, Extra, Message, Part, Role, Shape, ToolCall, ToolKind, ToolResult};
use crate::dialect::DecodeError;
use crate::dialect::carried;
use crate::dialect::fields::{self, Path};

/// Items that the model did not make: they stand alone.
const NOT_THE_MODELS: [&str; 3] = ["item_reference", "mcp_approval_response", "compaction_trigger"];

/// Reads items into messages, in order.
#[derive(Default)]
pub(super) struct Items {
    pub(super) messages: Vec<Message>,
    /// The last message is the model's and more items of its turn may follow.
    open: bool,
    /// That message has the text of a message item already.
    said: bool,
    /// Ids of the calls so far; whether the tool takes free text.
    calls: Vec<(String, bool)>,
    /// Results whose call was not seen, by their place.
    pub(super) orphan: Option<(usize, String)>,
    /// Items that stand for others, which are not known here.
    pub(super) refers: bool,
}

impl Items {
    /// Reads one item, the `index`th.
    pub(super) fn push(&mut self, value: Value, index: usize, path: &Path<'_>) -> Result<(), DecodeError> {
        let mut map = fields::into_object(path, value)?;
        let kind = match fields::string(&mut map, path, "type")? {
            Some(kind) => kind,
            None if map.contains_key("role") => "message".to_owned(),
            None if map.len() == 1 && map.contains_key("id") => "item_reference".to_owned(),
            None => return Err(path.field_error("type", "required: a string, such as message")),
        };
        match kind.as_str() {
            "message" => self.message(map, path),
            "reasoning" => {
                self.model(reasoning::decode(map, path, false)?);
                Ok(())
            }
            "function_call" => self.call(map, path, ToolKind::Function),
            "custom_tool_call" => self.call(map, path, ToolKind::Custom),
            "function_call_output" => self.result(map, index, path, false),
            "custom_tool_call_output" => self.result(map, index, path, true),
            _ => {
                self.refers = true;
                let role = match kind.as_str() {
                    "additional_tools" => Some(Role::Developer),
                    kind if kind.ends_with("_output") || NOT_THE_MODELS.contains(&kind) => Some(Role::User),
                    _ => None,
                };
                let part = mark::other(kind, map, mark::ITEM);
                match role {
                    Some(role) => self.alone(Message::new(role, vec![part])),
                    None => self.model(vec![part]),
                }
                Ok(())
            }
        }
    }

    fn message(&mut self, mut map: Extra, path: &Path<'_>) -> Result<(), DecodeError> {
        let role = match fields::string(&mut map, path, "role")?.as_deref() {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            Some("developer") => Role::Developer,
            _ => return Err(path.field_error("role", "required: user, assistant, system or developer")),
        };
        let side = if role == Role::Assistant { Side::Output } else { Side::Input };
        let content = fields::take(&mut map, "content");
        let (parts, shape) = part::decode_content(content, &Path::Field(path, "content"), side)?;
        let message = Message { role, name: None, parts, shape, extra: map };
        if message.role != Role::Assistant || message.parts.is_empty() {
            self.alone(message);
            return Ok(());
        }
        match self.messages.last_mut() {
            Some(last) if self.open && !self.said => {
                last.parts.extend(message.parts);
                last.shape = message.shape;
                last.extra = message.extra;
            }
            _ => self.messages.push(message),
        }
        self.open = true;
        self.said = true;
        Ok(())
    }

    /// A message that no other item joins.
    fn alone(&mut self, message: Message) {
        self.messages.push(message);
        self.open = false;
        self.said = false;
    }

    /// Something the model made in its turn.
    fn model(&mut self, parts: Vec<Part>) {
        match self.messages.last_mut() {
            Some(last) if self.open => last.parts.extend(parts),
            _ => {
                self.messages.push(Message::new(Role::Assistant, parts));
                self.open = true;
                self.said = false;
            }
        }
    }

    fn call(&mut self, mut map: Extra, path: &Path<'_>, kind: ToolKind) -> Result<(), DecodeError> {
        let field = if kind == ToolKind::Custom { "input" } else { "arguments" };
        let name = fields::need_string(&mut map, path, "name")?;
        let arguments = fields::need_string(&mut map, path, field)?;
        let (id, signature) = carried::open(&fields::need_string(&mut map, path, "call_id")?);
        self.calls.push((id.clone(), kind == ToolKind::Custom));
        let call = ToolCall { id: Some(id), name, arguments, kind };
        self.model(vec![Part { signature, extra: map, ..Part::new(Content::ToolCall(call)) }]);
        Ok(())
    }

    fn result(
        &mut self,
        mut map: Extra,
        index: usize,
        path: &Path<'_>,
        custom: bool,
    ) -> Result<(), DecodeError> {
        let (id, _) = carried::open(&fields::need_string(&mut map, path, "call_id")?);
        let name = fields::string(&mut map, path, "name")?;
        let output = fields::take(&mut map, "output");
        let (parts, shape) = part::decode_content(output, &Path::Field(path, "output"), Side::Input)?;
        let call = self.calls.iter().rev().find(|(known, _)| *known == id);
        if call.is_none() && self.orphan.is_none() {
            self.orphan = Some((index, id.clone()));
        }
        // The word follows from the call, where that is known.
        if call.map(|(_, custom)| *custom).unwrap_or_default() != custom {
            map.insert("type".to_owned(), word_of_result(custom).into());
        }
        let result = ToolResult { call_id: Some(id), name, parts, shape, is_error: false };
        let part = Part { extra: map, ..Part::new(Content::ToolResult(result)) };
        self.alone(Message { shape: Shape::Auto, ..Message::new(Role::Tool, vec![part]) });
        Ok(())
    }
}

/// The type of the item that holds a result.
pub(super) const fn word_of_result(custom: bool) -> &'static str {
    if custom { "custom_tool_call_output" } else { "function_call_output" }
}
