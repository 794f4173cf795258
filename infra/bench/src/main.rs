//! Measures Postern against its budgets. Talks to 127.0.0.1 only, and every run is bounded in calls or in time.
//!
//! `measure` starts the gateway and its upstream as processes of their own and is the load generator itself;
//! `upstream` is that upstream; `core` runs a case in-process a fixed number of times, for tools that count
//! instructions; `tokens` counts tokens once, in a process that has counted none yet. `cargo xtask bench` builds everything and writes down what `measure` reports.

mod core;
mod framing;
mod load;
mod measure;
mod payload;
mod process;
mod report;
mod sample;
mod site;
mod tokens;
mod upstream;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
postern-bench measure --gateway FILE [--serve ARGS] [--report FILE] [--full] [P1 P2 ...]
postern-bench upstream
postern-bench core CASE COUNT
postern-bench tokens CASE";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) =
        args.split_first().map_or(("", &[][..]), |(command, rest)| (command.as_str(), rest));
    let done = match command {
        "measure" => measure_command(rest),
        "upstream" => upstream::serve(),
        "core" => core_command(rest),
        "tokens" => tokens::command(rest),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn measure_command(args: &[String]) -> Result<(), String> {
    let (mut gateway, mut report, mut full, mut ids) = (None, None, false, Vec::new());
    let mut serve = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--gateway" => gateway = Some(PathBuf::from(value()?)),
            "--report" => report = Some(PathBuf::from(value()?)),
            "--serve" => serve = value()?.split_whitespace().map(str::to_owned).collect(),
            "--full" => full = true,
            id => ids.push(id.to_owned()),
        }
    }
    let binary = gateway.ok_or("measure: --gateway FILE says which binary to measure")?;
    measure::run(
        &measure::Settings { gateway: site::Gateway { binary, serve }, full },
        &ids,
        report.as_deref(),
    )
}

fn core_command(args: &[String]) -> Result<(), String> {
    let [case, count] = args else { return Err(USAGE.to_owned()) };
    let count = count.parse::<u64>().map_err(|error| format!("core: COUNT: {error}"))?;
    core::Case::parse(case)?.prepare()?.repeat(count)
}
