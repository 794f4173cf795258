//! How much to reason, asked in another format's words: `reasoning_effort`.
//!
//! Which words OpenAI's models take is said in the reference of `reasoning_effort`
//! (<https://platform.openai.com/docs/api-reference/chat/create>); a word that a model does not know is refused, and so
//! is the field by a model that does not reason. Of other vendors' models the name does not say which words they take:
//! a word goes as it came, and no reasoning is asked for only where the vendor takes that for every model.

use serde_json::{Map, Value};

use crate::chat::{Effort, ReasoningRequest};
use crate::dialect::Target;
use crate::dialect::effort::effort_of;
use crate::dialect::fields::put;
use crate::dialect::loss::Notes;

/// From the least to the most.
const ORDER: [Effort; 7] = [
    Effort::None,
    Effort::Minimal,
    Effort::Low,
    Effort::Medium,
    Effort::High,
    Effort::ExtraHigh,
    Effort::Max,
];

/// The efforts that a model of OpenAI's takes, from the least to the most; none if it does not reason. `None` for a
/// model that is not known.
fn efforts(model: &str) -> Option<&'static [Effort]> {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    let has = |part: &str| name.contains(part);
    if name.starts_with("gpt-oss") || name.starts_with("o3") || name.starts_with("o4-mini") {
        return ORDER.get(2..5);
    }
    if name.starts_with("o1") {
        return if has("preview") || has("mini") { ORDER.get(..0) } else { ORDER.get(2..5) };
    }
    if name.starts_with("gpt-3.5") || name.starts_with("gpt-4") || name.starts_with("chatgpt-") {
        return ORDER.get(..0);
    }
    let rest = name.strip_prefix("gpt-5")?;
    if has("chat") {
        return ORDER.get(..0);
    }
    // `-mini`, `-2025-08-07`; or `.1`, `.4-mini`.
    let Some(after) = rest.strip_prefix('.') else {
        return if has("pro") {
            ORDER.get(4..5)
        } else if has("codex") {
            ORDER.get(2..5)
        } else {
            ORDER.get(1..5)
        };
    };
    let minor =
        after.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse::<u32>().ok())?;
    match (has("pro"), has("codex"), minor) {
        // Medium and more.
        (true, _, _) => ORDER.get(3..6),
        (_, true, 1) if !has("max") => ORDER.get(2..5),
        (_, true, _) => ORDER.get(2..6),
        (_, _, 1) => Some(&[Effort::None, Effort::Low, Effort::Medium, Effort::High]),
        _ => Some(&[Effort::None, Effort::Low, Effort::Medium, Effort::High, Effort::ExtraHigh]),
    }
}

/// The nearest effort that a model takes: the least that is enough, or the most there is.
fn nearest(wanted: &Effort, taken: &[Effort]) -> Option<Effort> {
    let rank = |effort: &Effort| ORDER.iter().position(|each| each == effort);
    let Some(wanted) = rank(wanted) else { return Some(wanted.clone()) };
    let enough = taken.iter().find(|effort| rank(effort) >= Some(wanted));
    enough.or(taken.last()).cloned()
}

