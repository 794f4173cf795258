//! The days on which prices changed, and OpenRouter's models, out of the data of genai-prices.

use std::collections::BTreeMap;

use super::Rows;
use super::amount::per_million;
use super::python::{Value, assigned};
use super::row::{Period, Prices, Row};

/// Their provider, our kind.
const KINDS: [(&str, &str); 22] = [
    ("anthropic", "anthropic"),
    ("aws", "bedrock"),
    ("azure", "azure"),
    ("baseten", "baseten"),
    ("cerebras", "cerebras"),
    ("cloudflare", "cloudflare"),
    ("cohere", "cohere"),
    ("databricks", "databricks"),
    ("deepseek", "deepseek"),
    ("fireworks", "fireworks"),
    ("google", "gemini"),
    ("groq", "groq"),
    ("meta", "meta"),
    ("minimax", "minimax"),
    ("mistral", "mistral"),
    ("moonshotai", "moonshot"),
    ("novita", "novita"),
    ("openai", "openai"),
    ("openrouter", "openrouter"),
    ("ovhcloud", "ovhcloud"),
    ("perplexity", "perplexity"),
    ("x-ai", "xai"),
];

/// Vendors as OpenRouter names them, our kind.
const VENDORS: [(&str, &str); 9] = [
    ("anthropic", "anthropic"),
    ("deepseek", "deepseek"),
    ("google", "gemini"),
    ("minimax", "minimax"),
    ("mistralai", "mistral"),
    ("moonshotai", "moonshot"),
    ("openai", "openai"),
    ("x-ai", "xai"),
    ("z-ai", "zai"),
];

/// Their prices, our letters.
const PRICES: [(&str, char); 9] = [
    ("input_mtok", 'i'),
    ("cache_read_mtok", 'r'),
    ("cache_write_mtok", 'w'),
    ("cache_write_1h_mtok", 'W'),
    ("input_audio_mtok", 'a'),
    ("output_mtok", 'o'),
    ("output_audio_mtok", 'A'),
    ("input_image_mtok", 'm'),
    ("output_image_mtok", 'M'),
];

/// Adds what the data says.
pub(super) fn add(source: &str, rows: &mut Rows) -> Result<(), String> {
    let providers =
        assigned(source, "providers").map_err(|reason| format!("the data of genai-prices: {reason}"))?;
    for provider in providers.items() {
        let id = provider.argument("id").and_then(Value::text).unwrap_or_default();
        let Some((_, kind)) = KINDS.iter().find(|(theirs, _)| *theirs == id) else { continue };
        for model in provider.argument("models").map(Value::items).unwrap_or_default() {
            let periods = periods(model);
            let id = model.argument("id").and_then(Value::text).unwrap_or_default();
            if let Some(row) = rows.get_mut(&((*kind).to_owned(), id.to_owned())) {
                merge(row, &periods);
            }
            for name in names(model) {
                let key = ((*kind).to_owned(), name.to_owned());
                if let Some(row) = rows.get_mut(&key) {
                    merge(row, &periods);
                } else if *kind == "openrouter"
                    && name.contains('/')
                    && name.bytes().all(|byte| byte.is_ascii_graphic())
                {
                    let row = routed(name, model, &periods, rows);
                    rows.insert(key, row);
                }
            }
        }
    }
    Ok(())
}

/// The names that match a model exactly; patterns do not count.
fn names(model: &Value) -> Vec<&str> {
    let Some(clause) = model.argument("match") else { return Vec::new() };
    let alternatives = match clause.function() {
        "ClauseOr" => clause.argument("or_").map(Value::items).unwrap_or_default(),
        _ => std::slice::from_ref(clause),
    };
    let equal = alternatives.iter().filter(|clause| clause.function() == "ClauseEquals");
    equal.filter_map(|clause| clause.argument("equals").and_then(Value::text)).collect()
}

