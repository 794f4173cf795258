//! Reasoning, in the fields that compatible vendors added to the format. OpenAI itself shows none.
//!
//! `reasoning_content` and `reasoning` are plain text; `reasoning_details` is a list that also carries signatures and
//! sealed reasoning, and usually repeats the plain text. `<think>` inside the text stays text.

use serde_json::{Map, Value};

use crate::chat::{Content, Extra, Part, Reasoning, ReasoningForm, ReasoningSpelling};
use crate::dialect::fields::{self, merge, put, put_some};

/// Takes the reasoning out of a message or a delta. The plain fields stay when `reasoning_details` says the same.
pub(super) fn take_reasoning(map: &mut Extra) -> Vec<Part> {
    let mut parts = Vec::new();
    let details = match map.get("reasoning_details") {
        Some(Value::Array(details)) if !details.is_empty() => {
            details.iter().map(decode_detail).collect::<Option<Vec<_>>>().unwrap_or_default()
        }
        _ => Vec::new(),
    };
    if !details.is_empty() {
        map.remove("reasoning_details");
    }
    let said = details
        .iter()
        .any(|part| matches!(&part.content, Content::Reasoning(detail) if !detail.text.is_empty()));
    if !said {
        for (name, spelling) in [
            ("reasoning_content", ReasoningSpelling::ReasoningContent),
            ("reasoning", ReasoningSpelling::Reasoning),
        ] {
            // Some vendors say the same in both fields: the first is taken, the second stays.
            if parts.is_empty()
                && let Some(Value::String(text)) =
                    fields::take_if(map, name, |value| value.as_str().is_some_and(|text| !text.is_empty()))
            {
                parts.push(Part::new(Content::Reasoning(Reasoning::piece(text, spelling))));
            }
        }
    }
    parts.extend(details);
    parts
}

fn decode_detail(value: &Value) -> Option<Part> {
    let mut map = value.as_object()?.clone();
    let form = match map.get("type")?.as_str()? {
        "reasoning.text" => ReasoningForm::Full,
        "reasoning.summary" => ReasoningForm::Summary,
        "reasoning.encrypted" => ReasoningForm::Opaque,
        _ => return None,
    };
    map.remove("type");
    let signature = fields::try_string(&mut map, "signature");
    let id = fields::try_string(&mut map, "id");
    let format = fields::try_string(&mut map, "format");
    // An empty text stays, so that a detail which has none is told apart from it.
    let full = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let said = match fields::take_if(&mut map, field(form), full) {
        Some(Value::String(said)) => Some(said),
        _ => None,
    };
    let (text, data) = match form {
        ReasoningForm::Opaque => (String::new(), said),
        ReasoningForm::Full | ReasoningForm::Summary => (said.unwrap_or_default(), None),
    };
    let reasoning = Reasoning { text, form, data, format, spelling: ReasoningSpelling::Details };
    Some(Part { content: Content::Reasoning(reasoning), id, cache: None, signature, extra: map })
}

const fn field(form: ReasoningForm) -> &'static str {
    match form {
        ReasoningForm::Full => "text",
        ReasoningForm::Summary => "summary",
        ReasoningForm::Opaque => "data",
    }
}

/// Writes one entry of `reasoning_details`.
pub(super) fn encode_detail(
    reasoning: &Reasoning,
    id: Option<&String>,
    signature: Option<&String>,
    extra: &Extra,
) -> Map<String, Value> {
    let mut map = Map::new();
    put(
        &mut map,
        "type",
        match reasoning.form {
            ReasoningForm::Full => "reasoning.text",
            ReasoningForm::Summary => "reasoning.summary",
            ReasoningForm::Opaque => "reasoning.encrypted",
        },
    );
    if !reasoning.text.is_empty() {
        put(&mut map, field(reasoning.form), reasoning.text.clone());
    }
    put_some(&mut map, "data", reasoning.data.as_ref());
    put_some(&mut map, "signature", signature);
    put_some(&mut map, "id", id);
    put_some(&mut map, "format", reasoning.format.as_ref());
    merge(&mut map, extra);
    map
}

/// Adds one piece of reasoning to a message or a delta.
///
/// Reasoning from another format goes into `reasoning_content`, which most callers look at, and into
/// `reasoning_details` as well when there is something to send back: a signature, sealed reasoning, an id.
pub(super) fn put_reasoning(
    map: &mut Map<String, Value>,
    reasoning: &Reasoning,
    id: Option<&String>,
    signature: Option<&String>,
    extra: &Extra,
) {
    let must_return = reasoning.data.is_some() || signature.is_some() || id.is_some();
    let (plain, detailed) = match reasoning.spelling {
        ReasoningSpelling::Reasoning => (Some("reasoning"), must_return),
        ReasoningSpelling::Details => (None, true),
        ReasoningSpelling::Auto | ReasoningSpelling::ReasoningContent | ReasoningSpelling::Thinking => {
            (Some("reasoning_content"), must_return)
        }
    };
    if let Some(name) = plain
        && !reasoning.text.is_empty()
    {
        match map.get_mut(name) {
            Some(Value::String(text)) => text.push_str(&reasoning.text),
            _ => put(map, name, reasoning.text.clone()),
        }
    }
    if detailed {
        let detail = Value::Object(encode_detail(reasoning, id, signature, extra));
        match map.get_mut("reasoning_details") {
            Some(Value::Array(details)) => details.push(detail),
            _ => put(map, "reasoning_details", vec![detail]),
        }
    }
}
