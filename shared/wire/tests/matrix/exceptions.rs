//! What may be told otherwise without being named, and why: the whole list.

use postern_wire::Dialect;
use serde_json::Value;

use crate::facts::{Fact, Facts};
use crate::format::Format;

const CHAT: Format = Format::Dialect(Dialect::OpenAiChat);
const RESPONSES: Format = Format::Dialect(Dialect::OpenAiResponses);
const COMPLETIONS: Format = Format::Dialect(Dialect::OpenAiCompletions);
const ANTHROPIC: Format = Format::Dialect(Dialect::Anthropic);
const GEMINI: Format = Format::Dialect(Dialect::Gemini);
const BEDROCK: Format = Format::Dialect(Dialect::Bedrock);
const COHERE: Format = Format::Dialect(Dialect::Cohere);
const MLFLOW: Format = Format::MlflowChat;
const MLFLOW_TEXT: Format = Format::MlflowCompletions;

/// A fact on its way.
pub(crate) struct Telling<'a> {
    pub(crate) to: Format,
    /// What was written, read again.
    pub(crate) after: &'a Facts,
}

/// Why a fact of a request need not be written as it is: what is asked stays the same.
pub(crate) fn excuse_in_request(telling: &Telling<'_>, fact: &Fact) -> Option<&'static str> {
    let Telling { to, after } = *telling;
    let word = fact.value.as_str().unwrap_or_default();
    Some(match fact.what.as_str() {
        "call" if after.calls_like(&fact.value) => {
            "old functions are tools, and no arguments are an empty object"
        }
        "parallel_tool_calls" if fact.value == Value::Bool(true) => "several calls at once are the default",
        "tool_choice" if word == "Auto" => "the model's own choice is the default",
        "tool_choice" if word == "None" && !after.any("function") => "no tools, no calls",
        "function" | "function.description" | "function.parameters" | "function.strict"
            if [BEDROCK, COHERE, ANTHROPIC].contains(&to) =>
        {
            "of tools that may not be called, only the others are told"
        }
        "tool_choice" if word.starts_with("Allowed") && [BEDROCK, COHERE, ANTHROPIC].contains(&to) => {
            "only the allowed tools are told"
        }
        "tool_choice" if word.starts_with("Allowed") && to == GEMINI => "Gemini names the functions itself",
        "tool_choice" if word.starts_with("Function") && to == COHERE => {
            "only that tool is told, and one is required"
        }
        "response_format.strict" => "each of the others keeps to a schema always",
        "response_format.name" | "response_format.description" | "response_format.schema"
            if [ANTHROPIC, GEMINI].contains(&to) =>
        {
            "the name and the description are put into the schema"
        }
        "detail" if word == "auto" => "this is the default",
        "file.name" if to == BEDROCK => "names of documents are made of letters, digits and few signs",
        "store" if fact.value == Value::Bool(false) => "the others keep nothing",
        "audio output" if after.any("audio output") => "Gemini speaks in one format only",
        "service_tier" if ["auto", "default"].contains(&word) => "the usual tier need not be asked for",
        "service_tier" if word == "priority" && to == ANTHROPIC => {
            "`auto` uses priority where the account has it"
        }
        "web_search" if after.any("built-in") => "a tool of the vendor's own searches",
        "built-in" if after.any("built-in") => "the vendor's own tool of the kind",
        "file" if fact.value[0] == "text" && after.documents_hold(&fact.value) => {
            "a text as a file or as text"
        }
        "reasoning.effort" | "reasoning.budget" | "reasoning.enabled" if after.any_of_reasoning() => {
            "an effort, a budget and whether at all stand for one another"
        }
        "reasoning.effort" if word == "none" => "no reasoning is asked for",
        "reasoning.enabled" if fact.value == Value::Bool(false) => "no reasoning is asked for",
        "reasoning.budget" if fact.value == 0 => "no reasoning is asked for",
        "reasoning.shown"
            if fact.value == Value::Bool(false) || [ANTHROPIC, BEDROCK, COHERE].contains(&to) =>
        {
            "reasoning is shown where it is asked for"
        }
        "text of the assistant" if after.anyone_says(word) => "a refusal is told as text",
        _ => return None,
    })
}

/// What only some formats have in answers. A caller of another does not get it, and asked for nothing like it.
const ONLY: &[(&str, &[Format])] = &[
    ("system_fingerprint", &[CHAT, COMPLETIONS, MLFLOW]),
    ("service_tier", &[CHAT, RESPONSES, ANTHROPIC, GEMINI, BEDROCK, MLFLOW]),
    ("stop_sequence", &[ANTHROPIC, BEDROCK]),
    ("usage.cache_read", &[CHAT, RESPONSES, COMPLETIONS, ANTHROPIC, GEMINI, BEDROCK, MLFLOW, MLFLOW_TEXT]),
    ("usage.cache_write", &[ANTHROPIC, BEDROCK]),
    ("usage.cache_write_1h", &[ANTHROPIC, BEDROCK]),
    ("usage.input_audio", &[CHAT, COMPLETIONS, GEMINI, MLFLOW, MLFLOW_TEXT]),
    ("usage.output_audio", &[CHAT, COMPLETIONS, GEMINI, MLFLOW, MLFLOW_TEXT]),
    ("usage.reasoning", &[CHAT, RESPONSES, COMPLETIONS, ANTHROPIC, GEMINI, COHERE, MLFLOW, MLFLOW_TEXT]),
    ("usage.accepted_prediction", &[CHAT, COMPLETIONS, MLFLOW, MLFLOW_TEXT]),
    ("usage.rejected_prediction", &[CHAT, COMPLETIONS, MLFLOW, MLFLOW_TEXT]),
    ("choices", &[CHAT, COMPLETIONS, GEMINI, MLFLOW, MLFLOW_TEXT]),
    ("logprob", &[CHAT, RESPONSES, COMPLETIONS, GEMINI, MLFLOW]),
    ("top logprobs", &[CHAT, RESPONSES, COMPLETIONS, GEMINI, MLFLOW]),
    ("call", &[CHAT, RESPONSES, ANTHROPIC, GEMINI, BEDROCK, COHERE, MLFLOW]),
    ("address of a source", &[CHAT, RESPONSES, ANTHROPIC, GEMINI, BEDROCK, COHERE, MLFLOW]),
    ("document as a source", &[BEDROCK, GEMINI, COHERE]),
    // Beside the address of the source, and in few words.
    ("quote of a source", &[]),
    // Bedrock takes back only reasoning that it can check, so a caller would be refused in the next turn.
    ("text of reasoning", &[CHAT, RESPONSES, ANTHROPIC, GEMINI, COHERE, MLFLOW]),
    // Anthropic's own, and what another format can carry for it.
    ("reasoning.data", &[CHAT, RESPONSES, GEMINI, MLFLOW]),
    ("signature", &[CHAT, RESPONSES, ANTHROPIC, GEMINI, MLFLOW]),
    ("audio", &[CHAT, GEMINI, BEDROCK, MLFLOW]),
    ("audio.id", &[CHAT, MLFLOW]),
    ("audio.transcript", &[CHAT, MLFLOW]),
    ("image", &[CHAT, RESPONSES, GEMINI, BEDROCK, COHERE, MLFLOW]),
    // What ran at the vendor: the answer's text says what came of it.
    ("other part", &[]),
];

/// Why a fact of an answer need not be written.
pub(crate) fn excuse_in_answer(telling: &Telling<'_>, fact: &Fact) -> Option<&'static str> {
    let Telling { to, after } = *telling;
    let text = fact.value.as_str().unwrap_or_default();
    if ONLY.iter().any(|(what, formats)| *what == fact.what && !formats.contains(&to)) {
        return Some("the format has nothing of the kind");
    }
    let one = ![CHAT, COMPLETIONS, GEMINI, MLFLOW, MLFLOW_TEXT].contains(&to);
    Some(match fact.what.as_str() {
        _ if one && fact.place.starts_with("choices[") && !fact.place.starts_with("choices[0]") => {
            "the format has one choice, and more were not asked for"
        }
        "text of the assistant" if after.anyone_says(text) => "a refusal is told as text",
        "call" if after.calls_like(&fact.value) => "free text is told as a field",
        "service_tier" if ["default", "standard"].contains(&text) => {
            "the usual tier has a word of its own in each"
        }
        "document as a source" if after.any("document as a source") || to == GEMINI => {
            "which document is told in other words, by Gemini where its place in the text is known"
        }
        _ => return None,
    })
}
