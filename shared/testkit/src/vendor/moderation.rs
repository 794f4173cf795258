//! What vendors refuse of requests for moderation (<https://platform.openai.com/docs/api-reference/moderations>).

use serde_json::{Map, Value};

use super::{Checked, Refusal, object, wrong};

/// OpenAI.
#[must_use]
pub fn openai(body: &[u8]) -> Option<Refusal> {
    object(body).and_then(|request| check(&request)).err()
}

fn check(request: &Map<String, Value>) -> Checked {
    if request.get("model").is_some_and(|model| !model.is_string()) {
        return wrong("model", "Invalid type for 'model'");
    }
    let part = |part: &Value| match part.get("type").and_then(Value::as_str) {
        Some("text") => part.get("text").is_some_and(Value::is_string),
        Some("image_url") => part.get("image_url").and_then(|image| image.get("url")).is_some(),
        _ => false,
    };
    match request.get("input") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(list)) if list.is_empty() => wrong("input", "Invalid 'input': empty array"),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) || list.iter().all(part) => Ok(()),
        _ => wrong("input", "Invalid type for 'input'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_the_vendor_refuses() {
        for (body, param) in [
            (r#"{"input":"a"}"#, None),
            (r#"{"input":["a","b"],"model":"m"}"#, None),
            (r#"{"input":[{"type":"text","text":"a"}]}"#, None),
            (r#"{"input":[]}"#, Some("input")),
            (r#"{"input":["a",{"type":"text","text":"a"}]}"#, Some("input")),
            (r#"{"model":1,"input":"a"}"#, Some("model")),
            ("{}", Some("input")),
        ] {
            assert_eq!(openai(body.as_bytes()).and_then(|r| r.param).as_deref(), param, "{body}");
        }
    }
}
