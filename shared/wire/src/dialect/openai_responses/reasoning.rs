//! Reasoning: how much is asked for, and the items it comes in.
//!
//! A reasoning item holds summaries, the text itself where the model shows it, and sealed text to send back. Each is a
//! part of its own; parts of one item share its id. Reasoning of another vendor is told to a caller in the same form,
//! and what that vendor wants back (its signature, its sealed text) travels in `encrypted_content`, so that no state is
//! kept for it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde_json::{Map, Value};

use crate::chat::{Content, Effort, Extra, Part, Reasoning, ReasoningForm, ReasoningRequest};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, put, put_some};

/// Whose reasoning it is, for parts read here.
pub(super) const FORMAT: &str = "openai-responses-v1";

/// In front of another vendor's reasoning in `encrypted_content`. No vendor's sealed text begins so.
const SEAL: &str = "postern1.";

/// What an effort is worth in tokens, for requests that say a budget: the most tokens of each word.
const BUDGETS: [(u64, Effort); 4] =
    [(0, Effort::None), (1_024, Effort::Minimal), (4_096, Effort::Low), (16_384, Effort::Medium)];

/// The word for how much to reason, `None` where it is left to the model.
pub(super) fn effort(asked: &ReasoningRequest) -> Option<Effort> {
    if let Some(effort) = &asked.effort {
        return Some(effort.clone());
    }
    if asked.enabled == Some(false) {
        return Some(Effort::None);
    }
    match asked.budget {
        Some(budget) => {
            let found = BUDGETS.iter().find(|(most, _)| budget <= *most);
            Some(found.map_or(Effort::High, |(_, effort)| effort.clone()))
        }
        None => (asked.enabled == Some(true)).then_some(Effort::Medium),
    }
}

/// Reads a reasoning item into its parts; from a provider (`lenient`) what is not understood stays.
pub(super) fn decode(mut map: Extra, path: &Path<'_>, lenient: bool) -> Result<Vec<Part>, DecodeError> {
    let id = take_string(&mut map, path, "id", lenient)?;
    let sealed = take_string(&mut map, path, "encrypted_content", lenient)?;
    if let Some(part) = sealed.as_deref().and_then(open) {
        return Ok(vec![part]);
    }
    let mut parts = Vec::new();
    for (name, word, form) in [
        ("summary", "summary_text", ReasoningForm::Summary),
        ("content", "reasoning_text", ReasoningForm::Full),
    ] {
        parts.extend(take_texts(&mut map, name, word, form, path, lenient)?);
    }
    if let Some(data) = sealed {
        parts.push(part(Reasoning { form: ReasoningForm::Opaque, data: Some(data), ..Reasoning::default() }));
    }
    if parts.is_empty() {
        // An item with nothing to read still has to go back: its id is all it says.
        parts.push(part(Reasoning { form: ReasoningForm::Opaque, ..Reasoning::default() }));
    }
    for part in &mut parts {
        part.id.clone_from(&id);
    }
    if let Some(first) = parts.first_mut() {
        put(&mut first.extra, "item", map);
    }
    Ok(parts)
}

fn take_string(
    map: &mut Extra,
    path: &Path<'_>,
    name: &str,
    lenient: bool,
) -> Result<Option<String>, DecodeError> {
    if lenient { Ok(fields::try_string(map, name)) } else { fields::string(map, path, name) }
}

/// Takes a list of texts. An empty list of summaries is written again in any case; another stays.
fn take_texts(
    map: &mut Extra,
    name: &str,
    word: &str,
    form: ReasoningForm,
    path: &Path<'_>,
    lenient: bool,
) -> Result<Vec<Part>, DecodeError> {
    let texts = map.get(name).and_then(Value::as_array).map(|values| {
        let one = |value: &Value| {
            let mut extra = value.as_object()?.clone();
            let kind = fields::try_string(&mut extra, "type")?;
            let text = fields::try_string(&mut extra, "text")?;
            let reasoning = Reasoning { text, form, ..Reasoning::default() };
            (kind == word).then(|| Part { extra, ..part(reasoning) })
        };
        values.iter().map(one).collect::<Option<Vec<_>>>()
    });
    match texts {
        Some(Some(parts)) => {
            if !parts.is_empty() || name == "summary" {
                map.remove(name);
            }
            Ok(parts)
        }
        _ if lenient || map.get(name).is_none_or(Value::is_null) => Ok(Vec::new()),
        _ => Err(path.field_error(name, format!("expected an array of parts of type {word}"))),
    }
}

/// A part of this format's reasoning.
pub(super) fn part(reasoning: Reasoning) -> Part {
    Part::new(Content::Reasoning(Reasoning { format: Some(FORMAT.to_owned()), ..reasoning }))
}

/// Whether a part belongs to the same item as the one before it.
pub(super) fn continues(before: &Part, next: &Part) -> bool {
    let ours =
        |part: &Part| matches!(&part.content, Content::Reasoning(it) if it.format.as_deref() == Some(FORMAT));
    ours(before)
        && ours(next)
        && !next.extra.contains_key("item")
        && before.id == next.id
        && (before.id.is_some() || !is_sealed(before))
}

fn is_sealed(part: &Part) -> bool {
    matches!(&part.content, Content::Reasoning(it) if it.form == ReasoningForm::Opaque)
}

