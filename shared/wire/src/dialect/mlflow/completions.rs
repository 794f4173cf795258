//! `llm/v1/completions`: a text to go on with. OpenAI's older Completions without the model, and with one text only;
//! its events are called `text_completion_chunk`.
//!
//! The prompt is one message of the user.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value};

use super::chat::without;
use super::complete;
use crate::chat::{
    ChoiceDelta, Content, Delta, FinishReason, Message, Request, Response, ResponseFormat, Role, ToolChoice,
};
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::openai_completions::{encode_finish, words};
use crate::dialect::{
    AnswerContext, DecodeError, Encoded, StreamDecoder as _, StreamError, Target, openai_chat,
};
use crate::fault::Fault;
use crate::sse;
use crate::usage::Usage;

/// The value of `object` in a whole answer.
const OBJECT: &str = "text_completion";
/// The value of `object` in an event.
const EVENT_OBJECT: &str = "text_completion_chunk";
/// Largest event of a stream, in bytes.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// Reads a request to the endpoint `name`. A model in the body is passed over: the URL decides.
///
/// # Errors
/// Names the field that is missing or of a wrong type. Fields the format does not know pass into `extra`.
pub fn decode_request(name: &str, body: &[u8]) -> Result<Request, DecodeError> {
    let mut map = fields::parse_object(body)?;
    let prompt = fields::need_string(&mut map, &Path::Root, "prompt")?;
    if map.contains_key("messages") {
        let reason = "this endpoint takes `prompt`; send `messages` to an endpoint of type llm/v1/chat";
        return Err(Path::Root.field_error("messages", reason));
    }
    put(&mut map, "model", name);
    // All other fields are those of chat.
    let mut message = Map::new();
    put(&mut message, "role", Role::User.as_str());
    put(&mut message, "content", prompt);
    put(&mut map, "messages", vec![message]);
    openai_chat::request::read(map)
}

/// Writes a request; the URL says the model. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut notes = Notes::default();
    let prompt = encode_prompt(request, &mut notes);
    let bare = leave_unsayable(request, &mut notes);
    let encoded = super::chat::encode_request(&bare, target);
    let body = without(&encoded.body, &["messages"]);
    let mut map = Map::new();
    put(&mut map, "prompt", prompt);
    map.extend(serde_json::from_slice::<Map<String, Value>>(&body).unwrap_or_default());
    notes.lost.extend(encoded.lost);
    notes.into_encoded(Value::Object(map).to_string().into())
}

/// One message of the user is the prompt. A conversation is told as its text, turn by turn, and the loss is noted.
fn encode_prompt(request: &Request, notes: &mut Notes) -> String {
    if let [message] = request.messages.as_slice()
        && message.role == Role::User
    {
        return text_of(message, 0, notes);
    }
    notes.meaning("messages", "this format takes one text; a conversation is told as a text of its turns");
    let mut told = String::new();
    for (index, message) in request.messages.iter().enumerate() {
        let text = text_of(message, index, notes);
        told.push_str(message.role.as_str());
        told.push_str(": ");
        told.push_str(&text);
        told.push_str("\n\n");
    }
    told.push_str("assistant:");
    told
}

pub(in crate::dialect) fn text_of(message: &Message, index: usize, notes: &mut Notes) -> String {
    if message.name.is_some() {
        notes.hint(format!("messages[{index}].name"), "this format has no participants");
    }
    let mut text = String::new();
    for (place, part) in message.parts.iter().enumerate() {
        let field = format!("messages[{index}].content[{place}]");
        if part.cache.is_some() {
            notes.hint(format!("{field}.cache"), "this format has no cache marks");
        }
        if part.signature.is_some() {
            notes.hint(format!("{field}.signature"), "this format has no signatures");
        }
        match &part.content {
            Content::Text(said) => text.push_str(&said.text),
            Content::Refusal(said) => text.push_str(said),
            Content::Reasoning(_) => notes.hint(field, "this format takes no reasoning back"),
            _ => notes.meaning(field, "this format takes text only"),
        }
    }
    text
}

