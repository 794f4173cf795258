//! Runs the fuzz targets of `fuzz/`, with coverage feedback, on the stable toolchain: the flags that cargo-fuzz passes
//! are stable ones, only its address sanitizer is not, and this code has no `unsafe` to sanitise.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::run;
use crate::tally::Tally;
use crate::test::Report;
use crate::workplace::Workplace;

/// The targets, one a file in `fuzz/targets/`.
const TARGETS: &[&str] = &[
    "sse",
    "chat_request",
    "chat_stream",
    "tokens",
    "anthropic_request",
    "anthropic_stream",
    "bedrock_request",
    "bedrock_stream",
    "cohere_request",
    "cohere_stream",
    "completions_request",
    "completions_stream",
    "embeddings",
    "event_stream",
    "gemini_request",
    "gemini_stream",
    "mlflow",
    "multipart",
    "responses_request",
    "responses_stream",
];
/// How long each target runs inside `cargo xtask test`.
const SUITE_SECONDS: u64 = 10;
/// Counters at every edge, and what is compared: libFuzzer learns from both.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Each target for some seconds.
pub(crate) fn suite(place: &Workplace) -> Result<Report, String> {
    run_targets(place, TARGETS, SUITE_SECONDS)
}

/// `cargo xtask fuzz [--seconds N] [TARGET...]`.
pub(crate) fn command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    let mut seconds = 60;
    let mut targets = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let value = args.next().and_then(|value| value.parse().ok());
            seconds = value.ok_or("fuzz: --seconds needs a number")?;
        } else if TARGETS.contains(&arg.as_str()) {
            targets.push(arg.as_str());
        } else {
            return Err(format!("fuzz: there is no target {arg:?}; the targets are {}", TARGETS.join(", ")));
        }
    }
    let report = run_targets(place, if targets.is_empty() { TARGETS } else { &targets }, seconds)?;
    println!("\n{}\n\n{}", report.notes.join("\n"), report.tally);
    Ok(report.tally.failed == 0)
}

fn run_targets(place: &Workplace, targets: &[&str], seconds: u64) -> Result<Report, String> {
    let folder = place.root.join("fuzz");
    let about =
        run::must("asking rustc what it is", place.command("rustc").arg("-vV"), Duration::from_secs(60))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    let built = place.target.join("fuzz");
    let mut build = place.cargo();
    // A target is named so that the flags do not reach build scripts, which link no libFuzzer.
    build.args(["build", "--quiet", "--release", "--target", host, "--manifest-path"]);
    build.arg(folder.join("Cargo.toml")).arg("--target-dir").arg(&built).env("RUSTFLAGS", FLAGS);
    run::must(
        "building the fuzz targets (libFuzzer is C++: on Debian, apt-get install g++)",
        &mut build,
        Duration::from_secs(1800),
    )?;
    let mut report = Report { tally: Tally::default(), notes: Vec::new() };
    for target in targets {
        let found = place.cache.join("fuzz").join(target);
        let artifacts = folder.join("artifacts").join(target);
        for new in [&found, &artifacts] {
            fs::create_dir_all(new).map_err(|error| format!("{}: {error}", new.display()))?;
        }
        let mut fuzz = place.command(built.join(host).join("release").join(target));
        fuzz.arg(&found);
        let seeds = [folder.join("seeds").join(target), place.root.join("tests/corpus")];
        fuzz.args(seeds.iter().filter(|seeds| seeds.is_dir()));
        fuzz.args([
            format!("-max_total_time={seconds}"),
            format!("-artifact_prefix={}/", artifacts.display()),
        ]);
        fuzz.args([
            "-timeout=10",
            "-rss_limit_mb=2048",
            "-max_len=16384",
            "-print_final_stats=1",
            "-verbosity=0",
        ]);
        let ran = run::silent(&mut fuzz, Duration::from_secs(seconds + 120));
        if ran.success {
            report.notes.push(format!("{target}: {} inputs in {seconds} s", executions(&ran.text)));
        } else {
            println!("{target}: {}\n{}", ran.ending, tail(&ran.text));
            report
                .notes
                .push(format!("{target}: FAILED; the input is in {}", shown(&artifacts, &place.root)));
        }
        report.tally.add(Tally::one(ran.success));
    }
    Ok(report)
}

/// How many inputs libFuzzer says it tried.
fn executions(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")).map_or("?", str::trim)
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines.get(lines.len().saturating_sub(60)..).unwrap_or_default().join("\n")
}

fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_file() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/targets");
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let mut targets = TARGETS.to_vec();
        targets.sort_unstable();
        assert_eq!(files, targets);
    }

    #[test]
    fn reads_how_many_inputs_were_tried() {
        assert_eq!(executions("Done\nstat::number_of_executed_units: 1234\nstat::x: 1\n"), "1234");
        assert_eq!(executions(""), "?");
    }
}
