//! An upstream's answer, whole or one event of a stream: its facts.

use http::HeaderMap;

use super::super::error::decode_fault;
use super::super::usage::decode_usage_text;
use super::said::Said;
use crate::dialect::DecodeError;
use crate::fault::Fault;
use crate::json::{Cursor, Flaw, Kind, MAX_DEPTH};
use crate::usage::Usage;

/// What a whole answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseFacts {
    /// The model that answered, as the provider calls it.
    pub model: Option<String>,
    /// The provider's figures; `None` also when they are all zero.
    pub usage: Option<Usage>,
    /// Why each choice ended.
    pub finish_reasons: Vec<String>,
    /// Generated text, reasoning and tool calls, in bytes. [`said_in`] gives the text itself.
    pub text_bytes: usize,
    /// Whether more than plain text was made: reasoning, tool calls, sound, images.
    pub beyond_text: bool,
}

/// What one event of a stream is to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Something the model made: text, reasoning, a refusal, a tool call, sound, an image.
    Content,
    /// Choices with nothing made in them: who speaks, why it ended.
    Role,
    /// Figures and no choice: the extra event that `stream_options.include_usage` asks for.
    Usage,
    /// `[DONE]`
    Done,
    /// Anything else, such as what a content filter found in the prompt.
    Other,
}

/// What one event of a stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFacts {
    /// What it is.
    pub kind: EventKind,
    /// The model that answers, as the provider calls it.
    pub model: Option<String>,
    /// The provider's figures, which may come in several events: the last count. `None` also when they are all zero.
    pub usage: Option<Usage>,
    /// Why choices ended.
    pub finish_reasons: Vec<String>,
    /// Generated text, reasoning and tool calls in this event: what to count when there are no figures.
    pub text: String,
    /// Whether more than plain text was made: reasoning, tool calls, sound, images.
    pub beyond_text: bool,
}

/// Why there are no facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeekFailure {
    /// It is an error, though the status said that all is well.
    Fault(Fault),
    /// It is not what the format says: empty, cut short, not JSON, no answer in it.
    Decode(DecodeError),
}

/// Finds the facts of a whole answer.
pub fn peek_response(body: &[u8]) -> Result<ResponseFacts, PeekFailure> {
    let facts = read(body, true, Said::default())?;
    if facts.choices.is_none() {
        let error = DecodeError::at("choices", "missing: expected an array of choices");
        return Err(PeekFailure::Decode(error));
    }
    let Facts { model, usage, finish_reasons, said, .. } = facts;
    let Said { bytes: text_bytes, beyond_text, .. } = said;
    Ok(ResponseFacts { model, usage, finish_reasons, text_bytes, beyond_text })
}

/// The generated text, reasoning and tool calls of a whole answer, for counting; empty when it is none.
#[must_use]
pub fn said_in(body: &[u8]) -> String {
    read(body, true, Said::kept()).ok().and_then(|facts| facts.said.text).unwrap_or_default()
}

/// Finds the facts of one event from its data.
pub fn peek_event(data: &[u8]) -> Result<EventFacts, PeekFailure> {
    // OpenAI's own clients take anything that starts so for the end.
    if data.trim_ascii_start().starts_with(b"[DONE]") {
        let (model, usage, finish_reasons) = (None, None, Vec::new());
        let (text, beyond_text) = (String::new(), false);
        return Ok(EventFacts { kind: EventKind::Done, model, usage, finish_reasons, text, beyond_text });
    }
    let facts = read(data, false, Said::kept())?;
    let kind = match facts.choices {
        _ if facts.made => EventKind::Content,
        Some(1..) => EventKind::Role,
        _ if facts.figures => EventKind::Usage,
        _ => EventKind::Other,
    };
    let Facts { model, usage, finish_reasons, said, .. } = facts;
    let Said { text, beyond_text, .. } = said;
    Ok(EventFacts { kind, model, usage, finish_reasons, text: text.unwrap_or_default(), beyond_text })
}