/// The request without its messages and without what the format has no field for, which is named.
pub(in crate::dialect) fn leave_unsayable(request: &Request, notes: &mut Notes) -> Request {
    let mut bare = Request { messages: Vec::new(), ..request.clone() };
    if !bare.tools.is_empty() {
        notes.meaning("tools", "this format has no tools");
    }
    if bare.tool_choice.is_some_and(|choice| !matches!(choice, ToolChoice::Auto | ToolChoice::None)) {
        notes.meaning("tool_choice", "this format has no tools");
    }
    bare.tools = Vec::new();
    bare.tool_choice = None;
    let words = bare.modalities.take().unwrap_or_default();
    if bare.audio.take().is_some() || words.iter().any(|word| word != "text") {
        notes.meaning("modalities", "this format answers with text");
    }
    if bare.web_search.take().is_some() {
        notes.meaning("web_search", "this format does not search the web");
    }
    if let Some(ResponseFormat::Other(_)) = &bare.response_format {
        notes.meaning("response_format", "this format has no such form of answers");
        bare.response_format = None;
    }
    let logprobs = bare.logprobs.take() == Some(true);
    for (said, field) in [
        (bare.parallel_tool_calls.take().is_some(), "parallel_tool_calls"),
        (bare.top_logprobs.take().is_some() || logprobs, "logprobs"),
        (bare.reasoning.take().is_some(), "reasoning"),
        (bare.prediction.take().is_some(), "prediction"),
        (bare.verbosity.take().is_some(), "verbosity"),
    ] {
        if said {
            notes.hint(field, "this format has no such field");
        }
    }
    bare
}

/// Reads an answer. Tolerant of what servers leave out or add.
///
/// # Errors
/// Names what makes it no answer of this format: not JSON, or no `choices`.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let mut map = fields::parse_object(body)?;
    for choice in map.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(choice) = choice.as_object_mut() else { continue };
        let text = choice.shift_remove("text");
        let mut message = Map::new();
        put(&mut message, "role", Role::Assistant.as_str());
        put_some(&mut message, "content", text.as_ref());
        put(choice, "message", message);
    }
    fields::take_if(&mut map, "object", |object| object == OBJECT);
    openai_chat::decode_response(Value::Object(map).to_string().as_bytes())
}

/// Writes an answer: the text of each choice. The format has nothing else to say.
#[must_use]
pub fn encode_response(response: &Response, context: &AnswerContext) -> Bytes {
    let body = openai_chat::encode_response(&complete(response, context));
    let Ok(mut map) = serde_json::from_slice::<Map<String, Value>>(&body) else { return body };
    put(&mut map, "object", OBJECT);
    let choices = map.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten();
    for (choice, said) in choices.zip(&response.choices) {
        let Some(choice) = choice.as_object_mut() else { continue };
        choice.shift_remove("message");
        choice.shift_remove("logprobs");
        put(choice, "text", said.message.parts.iter().filter_map(words).collect::<String>());
        if let Some(reason) = &said.finish {
            put(choice, "finish_reason", encode_finish(reason));
        }
    }
    Value::Object(map).to_string().into()
}

/// Reads a stream.
pub struct StreamDecoder {
    events: sse::Decoder,
    chat: openai_chat::StreamDecoder,
    ready: VecDeque<Delta>,
}

