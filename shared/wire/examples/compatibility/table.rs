//! Tables of Markdown.

/// A table with a head.
pub(crate) fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[&str]| format!("| {} |", cells.join(" | "));
    let rule = vec!["---"; head.len()];
    let mut lines = vec![line(head), line(&rule)];
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        lines.push(line(&cells.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    lines.join("\n")
}
