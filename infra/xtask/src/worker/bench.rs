//! `cargo xtask bench worker`: the Worker in workerd against its budgets (P4, P6, P11). Measures nothing itself: that is
//! `infra/cloudflare/bench.mjs`, with the upstream of the other benchmarks.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::build::{self, Kind};
use super::{size, tools};
use crate::run;
use crate::workplace::Workplace;

const LONG: Duration = Duration::from_secs(1800);

/// Builds, measures, prints the rows of a table.
pub(crate) fn command(place: &Workplace) -> Result<bool, String> {
    tools::npm(place)?;
    let built = build::build(place, Kind::Deployed)?;
    let tested = build::build(place, Kind::Tested)?;
    let gateway = place.gateway(false)?;
    let mut programs = place.cargo();
    programs.args(["build", "--quiet", "--release", "--package", "postern-bench"]);
    run::must("building the upstream", &mut programs, LONG)?;
    let entries = place.target.join("bench-entries.json");
    let mut make = place.command(gateway);
    let made = run::must("making a key", make.args(["admin-token", "--kv-bulk"]).arg(&entries), LONG)?;
    let key =
        made.lines().find_map(|line| line.strip_prefix("OPENAI_API_KEY=")).ok_or("no key was printed")?;
    let upstream =
        Upstream::start(place.command(place.target.join("release/postern-bench")).arg("upstream"))?;
    let mut bench = place.command("node");
    bench.arg("infra/cloudflare/bench.mjs").arg(&built).arg(&tested);
    bench.arg(&upstream.address).arg(&entries).arg(key);
    println!("{}", load());
    println!("{}\n", size::line(place, &built)?);
    let ran = run::shown(&mut bench, LONG);
    println!("\n{}", load());
    fs::remove_file(&entries).map_err(|error| format!("{}: {error}", entries.display()))?;
    Ok(ran.success)
}

/// How busy the machine is, where it tells.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("load average: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

/// The upstream's process: it ends with its standard input, at the latest when this value goes.
struct Upstream {
    process: Child,
    address: String,
}

impl Upstream {
    fn start(command: &mut Command) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the upstream cannot be started: {error}");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let out = process.stdout.take().ok_or("the upstream has no output")?;
        let mut address = String::new();
        BufReader::new(out).read_line(&mut address).map_err(failed)?;
        Ok(Self { process, address: address.trim().to_owned() })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It ends by itself; there is nobody to tell if it does not.
        let _ended = self.process.wait();
    }
}
