//! Reasoning blocks. Claude's sealed reasoning is a text elsewhere, and the base64 of that text here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{AMAZON, CLAUDE};
use crate::chat::{Part, Reasoning, ReasoningForm, ReasoningSpelling};
use crate::dialect::fields;

/// Sealed reasoning, as it is told elsewhere, and whose it is.
pub(super) fn unseal(data: String) -> Reasoning {
    let text = STANDARD.decode(&data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
    let (data, format) = text.map_or((data, AMAZON), |text| (text, CLAUDE));
    Reasoning {
        form: ReasoningForm::Opaque,
        data: Some(data),
        format: Some(format.to_owned()),
        ..Reasoning::default()
    }
}

/// The other way round. `None` for what is not Bedrock's to have.
pub(super) fn seal(reasoning: &Reasoning) -> Option<String> {
    let data = reasoning.data.as_ref()?;
    match reasoning.format.as_deref() {
        Some(CLAUDE) => Some(STANDARD.encode(data)),
        Some(AMAZON) => Some(data.clone()),
        _ => None,
    }
}

/// Reads the inside of a reasoning block. `None` for a form that is not known.
pub(super) fn take(inner: &mut Map<String, Value>) -> Option<(Reasoning, Option<String>)> {
    let is_text = |value: &Value| value.get("text").is_some_and(Value::is_string);
    if let Some(Value::Object(mut said)) = fields::take_if(inner, "reasoningText", is_text) {
        let text = fields::try_string(&mut said, "text").unwrap_or_default();
        let signature = fields::try_string(&mut said, "signature");
        fields::put_back(inner, "reasoningText", said);
        let format = signature.is_some().then(|| CLAUDE.to_owned());
        let reasoning = Reasoning { format, ..Reasoning::piece(text, ReasoningSpelling::Auto) };
        return Some((reasoning, signature));
    }
    fields::try_string(inner, "redactedContent").map(|data| (unseal(data), None))
}

/// Writes a reasoning block. `None` when it is another vendor's, or none that can be taken back: a summary, or a text
/// from a field of a compatible vendor without a signature.
pub(super) fn encode(reasoning: &Reasoning, part: &Part) -> Option<Value> {
    let ours = matches!(reasoning.format.as_deref(), None | Some(CLAUDE | AMAZON));
    match reasoning.form {
        ReasoningForm::Opaque => seal(reasoning).map(|data| json!({"redactedContent": data})),
        ReasoningForm::Full
            if ours
                && (part.signature.is_some()
                    || reasoning.format.is_some()
                    || reasoning.spelling == ReasoningSpelling::Auto) =>
        {
            let mut said = Map::new();
            fields::put(&mut said, "text", reasoning.text.clone());
            fields::put_some(&mut said, "signature", part.signature.as_ref());
            Some(json!({"reasoningText": said}))
        }
        ReasoningForm::Full | ReasoningForm::Summary => None,
    }
}