#[derive(Default)]
struct Facts<'a> {
    /// Whether this is a whole answer, not an event.
    whole: bool,
    model: Option<String>,
    usage: Option<Usage>,
    /// Whether there was a usage object, whatever it said.
    figures: bool,
    finish_reasons: Vec<String>,
    said: Said,
    /// How many choices there are, if there is such an array.
    choices: Option<usize>,
    /// Whether the model made anything.
    made: bool,
    failed: Option<Failed<'a>>,
}

/// Where an answer says that it is an error.
#[derive(Clone, Copy)]
enum Failed<'a> {
    /// As a whole.
    Whole,
    /// In this value, further inside.
    Inside(&'a str),
}

fn read(body: &[u8], whole: bool, said: Said) -> Result<Facts<'_>, PeekFailure> {
    let mut facts = Facts { whole, said, ..Facts::default() };
    let outermost = walk(body, &mut facts).map_err(|flaw| {
        let empty = body.iter().all(u8::is_ascii_whitespace);
        let reason =
            if empty { "it is empty".to_owned() } else { format!("not valid JSON: {}", flaw.explain(body)) };
        PeekFailure::Decode(DecodeError::at("", reason))
    })?;
    match facts.failed {
        // The status said nothing of it, so the body alone tells the class.
        Some(Failed::Whole) => Err(PeekFailure::Fault(decode_fault(200, &HeaderMap::new(), body))),
        Some(Failed::Inside(error)) => {
            let body = format!("{{\"error\":{error}}}");
            Err(PeekFailure::Fault(decode_fault(200, &HeaderMap::new(), body.as_bytes())))
        }
        None if outermost != Kind::Object => {
            let reason = format!("expected an object, got {}", outermost.described());
            Err(PeekFailure::Decode(DecodeError::at("", reason)))
        }
        None => Ok(facts),
    }
}

fn walk<'a>(body: &'a [u8], facts: &mut Facts<'a>) -> Result<Kind, Flaw> {
    let mut cursor = Cursor::new(body, MAX_DEPTH)?;
    let outermost = cursor.kind()?;
    match outermost {
        Kind::Object => read_answer(&mut cursor, facts)?,
        // Gemini gives its errors so, also through its OpenAI-compatible endpoint.
        Kind::Array => {
            let mut list = cursor.enter()?;
            while cursor.item(&mut list)? {
                let mut item = Facts::default();
                if cursor.kind()? == Kind::Object {
                    read_answer(&mut cursor, &mut item)?;
                } else {
                    cursor.skip()?;
                }
                if item.failed.is_some() {
                    facts.failed = Some(Failed::Whole);
                }
            }
        }
        _ => cursor.skip()?,
    }
    cursor.end()?;
    Ok(outermost)
}

fn read_answer<'a>(cursor: &mut Cursor<'a>, facts: &mut Facts<'a>) -> Result<(), Flaw> {
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("choices", Kind::Array) => read_choices(cursor, facts)?,
            ("model", Kind::String) => {
                let model = cursor.text()?.decoded();
                facts.model = model.filter(|model| !model.is_empty()).map(Into::into);
            }
            ("usage", Kind::Object) => read_usage(cursor, facts)?,
            ("x_groq", Kind::Object) => read_x_groq(cursor, facts)?,
            ("error", _) => {
                if read_error(cursor, kind)?.is_some() {
                    facts.failed = Some(Failed::Whole);
                }
            }
            // vLLM's and Mistral's errors say what they are, with the text beside it.
            ("object", Kind::String) => {
                if cursor.text()?.resolved(&mut buffer) == "error" {
                    facts.failed = Some(Failed::Whole);
                }
            }
            _ => cursor.skip()?,
        }
    }
    Ok(())
}

