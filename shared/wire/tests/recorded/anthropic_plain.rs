//! What a stream of Anthropic's says by plain accumulation over the JSON of its events: the answer that it would have
//! been as a whole.

use serde_json::{Map, Value};

/// The events of a stream.
pub(crate) fn events(stream: &[u8]) -> Result<Vec<Value>, String> {
    let text = std::str::from_utf8(stream).map_err(|error| error.to_string())?;
    text.lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(str::trim)
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).map_err(|error| error.to_string()))
        .collect()
}

/// The answer that the events make, `None` where there is an error among them.
pub(crate) fn accumulate(events: &[Value]) -> Option<Value> {
    let mut message = Value::Null;
    let mut inputs = Vec::<String>::new();
    for event in events {
        match event["type"].as_str()? {
            "error" => return None,
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                message["content"].as_array_mut()?.push(event["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let at = usize::try_from(event["index"].as_u64()?).ok()?;
                add(&mut message["content"][at], &mut inputs[at], &event["delta"]);
            }
            "message_delta" => {
                set(&mut message, event["delta"].as_object()?);
                set(&mut message["usage"], event["usage"].as_object()?);
            }
            _ => {}
        }
    }
    for (block, input) in message["content"].as_array_mut()?.iter_mut().zip(&inputs) {
        if !input.is_empty() {
            block["input"] = serde_json::from_str(input).ok()?;
        }
        if let Some(block) = block.as_object_mut() {
            block.retain(|_, value| *value != Value::Array(Vec::new()));
        }
    }
    message.as_object_mut()?.retain(|name, value| !value.is_null() || name == "stop_sequence");
    Some(message)
}

fn set(target: &mut Value, news: &Map<String, Value>) {
    for (name, value) in news {
        if !value.is_null() {
            target[name] = value.clone();
        }
    }
}

fn add(block: &mut Value, input: &mut String, delta: &Value) {
    let mut append = |name: &str| {
        let text = format!(
            "{}{}",
            block[name].as_str().unwrap_or_default(),
            delta[name].as_str().unwrap_or_default()
        );
        block[name] = text.into();
    };
    match delta["type"].as_str() {
        Some("text_delta") => append("text"),
        Some("thinking_delta") => append("thinking"),
        Some("signature_delta") => append("signature"),
        Some("input_json_delta") => input.push_str(delta["partial_json"].as_str().unwrap_or_default()),
        Some("citations_delta") => match &mut block["citations"] {
            Value::Array(citations) => citations.push(delta["citation"].clone()),
            other => *other = vec![delta["citation"].clone()].into(),
        },
        _ => {}
    }
}
