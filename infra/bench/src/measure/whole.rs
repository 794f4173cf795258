//! P1: whole answers through the native gateway, with its keys and its records.

use std::time::Duration;

use super::{Settings, run_load};
use crate::load::{Calls, Until, closed, constant};
use crate::payload::Format;
use crate::report::{Report, micros};
use crate::site::{Route, Site};

const ID: &str = "P1";
const ROUTE: Route = Route { model: "whole", path: "/whole", format: Format::OpenAi };
const CONNECTIONS: [usize; 2] = [16, 64];
const WARM_UP: Duration = Duration::from_secs(2);
const TIME: Duration = Duration::from_secs(8);
const RATE: u32 = 200;
/// At 200 calls a second over these connections one may take 40 ms before the next is late.
const SLOW_CONNECTIONS: u32 = 8;
/// Turns of the direct and of the gateway's calls, so that a slow moment of the machine meets both.
const TURNS: u32 = 4;
const TURN: Duration = Duration::from_secs(4);
const LIMIT: Duration = Duration::from_secs(300);

pub(super) fn measure(settings: &Settings, report: &mut Report) -> Result<(), String> {
    let site = Site::start(&settings.gateway, &[ROUTE])?;
    for connections in CONNECTIONS {
        at_full_load(&site, connections, report)?;
    }
    added_latency(&site, report)
}

fn at_full_load(site: &Site, connections: usize, report: &mut Report) -> Result<(), String> {
    let request = site.request(ROUTE);
    let (calls, cpu) = run_load(LIMIT, async {
        closed(site.address, &request, connections, Until::Time(WARM_UP)).await?;
        let before = site.gateway.cpu()?;
        let calls = closed(site.address, &request, connections, Until::Time(TIME)).await?;
        Ok((calls, site.gateway.cpu()?.saturating_sub(before)))
    })?;
    let each = micros(cpu) / calls.total.len().max(1) as f64;
    let remark = format!(" ({:.0} requests/s)", calls.rate());
    let what =
        format!("CPU a request, 1 KB prompt, whole answer, {connections} connections, key and record on");
    report.at_most(ID, &what, 60.0, each, "us", &remark)
}

fn added_latency(site: &Site, report: &mut Report) -> Result<(), String> {
    let (direct, through) = (site.upstream.request(ROUTE), site.request(ROUTE));
    let (direct, through) = run_load(LIMIT, async {
        let mut both = (Calls::default(), Calls::default());
        for _ in 0..TURNS {
            both.0.extend(constant(site.upstream.address, &direct, SLOW_CONNECTIONS, RATE, TURN).await?);
            both.1.extend(constant(site.address, &through, SLOW_CONNECTIONS, RATE, TURN).await?);
        }
        Ok(both)
    })?;
    let at = |percent| micros(through.total.percentile(percent)) - micros(direct.total.percentile(percent));
    let remark = format!(" ({:.0} us without the gateway)", micros(direct.total.percentile(50)));
    let what = format!("added latency at {RATE} requests/s, p50");
    report.at_most(ID, &what, 150.0, at(50), "us", &remark)?;
    report.figure(ID, &format!("added latency at {RATE} requests/s, p99"), format!("{:.0} us", at(99)))
}
