//! An upstream's answer, whole or the events of a stream: their facts.

use http::HeaderMap;
use serde_json::{Map, Value};

use super::super::error::decode_fault_at;
use super::super::usage::known_usage;
use crate::Usage;
use crate::dialect::DecodeError;
use crate::dialect::openai_chat::{EventFacts, EventKind, PeekFailure, ResponseFacts};
use crate::json::{Cursor, Flaw, Kind, MAX_DEPTH};

/// Finds the facts of a whole answer.
///
/// # Errors
/// It is an error although the status said that all is well, or not what the format says.
pub fn peek_response(body: &[u8]) -> Result<ResponseFacts, PeekFailure> {
    let facts = read(body)?;
    if !facts.content {
        let error = DecodeError::at("content", "missing: expected an array of blocks");
        return Err(PeekFailure::Decode(error));
    }
    let usage = facts.usage.map(Value::Object).as_ref().and_then(known_usage);
    let Facts { model, finish, text, beyond_text, .. } = facts;
    let finish_reasons = finish.into_iter().collect();
    Ok(ResponseFacts { model, usage, finish_reasons, text_bytes: text.len(), beyond_text })
}

/// Finds the facts of the events of one stream. It remembers the counts: the start tells what was read, the end what
/// was written, and only both together are what was consumed.
#[derive(Clone, Debug, Default)]
pub struct EventPeek {
    usage: Map<String, Value>,
}

impl EventPeek {
    /// At the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds the facts of the next event from its data. Its usage, where it has any, is all that is known by then.
    ///
    /// # Errors
    /// It is an error, or not what the format says.
    pub fn event(&mut self, data: &[u8]) -> Result<EventFacts, PeekFailure> {
        if data.trim_ascii().starts_with(b"[DONE]") {
            return Ok(EventFacts { kind: EventKind::Done, ..EventFacts::none() });
        }
        let facts = read(data)?;
        let kind = match facts.kind.as_deref() {
            Some("content_block_start" | "content_block_delta") if facts.made => EventKind::Content,
            Some("message_start" | "message_delta") => EventKind::Role,
            Some("message_stop") => EventKind::Done,
            _ => EventKind::Other,
        };
        Ok(EventFacts {
            kind,
            model: facts.model,
            usage: facts.usage.and_then(|usage| self.count(usage)),
            finish_reasons: facts.finish.into_iter().collect(),
            text: facts.text,
            beyond_text: facts.beyond_text,
        })
    }

    fn count(&mut self, usage: Map<String, Value>) -> Option<Usage> {
        self.usage.extend(usage.into_iter().filter(|(_, value)| !value.is_null()));
        known_usage(&Value::Object(self.usage.clone()))
    }
}

#[derive(Default)]
struct Facts {
    kind: Option<String>,
    model: Option<String>,
    usage: Option<Map<String, Value>>,
    finish: Option<String>,
    /// What the model wrote.
    text: String,
    /// Whether there was more than text.
    beyond_text: bool,
    /// Whether there is a list of blocks.
    content: bool,
    /// Whether the model made anything.
    made: bool,
    error: bool,
}

fn read(body: &[u8]) -> Result<Facts, PeekFailure> {
    let mut facts = Facts::default();
    let outermost = walk(body, &mut facts).map_err(|flaw| {
        let empty = body.iter().all(u8::is_ascii_whitespace);
        let reason =
            if empty { "it is empty".to_owned() } else { format!("not valid JSON: {}", flaw.explain(body)) };
        PeekFailure::Decode(DecodeError::at("", reason))
    })?;
    if outermost != Kind::Object {
        let reason = format!("expected an object, got {}", outermost.described());
        return Err(PeekFailure::Decode(DecodeError::at("", reason)));
    }
    // The status said nothing of it, so the body alone tells the class.
    if facts.kind.as_deref() == Some("error") || (facts.error && facts.kind.is_none()) {
        return Err(PeekFailure::Fault(decode_fault_at(200, &HeaderMap::new(), body, None)));
    }
    Ok(facts)
}

fn walk(body: &[u8], facts: &mut Facts) -> Result<Kind, Flaw> {
    let mut cursor = Cursor::new(body, MAX_DEPTH)?;
    let outermost = cursor.kind()?;
    if outermost == Kind::Object {
        read_object(&mut cursor, facts)?;
    } else {
        cursor.skip()?;
    }
    cursor.end()?;
    Ok(outermost)
}

/// A whole answer, an event, or the `message` in the first event: their members have different names.
fn read_object(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Flaw> {
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("type", Kind::String) => facts.kind = cursor.text()?.decoded().map(Into::into),
            ("model", Kind::String) => {
                let model = cursor.text()?.decoded();
                facts.model = model.filter(|model| !model.is_empty()).map(Into::into);
            }
            ("stop_reason", Kind::String) => facts.finish = cursor.text()?.decoded().map(Into::into),
            ("usage", Kind::Object) => {
                let start = cursor.offset();
                cursor.skip()?;
                facts.usage = serde_json::from_str(cursor.since(start)).ok();
            }
            ("message", Kind::Object) => {
                let mut inner = Facts::default();
                read_object(cursor, &mut inner)?;
                facts.model = inner.model;
                facts.usage = inner.usage;
            }
            ("content", Kind::Array) => {
                facts.content = true;
                let mut list = cursor.enter()?;
                while cursor.item(&mut list)? {
                    read_made(cursor, facts)?;
                }
            }
            ("content_block" | "delta", Kind::Object) => read_made(cursor, facts)?,
            ("error", Kind::Object | Kind::String) => {
                facts.error = true;
                cursor.skip()?;
            }
            _ => cursor.skip()?,
        }
    }
    Ok(())
}

/// A block, or what is added to one, or why the answer ended.
fn read_made(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Flaw> {
    if cursor.kind()? != Kind::Object {
        return cursor.skip();
    }
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    let before = facts.text.len();
    let mut empty_at_first = false;
    let mut named = false;
    while let Some(name) = cursor.member(&mut object)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("type", Kind::String) => {
                let mut buffer_of_word = String::new();
                named = true;
                let word = cursor.text()?;
                let word = word.resolved(&mut buffer_of_word);
                empty_at_first = matches!(word, "text" | "thinking");
                facts.beyond_text |= !matches!(word, "text" | "text_delta" | "citations_delta");
            }
            ("stop_reason", Kind::String) => facts.finish = cursor.text()?.decoded().map(Into::into),
            ("text" | "thinking" | "partial_json" | "name", Kind::String) => {
                // Half of a surrogate pair is no text.
                facts.text.push_str(&cursor.text()?.decoded().unwrap_or_default());
            }
            ("input", Kind::Object) => {
                let start = cursor.offset();
                cursor.skip()?;
                let input = cursor.since(start);
                if input != "{}" {
                    facts.text.push_str(input);
                }
            }
            _ => cursor.skip()?,
        }
    }
    facts.made |= facts.text.len() > before || (named && !empty_at_first);
    Ok(())
}
