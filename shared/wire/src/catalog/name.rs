//! Other spellings of the same model.
//!
//! A spelling may only leave out what does not change which model answers: where it is reached, when it was released,
//! who had it tuned.
//! Anything else that differs is a different model, with a different price.

use super::entry::Entry;

/// Looks up a line by exact kind and name.
type Lookup<'a> = &'a dyn Fn(&str, &str) -> Option<&'static str>;

/// Routers that name models `VENDOR/MODEL` and pass the vendor's list price on.
const ROUTERS: [&str; 2] = ["openrouter", "vercel"];

/// Vendor names of routers, where they are not our kinds.
const VENDORS: [(&str, &str); 6] = [
    ("google", "gemini"),
    ("x-ai", "xai"),
    ("mistralai", "mistral"),
    ("moonshotai", "moonshot"),
    ("z-ai", "zai"),
    ("alibaba", "dashscope"),
];

/// Bedrock's inference profiles: a region group before the model's own id.
const REGIONS: [&str; 8] = ["us.", "eu.", "apac.", "au.", "jp.", "ca.", "global.", "us-gov."];

/// The entry of a name or of another spelling of it.
pub(super) fn find_spelling(kind: &str, name: &str, lookup: Lookup<'_>) -> Option<Entry> {
    find_line(kind, name, lookup).and_then(Entry::parse)
}

fn find_line(kind: &str, name: &str, lookup: Lookup<'_>) -> Option<&'static str> {
    if let Some(line) = undated(kind, name, lookup) {
        return Some(line);
    }
    // `models/gemini-2.5-flash`, as Gemini's own list of models says it.
    if let Some(bare) = name.strip_prefix("models/") {
        return undated(kind, bare, lookup);
    }
    // `groq/llama-3.1-8b-instant` at groq.
    if let Some(bare) = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/')) {
        return undated(kind, bare, lookup);
    }
    match kind {
        // A fine-tuned model, `ft:BASE:ORGANISATION:SUFFIX:ID`, has the price of every model tuned from its base.
        "openai" if name.starts_with("ft:") => {
            let (at, _) = name.match_indices(':').nth(1)?;
            undated(kind, name.get(..at)?, lookup)
        }
        "bedrock" => {
            let bare = REGIONS.iter().find_map(|region| name.strip_prefix(region)).unwrap_or(name);
            revisions(kind, bare, lookup)
        }
        // `accounts/fireworks/models/NAME` is also called by its short name.
        "fireworks" if !name.contains('/') => {
            undated(kind, &format!("accounts/fireworks/models/{name}"), lookup)
        }
        _ if ROUTERS.contains(&kind) => {
            // A suffix such as `:free` or `:nitro` changes the price.
            let (vendor, model) = name.split_once('/').filter(|_| !name.contains(':'))?;
            let vendor =
                VENDORS.iter().find(|(theirs, _)| *theirs == vendor).map_or(vendor, |(_, ours)| ours);
            if ROUTERS.contains(&vendor) { None } else { find_line(vendor, model, lookup) }
        }
        _ => None,
    }
}

