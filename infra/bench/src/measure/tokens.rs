//! P8: token counts, against tiktoken-rs in the same run.

use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tiktoken_rs::CoreBPE;

use super::Settings;
use crate::report::{Report, Row};
use crate::tokens::{ENCODINGS, KINDS, worst};

const ID: &str = "P8";
/// Processes that count for the first time.
const STARTS: usize = 21;
/// Rounds of a timing, ours and theirs in turns; the fastest counts, as the others were disturbed more.
const ROUNDS: usize = 7;
/// What is committed.
const TABLES: [(&str, &[u8]); 3] = [
    ("o200k_base", include_bytes!("../../../../shared/tokens/src/tables/o200k_base.bin")),
    ("cl100k_base", include_bytes!("../../../../shared/tokens/src/tables/cl100k_base.bin")),
    ("classes of characters", include_bytes!("../../../../shared/tokens/src/tables/classes.bin")),
];

pub(super) fn measure(_: &Settings, report: &mut Report) -> Result<(), String> {
    first(report)?;
    let theirs = theirs(report)?;
    speed(report, &theirs)?;
    worst_cases(report)?;
    sizes(report)
}

/// The first count of a process.
fn first(report: &mut Report) -> Result<(), String> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(ask(&["first"])? as f64 / 1e6);
    }
    times.sort_by(f64::total_cmp);
    let (Some(median), Some(slowest)) = (times.get(STARTS / 2), times.last()) else { return Ok(()) };
    report.row(&Row {
        id: ID,
        what: "the first count of a process, with both encodings, p50".to_owned(),
        budget: Some("<= 2 ms".to_owned()),
        measured: format!("{median:.2} ms (slowest of {STARTS}: {slowest:.2} ms)"),
        met: Some(*median <= 2.0),
    })
}

/// tiktoken-rs's encodings, and what it takes to build one.
fn theirs(report: &mut Report) -> Result<Vec<CoreBPE>, String> {
    let begun = Instant::now();
    let o200k = tiktoken_rs::o200k_base().map_err(|error| error.to_string())?;
    let time = begun.elapsed();
    report.figure(
        ID,
        "for comparison: tiktoken-rs building o200k_base",
        format!("{:.0} ms", time.as_secs_f64() * 1e3),
    )?;
    Ok(vec![o200k, tiktoken_rs::cl100k_base().map_err(|error| error.to_string())?])
}

fn speed(report: &mut Report, theirs: &[CoreBPE]) -> Result<(), String> {
    for ((name, ours), theirs) in ENCODINGS.iter().zip(theirs) {
        for kind in KINDS {
            let text = kind.text();
            if ours.count(&text) != theirs.count_ordinary(&text) {
                return Err(format!("{name} of {} is not what tiktoken-rs counts", kind.name));
            }
            let (mut our_time, mut their_time) = (Duration::MAX, Duration::MAX);
            for _ in 0..ROUNDS {
                our_time = our_time.min(timed(8, || ours.count(black_box(&text))));
                their_time = their_time.min(timed(3, || theirs.count_ordinary(black_box(&text))));
            }
            let rate = |time: Duration| text.len() as f64 / time.as_secs_f64() / 1e6;
            let times = rate(our_time) / rate(their_time);
            report.row(&Row {
                id: ID,
                what: format!("{name}, {}, beside tiktoken-rs", kind.name),
                budget: kind.in_budget.then(|| ">= 2 times".to_owned()),
                measured: format!(
                    "{times:.1} times ({:.0} and {:.0} MB/s)",
                    rate(our_time),
                    rate(their_time)
                ),
                met: kind.in_budget.then_some(times >= 2.0),
            })?;
        }
    }
    Ok(())
}

/// A megabyte of what is hard, and whether a tenth of it takes a tenth of the time.
fn worst_cases(report: &mut Report) -> Result<(), String> {
    let (_, encoding) = ENCODINGS[0];
    for (number, ((name, all), (_, tenth))) in worst(1 << 20).iter().zip(&worst((1 << 20) / 10)).enumerate() {
        // As long the one as the other, so that other work on the machine disturbs both alike.
        let fastest = |text: &str, times| {
            (0..7).map(|_| timed(times, || encoding.count(black_box(text)))).min().unwrap_or_default()
        };
        let (all, tenth) = (fastest(all, 1), fastest(tenth, 10));
        let growth = all.as_secs_f64() / tenth.as_secs_f64().max(1e-9);
        let peak = ask(&["peak", &number.to_string()])?;
        report.row(&Row {
            id: ID,
            what: format!("o200k_base, a megabyte: {name}"),
            budget: Some("never quadratic (<= 20 times a tenth of it)".to_owned()),
            measured: format!(
                "{:.0} ms, {growth:.1} times a tenth of it; {:.1} MB of memory",
                all.as_secs_f64() * 1e3,
                peak as f64 / 1e6
            ),
            met: Some(growth <= 20.0),
        })?;
    }
    Ok(())
}

fn sizes(report: &mut Report) -> Result<(), String> {
    for (name, table) in TABLES {
        let zipped = match zipped(table) {
            Ok(bytes) => format!("{:.3} MB", bytes as f64 / 1e6),
            Err(reason) => format!("not known ({reason})"),
        };
        let figure = format!("{:.3} MB, gzipped {zipped}", table.len() as f64 / 1e6);
        report.figure(ID, &format!("table: {name}"), figure)?;
    }
    Ok(())
}

/// The time of one of `count` runs.
fn timed(count: u32, mut run: impl FnMut() -> usize) -> Duration {
    let begun = Instant::now();
    for _ in 0..count {
        black_box(run());
    }
    begun.elapsed() / count
}

/// What `postern-bench tokens ...` prints in a process of its own.
fn ask(args: &[&str]) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output =
        Command::new(program).arg("tokens").args(args).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| format!("tokens {args:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// How many bytes `gzip -9` makes of these.
fn zipped(bytes: &[u8]) -> Result<usize, String> {
    let mut gzip = Command::new("gzip")
        .args(["-9", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("gzip: {error}"))?;
    let mut input = gzip.stdin.take().ok_or("gzip without an input")?;
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = gzip.wait_with_output().map_err(|error| format!("gzip: {error}"))?;
    writer.join().map_err(|_| "gzip: the input")?.map_err(|error| format!("gzip: {error}"))?;
    Ok(output.stdout.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_long_as_they_say() {
        assert!(KINDS.iter().all(|kind| kind.text().len() >= 64 << 10));
        for (name, text) in worst(3000) {
            assert!(text.len() >= 2990, "{name}");
        }
    }

    #[test]
    fn zips() {
        assert!(zipped(&[0; 100_000]).unwrap() < 1000);
    }
}
