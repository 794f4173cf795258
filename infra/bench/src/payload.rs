//! The requests and answers of all measurements: synthetic text of a given size in the shape of OpenAI's chat format.

use serde_json::json;

/// The upstream model that is asked for: one that the catalog has prices for.
pub(crate) const MODEL: &str = "gpt-4o-mini";

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

/// A whole answer of about a kilobyte.
pub(crate) fn answer() -> Vec<u8> {
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

/// The events of a streamed answer.
pub(crate) struct Events {
    /// Says the role, before any token.
    pub(crate) role: Vec<u8>,
    /// One token.
    pub(crate) token: Vec<u8>,
    /// Finish reason, usage and end mark.
    pub(crate) last: [Vec<u8>; 3],
}

impl Events {
    pub(crate) fn new() -> Self {
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
        Self {
            role: event(choice(json!({"role": "assistant", "content": "", "refusal": null}), None), None),
            token: event(choice(json!({"content": " gateway"}), None), None),
            last: [
                event(choice(json!({}), Some("stop")), None),
                event(json!([]), Some(usage())),
                b"data: [DONE]\n\n".to_vec(),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_they_say() {
        assert_eq!(text(1024).len(), 1024);
        assert!((1024..1500).contains(&request("m", 1024, false).len()));
        assert!((1000..1300).contains(&answer().len()), "{}", answer().len());
    }
}
