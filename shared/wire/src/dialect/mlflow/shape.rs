//! What a body asks of an endpoint that the address names.
//!
//! MLflow's gateway and Databricks say the endpoint in the address and leave open which type it is: the body's fields say
//! that (`messages`, `prompt`, `input`). A body with none of them is the input of a classic model: `dataframe_split`,
//! `dataframe_records`, `inputs`, `instances`.

use bytes::Bytes;
use serde_json::Value;

use super::endpoints::EndpointType;
use crate::dialect::DecodeError;
use crate::json::{self, MAX_DEPTH, Object, Splice};

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One of the types of language models.
    Endpoint(EndpointType),
    /// The input of a classic model, whatever it takes.
    Scoring,
}

/// Says what a body is for, and gives it in the form of OpenAI's API, which is the same but for the model: `name` stands
/// in it as `model`, in the place of what the caller wrote there. The input of a classic model stays as it is.
///
/// # Errors
/// If the body is no JSON object, or has one member twice.
pub fn address(name: &str, body: &Bytes) -> Result<(Shape, Bytes), DecodeError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        let reason = "the body is empty: send a JSON object with `messages`, `prompt`, `input`, or the input of a model";
        return Err(DecodeError::at("", reason));
    }
    let object = json::scan(body, MAX_DEPTH)
        .map_err(|error| DecodeError::at("", format!("the body is not a valid JSON object: {error}")))?;
    let Some(kind) = kind_of(&object) else { return Ok((Shape::Scoring, body.clone())) };
    let mut splice = Splice::new();
    let quoted = Value::from(name).to_string();
    match object.find("model") {
        Some(model) => splice.replace(model.value_span.clone(), quoted),
        None => {
            let first = object.members().first().map_or(0, |member| member.name_span.start);
            splice.insert(first, format!(r#""model":{quoted},"#));
        }
    }
    Ok((Shape::Endpoint(kind), splice.apply(body)))
}

fn kind_of(object: &Object<'_>) -> Option<EndpointType> {
    let has = |name: &str| object.find(name).is_some();
    if has("messages") {
        Some(EndpointType::Chat)
    } else if has("prompt") {
        Some(EndpointType::Completions)
    } else if has("input") {
        Some(EndpointType::Embeddings)
    } else {
        None
    }
}

/// A body without its `model`, every other byte as it was: for servers that know the model from the address and refuse
/// fields that they do not expect.
#[must_use]
pub fn leave_model(body: &Bytes) -> Bytes {
    let Ok(object) = json::scan(body, MAX_DEPTH) else { return body.clone() };
    let members = object.members();
    let Some(at) = members.iter().position(|member| member.name == "model") else { return body.clone() };
    let span = members.get(at).map_or(0..0, |member| member.name_span.start..member.value_span.end);
    let before = at.checked_sub(1).and_then(|before| members.get(before));
    // One comma goes with it: the one behind, or for the last member the one before.
    let span = match (members.get(at + 1), before) {
        (Some(next), _) => span.start..next.name_span.start,
        (None, Some(before)) => before.value_span.end..span.end,
        (None, None) => span,
    };
    let mut splice = Splice::new();
    splice.replace(span, "");
    splice.apply(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &'static str) -> (Shape, String) {
        let (shape, body) = address("chat", &Bytes::from_static(body.as_bytes())).unwrap();
        (shape, String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn the_fields_say_what_is_asked() {
        use EndpointType::{Chat, Completions, Embeddings};
        for (body, shape) in [
            (r#"{"messages": []}"#, Shape::Endpoint(Chat)),
            (r#"{"prompt": "x"}"#, Shape::Endpoint(Completions)),
            (r#"{"input": ["x"]}"#, Shape::Endpoint(Embeddings)),
            (r#"{"inputs": [1]}"#, Shape::Scoring),
            (r#"{"dataframe_split": {"columns": ["messages"], "data": [[1]]}}"#, Shape::Scoring),
            ("{}", Shape::Scoring),
        ] {
            assert_eq!(told(body).0, shape, "{body}");
        }
    }

    #[test]
    fn the_name_stands_in_the_body_and_nothing_else_changes() {
        assert_eq!(
            told("{ \"messages\" : [ ] , \"x\":1e0}").1,
            "{ \"model\":\"chat\",\"messages\" : [ ] , \"x\":1e0}"
        );
        assert_eq!(told(r#"{"prompt":"p","model":"gpt\u002d4"}"#).1, r#"{"prompt":"p","model":"chat"}"#);
        assert_eq!(told(r#"{"model":null,"input":"p"}"#).1, r#"{"model":"chat","input":"p"}"#);
        assert_eq!(
            told(r#"{"instances":[{"model":1}],"model":"m"}"#).1,
            r#"{"instances":[{"model":1}],"model":"m"}"#
        );
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for (body, says) in [
            ("", "the body is empty"),
            (" \n", "the body is empty"),
            ("[1]", "expected an object, got an array"),
            ("{\"messages\":", "not a valid JSON object"),
            (r#"{"messages":[],"messages":[]}"#, "given twice"),
        ] {
            let error = address("chat", &Bytes::from_static(body.as_bytes())).unwrap_err();
            assert!(error.reason.contains(says), "{body}: {error}");
        }
    }

    #[test]
    fn the_model_is_taken_away_with_one_comma() {
        for (body, bare) in [
            (r#"{"model":"m"}"#, "{}"),
            (r#"{"model":"m", "a":1}"#, r#"{"a":1}"#),
            (r#"{"a":1 , "model":"m" }"#, r#"{"a":1 }"#),
            (r#"{"a":1,"model":"m","b":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":{"model":1}}"#, r#"{"a":{"model":1}}"#),
            ("[1]", "[1]"),
        ] {
            assert_eq!(leave_model(&Bytes::from_static(body.as_bytes())), bare, "{body}");
        }
    }
}