fn read_usage(cursor: &mut Cursor<'_>, facts: &mut Facts<'_>) -> Result<(), Flaw> {
    let start = cursor.offset();
    cursor.skip()?;
    facts.figures = true;
    if let Some(usage) = decode_usage_text(cursor.since(start)) {
        facts.usage = Some(usage);
    }
    Ok(())
}

/// Groq's own member of a chunk: the last one has the figures, or why the stream stopped early.
fn read_x_groq<'a>(cursor: &mut Cursor<'a>, facts: &mut Facts<'a>) -> Result<(), Flaw> {
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("usage", Kind::Object) => read_usage(cursor, facts)?,
            ("error", _) => {
                if let Some(error) = read_error(cursor, kind)? {
                    facts.failed = facts.failed.or(Some(Failed::Inside(error)));
                }
            }
            _ => cursor.skip()?,
        }
    }
    Ok(())
}

/// The value of an `error` member, if it says anything: servers write null, `""`, `{}` or `false` for none.
fn read_error<'a>(cursor: &mut Cursor<'a>, kind: Kind) -> Result<Option<&'a str>, Flaw> {
    let start = cursor.offset();
    let says_something = match kind {
        Kind::String => {
            let text = cursor.text()?;
            !text.is_empty()
        }
        Kind::Object => {
            let mut members = 0;
            let mut object = cursor.enter()?;
            while cursor.member(&mut object)?.is_some() {
                cursor.skip()?;
                members += 1;
            }
            members > 0
        }
        Kind::Array => {
            cursor.skip()?;
            true
        }
        Kind::Null | Kind::Bool | Kind::Number => {
            cursor.skip()?;
            false
        }
    };
    Ok(says_something.then(|| cursor.since(start)))
}

fn read_choices<'a>(cursor: &mut Cursor<'a>, facts: &mut Facts<'a>) -> Result<(), Flaw> {
    let mut count = 0;
    let mut list = cursor.enter()?;
    while cursor.item(&mut list)? {
        count += 1;
        if cursor.kind()? == Kind::Object {
            read_choice(cursor, facts)?;
        } else {
            cursor.skip()?;
        }
    }
    facts.choices = Some(count);
    Ok(())
}

fn read_choice<'a>(cursor: &mut Cursor<'a>, facts: &mut Facts<'a>) -> Result<(), Flaw> {
    let (mut delta, mut message) = (None, None);
    let mut buffer = String::new();
    let mut choice = cursor.enter()?;
    while let Some(name) = cursor.member(&mut choice)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("delta", Kind::Object) => delta = Some(read_piece(cursor, &facts.said)?),
            ("message", Kind::Object) => message = Some(read_piece(cursor, &facts.said)?),
            ("finish_reason", Kind::String) => {
                let reason = cursor.text()?.decoded();
                facts.finish_reasons.extend(reason.filter(|r| !r.is_empty()).map(Into::into));
            }
            // OpenRouter's error of one choice.
            ("error", _) => {
                if let Some(error) = read_error(cursor, kind)? {
                    facts.failed = facts.failed.or(Some(Failed::Inside(error)));
                }
            }
            _ => cursor.skip()?,
        }
    }
    // Perplexity gives both in both: a chunk repeats the message so far, and a whole answer has an empty delta.
    if let Some(piece) = if facts.whole { message.or(delta) } else { delta.or(message) } {
        facts.said.append(&piece.said);
        facts.made |= piece.made;
    }
    Ok(())
}

/// What a message, or a piece of one, holds.
struct Piece {
    said: Said,
    made: bool,
}

