//! The same-format path: the facts of an answer that is passed on as it is, whole or one piece of a stream, found in one
//! pass over the bytes.

use http::HeaderMap;
use serde_json::Value;

use super::error::decode_fault_at;
use super::usage::known_usage;
use crate::dialect::DecodeError;
use crate::dialect::openai_chat::{EventFacts, EventKind, PeekFailure, ResponseFacts};
use crate::json::{Cursor, Flaw, Kind, MAX_DEPTH};
use crate::usage::Usage;

/// Finds the facts of a whole answer. Why a prompt was blocked stands in for a finish reason: such an answer has no
/// candidates.
///
/// # Errors
/// If it is an error in spite of its status, or no answer of this format.
pub fn peek_response(body: &[u8]) -> Result<ResponseFacts, PeekFailure> {
    let facts = read(body)?;
    if facts.candidates.is_none() && !facts.feedback {
        let error = DecodeError::at("candidates", "missing: expected an array of candidates");
        return Err(PeekFailure::Decode(error));
    }
    let Facts { model, usage, finish_reasons, text, beyond_text, .. } = facts;
    Ok(ResponseFacts { model, usage, finish_reasons, text_bytes: text.len(), beyond_text })
}

/// Finds the facts of one piece of a stream from its data.
///
/// # Errors
/// As [`peek_response`].
pub fn peek_event(data: &[u8]) -> Result<EventFacts, PeekFailure> {
    let facts = read(data)?;
    let kind = match facts.candidates {
        _ if facts.made => EventKind::Content,
        Some(1..) => EventKind::Role,
        _ if facts.figures && !facts.feedback => EventKind::Usage,
        _ => EventKind::Other,
    };
    let Facts { model, usage, finish_reasons, text, beyond_text, .. } = facts;
    Ok(EventFacts { kind, model, usage, finish_reasons, text, beyond_text })
}

#[derive(Default)]
struct Facts {
    model: Option<String>,
    usage: Option<Usage>,
    /// Whether there was a usage object, whatever it said.
    figures: bool,
    finish_reasons: Vec<String>,
    text: String,
    /// Whether there was more than text.
    beyond_text: bool,
    /// How many candidates there are, if there is such an array.
    candidates: Option<usize>,
    /// Whether something is said of the prompt.
    feedback: bool,
    /// Whether the model made anything.
    made: bool,
    failed: bool,
}

fn read(body: &[u8]) -> Result<Facts, PeekFailure> {
    let mut facts = Facts::default();
    let outermost = walk(body, &mut facts).map_err(|flaw| {
        let empty = body.iter().all(u8::is_ascii_whitespace);
        let reason =
            if empty { "it is empty".to_owned() } else { format!("not valid JSON: {}", flaw.explain(body)) };
        PeekFailure::Decode(DecodeError::at("", reason))
    })?;
    if facts.failed {
        // The status said nothing of it, so the body alone tells the class.
        return Err(PeekFailure::Fault(decode_fault_at(200, &HeaderMap::new(), body, None)));
    }
    if outermost != Kind::Object {
        let reason = format!("expected an object, got {}", outermost.described());
        return Err(PeekFailure::Decode(DecodeError::at("", reason)));
    }
    Ok(facts)
}

fn walk(body: &[u8], facts: &mut Facts) -> Result<Kind, Flaw> {
    let mut cursor = Cursor::new(body, MAX_DEPTH)?;
    let outermost = cursor.kind()?;
    match outermost {
        Kind::Object => read_answer(&mut cursor, facts)?,
        // Errors come in an array too.
        Kind::Array => {
            let mut list = cursor.enter()?;
            let mut first = true;
            while cursor.item(&mut list)? {
                if std::mem::take(&mut first) && cursor.kind()? == Kind::Object {
                    let mut item = Facts::default();
                    read_answer(&mut cursor, &mut item)?;
                    facts.failed = item.failed;
                } else {
                    cursor.skip()?;
                }
            }
        }
        _ => cursor.skip()?,
    }
    cursor.end()?;
    Ok(outermost)
}