/// Writes `reasoning_effort`, and names what is not said by it.
pub(super) fn put_effort(
    map: &mut Map<String, Value>,
    asked: &ReasoningRequest,
    target: &Target<'_>,
    notes: &mut Notes,
) {
    if asked.shown == Some(true) {
        notes.hint(
            "reasoning.shown",
            "OpenAI Chat Completions has no field for it; what is shown is up to the model",
        );
    }
    let off = asked.enabled == Some(false) || asked.effort == Some(Effort::None) || asked.budget == Some(0);
    let wanted = match (&asked.effort, asked.budget) {
        _ if off => Effort::None,
        (Some(effort), _) => effort.clone(),
        (None, Some(budget)) => effort_of(budget),
        (None, None) if asked.enabled == Some(true) => Effort::Medium,
        (None, None) => return,
    };
    let written = match efforts(target.model) {
        Some([]) => {
            if !off {
                notes.hint("reasoning", "this model does not reason before it answers");
            }
            return;
        }
        Some(taken) => nearest(&wanted, taken),
        // OpenRouter passes over what a model cannot do. A caller who says `none` knows the model.
        None if off && asked.effort != Some(Effort::None) && target.kind != "openrouter" => {
            notes.hint("reasoning.enabled", "it is not known how this model is told not to reason");
            return;
        }
        // Anthropic's word, of which no other vendor knows.
        None if wanted == Effort::Max => Some(Effort::High),
        None => Some(wanted.clone()),
    };
    let Some(written) = written else { return };
    if off && written != Effort::None {
        notes.hint("reasoning.enabled", "this model always reasons; it is asked for the least effort");
    } else if asked.budget.is_some() && !off {
        notes.lowered("reasoning.budget");
    } else if written != wanted {
        notes.lowered("reasoning.effort");
    }
    put(map, "reasoning_effort", written.as_str());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Loss;

    fn asked(
        request: &ReasoningRequest,
        model: &str,
        kind: &str,
    ) -> (Option<String>, Vec<Loss>, Vec<String>) {
        let (mut map, mut notes) = (Map::new(), Notes::default());
        put_effort(&mut map, request, &Target { model, kind, max_output: None }, &mut notes);
        (map.get("reasoning_effort").and_then(Value::as_str).map(str::to_owned), notes.lost, notes.lowered)
    }

    fn word(request: &ReasoningRequest, model: &str) -> Option<String> {
        asked(request, model, "").0
    }

    #[test]
    fn a_budget_becomes_an_effort_and_says_so() {
        let budget = ReasoningRequest { budget: Some(20_000), enabled: Some(true), ..Default::default() };
        let (said, lost, lowered) = asked(&budget, "gpt-5", "openai");
        assert_eq!(
            (said.as_deref(), lost, lowered),
            (Some("high"), vec![], vec!["reasoning.budget".to_owned()])
        );
        let enabled = ReasoningRequest { enabled: Some(true), ..Default::default() };
        assert_eq!(word(&enabled, "gpt-5").as_deref(), Some("medium"));
        assert_eq!(word(&ReasoningRequest::default(), "gpt-5"), None);
    }

    #[test]
    fn each_model_gets_a_word_it_takes() {
        let of = |effort: Effort| ReasoningRequest { effort: Some(effort), ..Default::default() };
        for (effort, model, said) in [
            (Effort::Minimal, "gpt-5-mini", "minimal"),
            (Effort::Minimal, "gpt-5.1", "low"),
            (Effort::ExtraHigh, "gpt-5.1", "high"),
            (Effort::Max, "openai/gpt-5.2-2025-12-11", "xhigh"),
            (Effort::Low, "gpt-5-pro", "high"),
            (Effort::ExtraHigh, "gpt-5.1-codex-max", "xhigh"),
            (Effort::Minimal, "o4-mini", "low"),
            (Effort::Max, "some-model", "high"),
            (Effort::ExtraHigh, "some-model", "xhigh"),
            (Effort::Other("turbo".to_owned()), "gpt-5", "turbo"),
        ] {
            assert_eq!(word(&of(effort.clone()), model).as_deref(), Some(said), "{effort:?} of {model}");
        }
        assert_eq!(asked(&of(Effort::Low), "gpt-4o-mini", "openai").0, None);
        assert_eq!(asked(&of(Effort::Low), "gpt-4o-mini", "openai").1[0].field, "reasoning");
    }

    #[test]
    fn not_to_reason_is_said_as_far_as_the_model_can() {
        let off = ReasoningRequest { enabled: Some(false), ..Default::default() };
        for (model, kind, said, lost) in [
            ("gpt-5.1", "openai", Some("none"), None),
            ("gpt-5", "openai", Some("minimal"), Some("reasoning.enabled")),
            ("o3", "openai", Some("low"), Some("reasoning.enabled")),
            ("gpt-4o", "openai", None, None),
            ("qwen3-32b", "groq", None, Some("reasoning.enabled")),
            ("qwen/qwen3-32b", "openrouter", Some("none"), None),
        ] {
            let (word, losses, lowered) = asked(&off, model, kind);
            assert_eq!(word.as_deref(), said, "{model}");
            assert_eq!(losses.first().map(|loss| loss.field.as_str()), lost, "{model}");
            assert_eq!(lowered, Vec::<String>::new());
        }
    }
}
