//! Reasoning: what a request asks for, and the blocks that hold it.

use serde_json::{Map, Value, json};

use super::model::{Abilities, Efforts};
use super::{REASONING_FORMAT, tool};
use crate::chat::{
    AS_SAID, Content, Effort, Part, Reasoning, ReasoningForm, ReasoningRequest, ReasoningRequestSpelling,
    ReasoningSpelling, Request, Role,
};
use crate::dialect::DecodeError;
use crate::dialect::cache_mark;
use crate::dialect::effort::{LEAST_BUDGET, budget_of, effort_of};
use crate::dialect::fields::{self, Path, put};
use crate::dialect::loss::Notes;

/// Takes the fields of a `thinking` block, and its signature. Without one it is not Anthropic's own.
pub(super) fn take_thinking(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
) -> Result<(Reasoning, Option<String>), DecodeError> {
    let text = fields::need_string(map, path, "thinking")?;
    let signed = |value: &Value| value.as_str().is_some_and(|signature| !signature.is_empty());
    let signature = match fields::take_if(map, "signature", signed) {
        Some(Value::String(signature)) => Some(signature),
        _ => None,
    };
    super::part::set_aside(map, "signature", |signature| signature == "");
    let format = signature.as_ref().map(|_| REASONING_FORMAT.to_owned());
    Ok((Reasoning { format, ..Reasoning::piece(text, ReasoningSpelling::Auto) }, signature))
}

/// The reasoning of a `redacted_thinking` block.
pub(super) fn redacted(data: String) -> Reasoning {
    Reasoning {
        form: ReasoningForm::Opaque,
        data: Some(data),
        format: Some(REASONING_FORMAT.to_owned()),
        ..Reasoning::default()
    }
}

/// Whether Anthropic signed this part, as far as can be told: a signature without a mark came through a format that has
/// none.
fn is_own(part: &Part) -> bool {
    let Content::Reasoning(reasoning) = &part.content else { return false };
    match reasoning.format.as_deref() {
        Some(format) => format == REASONING_FORMAT,
        None => part.signature.is_some() && reasoning.form == ReasoningForm::Full,
    }
}

/// Writes reasoning of the conversation so far. Only what Anthropic signed can go back: the rest is named.
///
/// A format that keeps text and signature apart gives two parts, the text and a signature without text: `previous` is
/// the text then.
pub(super) fn encode_block(
    part: &Part,
    previous: Option<&Part>,
    at: &str,
    notes: &mut Notes,
) -> Option<Map<String, Value>> {
    let Content::Reasoning(reasoning) = &part.content else { return None };
    let mut map = Map::new();
    match (&reasoning.data, &part.signature) {
        (Some(data), _) if is_own(part) => {
            put(&mut map, "type", "redacted_thinking");
            put(&mut map, "data", data.clone());
        }
        (None, Some(signature)) if is_own(part) => {
            put(&mut map, "type", "thinking");
            put(&mut map, "thinking", text_of(reasoning, previous));
            put(&mut map, "signature", signature.clone());
        }
        // As the caller of this format spelt it: the provider judges it.
        (None, None) if part.extra.keys().any(|name| name.trim_start_matches(AS_SAID) == "signature") => {
            put(&mut map, "type", "thinking");
            put(&mut map, "thinking", reasoning.text.clone());
        }
        _ => {
            notes.hint(at, "Anthropic takes back only reasoning that it signed");
            return None;
        }
    }
    cache_mark::put_cache_mark(&mut map, part.cache);
    if part.id.is_some() {
        notes.hint(format!("{at}.id"), "Anthropic's content blocks have no ids");
    }
    super::part::merge_extra(&mut map, &part.extra);
    Some(map)
}

fn text_of(reasoning: &Reasoning, previous: Option<&Part>) -> String {
    match previous.map(|previous| &previous.content) {
        Some(Content::Reasoning(text)) if reasoning.text.is_empty() => text.text.clone(),
        _ => reasoning.text.clone(),
    }
}

