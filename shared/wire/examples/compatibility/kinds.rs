//! Which provider is asked in which format, and what else it can be asked, by the table of providers.

use postern_wire::Dialect;
use postern_wire::provider::{Preset, presets};

use crate::table::markdown;
use crate::{CALLERS, title};

/// Rows of kinds that are alike in all columns.
fn grouped(columns: impl Fn(&Preset) -> Vec<String>) -> Vec<Vec<String>> {
    let mut rows: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    for preset in presets().iter().filter(|preset| !preset.is_demo()) {
        let cells = columns(preset);
        match rows.iter_mut().find(|(known, _)| *known == cells) {
            Some((_, kinds)) => kinds.push(preset.kind),
            None => rows.push((cells, vec![preset.kind])),
        }
    }
    // The rare ones first.
    rows.sort_by_key(|(_, kinds)| kinds.len());
    rows.into_iter()
        .map(|(cells, kinds)| {
            let kinds = kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ");
            std::iter::once(kinds).chain(cells).collect()
        })
        .collect()
}

/// How a caller's format reaches a kind: as the gateway chooses the way.
fn way(preset: &Preset, caller: Dialect) -> String {
    match preset.ways.iter().find(|way| way.dialect == caller).or_else(|| preset.ways.first()) {
        None => "no".to_owned(),
        Some(way) if way.dialect == caller && way.dress.keeps_answers() => "as it is".to_owned(),
        Some(way) => format!("told in {}", title(way.dialect)),
    }
}

/// Caller formats by kinds.
pub(crate) fn formats() -> String {
    let rows = grouped(|preset| {
        let more = preset.every_way().filter(|way| !preset.ways.contains(way));
        let more: Vec<_> = more.map(|way| format!("`{}`", way.dialect.name())).collect();
        CALLERS.iter().map(|caller| way(preset, *caller)).chain([more.join(", ")]).collect()
    });
    let mut head = vec!["`kind`"];
    head.extend(CALLERS.iter().map(|caller| title(*caller)));
    head.push("more, by `formats:`");
    format!("## Formats of callers and providers\n\n{}", markdown(&head, &rows))
}

/// What a kind can be asked: a name, and the paths for a preset. A new operation is a new row here.
type Operation = (&'static str, fn(&Preset) -> Vec<&'static str>);

/// Some models are asked at another path: this one stands for all.
const ANY_MODEL: &str = "cohere.embed titan-embed cohere.rerank";

const OPERATIONS: &[Operation] = &[
    ("answers", |preset| preset.ways.iter().map(|way| way.path).collect()),
    ("streams", |preset| preset.ways.iter().map(|way| way.stream_path).collect()),
    ("count of tokens", |preset| preset.ways.iter().map(|way| way.count_path).collect()),
    ("embeddings", |preset| preset.embeddings(ANY_MODEL).map(|way| way.path).collect()),
    ("ranking of documents", |preset| preset.reranking(ANY_MODEL).map(|way| way.path).collect()),
    ("moderation", |preset| preset.moderations().into_iter().collect()),
    ("list of models", |preset| vec![preset.models_path]),
];

/// Operations by kinds.
pub(crate) fn operations() -> String {
    let told = |paths: Vec<&'static str>| {
        let mut told: Vec<String> = Vec::new();
        for path in paths.into_iter().filter(|path| !path.is_empty()) {
            let path = format!("`{path}`");
            if !told.contains(&path) {
                told.push(path);
            }
        }
        told.join("<br>")
    };
    let rows = grouped(|preset| OPERATIONS.iter().map(|(_, paths)| told(paths(preset))).collect());
    let mut head = vec!["`kind`"];
    head.extend(OPERATIONS.iter().map(|(name, _)| *name));
    format!(
        "## Operations\n\nThe paths below the base URL that are asked. Tokens that a provider does not count are counted by \
         the gateway itself.\n\n{}",
        markdown(&head, &rows)
    )
}
