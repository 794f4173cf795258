//! Messages. Bedrock knows two who speak in turns, `user` and `assistant`, and instructions beside them.

use serde_json::{Map, Value, json};

use super::block::{Place, Writer, decode_blocks};
use super::names::Names;
use crate::chat::{Message, Request, Role, Shape};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, merge, put};
use crate::dialect::loss::Notes;

/// A mark in a message's `extra`: it stood on its own, although the one before has the same role, or it instructs
/// inside the conversation. Says nothing to other formats.
const APART: &str = "role";

/// Reads a message.
pub(super) fn decode_message(
    value: Value,
    path: &Path<'_>,
    before: Option<&Role>,
    lenient: bool,
) -> Result<Message, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let role = match fields::string(&mut map, path, "role")?.as_deref() {
        Some(word @ ("user" | "assistant" | "system")) => Role::from(word),
        None if lenient => Role::Assistant,
        None => return Err(path.field_error("role", "required: user or assistant")),
        Some(_) if lenient => Role::Assistant,
        Some(_) => {
            let reason = "expected user or assistant; instructions go into `system`, results of tools into a \
                user message";
            return Err(path.field_error("role", reason));
        }
    };
    let at = Path::Field(path, "content");
    let content = fields::array(&mut map, path, "content")?;
    let content = match content {
        None if !lenient => return Err(at.error("required: an array of content blocks")),
        content => content.unwrap_or_default(),
    };
    let parts = decode_blocks(content, &at, lenient)?;
    if !lenient && (role == Role::System || before == Some(&role)) {
        map.insert(APART.to_owned(), Value::Null);
    }
    // A message that says nothing stands only if it was said so.
    let shape = if parts.is_empty() && !lenient { Shape::Parts } else { Shape::Auto };
    Ok(Message { shape, extra: map, ..Message::new(role, parts) })
}

/// The two parts of a body that messages go to.
#[derive(Default)]
pub(super) struct Conversation {
    pub(super) system: Vec<Value>,
    pub(super) messages: Vec<Value>,
}

/// Writes all messages.
pub(super) fn encode_messages(request: &Request, notes: &mut Notes) -> Conversation {
    let mut out = Conversation::default();
    let mut names = Names::default();
    let mut last = None::<&'static str>;
    for (index, message) in request.messages.iter().enumerate() {
        let at = format!("messages[{index}]");
        if message.name.is_some() {
            notes.hint(format!("{at}.name"), "Bedrock has no names of participants");
        }
        let apart = message.extra.contains_key(APART);
        let instructs = matches!(message.role, Role::System | Role::Developer);
        let mut blocks = Vec::new();
        let mut writer = Writer { notes, names: &mut names, place: Place::Request };
        for (place, part) in message.parts.iter().enumerate() {
            writer.part(part, &format!("{at}.content[{place}]"), &mut blocks);
        }
        if instructs && !apart {
            if last.is_some() {
                notes.hint(format!("{at}.role"), "instructions inside the conversation go to its beginning");
            }
            out.system.extend(blocks);
            continue;
        }
        let role = match &message.role {
            Role::Assistant => "assistant",
            Role::System | Role::Developer => "system",
            Role::User | Role::Tool | Role::Function => "user",
            Role::Other(_) => {
                notes.meaning(format!("{at}.role"), "Bedrock knows only system, user, assistant and tool");
                continue;
            }
        };
        // A message that says nothing is refused; one that was an empty list is the caller's own.
        if blocks.is_empty() && message.shape != Shape::Parts {
            continue;
        }
        // Turns must alternate: what several messages say in a row is one turn.
        if last == Some(role)
            && !apart
            && message.extra.is_empty()
            && let Some(Value::Array(content)) =
                out.messages.last_mut().and_then(|last| last.get_mut("content"))
        {
            content.extend(blocks);
            continue;
        }
        last = Some(role);
        let mut map = Map::new();
        put(&mut map, "role", role);
        put(&mut map, "content", blocks);
        merge(&mut map, &message.extra);
        out.messages.push(Value::Object(map));
    }
    out
}

/// Writes the message of an answer.
pub(super) fn encode_answer(message: &Message) -> Value {
    let mut notes = Notes::default();
    let mut names = Names::default();
    let mut content = Vec::new();
    // An answer is told as far as the format goes: nothing can be asked of it any more.
    let mut writer = Writer { notes: &mut notes, names: &mut names, place: Place::Answer };
    for (place, part) in message.parts.iter().enumerate() {
        writer.part(part, &format!("content[{place}]"), &mut content);
    }
    let mut map = Map::new();
    put(&mut map, "role", "assistant");
    put(&mut map, "content", content);
    merge(&mut map, &message.extra);
    json!({"message": map})
}
