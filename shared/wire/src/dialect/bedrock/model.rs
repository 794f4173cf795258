//! How models behind Bedrock are asked to reason, and for `top_k`: in `additionalModelRequestFields`, each maker in its
//! own words. Which words a model takes shows in its id.
//!
//! Claude's are those of Anthropic's "Extended thinking" and "Adaptive thinking", Nova's of the Nova user guide, the
//! open models' of OpenAI of their page in the Bedrock user guide.

use serde_json::{Map, Number, Value, json};

use crate::chat::{Effort, ReasoningRequest, ReasoningRequestSpelling, Request};
use crate::dialect::anthropic::lacks_thinking;
use crate::dialect::effort::{LEAST_BUDGET, budget_of, effort_of};
use crate::dialect::fields::{self, put};
use crate::dialect::loss::Notes;

/// The field that holds what only one maker's models know.
pub(super) const ADDITIONAL: &str = "additionalModelRequestFields";
/// A mark in the request's `extra`: only `outputConfig.effort` was said, no thinking.
pub(super) const EFFORT_ONLY: &str = "effortOnly";

/// Whose words a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    /// Claude, and models whose id does not say what they are (profiles).
    Claude {
        /// It decides itself how much to think, guided by an effort.
        adaptive: bool,
    },
    Nova,
    OpenAi,
    /// Models that cannot be asked to reason.
    Other,
}

/// The makers whose models cannot be asked.
const OTHERS: [&str; 12] = [
    "meta.",
    "mistral.",
    "cohere.",
    "ai21.",
    "deepseek.",
    "qwen.",
    "writer.",
    "stability.",
    "titan",
    "google.",
    "nvidia.",
    "moonshot",
];

fn maker(model: &str) -> Maker {
    let name = model.to_ascii_lowercase();
    if let Some((_, after)) = name.split_once("claude") {
        return Maker::Claude { adaptive: version(after) >= (4, 6) };
    }
    if name.contains("nova") {
        Maker::Nova
    } else if name.contains("gpt-oss") || name.contains("openai.") {
        Maker::OpenAi
    } else if OTHERS.iter().any(|other| name.contains(other)) {
        Maker::Other
    } else {
        Maker::Claude { adaptive: false }
    }
}

/// The number in the rest of a Claude's name: `-opus-4-6-v1`, `-3-7-sonnet-20250219`. Dates are longer.
fn version(after: &str) -> (u32, u32) {
    let short = |word: &str| (word.len() <= 2).then(|| word.parse::<u32>().ok()).flatten();
    let mut words = after.split(|c: char| !c.is_ascii_alphanumeric());
    match words.find_map(short) {
        Some(major) => (major, words.next().and_then(short).unwrap_or(0)),
        None => (3, 0),
    }
}

/// Why a sampling parameter is not sent to a model of Claude's: newer ones take none, or one of two.
/// `thinks`: it was asked to think on behalf of another format.
pub(super) fn refused_sampling(model: &str, thinks: bool, beside_temperature: bool) -> Option<&'static str> {
    let name = model.to_ascii_lowercase();
    let version = name.split_once("claude").map(|(_, after)| version(after))?;
    if version >= (4, 7) {
        return Some("this model takes no sampling parameters");
    }
    if thinks {
        return Some("Claude takes it only when it does not think");
    }
    (beside_temperature && version >= (4, 1)).then_some("this model takes either temperature or top_p")
}

/// Whether Claude is asked to think.
pub(super) fn is_thinking(additional: &Map<String, Value>) -> bool {
    let kind = additional.get("thinking").and_then(|thinking| thinking.get("type")).and_then(Value::as_str);
    matches!(kind, Some("enabled" | "adaptive"))
}

/// Reads how much to reason out of the additional fields and `outputConfig.effort`. What is not taken stays.
pub(super) fn take_reasoning(
    additional: &mut Map<String, Value>,
    effort: Option<Effort>,
    extra: &mut Map<String, Value>,
) -> Option<ReasoningRequest> {
    for (name, spelling) in [
        ("thinking", ReasoningRequestSpelling::Thinking),
        ("reasoning_config", ReasoningRequestSpelling::Reasoning),
    ] {
        let Some(Value::Object(thinking)) = additional.get_mut(name) else { continue };
        let budget = thinking.get("budget_tokens").and_then(Value::as_u64);
        let enabled = match (thinking.get("type").and_then(Value::as_str), budget) {
            (Some("enabled"), Some(_)) => true,
            (Some("adaptive"), None) if spelling == ReasoningRequestSpelling::Thinking => true,
            (Some("disabled"), None) => false,
            _ => continue,
        };
        thinking.remove("type");
        thinking.remove("budget_tokens");
        if thinking.is_empty() {
            additional.remove(name);
        }
        return Some(ReasoningRequest { effort, budget, enabled: Some(enabled), shown: None, spelling });
    }
    let effort = effort?;
    extra.insert(EFFORT_ONLY.to_owned(), Value::Null);
    Some(ReasoningRequest { effort: Some(effort), ..ReasoningRequest::default() })
}

