//! What a model of Anthropic's takes, by its name, and the table between efforts and budgets.
//!
//! Anthropic's models differ in how they are asked to think and in whether they take sampling parameters; a request
//! in the wrong form is refused. The cut-offs are those of
//! <https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking> and
//! <https://platform.claude.com/docs/en/build-with-claude/effort>.

use crate::chat::Effort;

/// The output limit, in tokens, for a caller who gave none and a model whose own limit is not known. The format
/// requires one. Every model of Anthropic's since Claude 3 takes this many.
pub const DEFAULT_MAX_TOKENS: u64 = 4_096;

/// The smallest thinking budget that Anthropic takes, in tokens.
pub(super) const LEAST_BUDGET: u64 = 1_024;

/// What a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abilities {
    /// `thinking: {type: adaptive}`.
    pub(super) adaptive: bool,
    /// `thinking: {type: enabled, budget_tokens}`.
    pub(super) budget: bool,
    /// Which efforts `output_config.effort` takes.
    pub(super) efforts: Efforts,
    /// `temperature`, `top_p`, `top_k`.
    pub(super) sampling: bool,
    /// `temperature` and `top_p` in one request.
    pub(super) both_temperature_and_top_p: bool,
    /// Messages of role `system` inside the conversation.
    pub(super) system_inside: bool,
    /// It thinks without being asked.
    pub(super) thinks_unasked: bool,
}

/// Which efforts a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Efforts {
    /// The field is refused.
    None,
    /// `low`, `medium`, `high`.
    ToHigh,
    /// And `max`.
    ToMax,
    /// And `xhigh`.
    All,
    /// Not known: the word goes as it came.
    Unknown,
}

/// What a model takes. Of a name that is not Anthropic's nothing is known; whoever speaks its format takes the older
/// form with a budget.
pub(super) fn abilities(model: &str) -> Abilities {
    let name = model.to_ascii_lowercase();
    let Some((_, after)) = name.split_once("claude") else {
        return Abilities {
            adaptive: false,
            budget: true,
            efforts: Efforts::Unknown,
            sampling: true,
            both_temperature_and_top_p: true,
            system_inside: false,
            thinks_unasked: true,
        };
    };
    let has = |family: &str| after.contains(family);
    // The previews of Mythos have no number and the rules of 4.7.
    let version = version(after).unwrap_or(if has("mythos") { (4, 7) } else { (3, 0) });
    let efforts = match version {
        (4, 5) if has("opus") => Efforts::ToHigh,
        (4, 6) => Efforts::ToMax,
        _ if version >= (4, 7) => Efforts::All,
        _ => Efforts::None,
    };
    Abilities {
        adaptive: version >= (4, 6),
        budget: version < (4, 7),
        efforts,
        sampling: version < (4, 7),
        both_temperature_and_top_p: version < (4, 1),
        system_inside: version >= (4, 8) && !(version == (5, 0) && has("sonnet")),
        thinks_unasked: version >= (5, 0),
    }
}

/// The number in a name such as `-opus-4-6-20260205`, `-3-7-sonnet@20250219`, `-sonnet-4-20250514`: one or two short
/// numbers one after the other. Dates are longer.
fn version(after: &str) -> Option<(u32, u32)> {
    let short = |word: &str| (word.len() <= 2).then(|| word.parse::<u32>().ok()).flatten();
    let mut words = after.split(|c: char| !c.is_ascii_alphanumeric());
    let major = words.find_map(short)?;
    Some((major, words.next().and_then(short).unwrap_or(0)))
}

/// The thinking budget, in tokens, that stands for an effort: for models that take only a budget. `None` for an effort
/// that asks for no reasoning.
#[must_use]
pub const fn budget_of(effort: &Effort) -> Option<u64> {
    Some(match effort {
        Effort::None => return None,
        Effort::Minimal => LEAST_BUDGET,
        Effort::Low => 4_096,
        Effort::Medium | Effort::Other(_) => 10_240,
        Effort::High => 24_576,
        Effort::ExtraHigh => 32_768,
        Effort::Max => 49_152,
    })
}

/// The effort that stands for a thinking budget in tokens: for models that take only an effort. The same table read
/// backwards: the least effort whose budget is enough.
#[must_use]
pub fn effort_of(budget: u64) -> Effort {
    [Effort::Low, Effort::Medium, Effort::High, Effort::ExtraHigh]
        .into_iter()
        .find(|effort| budget_of(effort).is_some_and(|enough| budget <= enough))
        .unwrap_or(Effort::Max)
}

impl Efforts {
    /// The word for an effort, and whether it is a weaker or stronger one than was asked for. `None` where the field is
    /// refused.
    pub(super) fn word(self, effort: &Effort) -> Option<(&str, bool)> {
        if self == Self::Unknown {
            return Some((effort.as_str(), false));
        }
        if self == Self::None {
            return None;
        }
        Some(match effort {
            Effort::None | Effort::Minimal => ("low", true),
            Effort::ExtraHigh if self != Self::All => ("high", true),
            Effort::Max if self == Self::ToHigh => ("high", true),
            known => (known.as_str(), false),
        })
    }
}