/// The prices of a model, oldest first. Prices by the time of day are left out.
fn periods(model: &Value) -> Vec<Period> {
    let Some(prices) = model.argument("prices") else { return Vec::new() };
    if prices.function() == "ModelPrice" {
        return vec![period(prices, String::new())];
    }
    let mut periods: Vec<Period> = Vec::new();
    for conditional in prices.items() {
        let Some(prices) = conditional.argument("prices") else { continue };
        let from =
            match conditional.argument("constraint").filter(|constraint| constraint.word() != Some("None")) {
                None if periods.is_empty() => String::new(),
                Some(constraint) if constraint.function() == "StartDateConstraint" => {
                    let Some(day) = constraint.argument("start_date").and_then(date) else { continue };
                    day
                }
                _ => continue,
            };
        periods.push(period(prices, from));
    }
    periods.sort_by(|one, other| one.from.cmp(&other.from));
    periods.dedup_by(|one, other| one.from == other.from);
    periods
}

fn date(value: &Value) -> Option<String> {
    let parts: Option<Vec<u32>> =
        value.positional("datetime.date")?.into_iter().map(|part| part.word()?.parse().ok()).collect();
    match parts?.as_slice() {
        [year, month, day] => Some(format!("{year:04}-{month:02}-{day:02}")),
        _ => None,
    }
}

fn period(prices: &Value, from: String) -> Period {
    let mut period = Period { from, ..Period::default() };
    let mut above: BTreeMap<u64, Prices> = BTreeMap::new();
    for (key, letter) in PRICES {
        let Some(price) = prices.argument(key) else { continue };
        let base = if price.function() == "TieredPrices" { price.argument("base") } else { Some(price) };
        if let Some(base) = base.and_then(amount) {
            period.base.set(letter, base);
        }
        for tier in price.argument("tiers").map(Value::items).unwrap_or_default() {
            let start = tier.argument("start").and_then(Value::word).and_then(|word| word.parse().ok());
            if let (Some(start), Some(price)) = (start, tier.argument("price").and_then(amount)) {
                above.entry(start).or_default().set(letter, price);
            }
        }
    }
    period.above = above.into_iter().collect();
    period
}

fn amount(value: &Value) -> Option<u64> {
    match value.positional("Decimal") {
        Some(arguments) => per_million(arguments.first()?.text()?),
        None => per_million(value.word()?),
    }
}

/// Puts the other periods around the one price that is known, when both sources agree on what it is.
fn merge(row: &mut Row, periods: &[Period]) {
    let [known] = row.periods.as_slice() else { return };
    let same = |period: &Period| {
        ['i', 'o'].iter().all(|letter| period.base.of(*letter) == known.base.of(*letter))
            && known.base.of('i').is_some_and(|price| price > 0)
    };
    let Some(at) = periods.iter().rposition(same) else { return };
    let mut merged = periods.to_vec();
    if let Some(place) = merged.get_mut(at) {
        // The main source knows more kinds of prices.
        *place = Period { from: place.from.clone(), ..known.clone() };
    }
    merged.retain(|period| !period.base.is_empty());
    if let Some(first) = merged.first_mut() {
        first.from.clear();
    }
    merged.dedup_by(|later, earlier| later.base == earlier.base && later.above == earlier.above);
    row.periods = merged;
}