/// The name itself, without its release date, and by its alias.
fn undated(kind: &str, name: &str, lookup: Lookup<'_>) -> Option<&'static str> {
    if let Some(line) = lookup(kind, name) {
        return Some(line);
    }
    if let Some(bare) = name.strip_suffix("-latest").or_else(|| name.strip_suffix(":latest")) {
        return lookup(kind, bare);
    }
    if let Some(bare) = without_date(name) {
        return lookup(kind, bare).or_else(|| lookup(kind, &format!("{bare}-latest")));
    }
    lookup(kind, &format!("{name}-latest"))
}

/// Bedrock's revisions: `-v1:0`, `-v1`, `:0`.
fn revisions(kind: &str, name: &str, lookup: Lookup<'_>) -> Option<&'static str> {
    if let Some(line) = undated(kind, name, lookup) {
        return Some(line);
    }
    let (bare, revision) = name.rsplit_once(':')?;
    if revision.is_empty() || !revision.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    undated(kind, bare, lookup).or_else(|| undated(kind, bare.strip_suffix("-v1")?, lookup))
}

/// The name without `-2024-07-18`, `-20250929` or `@20250929` at its end.
fn without_date(name: &str) -> Option<&str> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let plausible = |year: &str, month: &str, day: &str| {
        let in_range =
            |text: &str, from: u8, to: u8| text.parse().is_ok_and(|n: u8| (from..=to).contains(&n));
        year.starts_with("20")
            && digits(year)
            && digits(month)
            && digits(day)
            && in_range(month, 1, 12)
            && in_range(day, 1, 31)
    };
    let cut = |length: usize| {
        let at = name.len().checked_sub(length)?;
        name.is_char_boundary(at).then(|| name.split_at(at))
    };
    if let Some((bare, date)) = cut(9) {
        let compact = date.strip_prefix(['-', '@']);
        if let Some(date) = compact.filter(|date| digits(date))
            && let (Some(year), Some(month), Some(day)) = (date.get(..4), date.get(4..6), date.get(6..))
            && plausible(year, month, day)
            && !bare.is_empty()
        {
            return Some(bare);
        }
    }
    let (bare, date) = cut(11)?;
    let mut parts = date.strip_prefix(['-', '@'])?.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    (year.len() == 4 && month.len() == 2 && plausible(year, month, day) && !bare.is_empty()).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [(&str, &str); 15] = [
        ("anthropic", "claude-haiku-4-5"),
        ("anthropic", "claude-sonnet-4-5"),
        ("bedrock", "anthropic.claude-3-5-haiku-20241022-v1:0"),
        ("bedrock", "anthropic.claude-opus-4-7"),
        ("fireworks", "accounts/fireworks/models/deepseek-v3"),
        ("gemini", "gemini-2.5-flash"),
        ("groq", "openai/gpt-oss-20b"),
        ("mistral", "mistral-large-latest"),
        ("openai", "ft:gpt-4o-mini-2024-07-18"),
        ("openai", "gpt-4o"),
        ("openai", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-mini"),
        ("openrouter", "deepseek/deepseek-chat"),
        ("openrouter", "deepseek/deepseek-chat:free"),
        ("xai", "grok-4"),
    ];

    fn spelled(kind: &str, name: &str) -> Option<&'static str> {
        find_line(kind, name, &|kind, name| {
            KNOWN.iter().find(|known| **known == (kind, name)).map(|known| known.1)
        })
    }

    #[test]
    fn same_model_other_spelling() {
        for (kind, name, expected) in [
            ("openai", "gpt-4o", "gpt-4o"),
            ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
            ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
            ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
            ("openai", "gpt-4o-latest", "gpt-4o"),
            ("openai", "openai/gpt-4o", "gpt-4o"),
            ("openai", "ft:gpt-4o-mini-2024-07-18:acme:bot:a1", "ft:gpt-4o-mini-2024-07-18"),
            ("openai", "ft:gpt-4o-mini-2024-07-18", "ft:gpt-4o-mini-2024-07-18"),
            ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("anthropic", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
            ("gemini", "models/gemini-2.5-flash", "gemini-2.5-flash"),
            ("mistral", "mistral-large", "mistral-large-latest"),
            (
                "bedrock",
                "us.anthropic.claude-3-5-haiku-20241022-v1:0",
                "anthropic.claude-3-5-haiku-20241022-v1:0",
            ),
            ("bedrock", "eu.anthropic.claude-opus-4-7-v1:0", "anthropic.claude-opus-4-7"),
            ("bedrock", "anthropic.claude-opus-4-7-20260416-v1:0", "anthropic.claude-opus-4-7"),
            ("fireworks", "deepseek-v3", "accounts/fireworks/models/deepseek-v3"),
            ("openrouter", "openai/gpt-4o-mini", "gpt-4o-mini"),
            ("openrouter", "x-ai/grok-4", "grok-4"),
            ("openrouter", "google/gemini-2.5-flash", "gemini-2.5-flash"),
            ("openrouter", "deepseek/deepseek-chat:free", "deepseek/deepseek-chat:free"),
            ("groq", "openai/gpt-oss-20b", "openai/gpt-oss-20b"),
        ] {
            assert_eq!(spelled(kind, name), Some(expected), "{kind} {name}");
        }
    }

    #[test]
    fn never_a_different_model() {
        for (kind, name) in [
            ("openai", "gpt-4o-nano"),
            ("openai", "gpt-4"),
            ("openai", "gpt-4o-audio-preview"),
            ("openai", "gpt-4o-mini-tts"),
            ("openai", "gpt-4o-2024-13-40"),
            ("openai", "gpt-4o-20241340"),
            ("openai", "gpt-4o-0806"),
            ("openai", "GPT-4o"),
            ("openai", "models/gpt-5"),
            ("openai", "ft:gpt-4o:acme::id"),
            ("openai", "gpt-4o-mini-2024-07-18:acme:bot:a1"),
            ("openai", "deepseek/deepseek-chat"),
            ("openai", "anthropic/claude-haiku-4-5"),
            ("groq", "gpt-oss-20b"),
            ("groq", "openai/gpt-4o"),
            ("anthropic", "claude-haiku"),
            ("anthropic", "us.claude-haiku-4-5"),
            ("openrouter", "openai/gpt-4o:free"),
            ("openrouter", "openrouter/openai/gpt-4o"),
            ("openrouter", "openai"),
            ("bedrock", "anthropic.claude-opus-4-7:x"),
            ("openai", ""),
            ("openai", "-20240101"),
            ("openai", "é-2024-01-01"),
            ("", "gpt-4o"),
        ] {
            assert_eq!(spelled(kind, name), None, "{kind} {name}");
        }
    }

    #[test]
    fn dates_only_at_the_end() {
        assert_eq!(without_date("a-2024-07-18"), Some("a"));
        assert_eq!(without_date("a-20240718"), Some("a"));
        assert_eq!(without_date("a@20240718"), Some("a"));
        for name in
            ["a-2024-07-18-b", "a-2507", "20240718", "a20240718", "a-1999-01-01", "a-2024-0718", "ü20240718"]
        {
            assert_eq!(without_date(name), None, "{name}");
        }
    }
}
