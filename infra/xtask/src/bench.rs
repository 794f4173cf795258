//! `cargo xtask bench [--full] [P1 P2 ...]`: builds the gateway and its benchmarks as they are deployed, measures, and
//! writes `docs/benchmarks.md` when everything was measured. Measures nothing itself.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::run;
use crate::workplace::Workplace;

const DOCUMENT: &str = "docs/benchmarks.md";
/// What is between these is generated; the rest of the document is written by hand.
const BEGIN: &str = "<!-- written by `cargo xtask bench`: begin -->";
const END: &str = "<!-- written by `cargo xtask bench`: end -->";
const BUILDING: Duration = Duration::from_secs(3600);
const MEASURING: Duration = Duration::from_secs(3600);

/// Builds, measures, writes. Whether it could; a missed budget is a result, not a failure.
pub(crate) fn command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    if let Some(unknown) = args.iter().find(|arg| arg.starts_with('-') && *arg != "--full") {
        return Err(format!("bench: unknown option {unknown:?}; there is --full"));
    }
    let mut build = place.cargo();
    build.args([
        "build",
        "--quiet",
        "--profile",
        "dist",
        "--package",
        "postern",
        "--package",
        "postern-bench",
    ]);
    if !run::shown(&mut build, BUILDING).success {
        return Err("bench: the gateway and the benchmarks could not be built".to_owned());
    }
    let built = place.target.join("dist");
    let report = built.join("bench-report.jsonl");
    let mut bench = place.command(built.join("postern-bench"));
    bench.arg("measure").arg("--gateway").arg(built.join("postern")).arg("--report").arg(&report).args(args);
    let load_before = load();
    let ran = run::shown(&mut bench, MEASURING);
    let loads = format!("{load_before} when it began, {} when it ended", load());
    if !ran.success {
        return Err(format!("bench: {}", ran.ending));
    }
    let rows = read_report(&report)?;
    if args.iter().any(|arg| arg != "--full") {
        println!("\n{DOCUMENT} stays as it is: it is written when everything is measured.");
        return Ok(true);
    }
    let path = place.root.join(DOCUMENT);
    let before = fs::read_to_string(&path).map_err(|error| format!("{DOCUMENT}: {error}"))?;
    let after = replace(&before, &section(place, args, &loads, &rows))
        .ok_or(format!("{DOCUMENT} has lost its markers"))?;
    fs::write(&path, &after).map_err(|error| format!("{DOCUMENT}: {error}"))?;
    println!("\n{DOCUMENT} is written.");
    for id in unexplained(&rows, &after) {
        println!(
            "A budget of {id} is missed: {DOCUMENT} needs a paragraph \"### {id}\" on what stands in the way."
        );
    }
    Ok(true)
}

/// A figure.
struct Row {
    id: String,
    what: String,
    budget: Option<String>,
    measured: String,
    met: Option<bool>,
}

fn read_report(file: &Path) -> Result<Vec<Row>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    text.lines()
        .map(|line| read_row(line).ok_or(format!("{}: not a figure: {line}", file.display())))
        .collect()
}

fn read_row(line: &str) -> Option<Row> {
    let row: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Row {
        id: text("id")?,
        what: text("what")?,
        budget: text("budget"),
        measured: text("measured")?,
        met: row.get("met").and_then(Value::as_bool),
    })
}

fn section(place: &Workplace, args: &[String], loads: &str, rows: &[Row]) -> String {
    let said = |program: &str, args: &[&str]| {
        let ran = run::silent(place.command(program).args(args), Duration::from_secs(60));
        if ran.success { ran.text.trim().to_owned() } else { "unknown".to_owned() }
    };
    let changed = if said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty() {
        ""
    } else {
        ", with changes since"
    };
    let option = args.first().map_or_else(String::new, |option| format!(" {option}"));
    let facts = [
        ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("commit", format!("{}{changed}", said("git", &["rev-parse", "--short", "HEAD"]))),
        ("machine", machine()),
        ("system", said("uname", &["-sr"])),
        ("load average", loads.to_owned()),
        ("compiler", said("rustc", &["--version"])),
        ("command", format!("`cargo xtask bench{option}` (profile `dist`)")),
    ];
    let mut text = "| | |\n|---|---|\n".to_owned();
    facts.iter().for_each(|(name, fact)| text += &format!("| {name} | {fact} |\n"));
    text + "\n" + &table(rows)
}

fn table(rows: &[Row]) -> String {
    let mut text = "| id | what | budget | measured | |\n|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let verdict = match row.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        let budget = row.budget.as_deref().unwrap_or_default();
        text += &format!("| {} | {} | {budget} | {} | {verdict} |\n", row.id, row.what, row.measured);
    }
    text
}

fn machine() -> String {
    let read = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map_or("unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kilobytes = read("/proc/meminfo", "MemTotal");
    let memory = kilobytes.trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default() / 1_000_000;
    format!("{}, {cores} cores, {memory} GB", read("/proc/cpuinfo", "model name"))
}

/// How busy the machine has been in the last minute: the benchmarks themselves keep about two cores busy.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}

/// The document with a new section in place of the generated one.
fn replace(document: &str, section: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{section}\n{END}{after}"))
}

/// Budgets that are missed without a paragraph on it.
fn unexplained<'a>(rows: &'a [Row], document: &str) -> Vec<&'a str> {
    let mut missing: Vec<&str> = rows
        .iter()
        .filter(|row| row.met == Some(false))
        .map(|row| row.id.as_str())
        .filter(|id| !document.lines().any(|line| line.trim() == format!("### {id}")))
        .collect();
    missing.dedup();
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"id":"P1","what":"CPU","budget":"<= 60 us","measured":"70.1 us","met":false}"#;

    #[test]
    fn writes_only_between_the_markers() {
        let document = format!("# A\n\n{BEGIN}\nold\n{END}\n\n## By hand\n");
        let rows = [read_row(LINE).unwrap()];
        let after = replace(&document, &table(&rows)).unwrap();
        assert!(after.starts_with("# A\n") && after.ends_with("\n\n## By hand\n"));
        assert!(after.contains("| P1 | CPU | <= 60 us | 70.1 us | **missed** |"), "{after}");
        assert!(!after.contains("old"));
        assert_eq!(replace(&after, &table(&rows)).unwrap(), after);
        assert!(replace("no markers", "").is_none());
    }

    #[test]
    fn a_miss_needs_a_paragraph() {
        let rows = [read_row(LINE).unwrap(), read_row(LINE).unwrap()];
        assert_eq!(unexplained(&rows, "## Misses\n"), ["P1"]);
        assert!(unexplained(&rows, "## Misses\n\n### P1\n\nBecause.\n").is_empty());
    }

    #[test]
    fn the_document_has_its_markers() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(DOCUMENT);
        assert!(replace(&fs::read_to_string(file).unwrap(), "").is_some());
    }
}
