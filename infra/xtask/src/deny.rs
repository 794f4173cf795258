//! The `deny` suite: cargo-deny by `deny.toml`. Licences and sources are also checked by the tidiness tests, which need
//! no tool and so run with a plain `cargo test`.

use std::time::Duration;

use crate::run;
use crate::setup;
use crate::tally::Tally;
use crate::test::Report;
use crate::workplace::Workplace;

const LIMIT: Duration = Duration::from_secs(600);

/// Runs cargo-deny; says loudly when its database of advisories could not be had.
pub(crate) fn suite(place: &Workplace) -> Result<Report, String> {
    let program = setup::cargo_deny(place)?;
    let mut report = Report { tally: Tally::default(), notes: Vec::new() };
    for check in ["licenses", "bans", "sources"] {
        let mut command = place.command(&program);
        command.args(["--color", "never", "check", "--hide-inclusion-graph", check]);
        report.tally.add(Tally::one(run::shown(&mut command, LIMIT).success));
    }
    let mut advisories = place.command(&program);
    let ran = run::silent(advisories.args(["--color", "never", "check", "advisories"]), LIMIT);
    if !ran.success && is_unreachable(&ran.text) {
        report.notes.push("advisories: database unreachable, NOT CHECKED".into());
        report.tally.skipped += 1;
    } else {
        print!("{}", ran.text);
        report.tally.add(Tally::one(ran.success));
    }
    Ok(report)
}

/// Whether cargo-deny failed because it could not fetch its database, not because of what is in it.
fn is_unreachable(text: &str) -> bool {
    text.contains("failed to fetch advisory database") || text.contains("failed to load advisory database")
}
