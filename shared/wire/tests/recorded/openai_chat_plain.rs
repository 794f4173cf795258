//! What a stream says by plain accumulation over the JSON of its events: the measure for the decoder.

use std::collections::BTreeMap;

use postern_wire::Usage;
use postern_wire::chat::{Choice, Content};
use postern_wire::dialect::openai_chat::decode_usage;
use serde_json::Value;

/// What one choice says, however it was spelt.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    text: String,
    refusal: String,
    reasoning: String,
    /// Id, name and arguments.
    calls: Vec<(String, String, String)>,
    finish: bool,
}

pub(crate) fn said(choice: &Choice) -> Said {
    let mut said = Said { finish: choice.finish.is_some(), ..Said::default() };
    for part in &choice.message.parts {
        match &part.content {
            Content::Text(text) => said.text.push_str(&text.text),
            Content::Refusal(text) => said.refusal.push_str(text),
            Content::Reasoning(reasoning) => said.reasoning.push_str(&reasoning.text),
            Content::ToolCall(call) => {
                said.calls.push((
                    call.id.clone().unwrap_or_default(),
                    call.name.clone(),
                    call.arguments.clone(),
                ));
            }
            _ => {}
        }
    }
    said
}

/// The same by plain accumulation over the JSON of the events, up to an error event.
pub(crate) fn accumulate(stream: &[u8]) -> Result<BTreeMap<u64, Said>, String> {
    let mut choices = BTreeMap::<u64, Said>::new();
    let mut calls = BTreeMap::<(u64, u64), usize>::new();
    for value in events(stream)? {
        if !value["error"].is_null() {
            break;
        }
        for choice in value["choices"].as_array().into_iter().flatten() {
            let index = choice["index"].as_u64().unwrap_or_default();
            let said = choices.entry(index).or_default();
            said.finish |= choice["finish_reason"].as_str().is_some_and(|reason| !reason.is_empty());
            let delta = &choice["delta"];
            said.text.push_str(delta["content"].as_str().unwrap_or_default());
            for part in delta["content"].as_array().into_iter().flatten() {
                said.text.push_str(part["text"].as_str().unwrap_or_default());
                said.reasoning.push_str(part["thinking"][0]["text"].as_str().unwrap_or_default());
            }
            said.refusal.push_str(delta["refusal"].as_str().unwrap_or_default());
            said.reasoning.push_str(
                delta["reasoning_content"].as_str().or(delta["reasoning"].as_str()).unwrap_or_default(),
            );
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let number = call["index"].as_u64().ok_or("a call without a number")?;
                // Vendors that give all calls one number tell them apart by id.
                let id = call["id"].as_str().filter(|id| !id.is_empty());
                let known = calls.get(&(index, number)).copied();
                let place = known.filter(|place| {
                    let known_id = &said.calls[*place].0;
                    known_id.is_empty() || id.is_none_or(|id| id == known_id)
                });
                let place = place.unwrap_or_else(|| {
                    said.calls.push(Default::default());
                    said.calls.len() - 1
                });
                calls.insert((index, number), place);
                let (id, name, arguments) = &mut said.calls[place];
                if let Some(new) = call["id"].as_str().filter(|new| !new.is_empty()) {
                    *id = new.to_owned();
                }
                if let Some(new) = call["function"]["name"].as_str().filter(|new| !new.is_empty()) {
                    *name = new.to_owned();
                }
                arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            }
        }
    }
    Ok(choices)
}

/// The JSON of the events, by lines: none of the recorded streams breaks one event over several.
pub(crate) fn events(stream: &[u8]) -> Result<Vec<Value>, String> {
    let text = std::str::from_utf8(stream).map_err(|error| error.to_string())?;
    text.lines()
        .filter_map(|line| line.strip_prefix("data:").map(str::trim))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).map_err(|error| error.to_string()))
        .collect()
}

pub(crate) fn usage_of(event: &Value) -> Option<Usage> {
    let raw = [&event["usage"], &event["x_groq"]["usage"]].into_iter().find(|raw| raw.is_object())?;
    Some(decode_usage(raw)).filter(|usage| *usage != Usage::default())
}
