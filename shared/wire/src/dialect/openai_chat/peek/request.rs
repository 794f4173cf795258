//! A caller's request: its checks, and the two edits that a target may need.

use std::ops::Range;

use bytes::Bytes;

use crate::dialect::DecodeError;
use crate::dialect::peek::{Refusal, mismatch, read_messages, read_model};
use crate::json::{Cursor, Flaw, Kind, MAX_DEPTH, Splice};

/// What a request says to the gateway, and where it says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The model asked for.
    pub model: String,
    /// Whether the answer is to be a stream.
    pub stream: bool,
    /// Whether the caller asked for the usage event at the end of a stream.
    pub include_usage: bool,
    /// How many choices are asked for (`n`), at least one.
    pub choices: u64,
    model_span: Range<usize>,
    /// Where the value of `stream` ends.
    stream_end: usize,
    options: StreamOptions,
}

/// Where `stream_options.include_usage` is, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum StreamOptions {
    #[default]
    Absent,
    /// `null`, here.
    Null(Range<usize>),
    /// An object without it; `at` is behind its opening brace.
    Without { at: usize, empty: bool },
    /// Its value, here.
    With(Range<usize>),
}

impl RequestHead {
    /// The head of a request in a format that asks for one answer and tells usage unasked: nothing is ever added to
    /// it. `model_span` is where the value of `model` is, quotes included.
    pub(in crate::dialect) const fn of_one_answer(
        model: String,
        model_span: Range<usize>,
        stream: bool,
    ) -> Self {
        Self {
            model,
            stream,
            include_usage: true,
            choices: 1,
            model_span,
            stream_end: 0,
            options: StreamOptions::Absent,
        }
    }