fn read_piece(cursor: &mut Cursor<'_>, like: &Said) -> Result<Piece, Flaw> {
    let mut piece = Piece { said: like.another(), made: false };
    // Servers say the same reasoning under several names: the longest counts.
    let mut reasoning = like.another();
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("content" | "refusal", Kind::String | Kind::Array) => {
                piece.made |= read_prose(cursor, kind, &mut piece.said)?;
            }
            ("reasoning_content" | "reasoning" | "reasoning_details", Kind::String | Kind::Array) => {
                let mut this = like.another();
                piece.made |= read_prose(cursor, kind, &mut this)?;
                if this.bytes > reasoning.bytes {
                    reasoning = this;
                    reasoning.beyond_text = true;
                }
            }
            ("tool_calls", Kind::Array) => {
                let mut list = cursor.enter()?;
                while cursor.item(&mut list)? {
                    (piece.made, piece.said.beyond_text) = (true, true);
                    read_call(cursor, &mut piece.said)?;
                }
            }
            ("function_call", Kind::Object) => {
                (piece.made, piece.said.beyond_text) = (true, true);
                read_call(cursor, &mut piece.said)?;
            }
            ("audio", Kind::Object) => read_audio(cursor, &mut piece)?,
            ("images", Kind::Array) => {
                let mut list = cursor.enter()?;
                while cursor.item(&mut list)? {
                    (piece.made, piece.said.beyond_text) = (true, true);
                    cursor.skip()?;
                }
            }
            _ => cursor.skip()?,
        }
    }
    piece.said.append(&reasoning);
    Ok(piece)
}

/// Sound: what is said in it counts as text.
fn read_audio(cursor: &mut Cursor<'_>, piece: &mut Piece) -> Result<(), Flaw> {
    let mut buffer = String::new();
    let mut audio = cursor.enter()?;
    while let Some(name) = cursor.member(&mut audio)? {
        (piece.made, piece.said.beyond_text) = (true, true);
        if name.resolved(&mut buffer) == "transcript" && cursor.kind()? == Kind::String {
            piece.said.take(cursor.text()?);
        } else {
            cursor.skip()?;
        }
    }
    Ok(())
}

/// Text, or parts with text in them (Mistral's thinking, OpenRouter's reasoning details). Whether there is anything at
/// all. Goes no deeper than the cursor allows.
fn read_prose(cursor: &mut Cursor<'_>, kind: Kind, said: &mut Said) -> Result<bool, Flaw> {
    match kind {
        Kind::String => {
            let text = cursor.text()?;
            said.take(text);
            Ok(!text.is_empty())
        }
        Kind::Array => {
            let mut any = false;
            let mut list = cursor.enter()?;
            while cursor.item(&mut list)? {
                any = true;
                let kind = cursor.kind()?;
                read_prose(cursor, kind, said)?;
            }
            Ok(any)
        }
        Kind::Object => {
            let mut buffer = String::new();
            let mut part = cursor.enter()?;
            while let Some(name) = cursor.member(&mut part)? {
                let kind = cursor.kind()?;
                match name.resolved(&mut buffer) {
                    "text" | "thinking" | "summary" | "refusal" => {
                        read_prose(cursor, kind, said)?;
                    }
                    _ => cursor.skip()?,
                }
            }
            Ok(true)
        }
        Kind::Null | Kind::Bool | Kind::Number => {
            cursor.skip()?;
            Ok(false)
        }
    }
}

/// A tool call's name and arguments, wherever in it they are: beside each other in a function call of old, under
/// `function` or `custom` in a tool call.
fn read_call(cursor: &mut Cursor<'_>, said: &mut Said) -> Result<(), Flaw> {
    if cursor.kind()? != Kind::Object {
        return cursor.skip();
    }
    let mut buffer = String::new();
    let mut call = cursor.enter()?;
    while let Some(name) = cursor.member(&mut call)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("name" | "arguments" | "input", Kind::String) => said.take(cursor.text()?),
            // Some servers give the arguments as the object that they should only spell out.
            ("arguments" | "input", Kind::Object) => {
                let start = cursor.offset();
                cursor.skip()?;
                said.take_raw(cursor.since(start));
            }
            ("function" | "custom", Kind::Object) => read_call(cursor, said)?,
            _ => cursor.skip()?,
        }
    }
    Ok(())
}