/// Whether reasoning in a request can go to a provider of this format: it is its own and there is something to send.
pub(super) fn is_ours(parts: &[&Part], own: bool) -> bool {
    let ours = |part: &&Part| matches!(&part.content, Content::Reasoning(it) if it.format.as_deref() == Some(FORMAT));
    // A caller of another format keeps no items at the provider: only sealed text can be read there.
    let sealed = |part: &&Part| matches!(&part.content, Content::Reasoning(it) if it.data.is_some());
    parts.iter().all(ours) && (own || parts.iter().any(sealed))
}

/// Writes the parts of one item of a request.
pub(super) fn encode(parts: &[&Part]) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "type", "reasoning");
    put_some(&mut map, "id", parts.iter().find_map(|part| part.id.as_ref()));
    let mut summary = Vec::new();
    let mut content = Vec::new();
    for part in parts {
        let Content::Reasoning(reasoning) = &part.content else { continue };
        match reasoning.form {
            ReasoningForm::Summary => summary.push(text("summary_text", &reasoning.text, &part.extra)),
            ReasoningForm::Full => content.push(text("reasoning_text", &reasoning.text, &part.extra)),
            ReasoningForm::Opaque => put_some(&mut map, "encrypted_content", reasoning.data.as_ref()),
        }
    }
    put(&mut map, "summary", summary);
    if !content.is_empty() {
        put(&mut map, "content", content);
    }
    if let Some(Value::Object(rest)) = parts.first().and_then(|part| part.extra.get("item")) {
        fields::merge(&mut map, rest);
    }
    map
}

/// Writes one text of an item.
pub(super) fn text(word: &str, text: &str, extra: &Extra) -> Value {
    let mut map = Map::new();
    put(&mut map, "type", word);
    put(&mut map, "text", text);
    for (name, value) in extra.iter().filter(|(name, _)| *name != "item") {
        map.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(map)
}

/// What another vendor wants back, as one text for `encrypted_content`; `None` if it wants nothing.
pub(super) fn seal(reasoning: &Reasoning, signature: Option<&String>) -> Option<String> {
    if reasoning.data.is_none() && signature.is_none() {
        return None;
    }
    if reasoning.format.as_deref() == Some(FORMAT) {
        return reasoning.data.clone();
    }
    let mut map = Map::new();
    put(
        &mut map,
        "form",
        match reasoning.form {
            ReasoningForm::Full => "full",
            ReasoningForm::Summary => "summary",
            ReasoningForm::Opaque => "opaque",
        },
    );
    put_some(&mut map, "format", reasoning.format.as_ref());
    put_some(&mut map, "signature", signature);
    put_some(&mut map, "data", reasoning.data.as_ref());
    // A signature is for the very text, and callers may leave the text out when they send an item back.
    if !reasoning.text.is_empty() {
        put(&mut map, "text", reasoning.text.clone());
    }
    Some(format!("{SEAL}{}", BASE64.encode(Value::Object(map).to_string())))
}

/// The part that was sealed with [`seal`]; `None` for what a provider sealed.
fn open(sealed: &str) -> Option<Part> {
    let json = BASE64.decode(sealed.strip_prefix(SEAL)?).ok()?;
    let Value::Object(mut map) = serde_json::from_slice(&json).ok()? else { return None };
    let form = match fields::try_string(&mut map, "form")?.as_str() {
        "full" => ReasoningForm::Full,
        "summary" => ReasoningForm::Summary,
        "opaque" => ReasoningForm::Opaque,
        _ => return None,
    };
    let reasoning = Reasoning {
        text: fields::try_string(&mut map, "text").unwrap_or_default(),
        form,
        data: fields::try_string(&mut map, "data"),
        format: fields::try_string(&mut map, "format"),
        ..Reasoning::default()
    };
    let signature = fields::try_string(&mut map, "signature");
    Some(Part { signature, ..Part::new(Content::Reasoning(reasoning)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_vendor_sealed_comes_back() {
        let reasoning = Reasoning {
            text: "so \"be\" it".to_owned(),
            format: Some("anthropic-claude-v1".to_owned()),
            ..Reasoning::default()
        };
        let sealed = seal(&reasoning, Some(&"c2ln".to_owned())).expect("a signature to carry");
        let part = open(&sealed).expect("sealed here");
        assert_eq!(part.content, Content::Reasoning(reasoning.clone()));
        assert_eq!(part.signature.as_deref(), Some("c2ln"));
        assert_eq!(seal(&reasoning, None), None, "nothing to send back");
        assert_eq!(open("gAAAAABo"), None);
        assert_eq!(open("postern1.!"), None);
    }

    #[test]
    fn a_budget_becomes_an_effort() {
        let asked = |budget, enabled| ReasoningRequest { budget, enabled, ..ReasoningRequest::default() };
        for (budget, expected) in [
            (0, Effort::None),
            (1_024, Effort::Minimal),
            (2_000, Effort::Low),
            (16_384, Effort::Medium),
            (32_000, Effort::High),
        ] {
            assert_eq!(effort(&asked(Some(budget), Some(true))), Some(expected));
        }
        assert_eq!(effort(&asked(None, Some(true))), Some(Effort::Medium));
        assert_eq!(effort(&asked(Some(5), Some(false))), Some(Effort::None));
        assert_eq!(effort(&asked(None, None)), None);
    }
}