fn read_answer(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Flaw> {
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("candidates", Kind::Array) => read_candidates(cursor, facts)?,
            ("promptFeedback", Kind::Object) => {
                facts.feedback = true;
                read_word(cursor, "blockReason", &mut facts.finish_reasons)?;
            }
            ("modelVersion", Kind::String) => {
                let model = cursor.text()?.decoded();
                facts.model = model.filter(|model| !model.is_empty()).map(Into::into);
            }
            ("usageMetadata", Kind::Object) => {
                let start = cursor.offset();
                cursor.skip()?;
                facts.figures = true;
                let usage = serde_json::from_str::<Value>(cursor.since(start)).ok();
                facts.usage = usage.as_ref().and_then(known_usage).or(facts.usage);
            }
            ("error", Kind::Object) => {
                facts.failed = true;
                cursor.skip()?;
            }
            _ => cursor.skip()?,
        }
    }
    Ok(())
}

/// Takes one text out of an object.
fn read_word(cursor: &mut Cursor<'_>, wanted: &str, into: &mut Vec<String>) -> Result<(), Flaw> {
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        if name.resolved(&mut buffer) == wanted && cursor.kind()? == Kind::String {
            let word = cursor.text()?.decoded();
            into.extend(word.filter(|word| !word.is_empty()).map(Into::into));
        } else {
            cursor.skip()?;
        }
    }
    Ok(())
}

fn read_candidates(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Flaw> {
    let mut count = 0;
    let mut list = cursor.enter()?;
    while cursor.item(&mut list)? {
        count += 1;
        if cursor.kind()? != Kind::Object {
            cursor.skip()?;
            continue;
        }
        let mut buffer = String::new();
        let mut candidate = cursor.enter()?;
        while let Some(name) = cursor.member(&mut candidate)? {
            let kind = cursor.kind()?;
            match (name.resolved(&mut buffer), kind) {
                ("content", Kind::Object) => read_content(cursor, facts)?,
                ("finishReason", Kind::String) => {
                    let word = cursor.text()?.decoded();
                    facts.finish_reasons.extend(word.filter(|word| !word.is_empty()).map(Into::into));
                }
                _ => cursor.skip()?,
            }
        }
    }
    facts.candidates = Some(count);
    Ok(())
}

fn read_content(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Flaw> {
    let mut buffer = String::new();
    let mut content = cursor.enter()?;
    while let Some(name) = cursor.member(&mut content)? {
        if name.resolved(&mut buffer) != "parts" || cursor.kind()? != Kind::Array {
            cursor.skip()?;
            continue;
        }
        let mut list = cursor.enter()?;
        while cursor.item(&mut list)? {
            if cursor.kind()? == Kind::Object {
                read_part(cursor, facts)?;
            } else {
                cursor.skip()?;
            }
        }
    }
    Ok(())
}

/// A part: its text, or that there is something else in it.
fn read_part(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Flaw> {
    let mut buffer = String::new();
    let mut part = cursor.enter()?;
    while let Some(name) = cursor.member(&mut part)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("text", Kind::String) => {
                let text = cursor.text()?;
                facts.made |= !text.is_empty();
                // Half of a surrogate pair is no text.
                facts.text.push_str(&text.decoded().unwrap_or_default());
            }
            ("thought" | "thoughtSignature" | "videoMetadata" | "mediaResolution" | "partMetadata", _) => {
                cursor.skip()?;
            }
            ("functionCall" | "executableCode", Kind::Object) => {
                facts.made = true;
                facts.beyond_text = true;
                read_call(cursor, &mut facts.text)?;
            }
            (_, Kind::Object) => {
                facts.made = true;
                facts.beyond_text = true;
                cursor.skip()?;
            }
            _ => cursor.skip()?,
        }
    }
    Ok(())
}

/// Adds a call's name and arguments, or code, to `said`.
fn read_call(cursor: &mut Cursor<'_>, said: &mut String) -> Result<(), Flaw> {
    let mut buffer = String::new();
    let mut call = cursor.enter()?;
    while let Some(name) = cursor.member(&mut call)? {
        let kind = cursor.kind()?;
        match (name.resolved(&mut buffer), kind) {
            ("name" | "code", Kind::String) => {
                said.push_str(&cursor.text()?.decoded().unwrap_or_default());
            }
            ("args", _) => {
                let start = cursor.offset();
                cursor.skip()?;
                said.push_str(cursor.since(start));
            }
            _ => cursor.skip()?,
        }
    }
    Ok(())
}
