//! `cargo xtask test [SUITE...]`: brings what is missing, runs every suite or the named ones, and closes with one line
//! that counts them all. A suite that cannot run counts as failed; nothing is skipped in silence.

use std::time::{Duration, Instant};

use crate::sdk::{self, Face};
use crate::tally::{self, Tally};
use crate::workplace::Workplace;
use crate::{catalog, deny, fuzz, lambda, run, schema, setup, tokens, wasm, worker};

/// What a suite did.
pub(crate) struct Report {
    /// Its counts.
    pub(crate) tally: Tally,
    /// What a reader of the summary must know beside the counts.
    pub(crate) notes: Vec<String>,
}

impl From<Tally> for Report {
    fn from(tally: Tally) -> Self {
        Self { tally, notes: Vec::new() }
    }
}

struct Suite {
    name: &'static str,
    about: &'static str,
    run: fn(&Workplace) -> Result<Report, String>,
}

/// In the order they run: what fails fastest first.
const SUITES: &[Suite] = &[
    Suite { name: "fmt", about: "rustfmt has nothing to change", run: fmt },
    Suite { name: "clippy", about: "no warning of the compiler or of clippy", run: clippy },
    Suite { name: "wasm", about: "the shared crates build for wasm32 and import nothing", run: wasm_suite },
    Suite { name: "rust", about: "every Rust test: units, corpus, borders, tidiness", run: rust },
    Suite { name: "generated", about: "generated files are what their sources give", run: generated },
    Suite { name: "deny", about: "licences, banned crates, sources, advisories", run: deny::suite },
    Suite { name: "lambda", about: "the Lambda function: corpus, table, faults", run: lambda::suite },
    Suite {
        name: "aws-template",
        about: "the SAM template, and what AWS makes of it",
        run: lambda::template_suite,
    },
    Suite {
        name: "worker",
        about: "the Worker in workerd: the corpus, contracts, faults, size",
        run: worker::suite,
    },
    Suite {
        name: "sdk-python",
        about: "official SDKs for Python as callers, on the native binary",
        run: |place| sdk::python(place, Face::Native),
    },
    Suite {
        name: "sdk-python-worker",
        about: "the same on the Worker in workerd",
        run: |place| sdk::python(place, Face::Worker),
    },
    Suite {
        name: "sdk-python-lambda",
        about: "the same on the Lambda function with a DynamoDB emulator",
        run: |place| sdk::python(place, Face::Lambda),
    },
    Suite {
        name: "sdk-node",
        about: "official SDKs for Node as callers, on the native binary",
        run: |place| sdk::node(place, Face::Native),
    },
    Suite {
        name: "sdk-node-worker",
        about: "the same on the Worker in workerd",
        run: |place| sdk::node(place, Face::Worker),
    },
    Suite {
        name: "sdk-node-lambda",
        about: "the same on the Lambda function with a DynamoDB emulator",
        run: |place| sdk::node(place, Face::Lambda),
    },
    Suite { name: "soak", about: "memory stays flat over thousands of calls", run: soak_suite },
    Suite { name: "fuzz", about: "each fuzz target for some seconds", run: fuzz::suite },
];

const HOUR: Duration = Duration::from_secs(3600);

/// Runs the suites of these names, or all.
pub(crate) fn command(place: &Workplace, names: &[String]) -> Result<bool, String> {
    if let Some(unknown) = names.iter().find(|name| !SUITES.iter().any(|suite| suite.name == **name)) {
        return Err(format!("there is no suite {unknown:?}; the suites are:\n{}", list()));
    }
    let mut total = Tally::default();
    let mut lines = Vec::new();
    for suite in SUITES.iter().filter(|suite| names.is_empty() || names.iter().any(|name| name == suite.name))
    {
        println!("\n== {}: {}", suite.name, suite.about);
        let start = Instant::now();
        let report = (suite.run)(place).unwrap_or_else(|reason| {
            println!("{reason}");
            Report {
                tally: Tally::one(false),
                notes: vec!["could not run to its end; the reason stands above".into()],
            }
        });
        let line = format!("{:<17} {} ({:.1} s)", suite.name, report.tally, start.elapsed().as_secs_f64());
        println!("-- {line}");
        lines.push(line);
        lines.extend(report.notes.iter().map(|note| format!("{:<17}   {note}", "")));
        total.add(report.tally);
    }
    println!("\n{}\n\n{total}", lines.join("\n"));
    Ok(total.failed == 0 && total.passed > 0)
}

/// The suites, one a line.
pub(crate) fn list() -> String {
    SUITES.iter().map(|suite| format!("  {:<17} {}\n", suite.name, suite.about)).collect()
}

