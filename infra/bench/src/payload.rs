//! The requests and answers of all measurements: synthetic text of a given size. Callers speak OpenAI's chat format,
//! upstreams that or Anthropic's.

use serde_json::json;

/// The format of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The caller's.
    OpenAi,
    /// Another, into and out of which everything is translated.
    Anthropic,
}

impl Format {
    /// The `kind` of a provider that speaks it.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// The upstream model that is asked for: one that the catalog has prices for.
    pub(crate) const fn model(self) -> &'static str {
        match self {
            Self::OpenAi => "gpt-4o-mini",
            Self::Anthropic => "claude-haiku-4-5",
        }
    }

    /// What stands between an upstream's address and the path that its format adds.
    pub(crate) const fn base(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1",
            Self::Anthropic => "",
        }
    }

    /// A whole answer of about a kilobyte.
    pub(crate) fn answer(self) -> Vec<u8> {
        match self {
            Self::OpenAi => openai_answer(),
            Self::Anthropic => anthropic_answer(),
        }
    }

    /// The events of a streamed answer.
    pub(crate) fn events(self) -> Events {
        match self {
            Self::OpenAi => openai_events(),
            Self::Anthropic => anthropic_events(),
        }
    }
}

/// English-looking text of `size` bytes with a line break every hundred and a quotation now and then, as prompts have.
pub(crate) fn text(size: usize) -> String {
    const LINE: &str =
        "The gateway reads what callers send and passes it on; it said \"ready\" and then waited for more.\n";
    LINE.chars().cycle().take(size).collect()
}

/// A request whose one user message has `size` bytes of text.
pub(crate) fn request(model: &str, size: usize, stream: bool) -> Vec<u8> {
    let mut body = json!({
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a careful assistant."},
            {"role": "user", "content": text(size)},
        ],
        "temperature": 0.2,
        "max_tokens": 400,
    });
    if stream && let Some(fields) = body.as_object_mut() {
        fields.insert("stream".to_owned(), json!(true));
    }
    body.to_string().into_bytes()
}

fn openai_answer() -> Vec<u8> {
    json!({
        "id": "chatcmpl-9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text(560), "refusal": null, "annotations": []},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage(),
        "service_tier": "default",
        "system_fingerprint": "fp_5a4b3c2d1e",
    })
    .to_string()
    .into_bytes()
}

fn usage() -> serde_json::Value {
    json!({
        "prompt_tokens": 231,
        "completion_tokens": 118,
        "total_tokens": 349,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}

fn anthropic_answer() -> Vec<u8> {
    json!({
        "id": "msg_01AbCdEfGhIjKlMnOpQrStUv",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [{"type": "text", "text": text(560)}],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": anthropic_usage(),
    })
    .to_string()
    .into_bytes()
}

fn anthropic_usage() -> serde_json::Value {
    json!({
        "input_tokens": 231,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 118,
        "service_tier": "standard",
    })
}

/// The events of a streamed answer.
pub(crate) struct Events {
    /// What comes before any token.
    pub(crate) start: Vec<u8>,
    /// One token.
    pub(crate) token: Vec<u8>,
    /// What comes after the last: finish reason, usage and end mark.
    pub(crate) last: Vec<Vec<u8>>,
}

fn openai_events() -> Events {
    let event = |choices: serde_json::Value, usage: Option<serde_json::Value>| {
        let chunk = json!({
            "id": "chatcmpl-9f8e7d6c5b4a39281706f5e4d3c2b1a0",
            "object": "chat.completion.chunk",
            "created": 1_767_225_600,
            "model": "gpt-4o-mini-2024-07-18",
            "service_tier": "default",
            "system_fingerprint": "fp_5a4b3c2d1e",
            "choices": choices,
            "usage": usage,
        });
        format!("data: {chunk}\n\n").into_bytes()
    };
    let choice = |delta: serde_json::Value, finish: Option<&str>| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
    Events {
        start: event(choice(json!({"role": "assistant", "content": "", "refusal": null}), None), None),
        token: event(choice(json!({"content": " gateway"}), None), None),
        last: vec![
            event(choice(json!({}), Some("stop")), None),
            event(json!([]), Some(usage())),
            b"data: [DONE]\n\n".to_vec(),
        ],
    }
}

fn anthropic_events() -> Events {
    let event = |data: serde_json::Value| {
        let name = data["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {data}\n\n").into_bytes()
    };
    let begun = json!({
        "id": "msg_01AbCdEfGhIjKlMnOpQrStUv",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": anthropic_usage(),
    });
    let block = json!({"type": "text", "text": ""});
    let stop = json!({"stop_reason": "end_turn", "stop_sequence": null});
    Events {
        start: [
            event(json!({"type": "message_start", "message": begun})),
            event(json!({"type": "content_block_start", "index": 0, "content_block": block})),
            event(json!({"type": "ping"})),
        ]
        .concat(),
        token: event(json!({
            "type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " gateway"},
        })),
        last: vec![
            event(json!({"type": "content_block_stop", "index": 0})),
            event(json!({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 118}})),
            event(json!({"type": "message_stop"})),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_they_say() {
        assert_eq!(text(1024).len(), 1024);
        assert!((1024..1500).contains(&request("m", 1024, false).len()));
        for (format, sizes) in [(Format::OpenAi, 1000..1300), (Format::Anthropic, 850..1300)] {
            let size = format.answer().len();
            assert!(sizes.contains(&size), "{format:?}: {size}");
        }
    }
}
