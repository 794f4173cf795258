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
    if preset.ways.iter().any(|way| way.dialect == caller) {
        return "as it is".to_owned();
    }
    preset.ways.first().map_or_else(|| "no".to_owned(), |way| format!("told in {}", title(way.dialect)))
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

/// What a kind can be asked: a name, and the answer for a preset. A new operation is a new row here.
type Operation = (&'static str, fn(&Preset) -> Option<&'static str>);

const OPERATIONS: &[Operation] = &[
    ("answers", |preset| preset.ways.first().map(|way| way.path)),
    ("streams", |preset| preset.ways.first().map(|way| way.stream_path)),
    ("count of tokens", |preset| preset.ways.iter().map(|way| way.count_path).find(|path| !path.is_empty())),
    ("list of models", |preset| Some(preset.models_path).filter(|path| !path.is_empty())),
];

/// Operations by kinds.
pub(crate) fn operations() -> String {
    let path = |answer: Option<&str>| answer.map_or_else(|| "here".to_owned(), |path| format!("`{path}`"));
    let rows = grouped(|preset| OPERATIONS.iter().map(|(_, answer)| path(answer(preset))).collect());
    let mut head = vec!["`kind`"];
    head.extend(OPERATIONS.iter().map(|(name, _)| *name));
    format!(
        "## Operations\n\nThe path behind the base URL that is asked; `here` is answered by the gateway itself.\n\n{}",
        markdown(&head, &rows)
    )
}