/// Whether a part is the text of which the next part holds the signature.
pub(super) fn is_signed_by(part: &Part, next: &Part) -> bool {
    match (&part.content, &next.content) {
        (Content::Reasoning(text), Content::Reasoning(signed)) => {
            part.signature.is_none()
                && text.format.is_none()
                && text.form == ReasoningForm::Full
                && !text.text.is_empty()
                && part.is_plain()
                && next.signature.is_some()
                && signed.text.is_empty()
                && is_own(next)
        }
        _ => false,
    }
}

/// The values of `thinking.display`.
const SHOWN: &str = "summarized";
/// See [`SHOWN`].
const HIDDEN: &str = "omitted";

/// Takes `thinking` and `output_config.effort`.
pub(super) fn take_request(map: &mut Map<String, Value>) -> Result<Option<ReasoningRequest>, DecodeError> {
    let path = &Path::Root;
    let mut request =
        ReasoningRequest { spelling: ReasoningRequestSpelling::OutputConfig, ..ReasoningRequest::default() };
    if let Some(mut thinking) = fields::object(map, path, "thinking")? {
        let at = Path::Field(path, "thinking");
        match fields::need_string(&mut thinking, &at, "type")?.as_str() {
            "enabled" => {
                request.enabled = Some(true);
                let budget = fields::whole(&mut thinking, &at, "budget_tokens")?;
                request.budget = Some(budget.ok_or_else(|| {
                    at.field_error("budget_tokens", "required: a whole number of at least 1024")
                })?);
            }
            "adaptive" => request.enabled = Some(true),
            "disabled" => request.enabled = Some(false),
            _ => return Err(at.field_error("type", "expected enabled, adaptive or disabled")),
        }
        let known = |word: &Value| matches!(word.as_str(), Some(SHOWN | HIDDEN));
        request.shown = fields::take_if(&mut thinking, "display", known).map(|word| word == SHOWN);
        fields::put_back(map, "thinking", thinking);
    }
    if let Some(mut config) = fields::object(map, path, "output_config")? {
        let effort = fields::string(&mut config, &Path::Field(path, "output_config"), "effort")?;
        request.effort = effort.map(|word| Effort::from(word.as_str()));
        // What was empty before comes back empty.
        if request.effort.is_none() || !config.is_empty() {
            put(map, "output_config", config);
        }
    }
    Ok((request.enabled.is_some() || request.effort.is_some()).then_some(request))
}

/// Writes `thinking` and `output_config.effort`. `max_tokens` is the output limit, which thinking counts towards.
/// Returns whether the model was asked to think on behalf of another format, which leaves it no sampling parameters.
pub(super) fn put_request(
    map: &mut Map<String, Value>,
    request: &Request,
    abilities: &Abilities,
    max_tokens: u64,
    notes: &mut Notes,
) -> bool {
    let Some(reasoning) = &request.reasoning else { return false };
    if reasoning.spelling == ReasoningRequestSpelling::OutputConfig {
        put_own(map, reasoning, abilities, max_tokens, notes);
        return false;
    }
    let off = reasoning.enabled == Some(false)
        || reasoning.effort == Some(Effort::None)
        || reasoning.budget == Some(0);
    if off {
        // Older models do not think unless asked to, and need not know the field.
        if abilities.thinks_unasked {
            put(map, "thinking", json!({"type": "disabled"}));
        }
        return false;
    }
    if !reasoning.says_how_much() {
        return false;
    }
    let effort = reasoning.effort.clone().or_else(|| reasoning.budget.map(effort_of));
    if tool::is_forced(request.tool_choice.as_ref()) {
        notes.hint("reasoning", "Anthropic's models do not think when they are made to call a tool");
        return false;
    }
    if abilities.adaptive {
        let mut thinking = Map::new();
        put(&mut thinking, "type", "adaptive");
        match reasoning.shown {
            // Models that take no budget show nothing unless they are asked to; earlier ones do.
            Some(true) if !abilities.budget => put(&mut thinking, "display", SHOWN),
            Some(false) => put(&mut thinking, "display", HIDDEN),
            _ => {}
        }
        put(map, "thinking", thinking);
        if reasoning.budget.is_some() {
            notes.lowered("reasoning.budget");
        }
        if let Some(effort) = &effort {
            put_effort(map, effort, abilities, notes);
        }
        return true;
    }
    if lacks_thinking(request) {
        notes.hint("reasoning", "the model's reasoning before its tool calls was not sent back");
        return false;
    }
    if reasoning.shown == Some(false) {
        notes.hint("reasoning.shown", "this model shows its reasoning");
    }
    let budget = reasoning.budget.or_else(|| budget_of(effort.as_ref().unwrap_or(&Effort::Medium)));
    put_budget(map, budget.unwrap_or(LEAST_BUDGET), max_tokens, notes)
}

