//! What is said in an answer: its blocks, and why it ended.

use serde_json::{Map, Value};

use super::{part, tool};
use crate::chat::{Content, FinishReason, Message, Part, Reasoning, ToolKind};
use crate::dialect::cache_mark;
use crate::dialect::carried;
use crate::dialect::fields::put;

/// A finish reason by Anthropic's word.
pub(super) fn decode_finish(word: &str) -> FinishReason {
    match word {
        "end_turn" => FinishReason::Stop,
        "max_tokens" => FinishReason::Length,
        "stop_sequence" => FinishReason::StopSequence,
        "tool_use" => FinishReason::ToolCalls,
        "pause_turn" => FinishReason::Pause,
        "refusal" => FinishReason::Refusal,
        "model_context_window_exceeded" => FinishReason::ContextLength,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Anthropic's word for a finish reason, the nearest for those it has none for. A vendor's own word stays.
///
/// Callers run tools when they read `tool_use`, and other vendors call that a plain stop; OpenAI's models refuse with
/// a plain stop, too.
pub(super) fn encode_finish(reason: Option<&FinishReason>, calls: bool, refuses: bool) -> &str {
    match reason {
        None | Some(FinishReason::Stop) if calls => "tool_use",
        None | Some(FinishReason::Stop) if refuses => "refusal",
        None | Some(FinishReason::Stop | FinishReason::MalformedToolCall) => "end_turn",
        Some(FinishReason::StopSequence) => "stop_sequence",
        Some(FinishReason::Length) => "max_tokens",
        Some(FinishReason::ContextLength) => "model_context_window_exceeded",
        Some(FinishReason::ToolCalls | FinishReason::FunctionCall) => "tool_use",
        Some(FinishReason::ContentFilter | FinishReason::Refusal | FinishReason::Recitation) => "refusal",
        Some(FinishReason::Pause) => "pause_turn",
        Some(FinishReason::Other(word)) => word,
    }
}

/// Whether a call is one that the caller is to carry out.
pub(super) const fn is_callers(kind: &ToolKind) -> bool {
    !matches!(kind, ToolKind::BuiltIn(_))
}

/// The id that a caller is told for a call: the vendor's, with its signature inside, or one made of the answer's.
pub(super) fn call_id(id: Option<&str>, signature: Option<&str>, answer: &str, number: usize) -> String {
    match id.filter(|id| !id.is_empty()) {
        Some(id) => carried::seal(&tool::safe_id(id), signature),
        None => carried::seal(&format!("toolu_{answer}_{number}"), signature),
    }
}

/// The blocks of an answer, and whether there are calls and a refusal among them. An answer cannot be refused any more:
/// content that the format has no words for is left out. `answer` is what ids are made of where there are none.
pub(super) fn encode_content(message: &Message, answer: &str) -> (Vec<Value>, bool, bool) {
    let (mut calls, mut refuses) = (0, false);
    let mut blocks = Vec::with_capacity(message.parts.len());
    for part in &message.parts {
        refuses |= matches!(part.content, Content::Refusal(_));
        let mut map = match &part.content {
            Content::ToolCall(call) if is_callers(&call.kind) => {
                let id = call_id(call.id.as_deref(), part.signature.as_deref(), answer, calls);
                calls += 1;
                tool::call_block(&id, &call.name, tool::input_of(call).0)
            }
            _ => match said_block(part) {
                Some(map) => map,
                None => continue,
            },
        };
        cache_mark::put_cache_mark(&mut map, part.cache);
        part::merge_extra(&mut map, &part.extra);
        blocks.push(Value::Object(map));
    }
    (blocks, calls > 0, refuses)
}

/// A block that is no call, without marks and extra; `None` for what an answer of this format cannot hold.
pub(super) fn said_block(part: &Part) -> Option<Map<String, Value>> {
    match &part.content {
        Content::Text(text) => {
            let mut map = part::text_block(&text.text);
            part::put_citations(&mut map, text);
            Some(map)
        }
        Content::Refusal(text) => Some(part::text_block(text)),
        Content::Audio(audio) => audio.transcript.as_deref().map(part::text_block),
        Content::Reasoning(reasoning) => reasoning_block(reasoning, part.signature.as_deref()),
        Content::Other(kind) if part::is_own_block(kind) => {
            let mut map = Map::new();
            put(&mut map, "type", kind.clone());
            Some(map)
        }
        Content::Image(_)
        | Content::Video(_)
        | Content::File(_)
        | Content::ToolCall(_)
        | Content::ToolResult(_)
        | Content::Other(_) => None,
    }
}

/// Reasoning of any vendor can be read; what is sealed goes only to who can hand it back to its vendor. The format
/// requires a signature: it is empty where there is none of Anthropic's.
fn reasoning_block(reasoning: &Reasoning, signature: Option<&str>) -> Option<Map<String, Value>> {
    let own = is_own_reasoning(reasoning);
    let mut map = Map::new();
    match &reasoning.data {
        Some(data) if own => {
            put(&mut map, "type", "redacted_thinking");
            put(&mut map, "data", data.clone());
        }
        Some(_) if reasoning.text.is_empty() => return None,
        _ => {
            put(&mut map, "type", "thinking");
            put(&mut map, "thinking", reasoning.text.clone());
            put(&mut map, "signature", signature.filter(|_| own).unwrap_or_default());
        }
    }
    Some(map)
}

/// Whether the signature or the sealed text is Anthropic's.
pub(super) fn is_own_reasoning(reasoning: &Reasoning) -> bool {
    reasoning.format.as_deref() == Some(super::REASONING_FORMAT)
}
