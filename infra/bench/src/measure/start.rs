//! P12: from starting the native gateway to its first answer.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Settings;
use crate::payload::Format;
use crate::process::Process;
use crate::report::Report;
use crate::sample::Sample;
use crate::site::{Folder, Gateway, Route, await_health, free_address, write_config};

const ID: &str = "P12";
const RUNS: usize = 20;
/// Nothing is asked of it.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
const ROUTE: Route = Route { model: "whole", path: "/whole", format: Format::OpenAi };

pub(super) fn measure(settings: &Settings, report: &mut Report) -> Result<(), String> {
    let folder = Folder::new()?;
    let config = folder.join("postern.yaml");
    write_config(&config, NOWHERE, &[ROUTE])?;
    // Not counted: the binary is read from the disk.
    start_once(&settings.gateway, &config, &folder.join("first"))?;
    let mut fresh = Sample::default();
    let mut existing = Sample::default();
    for run in 0..RUNS {
        let data = folder.join(&format!("data-{run}"));
        fresh.add(start_once(&settings.gateway, &config, &data)?);
        existing.add(start_once(&settings.gateway, &config, &data)?);
    }
    for (what, sample) in [("a new data directory", fresh), ("an existing data directory", existing)] {
        let remark = format!(" (slowest of {RUNS}: {:.1} ms)", millis(sample.percentile(100)));
        let what = format!("from start to the first 200 on /healthz, {what}, p50");
        report.at_most(ID, &what, 20.0, millis(sample.percentile(50)), "ms", &remark)?;
    }
    Ok(())
}

fn start_once(gateway: &Gateway, config: &Path, data: &Path) -> Result<Duration, String> {
    let address = free_address()?;
    let mut command = gateway.serve(config, data, address);
    let begun = Instant::now();
    let process = Process::start(&mut command)?;
    await_health(address)?;
    let time = begun.elapsed();
    process.stop()?;
    Ok(time)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
