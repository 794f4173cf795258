//! What a model of Anthropic's takes, by its name.
//!
//! Anthropic's models differ in how they are asked to think and in whether they take sampling parameters; a request
//! in the wrong form is refused. The cut-offs are those of
//! <https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking> and
//! <https://platform.claude.com/docs/en/build-with-claude/effort>.

use crate::chat::Effort;

/// The output limit, in tokens, for a caller who gave none and a model whose own limit is not known. The format
/// requires one. Every model of Anthropic's since Claude 3 takes this many.
pub const DEFAULT_MAX_TOKENS: u64 = 4_096;

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