/// What is written for `reasoning`: additional fields, and `outputConfig.effort`.
pub(super) fn put_reasoning(
    reasoning: &ReasoningRequest,
    request: &Request,
    model: &str,
    additional: &mut Map<String, Value>,
    notes: &mut Notes,
) -> Option<String> {
    if request.extra.contains_key(EFFORT_ONLY) {
        return reasoning.effort.as_ref().map(|effort| effort.as_str().to_owned());
    }
    let off = reasoning.enabled == Some(false) || reasoning.effort == Some(Effort::None);
    let claude = matches!(maker(model), Maker::Claude { .. });
    if !off && (reasoning.shown == Some(false) || (reasoning.shown == Some(true) && !claude)) {
        notes.hint("reasoning.shown", "Converse has no field for it; what is shown is up to the model");
    }
    if !reasoning.says_how_much() {
        return None;
    }
    let name = match reasoning.spelling {
        ReasoningRequestSpelling::Reasoning if reasoning.effort.is_none() => "reasoning_config",
        _ => "thinking",
    };
    let effort = reasoning.effort.clone().or_else(|| reasoning.budget.map(effort_of));
    match maker(model) {
        Maker::Claude { .. } if off => {
            put(additional, name, json!({"type": "disabled"}));
            None
        }
        Maker::Claude { adaptive } => {
            // A budget that was said in tokens is taken as it is by models that take one.
            let told =
                reasoning.spelling == ReasoningRequestSpelling::Thinking && reasoning.enabled.is_some();
            if (adaptive || told) && reasoning.budget.is_none() {
                put(additional, "thinking", json!({"type": "adaptive"}));
                return reasoning.effort.as_ref().map(|effort| claude_word(effort, notes));
            }
            if !told && lacks_thinking(request) {
                notes.hint("reasoning", "the model's reasoning before its tool calls was not sent back");
                return None;
            }
            let max_tokens = request.output_limit.map(|limit| limit.tokens);
            let wanted = reasoning.budget.or_else(|| budget_of(effort.as_ref().unwrap_or(&Effort::Medium)));
            let wanted = wanted.unwrap_or(LEAST_BUDGET);
            match fit(wanted, max_tokens) {
                Some(budget) => {
                    if budget != wanted {
                        notes.lowered.push("reasoning.budget".to_owned());
                    }
                    put(additional, name, json!({"type": "enabled", "budget_tokens": budget}));
                }
                None => {
                    notes.hint("reasoning", "the output limit leaves no room for 1024 tokens of thinking");
                }
            }
            // Beside a budget the effort is said by it, unless this format had both.
            told.then(|| reasoning.effort.as_ref().map(|effort| effort.as_str().to_owned())).flatten()
        }
        Maker::Nova if off => {
            put(additional, "reasoningConfig", json!({"type": "disabled"}));
            None
        }
        Maker::Nova => {
            let word = three_words(&effort.unwrap_or(Effort::Medium));
            put(additional, "reasoningConfig", json!({"type": "enabled", "maxReasoningEffort": word}));
            None
        }
        Maker::OpenAi => {
            let word = if off { "low" } else { three_words(&effort.unwrap_or(Effort::Medium)) };
            if off {
                notes
                    .hint("reasoning.enabled", "this model always reasons; it is asked for the least effort");
            }
            put(additional, "reasoning_effort", word);
            None
        }
        Maker::Other => {
            if !off {
                notes.hint("reasoning", "this model cannot be told how much to reason");
            }
            None
        }
    }
}

fn claude_word(effort: &Effort, notes: &mut Notes) -> String {
    if *effort == Effort::Minimal {
        notes.lowered.push("reasoning.effort".to_owned());
        return "low".to_owned();
    }
    effort.as_str().to_owned()
}

const fn three_words(effort: &Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium | Effort::Other(_) => "medium",
        Effort::High | Effort::ExtraHigh | Effort::Max => "high",
    }
}

/// A budget must be less than the output limit, and has a least.
fn fit(budget: u64, max_tokens: Option<u64>) -> Option<u64> {
    let most = max_tokens.map_or(u64::MAX, |limit| limit.saturating_sub(1));
    (most >= LEAST_BUDGET).then(|| budget.clamp(LEAST_BUDGET, most))
}

/// Reads `top_k`, where Claude and most others have it.
pub(super) fn take_top_k(additional: &mut Map<String, Value>) -> Option<Number> {
    fields::try_number(additional, "top_k")
}

/// Writes `top_k` where the model has it.
pub(super) fn put_top_k(top_k: &Number, model: &str, additional: &mut Map<String, Value>, notes: &mut Notes) {
    let name = model.to_ascii_lowercase();
    match maker(model) {
        Maker::Nova => put(additional, "inferenceConfig", json!({"topK": top_k})),
        Maker::OpenAi => notes.hint("sampling.top_k", "this model has no top_k"),
        _ if name.contains("meta.") || name.contains("titan") || name.contains("ai21.") => {
            notes.hint("sampling.top_k", "this model has no top_k");
        }
        _ if name.contains("cohere.") => put(additional, "k", Value::Number(top_k.clone())),
        _ => put(additional, "top_k", Value::Number(top_k.clone())),
    }
}
