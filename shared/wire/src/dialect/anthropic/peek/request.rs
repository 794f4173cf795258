//! A caller's request: its checks.

use crate::dialect::DecodeError;
use crate::dialect::openai_chat::RequestHead;
use crate::dialect::peek::{Refusal, mismatch, read_messages, read_model};
use crate::json::{Cursor, Kind, MAX_DEPTH};

/// What a member's value must be. `null` stands for "not given" everywhere but in those that are required.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Model,
    Messages,
    Stream,
    /// A whole number from 0 on.
    Limit,
    /// One of these kinds.
    Any(&'static [Kind]),
}

/// The members that are checked. All others pass: vendors add their own.
const RULES: [(&str, Rule); 14] = [
    ("model", Rule::Model),
    ("messages", Rule::Messages),
    ("stream", Rule::Stream),
    ("max_tokens", Rule::Limit),
    ("system", Rule::Any(&[Kind::String, Kind::Array])),
    ("temperature", Rule::Any(&[Kind::Number])),
    ("top_p", Rule::Any(&[Kind::Number])),
    ("top_k", Rule::Any(&[Kind::Number])),
    ("stop_sequences", Rule::Any(&[Kind::Array])),
    ("tools", Rule::Any(&[Kind::Array])),
    ("tool_choice", Rule::Any(&[Kind::Object])),
    ("thinking", Rule::Any(&[Kind::Object])),
    ("metadata", Rule::Any(&[Kind::Object])),
    ("service_tier", Rule::Any(&[Kind::String])),
];

/// What a request must have.
const MEMBERS: &str = "`model` and `messages`";

/// Checks a request and finds what the gateway needs of it.
///
/// # Errors
/// Names the field that is missing or wrong.
pub fn peek_request(body: &[u8]) -> Result<RequestHead, DecodeError> {
    peek(body, true)
}

/// As [`peek_request`], for a request to count, which has no `max_tokens`.
///
/// # Errors
/// Names the field that is missing or wrong.
pub fn peek_count_request(body: &[u8]) -> Result<RequestHead, DecodeError> {
    peek(body, false)
}

fn peek(body: &[u8], needs_limit: bool) -> Result<RequestHead, DecodeError> {
    read(body, needs_limit).map_err(|refusal| refusal.explain(body, MEMBERS))
}

fn read(body: &[u8], needs_limit: bool) -> Result<RequestHead, Refusal> {
    let mut cursor = Cursor::new(body, MAX_DEPTH)?;
    let kind = cursor.kind()?;
    if kind != Kind::Object {
        return Err(mismatch("", &format!("a JSON object with {MEMBERS}"), kind).into());
    }
    let mut seen: u32 = 0;
    let (mut model, mut stream, mut messages, mut limit) = (None, false, false, !needs_limit);
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        let name = name.resolved(&mut buffer);
        let Some((index, (path, rule))) = RULES.iter().enumerate().find(|(_, (known, _))| *known == name)
        else {
            cursor.skip()?;
            continue;
        };
        if seen & (1 << index) != 0 {
            return Err(DecodeError::at(*path, "given twice: keep one of them").into());
        }
        seen |= 1 << index;
        let kind = cursor.kind()?;
        match (rule, kind) {
            (Rule::Model, _) => model = Some(read_model(&mut cursor, kind)?),
            (Rule::Messages, _) => {
                read_messages(&mut cursor, kind, read_message)?;
                messages = true;
            }
            (_, Kind::Null) => cursor.skip()?,
            (Rule::Stream, Kind::Bool) => stream = cursor.bool()?,
            (Rule::Stream, _) => return Err(mismatch(*path, "a boolean", kind).into()),
            (Rule::Limit, Kind::Number) => {
                let start = cursor.offset();
                cursor.skip()?;
                let number: f64 = cursor.since(start).parse().unwrap_or(f64::NAN);
                if number < 0.0 || number.fract() != 0.0 {
                    return Err(DecodeError::at(*path, "expected a whole number, not negative").into());
                }
                limit = true;
            }
            (Rule::Limit, _) => return Err(mismatch(*path, "a whole number", kind).into()),
            (Rule::Any(kinds), _) if kinds.contains(&kind) => cursor.skip()?,
            (Rule::Any(kinds), _) => {
                let expected: Vec<&str> = kinds.iter().map(|kind| kind.described()).collect();
                return Err(mismatch(*path, &expected.join(" or "), kind).into());
            }
        }
    }
    cursor.end()?;
    let Some((model, span)) = model else {
        return Err(DecodeError::at("model", "missing: name the model that is to answer").into());
    };
    if !messages {
        return Err(DecodeError::at("messages", "missing: send an array of at least one message").into());
    }
    if !limit {
        let reason = "missing: say the most tokens that the answer may have";
        return Err(DecodeError::at("max_tokens", reason).into());
    }
    Ok(RequestHead::of_one_answer(model, span, stream))
}

fn read_message(cursor: &mut Cursor<'_>, index: usize) -> Result<(), Refusal> {
    let path = |field: &str| format!("messages[{index}].{field}");
    let (mut role, mut content) = (false, false);
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        let kind = cursor.kind()?;
        match name.resolved(&mut buffer) {
            "role" if kind != Kind::String => return Err(mismatch(path("role"), "a string", kind).into()),
            "role" => role = true,
            "content" if !matches!(kind, Kind::String | Kind::Array) => {
                return Err(mismatch(path("content"), "a string or an array of blocks", kind).into());
            }
            "content" => content = true,
            _ => {}
        }
        cursor.skip()?;
    }
    for (there, field) in [(role, "role"), (content, "content")] {
        if !there {
            return Err(DecodeError::at(path(field), "missing: a message has a role and content").into());
        }
    }
    Ok(())
}
