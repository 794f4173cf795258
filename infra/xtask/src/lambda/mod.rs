//! The AWS Lambda function: its build, its template, a run on this machine, its deployment. Knows the platform's tools,
//! nothing of the gateway.

mod build;
mod deploy;
mod template;

use std::path::PathBuf;
use std::time::Duration;

use crate::test::Report;
use crate::workplace::Workplace;
use crate::{run, tally, worker};

pub(crate) use build::command as build_command;
pub(crate) use deploy::command as deploy;
pub(crate) use template::suite as template_suite;

/// The version of the DynamoDB emulator.
const DYNOXIDE: &str = "3.2.0";

const HOUR: Duration = Duration::from_secs(3600);

/// The DynamoDB emulator: the operator's (`POSTERN_DYNOXIDE`), or one built at the pinned version, once.
pub(crate) fn dynoxide(place: &Workplace) -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("POSTERN_DYNOXIDE").map(PathBuf::from).filter(|path| path.is_file())
    {
        return Ok(path);
    }
    let features = ["--no-default-features", "--features", "native-sqlite,http-server,cli"];
    worker::cargo_tool(place, "dynoxide-rs", DYNOXIDE, "dynoxide", &features)
}

/// Builds the function and the emulator for this machine and gives their paths.
pub(crate) fn programs(place: &Workplace) -> Result<(PathBuf, PathBuf), String> {
    let mut build = place.cargo();
    build.args(["build", "--package", "postern-lambda", "--package", "postern-lambda-emulator", "--bins"]);
    run::must("building the function", &mut build, HOUR)?;
    let folder = place.target.join("debug");
    let program = |name: &str| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    Ok((program("bootstrap"), program("lambda-emulator")))
}

/// The suite `lambda`: the corpus on the function, and the tests of its parts that need a DynamoDB.
pub(crate) fn suite(place: &Workplace) -> Result<Report, String> {
    let (function, _) = programs(place)?;
    let dynoxide = dynoxide(place)?;
    let mut total = tally::Tally::default();
    for test in [
        &["--package", "postern-tests", "--test", "corpus_lambda", "--test", "lambda"][..],
        &[
            "--package",
            "postern-lambda",
            "--test",
            "dynamodb",
            "--test",
            "function",
            "--test",
            "sums",
            "--",
            "--include-ignored",
        ],
    ] {
        let mut command = place.cargo();
        command.arg("test").args(test).env("POSTERN_LAMBDA", &function).env("POSTERN_DYNOXIDE", &dynoxide);
        let ran = run::shown(&mut command, HOUR);
        total.add(tally::cargo_test(&ran.text).with_exit(ran.success));
    }
    Ok(total.into())
}

/// `cargo xtask lambda [OPTION...]`: the function on this machine, behind a Function URL, with a DynamoDB in memory.
pub(crate) fn local(place: &Workplace, args: &[String]) -> Result<bool, String> {
    let (function, emulator) = programs(place)?;
    let mut command = place.command(emulator);
    command.arg("--function").arg(function).arg("--dynamodb").arg(dynoxide(place)?).args(args);
    let ended = command.status().map_err(|error| format!("the emulator cannot be started: {error}"))?;
    Ok(ended.success())
}

/// `cargo xtask bench lambda [OPTION...]`: builds the function as it is deployed, but for this machine, and measures it.
pub(crate) fn bench(place: &Workplace, args: &[String]) -> Result<bool, String> {
    let dynoxide = dynoxide(place)?;
    let mut build = place.cargo();
    build.args([
        "build",
        "--profile",
        "dist",
        "--package",
        "postern-lambda",
        "--package",
        "postern-lambda-emulator",
    ]);
    run::must("building the function", build.arg("--bins"), HOUR)?;
    let folder = place.target.join("dist");
    let mut bench = place.command(folder.join("lambda-bench"));
    bench.arg("--function").arg(folder.join("bootstrap")).arg("--dynamodb").arg(dynoxide).args(args);
    Ok(run::shown(&mut bench, HOUR).success)
}
