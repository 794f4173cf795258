//! The suites `sdk-*`: official SDKs as callers of a running gateway, on each face. The program `face` of
//! `tests/src/bin/face.rs` starts the gateway as the corpus does; this hands on what it prints.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tally::{self, Tally};
use crate::test::Report;
use crate::workplace::Workplace;
use crate::{lambda, run, setup, worker};

const HOUR: Duration = Duration::from_secs(3600);
/// A gateway that takes longer to end does not end.
const END: Duration = Duration::from_secs(120);

/// An entry point.
#[derive(Clone, Copy)]
pub(crate) enum Face {
    Native,
    Worker,
    Lambda,
}

/// SDKs for Python, and the command line beside them.
pub(crate) fn python(place: &Workplace, face: Face) -> Result<Report, String> {
    let python = setup::python(place, setup::SDK_PYTHON)?;
    let mut suite = python.command(place);
    suite.current_dir(place.root.join("tests/sdk/python"));
    suite.args(["-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-q", "-rfEs"]);
    on(place, face, &mut suite, tally::pytest)
}

/// SDKs for Node.
pub(crate) fn node(place: &Workplace, face: Face) -> Result<Report, String> {
    setup::node(place)?;
    let mut suite = place.command("node");
    suite.current_dir(place.root.join("tests/sdk/node"));
    suite.args(["--test", "--test-reporter=spec", "--test-concurrency=1"]);
    on(place, face, &mut suite, tally::node_test)
}

/// Runs a suite on a gateway that is started for it. That the gateway ends as it should is a test of its own.
fn on(
    place: &Workplace,
    face: Face,
    suite: &mut Command,
    count: fn(&str) -> Tally,
) -> Result<Report, String> {
    let mut running = Running::start(place, face)?;
    suite.envs(&running.values).env("POSTERN_BIN", place.gateway(false)?);
    let ran = run::shown(suite, HOUR / 4);
    let mut tally = count(&ran.text).with_exit(ran.success);
    tally.add(Tally::one(running.end()));
    Ok(tally.into())
}

/// A running gateway.
struct Running {
    process: Child,
    /// What a suite needs to know.
    values: HashMap<String, String>,
}

impl Running {
    fn start(place: &Workplace, face: Face) -> Result<Self, String> {
        let mut build = place.cargo();
        build.args(["build", "--package", "postern-tests", "--bin", "face"]);
        run::must("building the program that starts gateways", &mut build, HOUR)?;
        let program = place.target.join("debug").join(format!("face{}", std::env::consts::EXE_SUFFIX));
        let mut command = place.command(program);
        match face {
            Face::Native => command.arg("native").env("POSTERN_BIN", place.gateway(false)?),
            Face::Worker => command.arg("worker").env("POSTERN_WORKER", worker::built(place)?),
            Face::Lambda => {
                let (function, _) = lambda::programs(place)?;
                command.arg("lambda").env("POSTERN_LAMBDA", function);
                command.env("POSTERN_DYNOXIDE", lambda::dynoxide(place)?)
            }
        };
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let process = spawned.map_err(|error| format!("the gateway cannot be started: {error}"))?;
        let mut running = Self { process, values: HashMap::new() };
        let out = running.process.stdout.take().ok_or("the gateway has no output")?;
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some((name, value)) = line.split_once('=') {
                if name == "READY" {
                    return Ok(running);
                }
                running.values.insert(name.to_owned(), value.to_owned());
            }
        }
        Err("the gateway did not start; the reason stands above".to_owned())
    }

    /// Ends it; whether it ended as it should.
    fn end(&mut self) -> bool {
        drop(self.process.stdin.take());
        let limit = Instant::now() + END;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) if status.success() => return true,
                Ok(None) if Instant::now() < limit => std::thread::sleep(Duration::from_millis(20)),
                ended => {
                    println!("the gateway did not end as it should: {ended:?}");
                    return false;
                }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended by itself, or is given up: there is nobody to tell.
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}