fn fmt(place: &Workplace) -> Result<Report, String> {
    setup::rust_component(place, "fmt", "rustfmt")?;
    let mut tally = Tally::default();
    // `--all` is the whole workspace; of a crate outside it, it would be the workspace once more.
    for which in [&["--all"][..], &["--manifest-path", "fuzz/Cargo.toml"]] {
        let mut check = place.cargo();
        check.args(["fmt", "--check"]).args(which);
        tally.add(Tally::one(run::shown(&mut check, HOUR).success));
    }
    Ok(tally.into())
}

fn clippy(place: &Workplace) -> Result<Report, String> {
    setup::rust_component(place, "clippy", "clippy")?;
    let mut check = place.cargo();
    check.args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    Ok(Tally::one(run::shown(&mut check, HOUR).success).into())
}

fn wasm_suite(place: &Workplace) -> Result<Report, String> {
    setup::wasm_target(place)?;
    let mut tally = Tally::default();
    let mut notes = Vec::new();
    let mut build = place.cargo();
    build.args([
        "build",
        "--quiet",
        "--package",
        "postern-wire",
        "--package",
        "postern-tokens",
        "--package",
        "postern-gateway",
        "--target",
        setup::WASM,
    ]);
    tally.add(Tally::one(run::shown(&mut build, HOUR).success));
    // Linked whole, dead code included: whatever the crates need from outside shows up as an import.
    for (package, file) in [
        ("postern-wire", "postern_wire"),
        ("postern-tokens", "postern_tokens"),
        ("postern-gateway", "postern_gateway"),
    ] {
        let mut link = place.cargo();
        link.args(["rustc", "--quiet", "--lib", "--crate-type", "cdylib", "--package", package]);
        link.args(["--target", setup::WASM, "--", "-Clink-dead-code", "-Clink-arg=--no-gc-sections"]);
        if !run::shown(&mut link, HOUR).success {
            tally.add(Tally::one(false));
            continue;
        }
        let file = place.target.join(setup::WASM).join("debug").join(format!("{file}.wasm"));
        let module = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let imports =
            wasm::imports(&module).ok_or(format!("{} is not a WebAssembly module", file.display()))?;
        if !imports.is_empty() {
            println!("{package} must import nothing on wasm32, and imports:\n  {}", imports.join("\n  "));
        }
        tally.add(Tally::one(imports.is_empty()));
        notes.push(format!("{package}: {} KiB linked whole, without optimisation", module.len() / 1024));
    }
    Ok(Report { tally, notes })
}

fn rust(place: &Workplace) -> Result<Report, String> {
    let gateway = place.gateway(false)?;
    let mut test = place.cargo();
    // The soak is a suite of its own.
    test.args(["test", "--workspace", "--no-fail-fast", "--", "--skip", "soak_"]).env("POSTERN_BIN", gateway);
    let ran = run::shown(&mut test, HOUR);
    Ok(tally::cargo_test(&ran.text).with_exit(ran.success).into())
}

fn generated(place: &Workplace) -> Result<Report, String> {
    let check = ["--check".to_owned()];
    let mut tally = Tally::one(schema::command(place, &check)?);
    tally.add(Tally::one(catalog::command(place, &check)?));
    tally.add(Tally::one(tokens::command(place, &check)?));
    Ok(tally.into())
}

fn soak_suite(place: &Workplace) -> Result<Report, String> {
    soak(place, false, &[])
}

/// `cargo xtask soak [--calls N] [--streams N]`: the same on an optimised build, for as long as asked.
pub(crate) fn soak_command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    let mut settings = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let name = match arg.as_str() {
            "--calls" => "POSTERN_SOAK_CALLS",
            "--streams" => "POSTERN_SOAK_STREAMS",
            other => {
                return Err(format!("soak: unknown option {other:?}; there are --calls N and --streams N"));
            }
        };
        let value = args.next().filter(|value| value.parse::<u64>().is_ok());
        settings.push((name, value.ok_or(format!("soak: {arg} needs a number"))?.clone()));
    }
    let report = soak(place, true, &settings)?;
    println!("\n{}", report.tally);
    Ok(report.tally.failed == 0)
}

fn soak(place: &Workplace, release: bool, settings: &[(&str, String)]) -> Result<Report, String> {
    let gateway = place.gateway(release)?;
    let mut suite = place.cargo();
    suite.args(["test", "--package", "postern-tests", "--test", "soak", "--", "--ignored", "--nocapture"]);
    suite.env("POSTERN_BIN", gateway).envs(settings.iter().cloned());
    let ran = run::shown(&mut suite, HOUR * 12);
    Ok(tally::cargo_test(&ran.text).with_exit(ran.success).into())
}
