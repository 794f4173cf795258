//! How much to reason: `thinkingConfig`.
//!
//! Models before Gemini 3 take a budget in tokens, later ones a level. A caller's word or number is translated by the
//! table that Google itself uses for OpenAI's words (`ai.google.dev/gemini-api/docs/openai`, "Thinking"):
//!
//! | effort | level (Gemini 3) | budget (Gemini 2.5) |
//! |---|---|---|
//! | `none` | `MINIMAL`, `LOW` for Pro models, which cannot do without | 0, 128 for Pro models |
//! | `minimal` | `MINIMAL`, `LOW` for Pro models | 1,024 |
//! | `low` | `LOW` | 1,024 |
//! | `medium` | `MEDIUM` | 8,192 |
//! | `high` and more | `HIGH` | 24,576 |
//!
//! A budget goes to models of both sorts as it is: Gemini 3 takes it too, though not beside a level.

use serde_json::{Map, Value};

use super::names::{always_thinks, camel, is_3_or_later, mark, marked, put_rest};
use crate::chat::{Effort, Extra, ReasoningRequest, Request};
use crate::dialect::fields::{self, Path, put};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Target};

/// Takes what is asked for out of `thinkingConfig`; spellings are kept in `marks`.
pub(super) fn take(
    config: &mut Map<String, Value>,
    path: &Path<'_>,
    marks: &mut Extra,
) -> Result<Option<ReasoningRequest>, DecodeError> {
    let Some(mut inner) = fields::object(config, path, "thinkingConfig")? else { return Ok(None) };
    let was_empty = inner.is_empty();
    camel(&mut inner);
    let at = Path::Field(path, "thinkingConfig");
    let mut request = ReasoningRequest { shown: Some(false), ..ReasoningRequest::default() };
    if let Some(shown) = fields::boolean(&mut inner, &at, "includeThoughts")? {
        request.shown = Some(shown);
        mark(marks, "includeThoughts", shown);
    }
    if let Some(level) = fields::string(&mut inner, &at, "thinkingLevel")? {
        let effort = match level.to_ascii_uppercase().as_str() {
            "MINIMAL" => Some(Effort::Minimal),
            "LOW" => Some(Effort::Low),
            "MEDIUM" => Some(Effort::Medium),
            "HIGH" => Some(Effort::High),
            _ => None,
        };
        match effort {
            Some(effort) => {
                request.effort = Some(effort);
                mark(marks, "thinkingLevel", level);
            }
            None => put(&mut inner, "thinkingLevel", level),
        }
    }
    if let Some(budget) = fields::number(&mut inner, &at, "thinkingBudget")? {
        match (budget.as_u64(), budget.as_i64()) {
            (Some(tokens), _) => {
                request.budget = Some(tokens);
                request.enabled = Some(tokens > 0);
            }
            // As much as the model finds right.
            (None, Some(-1)) => {
                request.enabled = Some(true);
                mark(marks, "thinkingBudget", -1);
            }
            _ => return Err(at.field_error("thinkingBudget", "expected a whole number of tokens, or -1")),
        }
    }
    put_rest(config, "thinkingConfig", inner, was_empty);
    Ok(if was_empty { None } else { Some(request) })
}

/// Writes `thinkingConfig`.
pub(super) fn put_thinking(
    config: &mut Map<String, Value>,
    request: &Request,
    target: &Target<'_>,
    notes: &mut Notes,
) {
    let Some(asked) = &request.reasoning else { return };
    let extra = &request.extra;
    let mut inner = Map::new();
    let leveled = is_3_or_later(target.model);
    if let Some(budget) = marked(extra, "thinkingBudget") {
        put(&mut inner, "thinkingBudget", budget.clone());
    } else if let Some(tokens) = asked.budget.filter(|_| asked.effort.is_none() || !leveled) {
        put(&mut inner, "thinkingBudget", tokens);
    } else if let Some(effort) = &asked.effort {
        match (leveled, level(effort, target.model), budget(effort, target.model)) {
            (true, Some(level), _) => match marked(extra, "thinkingLevel") {
                Some(said) => put(&mut inner, "thinkingLevel", said.clone()),
                None => put(&mut inner, "thinkingLevel", level),
            },
            (false, _, Some(tokens)) => put(&mut inner, "thinkingBudget", tokens),
            _ => notes.hint("reasoning.effort", "Gemini knows none, minimal, low, medium and high"),
        }
    } else if asked.enabled == Some(false) {
        if leveled {
            put(&mut inner, "thinkingLevel", level(&Effort::None, target.model).unwrap_or("LOW"));
        } else {
            put(&mut inner, "thinkingBudget", budget(&Effort::None, target.model).unwrap_or(0));
        }
    } else if asked.enabled == Some(true) && !leveled {
        put(&mut inner, "thinkingBudget", -1);
    }
    let off = asked.enabled == Some(false) || asked.effort == Some(Effort::None) || asked.budget == Some(0);
    match (marked(extra, "includeThoughts"), asked.shown) {
        (Some(said), _) => put(&mut inner, "includeThoughts", said.clone()),
        // Callers of other formats who ask for reasoning also get to see it; Google has to be told.
        (None, shown) => {
            if shown == Some(true) || (shown.is_none() && !off) {
                put(&mut inner, "includeThoughts", true);
            }
        }
    }
    if !inner.is_empty() {
        put(config, "thinkingConfig", inner);
    }
}

fn level(effort: &Effort, model: &str) -> Option<&'static str> {
    Some(match effort {
        Effort::None | Effort::Minimal if always_thinks(model) => "LOW",
        Effort::None | Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High | Effort::ExtraHigh | Effort::Max => "HIGH",
        Effort::Other(_) => return None,
    })
}

fn budget(effort: &Effort, model: &str) -> Option<u64> {
    Some(match effort {
        Effort::None if always_thinks(model) => 128,
        Effort::None => 0,
        Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High | Effort::ExtraHigh | Effort::Max => 24_576,
        Effort::Other(_) => return None,
    })
}
