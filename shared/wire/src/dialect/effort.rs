//! The table between efforts and thinking budgets, for formats and models that have only one of the two.
//!
//! The vendors publish none; these figures are ours. OpenAI's Responses and Gemini have tables of their own.

use crate::chat::Effort;

/// The smallest thinking budget that Anthropic takes, in tokens, also behind Bedrock.
pub(crate) const LEAST_BUDGET: u64 = 1_024;

/// The thinking budget, in tokens, that stands for an effort. `None` for an effort that asks for no reasoning.
#[must_use]
pub(crate) const fn budget_of(effort: &Effort) -> Option<u64> {
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

/// The effort that stands for a thinking budget in tokens. The same table read backwards: the least effort, from
/// `low` on, whose budget is enough.
#[must_use]
pub(crate) fn effort_of(budget: u64) -> Effort {
    [Effort::Low, Effort::Medium, Effort::High, Effort::ExtraHigh]
        .into_iter()
        .find(|effort| budget_of(effort).is_some_and(|enough| budget <= enough))
        .unwrap_or(Effort::Max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efforts_and_budgets_are_one_table() {
        for effort in [Effort::Low, Effort::Medium, Effort::High, Effort::ExtraHigh, Effort::Max] {
            assert_eq!(budget_of(&effort).map(effort_of), Some(effort));
        }
        assert_eq!((budget_of(&Effort::None), effort_of(1)), (None, Effort::Low));
        assert_eq!(effort_of(u64::MAX), Effort::Max);
    }
}