    /// The body for one target: `model` is its name for the model, and `ask_usage` says to ask for the usage event of
    /// a stream. Every other byte stays as it was, so that a provider's prompt cache sees the same prompt. `body`
    /// must be the one that was peeked at.
    #[must_use]
    pub fn rewrite(&self, body: &Bytes, model: &str, ask_usage: bool) -> Bytes {
        let mut splice = Splice::new();
        if model != self.model {
            splice.replace(self.model_span.clone(), serde_json::Value::from(model).to_string());
        }
        if ask_usage && self.stream && !self.include_usage {
            match &self.options {
                StreamOptions::Absent => {
                    splice.insert(self.stream_end, r#","stream_options":{"include_usage":true}"#);
                }
                StreamOptions::Null(span) => splice.replace(span.clone(), r#"{"include_usage":true}"#),
                StreamOptions::Without { at, empty: true } => splice.insert(*at, r#""include_usage":true"#),
                StreamOptions::Without { at, empty: false } => splice.insert(*at, r#""include_usage":true,"#),
                StreamOptions::With(span) => splice.replace(span.clone(), "true"),
            }
        }
        splice.apply(body)
    }
}

/// What a member's value must be. `null` stands for "not given" everywhere but in `model` and `messages`.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Model,
    Messages,
    Stream,
    StreamOptions,
    /// A whole number from 1 on.
    Count,
    /// The same, or -1: LM Studio's and llama.cpp's word for no limit.
    Limit,
    Integer,
    Stop,
    /// One of these kinds.
    Any(&'static [Kind]),
}

/// The members that are checked. All others pass. What vendors are known to take in other types is not here:
/// `logprobs` (Together: a number), `reasoning_effort` (Fireworks: a number or a boolean).
const RULES: [(&str, Rule); 26] = [
    ("model", Rule::Model),
    ("messages", Rule::Messages),
    ("stream", Rule::Stream),
    ("stream_options", Rule::StreamOptions),
    ("max_tokens", Rule::Limit),
    ("max_completion_tokens", Rule::Limit),
    ("n", Rule::Count),
    ("seed", Rule::Integer),
    ("top_logprobs", Rule::Integer),
    ("stop", Rule::Stop),
    ("temperature", Rule::Any(&[Kind::Number])),
    ("top_p", Rule::Any(&[Kind::Number])),
    ("frequency_penalty", Rule::Any(&[Kind::Number])),
    ("presence_penalty", Rule::Any(&[Kind::Number])),
    ("tools", Rule::Any(&[Kind::Array])),
    ("tool_choice", Rule::Any(&[Kind::String, Kind::Object])),
    ("parallel_tool_calls", Rule::Any(&[Kind::Bool])),
    ("functions", Rule::Any(&[Kind::Array])),
    ("function_call", Rule::Any(&[Kind::String, Kind::Object])),
    ("response_format", Rule::Any(&[Kind::Object])),
    ("modalities", Rule::Any(&[Kind::Array])),
    ("audio", Rule::Any(&[Kind::Object])),
    ("prediction", Rule::Any(&[Kind::Object])),
    ("logit_bias", Rule::Any(&[Kind::Object])),
    ("metadata", Rule::Any(&[Kind::Object])),
    ("user", Rule::Any(&[Kind::String])),
];

/// The members of a request for completions (OpenAI's older format) that are checked.
const COMPLETIONS: [(&str, Rule); 4] = [
    ("model", Rule::Model),
    ("stream", Rule::Stream),
    ("stream_options", Rule::StreamOptions),
    ("n", Rule::Count),
];

/// The members that a request is steered by in formats that name the model and the stream in the body.
const STEERING: [(&str, Rule); 2] = [("model", Rule::Model), ("stream", Rule::Stream)];

/// Checks a request and finds what the gateway needs of it.
pub fn peek_request(body: &[u8]) -> Result<RequestHead, DecodeError> {
    peek(body, &RULES, "`model` and `messages`")
}

/// As [`peek_request`], for a request for completions (OpenAI's older format).
///
/// # Errors
/// Names the field that is missing or wrong.
pub fn peek_completions_request(body: &[u8]) -> Result<RequestHead, DecodeError> {
    peek(body, &COMPLETIONS, "`model` and `prompt`")
}

/// As [`peek_request`], for any format that names the model and the stream in the body and tells usage unasked.
///
/// # Errors
/// Names the field that is missing or wrong.
pub(in crate::dialect) fn peek_steering(body: &[u8]) -> Result<RequestHead, DecodeError> {
    let head = peek(body, &STEERING, "`model`")?;
    Ok(RequestHead::of_one_answer(head.model, head.model_span, head.stream))
}

/// As [`peek_request`], for requests that name a model and say nothing else to the gateway: no conversations.
///
/// # Errors
/// Names the field that is missing or wrong.
pub fn peek_model(body: &[u8]) -> Result<RequestHead, DecodeError> {
    let head = peek(body, &[("model", Rule::Model)], "`model`")?;
    Ok(RequestHead::of_one_answer(head.model, head.model_span, head.stream))
}

/// Checks only that a body is a JSON object: for formats that say in the address what steers a request.
///
/// # Errors
/// If it is none.
pub(in crate::dialect) fn peek_shape(body: &[u8]) -> Result<RequestHead, DecodeError> {
    let head = peek(body, &[], "the fields of the request")?;
    Ok(RequestHead::of_one_answer(head.model, head.model_span, head.stream))
}

fn peek(body: &[u8], rules: &[(&str, Rule)], members: &str) -> Result<RequestHead, DecodeError> {
    read(body, rules, members).map_err(|refusal| refusal.explain(body, members))
}

fn read(body: &[u8], rules: &[(&str, Rule)], members: &str) -> Result<RequestHead, Refusal> {
    let mut cursor = Cursor::new(body, MAX_DEPTH)?;
    let kind = cursor.kind()?;
    if kind != Kind::Object {
        let reason = format!("expected a JSON object with {members}, got {}", kind.described());
        return Err(DecodeError::at("", reason).into());
    }
    let mut seen: u32 = 0;
    // A format without such a member names the model elsewhere.
    let mut model = if rules.is_empty() { Some((String::new(), 0..0)) } else { None };
    let mut stream = (false, 0);
    let mut include_usage = false;
    let mut choices = 1;
    let mut options = StreamOptions::default();
    let mut messages = !rules.iter().any(|(_, rule)| matches!(rule, Rule::Messages));

    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        let name = name.resolved(&mut buffer);
        let known = rules.iter().enumerate().find(|(_, (known, _))| *known == name);
        let Some((index, (path, rule))) = known else {
            cursor.skip()?;
            continue;
        };
        if seen & (1 << index) != 0 {
            return Err(DecodeError::at(*path, "given twice: keep one of them").into());
        }
        seen |= 1 << index;
        let kind = cursor.kind()?;
        match rule {
            Rule::Model => model = Some(read_model(&mut cursor, kind)?),
            Rule::Messages => {
                read_messages(&mut cursor, kind, read_message)?;
                messages = true;
            }
            Rule::Stream => stream = (read_switch(&mut cursor, path, kind)?, cursor.offset()),
            Rule::StreamOptions => (options, include_usage) = read_options(&mut cursor, kind)?,
            Rule::Count => choices = read_count(&mut cursor, path, kind, false)?.unwrap_or(1),
            Rule::Limit => {
                read_count(&mut cursor, path, kind, true)?;
            }
            Rule::Integer => read_integer(&mut cursor, path, kind)?,
            Rule::Stop => read_stop(&mut cursor, path, kind)?,
            Rule::Any(kinds) => {
                if kind != Kind::Null && !kinds.contains(&kind) {
                    let expected: Vec<&str> = kinds.iter().map(|kind| kind.described()).collect();
                    return Err(mismatch(*path, &expected.join(" or "), kind).into());
                }
                cursor.skip()?;
            }
        }
    }
    cursor.end()?;

    let Some((model, model_span)) = model else {
        return Err(DecodeError::at("model", "missing: name the model that is to answer").into());
    };
    if !messages {
        return Err(DecodeError::at("messages", "missing: send an array of at least one message").into());
    }
    let (stream, stream_end) = stream;
    Ok(RequestHead { model, stream, include_usage, choices, model_span, stream_end, options })
}

fn read_switch(cursor: &mut Cursor<'_>, path: &str, kind: Kind) -> Result<bool, Refusal> {
    match kind {
        Kind::Bool => Ok(cursor.bool()?),
        Kind::Null => {
            cursor.skip()?;
            Ok(false)
        }
        _ => Err(mismatch(path, "a boolean", kind).into()),
    }
}

fn read_options(cursor: &mut Cursor<'_>, kind: Kind) -> Result<(StreamOptions, bool), Refusal> {
    const PATH: &str = "stream_options.include_usage";
    let start = cursor.offset();
    match kind {
        Kind::Null => {
            cursor.skip()?;
            return Ok((StreamOptions::Null(start..cursor.offset()), false));
        }
        Kind::Object => {}
        _ => return Err(mismatch("stream_options", "an object", kind).into()),
    }
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    let mut options = StreamOptions::Without { at: cursor.offset(), empty: true };
    let mut include_usage = false;
    while let Some(name) = cursor.member(&mut object)? {
        if let StreamOptions::Without { empty, .. } = &mut options {
            *empty = false;
        }
        if name.resolved(&mut buffer) != "include_usage" {
            cursor.skip()?;
            continue;
        }
        if let StreamOptions::With(_) = options {
            return Err(DecodeError::at(PATH, "given twice: keep one of them").into());
        }
        let kind = cursor.kind()?;
        let start = cursor.offset();
        include_usage = read_switch(cursor, PATH, kind)?;
        options = StreamOptions::With(start..cursor.offset());
    }
    Ok((options, include_usage))
}

/// A whole number's value; `None` for one that is not whole. Its spelling is left as it is: `1e3` and `100.0` are
/// whole.
fn read_whole(cursor: &mut Cursor<'_>) -> Result<Option<f64>, Flaw> {
    let start = cursor.offset();
    cursor.skip()?;
    let number: f64 = cursor.since(start).parse().unwrap_or(f64::NAN);
    Ok((number.fract() == 0.0).then_some(number))
}

fn read_count(
    cursor: &mut Cursor<'_>,
    path: &str,
    kind: Kind,
    or_none: bool,
) -> Result<Option<u64>, Refusal> {
    match kind {
        Kind::Null => {
            cursor.skip()?;
            Ok(None)
        }
        Kind::Number => match read_whole(cursor)? {
            Some(number) if number >= 1.0 => Ok(Some(number as u64)),
            Some(number) if or_none && number == -1.0 => Ok(None),
            _ => Err(DecodeError::at(path, "expected a whole number of at least 1").into()),
        },
        _ => Err(mismatch(path, "a whole number", kind).into()),
    }
}

fn read_integer(cursor: &mut Cursor<'_>, path: &str, kind: Kind) -> Result<(), Refusal> {
    match kind {
        Kind::Null => Ok(cursor.skip()?),
        Kind::Number => match read_whole(cursor)? {
            Some(_) => Ok(()),
            None => Err(DecodeError::at(path, "expected a whole number").into()),
        },
        _ => Err(mismatch(path, "a whole number", kind).into()),
    }
}

fn read_stop(cursor: &mut Cursor<'_>, path: &str, kind: Kind) -> Result<(), Refusal> {
    match kind {
        Kind::Null | Kind::String => Ok(cursor.skip()?),
        Kind::Array => {
            let mut list = cursor.enter()?;
            let mut index = 0;
            while cursor.item(&mut list)? {
                let kind = cursor.kind()?;
                if kind != Kind::String {
                    return Err(mismatch(format!("{path}[{index}]"), "a string", kind).into());
                }
                cursor.skip()?;
                index += 1;
            }
            Ok(())
        }
        _ => Err(mismatch(path, "a string or an array of strings", kind).into()),
    }
}

fn read_message(cursor: &mut Cursor<'_>, index: usize) -> Result<(), Refusal> {
    let path = |field: &str| format!("messages[{index}].{field}");
    let mut role = false;
    let mut buffer = String::new();
    let mut object = cursor.enter()?;
    while let Some(name) = cursor.member(&mut object)? {
        let kind = cursor.kind()?;
        match name.resolved(&mut buffer) {
            "role" => {
                if kind != Kind::String {
                    return Err(mismatch(path("role"), "a string", kind).into());
                }
                if cursor.text()?.is_empty() {
                    return Err(
                        DecodeError::at(path("role"), "is empty: say who speaks, such as `user`").into()
                    );
                }
                role = true;
                continue;
            }
            "content" if !matches!(kind, Kind::String | Kind::Array | Kind::Null) => {
                return Err(mismatch(path("content"), "a string or an array of parts", kind).into());
            }
            "tool_calls" if !matches!(kind, Kind::Array | Kind::Null) => {
                return Err(mismatch(path("tool_calls"), "an array", kind).into());
            }
            _ => {}
        }
        cursor.skip()?;
    }
    if role {
        Ok(())
    } else {
        Err(DecodeError::at(path("role"), "missing: say who speaks, such as `user`").into())
    }
}
