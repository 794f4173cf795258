//! Which tokenizer counts for a model, and how sure the count is.
//!
//! OpenAI publishes its tokenizers; other vendors do not, or not in a form that fits here. For those a count of
//! `o200k_base` is scaled by a factor that was measured on answers whose vendor said how many tokens they had. Such a count
//! is an estimate and says so.

use crate::Encoding;

/// How sure a count is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The model's own tokenizer.
    Exact,
    /// Another tokenizer's count, scaled.
    Estimated {
        /// What the text counts, in thousandths of the tokenizer's count.
        per_mille: u32,
        /// How far counts of single answers were from the vendor's on average, in per cent; `None` where there was
        /// nothing to measure with.
        error_percent: Option<u8>,
    },
}

/// Models that count alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name, for people: `openai`, `claude`, ...
    pub name: &'static str,
    /// The tokenizer.
    pub encoding: Encoding,
    /// How sure the count is.
    pub basis: Basis,
    /// What its vendor counts for an answer beside its text: the end mark, the frame of a block.
    pub(crate) answer: u32,
    /// What its vendor puts around messages and images.
    pub(crate) rules: Rules,
}

/// How a vendor turns messages and images into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// OpenAI's models of the `gpt` line up to 4.1.
    OpenAi(ImageRule),
    /// OpenAI's reasoning models: one token less around the conversation.
    OpenAiReasoning(ImageRule),
    Claude,
    Gemini,
    /// Open models: a template much like OpenAI's.
    Open,
}

/// How OpenAI counts images
/// (<https://platform.openai.com/docs/guides/images-vision#calculating-costs>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageRule {
    /// So many tokens an image, and so many for each tile of 512 by 512.
    Tiles { base: u32, tile: u32 },
    /// Patches of 32 by 32, at most 1,536, each counted so many thousandths of a token.
    Patches { per_mille: u32 },
}

const GPT_4O: ImageRule = ImageRule::Tiles { base: 85, tile: 170 };

/// The family of a model, by the name that its provider knows it by. Names of models that are not known count as the
/// newest of OpenAI's do, as an estimate.
#[must_use]
pub fn family(model: &str) -> Family {
    let lower = model.to_ascii_lowercase();
    // `openai/gpt-4o`, `accounts/fireworks/models/llama-v3`, `us.anthropic.claude-...`: the last part names the model.
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    OTHERS
        .iter()
        .find(|other| other.words.iter().any(|word| name.contains(word)))
        .map(|other| Family {
            name: other.name,
            encoding: Encoding::O200kBase,
            basis: Basis::Estimated { per_mille: other.per_mille, error_percent: other.error_percent },
            answer: other.answer,
            rules: other.rules,
        })
        .unwrap_or_else(|| openai(name))
}

fn openai(model: &str) -> Family {
    // A fine-tuned model counts as the one that it was made from: `ft:gpt-4o-mini:acme::id`.
    let model = model.strip_prefix("ft:").unwrap_or(model);
    let (encoding, known) = Encoding::for_model(model);
    let basis = if known { Basis::Exact } else { Basis::Estimated { per_mille: 1000, error_percent: None } };
    Family { name: if known { "openai" } else { "unknown" }, encoding, basis, answer: 0, rules: rules(model) }
}

fn rules(model: &str) -> Rules {
    let patches = |per_mille| ImageRule::Patches { per_mille };
    let tiles = |base, tile| ImageRule::Tiles { base, tile };
    let is = |prefix: &str| model.starts_with(prefix);
    if is("o4-mini") {
        Rules::OpenAiReasoning(patches(1720))
    } else if is("gpt-5") && model.contains("nano") {
        Rules::OpenAiReasoning(patches(2460))
    } else if is("gpt-5") && model.contains("mini") {
        Rules::OpenAiReasoning(patches(1620))
    } else if is("gpt-5") {
        Rules::OpenAiReasoning(tiles(70, 140))
    } else if is("o1") || is("o3") || is("o4") {
        Rules::OpenAiReasoning(tiles(75, 150))
    } else if is("gpt-4.1-mini") {
        Rules::OpenAi(patches(1620))
    } else if is("gpt-4.1-nano") {
        Rules::OpenAi(patches(2460))
    } else if is("gpt-4o-mini") {
        Rules::OpenAi(tiles(2833, 5667))
    } else {
        Rules::OpenAi(GPT_4O)
    }
}

/// A family without a public tokenizer.
struct Other {
    name: &'static str,
    /// What names of its models hold.
    words: &'static [&'static str],
    per_mille: u32,
    answer: u32,
    error_percent: Option<u8>,
    rules: Rules,
}

const fn open(
    name: &'static str,
    words: &'static [&'static str],
    per_mille: u32,
    answer: u32,
    error_percent: u8,
) -> Other {
    Other { name, words, per_mille, answer, error_percent: Some(error_percent), rules: Rules::Open }
}

/// Measured in November 2026 on recorded answers of plain text of at least ten tokens: what the vendor counted, against
/// `o200k_base`. `tests/recorded.rs` measures again wherever recordings are.
const OTHERS: &[Other] = &[
    Other { rules: Rules::Claude, ..open("claude", &["claude"], 1130, 3, 8) },
    Other { rules: Rules::Gemini, ..open("gemini", &["gemini", "gemma", "learnlm"], 1000, 0, 5) },
    open(
        "mistral",
        &["mistral", "mixtral", "ministral", "codestral", "devstral", "pixtral", "magistral", "voxtral"],
        1060,
        1,
        5,
    ),
    open("cohere", &["command-", "c4ai", "aya-"], 1050, 2, 6),
    open("llama", &["llama", "sonar"], 1010, 1, 6),
    // No recorded answer of plain text is long enough to measure with.
    Other { error_percent: None, ..open("deepseek", &["deepseek"], 1010, 1, 0) },
    open("qwen", &["qwen", "qwq"], 1010, 1, 8),
    open("glm", &["glm"], 1010, 1, 6),
    open("grok", &["grok"], 1010, 1, 6),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_found_by_the_names_that_providers_use() {
        let name = |model| family(model).name;
        assert_eq!(name("gpt-4o-mini"), "openai");
        assert_eq!(name("openai/gpt-4.1"), "openai");
        assert_eq!(name("ft:gpt-4o-mini-2024-07-18:acme::abc"), "openai");
        assert_eq!(name("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), "claude");
        assert_eq!(name("publishers/google/models/gemini-2.5-flash"), "gemini");
        assert_eq!(name("accounts/fireworks/models/llama-v3p1-70b-instruct"), "llama");
        assert_eq!(name("Qwen/Qwen2.5-VL-72B-Instruct"), "qwen");
        assert_eq!(name("something-new"), "unknown");
    }

    #[test]
    fn a_model_that_is_not_known_is_an_estimate_of_the_newest_encoding() {
        let family = family("something-new");
        assert_eq!(family.encoding, Encoding::O200kBase);
        assert!(matches!(family.basis, Basis::Estimated { .. }));
    }

    #[test]
    fn openai_models_are_exact_in_their_own_encoding() {
        assert_eq!((family("gpt-4").encoding, family("gpt-4").basis), (Encoding::Cl100kBase, Basis::Exact));
        assert_eq!((family("o3").encoding, family("o3").basis), (Encoding::O200kBase, Basis::Exact));
    }
}
