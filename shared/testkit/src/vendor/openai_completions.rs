//! What OpenAI refuses of a request of the older Completions
//! (<https://platform.openai.com/docs/api-reference/completions/create>), arguments that it does not know among them.

use serde_json::{Map, Value};

use super::{Checked, Refusal, object, wrong};

const FIELDS: [&str; 18] = [
    "model",
    "prompt",
    "best_of",
    "echo",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "n",
    "presence_penalty",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "suffix",
    "temperature",
    "top_p",
    "user",
];

/// Why the vendor would refuse this body, if it would.
#[must_use]
pub fn refuse(body: &[u8]) -> Option<Refusal> {
    object(body).and_then(|request| check(&request)).err()
}

fn check(request: &Map<String, Value>) -> Checked {
    if let Some(name) = request.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return wrong(name, format!("Unrecognized request argument supplied: {name}"));
    }
    if request.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return wrong("model", "you must provide a model parameter");
    }
    if !request.get("prompt").is_none_or(is_prompt) {
        return wrong("prompt", "expected text or tokens, or a list of them");
    }
    let given = |name: &str| request.get(name).filter(|value| !value.is_null());
    for (name, least, most) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
        ("frequency_penalty", -2.0, 2.0),
    ] {
        if given(name).is_some_and(|n| !n.as_f64().is_some_and(|n| (least..=most).contains(&n))) {
            return wrong(name, format!("expected a number from {least} to {most}"));
        }
    }
    for (name, least, most) in
        [("n", 1, 128), ("best_of", 1, 20), ("logprobs", 0, 5), ("max_tokens", 0, u64::MAX)]
    {
        if given(name).is_some_and(|n| !n.as_u64().is_some_and(|n| (least..=most).contains(&n))) {
            return wrong(name, format!("expected a whole number from {least} to {most}"));
        }
    }
    let number = |name: &str| given(name).and_then(Value::as_u64).unwrap_or(1);
    if given("best_of").is_some() && number("best_of") < number("n") {
        return wrong("best_of", "must be at least n");
    }
    match given("stop") {
        None | Some(Value::String(_)) => {}
        Some(Value::Array(list)) if list.len() <= 4 && list.iter().all(Value::is_string) => {}
        Some(_) => return wrong("stop", "expected text, or up to four of them"),
    }
    if given("stream_options").is_some() && given("stream") != Some(&Value::Bool(true)) {
        return wrong("stream_options", "only allowed when stream is true");
    }
    Ok(())
}

fn is_prompt(prompt: &Value) -> bool {
    match prompt {
        Value::String(_) | Value::Null => true,
        Value::Array(list) if !list.is_empty() => {
            list.iter().all(Value::is_string)
                || list.iter().all(Value::is_u64)
                || list.iter().all(|one| {
                    one.as_array()
                        .is_some_and(|tokens| !tokens.is_empty() && tokens.iter().all(Value::is_u64))
                })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_the_vendor_refuses() {
        for good in [
            r#"{"model":"m","prompt":"hi","stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"model":"m","prompt":[[1,2],[3]],"stop":["a"],"logprobs":5,"n":2,"best_of":2}"#,
        ] {
            assert_eq!(refuse(good.as_bytes()), None, "{good}");
        }
        for (body, param) in [
            (r#"{"prompt":"hi"}"#, "model"),
            (r#"{"model":"m","prompt":{}}"#, "prompt"),
            (r#"{"model":"m","prompt":[1,"a"]}"#, "prompt"),
            (r#"{"model":"m","messages":[]}"#, "messages"),
            (r#"{"model":"m","prompt":"hi","logprobs":6}"#, "logprobs"),
            (r#"{"model":"m","prompt":"hi","temperature":9}"#, "temperature"),
            (r#"{"model":"m","prompt":"hi","n":2,"best_of":1}"#, "best_of"),
            (r#"{"model":"m","prompt":"hi","stop":["1","2","3","4","5"]}"#, "stop"),
            (r#"{"model":"m","prompt":"hi","stream_options":{}}"#, "stream_options"),
        ] {
            assert_eq!(refuse(body.as_bytes()).and_then(|r| r.param).as_deref(), Some(param), "{body}");
        }
    }
}
