//! What no provider of the caller's format takes. Where bytes pass, the provider says so; before a request is told in
//! another format it is said here, or the caller would hear of a fault in words that it never wrote.

use std::collections::HashSet;

use serde_json::Number;

use super::{DecodeError, Dialect, spelt};
use crate::chat::{Content, Part, Request, Source};

/// The ranges are those of the formats' references; base64 and the order of calls and results are the same everywhere.
pub(super) fn check(dialect: Dialect, request: &Request) -> Result<(), DecodeError> {
    let wrong =
        |field: &str, reason: String| Err(DecodeError::at(spelt::name(dialect, request, field), reason));
    let warmest = match dialect {
        Dialect::Anthropic | Dialect::Bedrock => 1.0,
        Dialect::Cohere => f64::MAX,
        _ => 2.0,
    };
    let sampling = &request.sampling;
    for (field, said, least, most) in [
        ("sampling.temperature", &sampling.temperature, 0.0, warmest),
        ("sampling.top_p", &sampling.top_p, 0.0, 1.0),
        ("sampling.frequency_penalty", &sampling.frequency_penalty, -2.0, 2.0),
        ("sampling.presence_penalty", &sampling.presence_penalty, -2.0, 2.0),
    ] {
        let outside = |number: &Number| !number.as_f64().is_some_and(|n| (least..=most).contains(&n));
        if said.as_ref().is_some_and(outside) {
            return wrong(field, format!("expected a number from {least} to {most}"));
        }
    }
    if request.output_limit.is_some_and(|limit| limit.tokens == 0) {
        return wrong("output_limit", "expected at least 1".to_owned());
    }
    let most = if dialect == Dialect::OpenAiCompletions { 5 } else { 20 };
    if request.top_logprobs.is_some_and(|n| n > most) {
        return wrong("top_logprobs", format!("expected at most {most}"));
    }
    conversation(dialect, request)
}

fn conversation(dialect: Dialect, request: &Request) -> Result<(), DecodeError> {
    let mut ids = HashSet::new();
    let mut names = HashSet::new();
    for (index, message) in request.messages.iter().enumerate() {
        for (place, part) in message.parts.iter().enumerate() {
            let wrong = |tail: &str, reason: &str| {
                let field = format!("messages[{index}].content[{place}]");
                let field = spelt::name(dialect, request, &field);
                // Where an item is not known, what is inside it cannot be named either.
                let tail = if field.ends_with(']') { tail } else { "" };
                Err(DecodeError::at(format!("{field}{tail}"), reason))
            };
            match &part.content {
                Content::ToolCall(call) => {
                    ids.extend(call.id.as_deref());
                    names.insert(call.name.as_str());
                }
                Content::ToolResult(result) => {
                    let known = match (result.call_id.as_deref(), result.name.as_deref()) {
                        (Some(id), _) => ids.contains(id),
                        (None, Some(name)) => names.contains(name),
                        (None, None) => !names.is_empty(),
                    };
                    // Who reads Responses looks at that, and knows of calls that OpenAI keeps.
                    if !known && dialect != Dialect::OpenAiResponses {
                        return wrong("", "the result of a tool call that does not come before it");
                    }
                    if result.parts.iter().any(|part| bytes_of(part).is_some_and(|data| !is_base64(data))) {
                        return wrong("", NOT_BASE64);
                    }
                }
                _ if bytes_of(part).is_some_and(|data| !is_base64(data)) => {
                    return wrong(spelt::bytes(dialect, part), NOT_BASE64);
                }
                _ => {}
            }
        }
    }
    Ok(())
}

const NOT_BASE64: &str = "expected bytes in base64";

/// What a part holds in base64.
fn bytes_of(part: &Part) -> Option<&str> {
    let source = match &part.content {
        Content::Image(image) => &image.source,
        Content::File(file) => &file.source,
        Content::Video(source) => source,
        Content::Audio(audio) => return audio.data.as_deref(),
        _ => return None,
    };
    match source {
        Source::Base64 { data, .. } => Some(data),
        Source::Url(_) | Source::FileId(_) | Source::Text(_) => None,
    }
}

/// Letters of both alphabets of base64; line ends, which some encoders write; padding at the end.
fn is_base64(text: &str) -> bool {
    let body = text.trim_ascii_end().trim_end_matches('=');
    let letter =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'\r' | b'\n');
    !body.is_empty() && text.len() - body.len() <= 4 && body.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(dialect: Dialect, body: &serde_json::Value) -> Option<String> {
        let request = dialect.decode_request(body.to_string().as_bytes()).expect("a request");
        check(dialect, &request).err().map(|error| error.path)
    }

    #[test]
    fn what_is_impossible_is_named_as_the_caller_wrote_it() {
        let chat = |more: serde_json::Value| {
            let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            refused(Dialect::OpenAiChat, &body)
        };
        assert_eq!(chat(json!({"temperature": 2, "top_p": 1, "presence_penalty": -2})), None);
        assert_eq!(chat(json!({"temperature": 9})).as_deref(), Some("temperature"));
        assert_eq!(chat(json!({"top_p": -0.1})).as_deref(), Some("top_p"));
        assert_eq!(chat(json!({"logprobs": true, "top_logprobs": 21})).as_deref(), Some("top_logprobs"));
        let claude = json!({"model": "m", "max_tokens": 9, "temperature": 1.5, "messages": [{"role": "user", "content": "x"}]});
        assert_eq!(refused(Dialect::Anthropic, &claude).as_deref(), Some("temperature"));
        let gemini = json!({"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"topP": 2}});
        assert_eq!(refused(Dialect::Gemini, &gemini).as_deref(), Some("generationConfig.topP"));
    }

    #[test]
    fn a_result_needs_its_call() {
        let call = json!({"role": "assistant", "content": null, "tool_calls":
            [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
        let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
        let talk = |messages: serde_json::Value| {
            refused(Dialect::OpenAiChat, &json!({"model": "m", "messages": messages}))
        };
        assert_eq!(talk(json!([call, result("a")])), None);
        assert_eq!(talk(json!([call, result("b")])).as_deref(), Some("messages[1]"));
        assert_eq!(talk(json!([result("a"), call])).as_deref(), Some("messages[0]"));
        let gemini = json!({"systemInstruction": {"parts": [{"text": "x"}]}, "contents":
            [{"role": "user", "parts": [{"text": "a"}, {"functionResponse": {"name": "f", "response": {}}}]}]});
        assert_eq!(refused(Dialect::Gemini, &gemini).as_deref(), Some("contents[0].parts[1]"));
    }

    #[test]
    fn bytes_are_base64() {
        for (text, good) in [
            ("iVBORw0KGgo=", true),
            ("a-_b", true),
            ("ab\ncd==\n", true),
            ("%%%", false),
            ("", false),
            ("a b", false),
        ] {
            assert_eq!(is_base64(text), good, "{text:?}");
        }
        let part = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
        let body = json!({"model": "m", "messages": [{"role": "user", "content":
            [part("data:image/png;base64,AAAA"), part("data:image/png;base64,?")]}]});
        let named = refused(Dialect::OpenAiChat, &body);
        assert_eq!(named.as_deref(), Some("messages[0].content[1].image_url.url"));
    }
}