impl Default for StreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamDecoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            events: sse::Decoder::new(MAX_EVENT),
            chat: openai_chat::StreamDecoder::new(),
            ready: VecDeque::new(),
        }
    }

    /// Hands an event to the reader of chat, its text as that of a message.
    fn hand_on(&mut self, event: &sse::Event) {
        let Some(data) = &event.data else { return };
        let mut said = BytesMut::new();
        match serde_json::from_slice::<Value>(data) {
            Ok(mut value) => {
                for choice in value.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
                    if let Some(choice) = choice.as_object_mut()
                        && let Some(text) = choice.shift_remove("text")
                    {
                        let mut delta = Map::new();
                        put(&mut delta, "content", text);
                        put(choice, "delta", delta);
                    }
                }
                if let Some(map) = value.as_object_mut() {
                    let own = |object: &Value| object == EVENT_OBJECT || object == OBJECT;
                    if fields::take_if(map, "object", own).is_some() {
                        put(map, "object", "chat.completion.chunk");
                    }
                }
                sse::write_event(&mut said, None, value.to_string().as_bytes());
            }
            Err(_) => sse::write_event(&mut said, None, data),
        }
        if !event.terminated {
            // A last event without its blank line: whether it counts is for the reader of chat to say.
            said.truncate(said.len().saturating_sub(1));
        }
        self.chat.push(said.freeze());
    }
}

impl crate::dialect::StreamDecoder for StreamDecoder {
    fn push(&mut self, chunk: Bytes) {
        self.events.push(chunk);
    }

    fn next(&mut self) -> Result<Option<Delta>, StreamError> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Ok(Some(delta));
            }
            if let Some(delta) = self.chat.next()? {
                return Ok(Some(delta));
            }
            match self.events.next() {
                Ok(Some(event)) => self.hand_on(&event),
                Ok(None) => return Ok(None),
                Err(error) => return Err(DecodeError::at("", error.to_string()).into()),
            }
        }
    }

    fn end(&mut self) -> Result<(), StreamError> {
        if let Some(event) = self.events.end() {
            self.hand_on(&event);
        }
        while let Some(delta) = self.chat.next()? {
            self.ready.push_back(delta);
        }
        self.chat.end()
    }
}

/// Writes a stream.
pub struct StreamEncoder {
    context: AnswerContext,
    usage: Option<Usage>,
}

impl StreamEncoder {
    /// An encoder at the beginning of a stream.
    #[must_use]
    pub const fn new(context: AnswerContext) -> Self {
        Self { context, usage: None }
    }

    fn event(&self, choices: Vec<Value>, usage: Option<&Value>, out: &mut BytesMut) {
        let mut map = Map::new();
        put(&mut map, "id", self.context.id.clone());
        put(&mut map, "object", EVENT_OBJECT);
        put(&mut map, "created", self.context.created);
        put(&mut map, "model", self.context.model.clone());
        put(&mut map, "choices", choices);
        put_some(&mut map, "usage", usage);
        sse::write_event(out, None, Value::Object(map).to_string().as_bytes());
    }

    fn choice(&self, index: u32, text: &str, finish: Option<&FinishReason>, out: &mut BytesMut) {
        let mut choice = Map::new();
        put(&mut choice, "index", index);
        put(&mut choice, "text", text);
        put(&mut choice, "finish_reason", finish.map_or(Value::Null, |reason| encode_finish(reason).into()));
        self.event(vec![Value::Object(choice)], None, out);
    }
}

impl crate::dialect::StreamEncoder for StreamEncoder {
    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Choice { index, delta } => match delta {
                ChoiceDelta::Text(text) | ChoiceDelta::Refusal(text) => self.choice(*index, text, None, out),
                ChoiceDelta::Audio(piece) => {
                    if let Some(text) = &piece.audio.transcript {
                        self.choice(*index, text, None, out);
                    }
                }
                ChoiceDelta::Part(part) => {
                    if let Some(text) = words(part) {
                        self.choice(*index, text, None, out);
                    }
                }
                ChoiceDelta::Finish { reason, .. } => self.choice(*index, "", Some(reason), out),
                // The format has text only.
                _ => {}
            },
            Delta::Usage { usage, .. } => self.usage = Some(*usage),
            Delta::Start(_) | Delta::Extra(_) => {}
        }
    }

    fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        sse::write_event(out, None, &openai_chat::encode_fault(fault));
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.context.include_usage
            && let Some(usage) = self.usage.take()
        {
            self.event(Vec::new(), Some(&openai_chat::encode_usage(&usage)), out);
        }
        sse::write_event(out, None, b"[DONE]");
    }
}