/// Writes what was asked for in this format's own words; only what the model would refuse is said otherwise.
fn put_own(
    map: &mut Map<String, Value>,
    reasoning: &ReasoningRequest,
    abilities: &Abilities,
    max_tokens: u64,
    notes: &mut Notes,
) {
    let known = abilities.efforts != Efforts::Unknown;
    let mut effort = reasoning.effort.clone();
    match (reasoning.enabled, reasoning.budget) {
        (Some(true), Some(budget)) if abilities.budget => {
            put(map, "thinking", json!({"type": "enabled", "budget_tokens": budget}));
        }
        (Some(true), Some(budget)) => {
            put(map, "thinking", json!({"type": "adaptive"}));
            notes.lowered("reasoning.budget");
            effort = effort.or_else(|| Some(effort_of(budget)));
        }
        (Some(true), None) if abilities.adaptive || !known => {
            put(map, "thinking", json!({"type": "adaptive"}));
        }
        (Some(true), None) => {
            notes.lowered("reasoning");
            let budget = budget_of(effort.as_ref().unwrap_or(&Effort::Medium));
            put_budget(map, budget.unwrap_or(LEAST_BUDGET), max_tokens, notes);
            effort = None;
        }
        (Some(false), _) => put(map, "thinking", json!({"type": "disabled"})),
        (None, _) => {}
    }
    if let Some(shown) = reasoning.shown
        && let Some(thinking) = map.get_mut("thinking").and_then(Value::as_object_mut)
    {
        put(thinking, "display", if shown { SHOWN } else { HIDDEN });
    }
    if let Some(effort) = &effort {
        put_effort(map, effort, abilities, notes);
    }
}

fn put_effort(map: &mut Map<String, Value>, effort: &Effort, abilities: &Abilities, notes: &mut Notes) {
    match abilities.efforts.word(effort) {
        Some((word, changed)) => {
            put(map, "output_config", json!({"effort": word}));
            if changed {
                notes.lowered("reasoning.effort");
            }
        }
        None => notes.hint("reasoning.effort", "this model takes no effort"),
    }
}

/// A budget must be at least 1024 tokens and less than the output limit; this leaves as much again for the answer.
fn put_budget(map: &mut Map<String, Value>, budget: u64, max_tokens: u64, notes: &mut Notes) -> bool {
    let most = max_tokens.saturating_sub(LEAST_BUDGET);
    if most < LEAST_BUDGET {
        notes
            .hint("reasoning", "the output limit leaves no room for thinking: it takes at least 2048 tokens");
        return false;
    }
    let budget = budget.clamp(LEAST_BUDGET, most);
    put(map, "thinking", json!({"type": "enabled", "budget_tokens": budget}));
    true
}

/// Whether the conversation ends in tool calls whose turn does not begin with reasoning of Anthropic's own: with a
/// budget it refuses that.
pub(in crate::dialect) fn lacks_thinking(request: &Request) -> bool {
    let after = |role: &Role| matches!(role, Role::Tool | Role::Function);
    let only_results = |parts: &[Part]| {
        !parts.is_empty() && parts.iter().all(|part| matches!(part.content, Content::ToolResult(_)))
    };
    let mut turn = request.messages.iter().rev().skip_while(|message| {
        after(&message.role) || (message.role == Role::User && only_results(&message.parts))
    });
    turn.next().is_some_and(|message| {
        message.role == Role::Assistant
            && message.tool_calls().next().is_some()
            && !message.parts.iter().any(is_own)
    })
}