/// A model of OpenRouter: what it can do is what the vendor's own row says.
fn routed(name: &str, model: &Value, periods: &[Period], rows: &Rows) -> Row {
    let (bare, variant) = name.split_once(':').unwrap_or((name, ""));
    let vendors = bare.split_once('/').and_then(|(vendor, bare)| {
        let (_, kind) = VENDORS.iter().find(|(theirs, _)| *theirs == vendor)?;
        rows.get(&((*kind).to_owned(), bare.to_owned()))
    });
    let mut row =
        vendors.cloned().unwrap_or_else(|| Row { task: "chat", media: "t>t".to_owned(), ..Row::default() });
    row.task = "chat";
    let window = model
        .argument("context_window")
        .and_then(Value::word)
        .and_then(|word| word.replace('_', "").parse().ok());
    row.window = window.or(row.window);
    row.periods = periods.iter().filter(|period| !period.base.is_empty()).cloned().collect();
    if let Some(first) = row.periods.first_mut() {
        first.from.clear();
    } else if variant == "free" {
        let mut free = Prices::default();
        free.set('i', 0);
        free.set('o', 0);
        row.periods = vec![Period { base: free, ..Period::default() }];
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::facts;

    fn lines(rows: &Rows) -> Vec<String> {
        rows.iter()
            .map(|((kind, name), row)| {
                let mut line = String::new();
                row.write(kind, name, &mut line);
                line.trim_end().to_owned()
            })
            .collect()
    }

    const KNOWN: &str = r#"{"o3": {"litellm_provider": "openai", "mode": "chat", "max_output_tokens": 100000,
        "input_cost_per_token": 2e-06, "cache_read_input_token_cost": 5e-07, "output_cost_per_token": 8e-06,
        "supports_reasoning": true}}"#;

    fn source(provider: &str, matched: &str, prices: &str) -> String {
        format!(
            "providers: list[Provider] = [\n    Provider(id='{provider}', models=[ModelInfo(id='x', match={matched}, \
             context_window=200_000, prices={prices})]),\n]\n"
        )
    }

    const DATED: &str = "[ConditionalPrice(prices=ModelPrice(input_mtok=Decimal('10'), output_mtok=Decimal('40'))), \
        ConditionalPrice(constraint=TimeOfDateConstraint(start_time=1), prices=ModelPrice(input_mtok=Decimal('1'))), \
        ConditionalPrice(constraint=StartDateConstraint(start_date=datetime.date(2025, 6, 10)), \
        prices=ModelPrice(input_mtok=Decimal('2'), output_mtok=Decimal('8')))]";

    #[test]
    fn prices_that_changed_keep_their_days() {
        let mut rows = facts::read(KNOWN).unwrap();
        add(
            &source("openai", "ClauseOr(or_=[ClauseEquals(equals='o3'), ClauseRegex(regex='o')])", DATED),
            &mut rows,
        )
        .unwrap();
        assert_eq!(lines(&rows), ["openai\to3\tchat\t\t100000\tt>t\tr\ti10 o40; @2025-06-10 i2 r0.5 o8"]);
    }

    #[test]
    fn sources_that_disagree_leave_the_main_one() {
        let before = facts::read(KNOWN).unwrap();
        let mut rows = before.clone();
        let other =
            "[ConditionalPrice(prices=ModelPrice(input_mtok=Decimal('3'), output_mtok=Decimal('8')))]";
        add(&source("openai", "ClauseEquals(equals='o3')", other), &mut rows).unwrap();
        // A pattern is no name, and a model that only the second source has is not taken from any vendor but OpenRouter.
        add(&source("openai", "ClauseStartsWith(starts_with='o3')", DATED), &mut rows).unwrap();
        add(&source("openai", "ClauseEquals(equals='o4')", DATED), &mut rows).unwrap();
        add(&source("nobody", "ClauseEquals(equals='o3')", DATED), &mut rows).unwrap();
        assert_eq!(rows, before);
    }

    #[test]
    fn openrouter_takes_abilities_from_the_vendor() {
        let mut rows = facts::read(KNOWN).unwrap();
        let tiers = "ModelPrice(input_mtok=TieredPrices(base=Decimal('2'), tiers=[Tier(start=200000, price=Decimal('4'))]))";
        add(&source("openrouter", "ClauseEquals(equals='openai/o3')", tiers), &mut rows).unwrap();
        add(&source("openrouter", "ClauseEquals(equals='openai/o3:free')", "ModelPrice()"), &mut rows)
            .unwrap();
        add(&source("openrouter", "ClauseEquals(equals='qwen/q')", "ModelPrice()"), &mut rows).unwrap();
        assert_eq!(
            lines(&rows)[1..],
            [
                "openrouter\topenai/o3\tchat\t200000\t100000\tt>t\tr\ti2; >200000 i4",
                "openrouter\topenai/o3:free\tchat\t200000\t100000\tt>t\tr\ti0 o0",
                "openrouter\tqwen/q\tchat\t200000\t\tt>t",
            ]
        );
    }
}
