use std::collections::BTreeSet;

use super::*;
use crate::money::MicroUsd;
use crate::provider;
use crate::usage::Usage;

/// Kinds that the catalog knows before the gateway speaks to them.
const LATER: [&str; 2] = ["vertex", "watsonx"];

#[test]
fn holds_over_a_thousand_models_in_order() {
    let keys: Vec<_> = table::lines().map(table::key).collect();
    assert!(keys.len() >= 1000, "{} models", keys.len());
    assert!(keys.is_sorted_by(|one, other| one < other), "sorted, each model once");
    assert_eq!(iter().count(), keys.len(), "every line can be read");
    assert!(iter().filter(Entry::is_chat).count() >= 1000, "most are for conversations");
}

#[test]
fn is_small_enough_for_a_worker() {
    assert!(size() < 400_000, "{} bytes", size());
}

#[test]
fn every_line_says_only_what_is_understood() {
    for line in table::lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [_, name, _, window, most, media, abilities, prices] = fields.as_slice() else {
            panic!("eight columns: {line}");
        };
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()), "{line}");
        for number in [window, most] {
            assert!(number.is_empty() || number.parse::<u64>().is_ok_and(|n| n > 0), "{line}");
        }
        assert!(media.chars().all(|letter| ">tiavp".contains(letter)) && media.contains('>'), "{line}");
        assert!(abilities.chars().all(|letter| "tpjrcwuf".contains(letter)), "{line}");
        assert!(price::is_well_formed(prices), "{line}");
    }
}

#[test]
fn every_kind_is_a_provider() {
    let kinds: BTreeSet<_> = iter().map(|entry| entry.kind).collect();
    for kind in kinds {
        assert!(provider::preset(kind).is_some() || LATER.contains(&kind), "{kind}");
    }
}

#[test]
fn knows_the_models_that_everybody_uses() {
    let mini = find("openai", "gpt-4o-mini").unwrap();
    assert_eq!((mini.kind, mini.name, mini.task), ("openai", "gpt-4o-mini", Task::Chat));
    assert_eq!((mini.context_window, mini.max_output), (Some(128_000), Some(16_384)));
    assert_eq!(mini.prices.input, Some(150_000));
    assert_eq!(mini.prices.cache_read, Some(75_000));
    assert_eq!(mini.prices.output, Some(600_000));
    assert!(mini.modalities.reads(Medium::Image) && !mini.modalities.writes(Medium::Image));
    assert!(mini.modalities.reads(Medium::Text) && mini.modalities.writes(Medium::Text));
    assert!(mini.abilities.tools && mini.abilities.parallel_tools && mini.abilities.json_schema);
    assert!(!mini.abilities.reasoning);

    let haiku = find("anthropic", "claude-haiku-4-5").unwrap();
    assert_eq!(haiku.prices.cache_write, Some(1_250_000));
    assert_eq!(haiku.prices.cache_write_1h, Some(2_000_000));
    assert!(haiku.abilities.reasoning && haiku.abilities.prompt_caching);

    let flash = find("gemini", "gemini-2.5-flash").unwrap();
    assert_eq!(flash.prices.input_audio, Some(1_000_000));
    assert!(flash.modalities.reads(Medium::Audio) && flash.modalities.reads(Medium::Pdf));

    let embedding = find("openai", "text-embedding-3-small").unwrap();
    assert_eq!((embedding.task, embedding.prices.input), (Task::Embedding, Some(20_000)));
    let picture = find("gemini", "gemini-2.5-flash-image").unwrap();
    assert_eq!((picture.task, picture.prices.image), (Task::Image, Some(39_000)));
}

#[test]
fn other_spellings_are_found_and_other_models_are_not() {
    let name = |kind, name| find(kind, name).map(|entry| (entry.kind, entry.name));
    assert_eq!(name("openai", "gpt-4o-mini-2024-07-18"), Some(("openai", "gpt-4o-mini-2024-07-18")));
    assert_eq!(name("openai", "gpt-4o-mini-2031-01-01"), Some(("openai", "gpt-4o-mini")));
    assert_eq!(name("gemini", "models/gemini-2.5-pro"), Some(("gemini", "gemini-2.5-pro")));
    assert_eq!(name("openrouter", "openai/gpt-4o-mini"), Some(("openrouter", "openai/gpt-4o-mini")));
    assert_eq!(name("openai", "gpt-4o-nano"), None);
    assert_eq!(name("openai", "gpt-4o-mini-"), None);
    assert_eq!(name("openai", "claude-haiku-4-5"), None);
    assert_eq!(name("vllm", "gpt-4o-mini"), None);
    assert_ne!(find("openai", "gpt-4o").unwrap().prices, find("openai", "gpt-4o-mini").unwrap().prices);
}

#[test]
fn prices_change_by_day_and_by_length() {
    // o3 cost 10 and 40 dollars until 2025-06-09, then 2 and 8.
    let o3 = find("openai", "o3").unwrap();
    let usage = Usage { input: 1000, output: 100, ..Usage::default() };
    let on = |day| cost(&o3.prices_for(day, &usage), &usage);
    assert_eq!(on(20_248), (MicroUsd(14_000), true));
    assert_eq!(on(20_249), (MicroUsd(2_800), true));

    // Gemini 2.5 Pro: 1.25 and 10 up to 200,000 tokens, 2.50 and 15 above, for the whole call.
    let pro = find("gemini", "gemini-2.5-pro").unwrap();
    let priced = |input, cache_read| {
        let usage = Usage { input, cache_read, output: 1000, ..Usage::default() };
        cost(&pro.prices_for(20_778, &usage), &usage).0
    };
    assert_eq!(priced(200_000, 0), MicroUsd(260_000));
    // 100,000 x 2.5 + 100,001 x 0.25 + 1000 x 15 = 250000 + 25000.25 + 15000.
    assert_eq!(priced(100_000, 100_001), MicroUsd(290_000));
}
