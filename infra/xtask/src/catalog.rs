//! `cargo xtask catalog`: writes the catalog of upstream models from public data files of packages on PyPI.
//!
//! Only figures and names are taken: windows, limits, prices, abilities. The packages are pinned, so that the same
//! command always writes the same bytes; to renew the catalog, raise the versions here and run it. `--check` writes
//! nothing and fails when the committed file is not what the packages give.
//!
//! LiteLLM's file is the main source. From genai-prices come the models of OpenRouter, which the former leaves out, and
//! the days on which prices changed, wherever both agree on a price.

mod amount;
mod facts;
mod history;
mod package;
mod python;
mod row;

use std::collections::BTreeMap;
use std::fs;

use crate::workplace::Workplace;
use package::Package;
use row::Row;

/// Windows, limits, prices and abilities.
const FACTS: Package = Package {
    name: "litellm",
    version: "1.109.1",
    licence: "MIT",
    member: "litellm/model_prices_and_context_window_backup.json",
};

/// Prices by date, and OpenRouter's models.
const HISTORY: Package =
    Package { name: "genai-prices", version: "0.2.3", licence: "MIT", member: "genai_prices/data.py" };

/// Where the catalog lies in the clone.
const PLACE: &str = "shared/wire/src/catalog/models.tsv";

/// All models, by kind and name.
type Rows = BTreeMap<(String, String), Row>;

/// Writes the catalog, or with `--check` compares it.
pub(crate) fn command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    let check = match args {
        [] => false,
        [only] if only == "--check" => true,
        _ => return Err("usage: cargo xtask catalog [--check]".to_owned()),
    };
    let mut rows = facts::read(&FACTS.text(place)?)?;
    history::add(&HISTORY.text(place)?, &mut rows)?;
    let text = write(&rows);
    let file = place.root.join(PLACE);
    if !check {
        fs::write(&file, &text).map_err(|error| format!("{PLACE}: {error}"))?;
        println!("{PLACE}: {} models, {} bytes", rows.len(), text.len());
        return Ok(true);
    }
    let committed = fs::read_to_string(&file).map_err(|error| format!("{PLACE}: {error}"))?;
    let differing = difference(&committed, &text);
    if let Some((number, ours, theirs)) = differing {
        println!(
            "{PLACE} is not what `cargo xtask catalog` writes, first at line {number}:\n- {ours}\n+ {theirs}"
        );
    } else {
        println!("{PLACE}: {} models, as the packages give them", rows.len());
    }
    Ok(differing.is_none())
}

/// The first line that differs.
fn difference<'a>(ours: &'a str, theirs: &'a str) -> Option<(usize, &'a str, &'a str)> {
    if ours == theirs {
        return None;
    }
    let (mut left, mut right) = (ours.split('\n'), theirs.split('\n'));
    for number in 1.. {
        match (left.next(), right.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => return Some((number, one.unwrap_or_default(), other.unwrap_or_default())),
        }
    }
    None
}

fn write(rows: &Rows) -> String {
    let mut text = String::from(
        "# The catalog of upstream models. Written by `cargo xtask catalog`; do not edit.\n\
         # Columns: kind, name, task, context window, most output, media in>out (t text, i image, a audio, v video,\n\
         # p PDF), abilities (t tools, p parallel tools, j JSON Schema, r reasoning, c prompt caching, w web search,\n\
         # u computer use, f prefill), prices in US dollars per million tokens (i input, r cache read, w cache write,\n\
         # W cache write for an hour, a audio in, o output, A audio out, m image tokens in, M image tokens out; g per\n\
         # image generated), then `; >N` prices above N tokens read, `; @DATE` prices from that day on.\n",
    );
    for package in [&FACTS, &HISTORY] {
        text.push_str(&format!(
            "# Figures from {} {} (PyPI, {}), {}\n",
            package.name, package.version, package.licence, package.member
        ));
    }
    for ((kind, name), row) in rows {
        row.write(kind, name, &mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_same_for_the_same() {
        let json = r#"{"groq/b": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 5e-08},
                       "gpt-x": {"litellm_provider": "openai", "mode": "chat", "output_cost_per_token": 6e-07}}"#;
        let text = write(&facts::read(json).unwrap());
        assert_eq!(text, write(&facts::read(json).unwrap()));
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["groq\tb\tchat\t\t\tt>t\t\ti0.05", "openai\tgpt-x\tchat\t\t\tt>t\t\to0.6"]);
    }

    #[test]
    fn names_the_first_difference() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n"), Some((2, "b", "c")));
        assert_eq!(difference("a\n", "a\nc\n"), Some((2, "", "c")));
    }
}
