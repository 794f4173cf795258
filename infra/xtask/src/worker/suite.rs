//! `cargo xtask test worker`: the Worker in workerd.

use std::path::Path;
use std::time::Duration;

use super::build::{self, Kind};
use super::size;
use crate::tally::{self, Tally};
use crate::test::Report;
use crate::workplace::Workplace;
use crate::{run, setup};

const HOUR: Duration = Duration::from_secs(3600);

/// Clippy where the crate is not empty, the size, the corpus on what is deployed, the rest on a build with ways in.
pub(crate) fn suite(place: &Workplace) -> Result<Report, String> {
    setup::wasm_target(place)?;
    let mut tally = Tally::default();
    for features in ["", "doors"] {
        let mut check = place.cargo();
        check.args([
            "clippy",
            "--quiet",
            "--package",
            "postern-worker",
            "--no-deps",
            "--target",
            setup::WASM,
        ]);
        check.args(["--features", features, "--", "--deny", "warnings"]);
        tally.add(Tally::one(run::shown(&mut check, HOUR).success));
    }
    let deployed = build::built(place)?;
    tally.add(Tally::one(size::is_within_budget(place, &deployed)?));
    let notes = vec![size::line(place, &deployed)?];
    tally.add(tests(place, "corpus_worker", &deployed));
    tally.add(tests(place, "worker", &build::build(place, Kind::Tested)?));
    Ok(Report { tally, notes })
}

fn tests(place: &Workplace, name: &str, build: &Path) -> Tally {
    let mut test = place.cargo();
    test.args(["test", "--package", "postern-tests", "--test", name]).env("POSTERN_WORKER", build);
    let ran = run::shown(&mut test, HOUR);
    tally::cargo_test(&ran.text).with_exit(ran.success)
}
