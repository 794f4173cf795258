//! P3: streams, in-process and through the native gateway.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::{Settings, core, run_load};
use crate::load::{Calls, Until, closed, constant, once_each};
use crate::payload::Format;
use crate::report::{Report, micros};
use crate::site::{Route, Site};

const ID: &str = "P3";
/// Sixteen streams of a hundred chunks a second for ten seconds.
const SIXTEEN: Route = Route { model: "sixteen", path: "/stream/1000/100", format: Format::OpenAi };
/// One stream of as many chunks a second as those together.
const ONE: Route = Route { model: "one", path: "/stream/16000/1600", format: Format::OpenAi };
/// Chunks that come together.
const BURST: Route = Route { model: "burst", path: "/stream/1000/0", format: Format::OpenAi };
/// The sixteen from an upstream of another format.
const TRANSLATED: Route = Route { model: "translated", path: "/stream/1000/100", format: Format::Anthropic };
/// A short stream, for the time to its first byte.
const SHORT: Route = Route { model: "short", path: "/stream/4/100", format: Format::OpenAi };
const CHUNKS: f64 = 16_000.0;
const STREAMS_A_SECOND: u32 = 50;
const SLOW_CONNECTIONS: u32 = 8;
const TURNS: u32 = 4;
const TURN: Duration = Duration::from_secs(4);
const LIMIT: Duration = Duration::from_secs(300);

pub(super) fn measure(settings: &Settings, report: &mut Report) -> Result<(), String> {
    core::measure_stream(report)?;
    let site = Site::start(&settings.gateway, &[SIXTEEN, ONE, TRANSLATED, BURST, SHORT])?;
    let what = "CPU a chunk, whole process, 1,600 chunks/s in 16 streams";
    report.at_most(ID, what, 45.0, paced(&site, SIXTEEN, 16)?, "us", "")?;
    let what = "CPU a chunk, whole process, 1,600 chunks/s in one stream";
    report.at_most(ID, what, 45.0, paced(&site, ONE, 1)?, "us", "")?;
    let what = "CPU a chunk, the same 16 streams translated from Anthropic's format";
    report.figure(ID, what, format!("{:.1} us", paced(&site, TRANSLATED, 16)?))?;
    burst(&site, report)?;
    time_to_first_byte(&site, report)
}

/// Processor time a chunk, microseconds.
fn paced(site: &Site, route: Route, streams: u32) -> Result<f64, String> {
    let (warm, request) = (site.request(SHORT), site.request(route));
    let cpu = run_load(LIMIT, async {
        closed(site.address, &warm, 4, Until::Count(20)).await?;
        let before = site.gateway.cpu()?;
        // The streams' ticks lie evenly between each other's.
        let spread = Duration::from_millis(10);
        once_each(site.address, &request, streams, spread, &Arc::new(AtomicU64::new(0))).await?;
        Ok(site.gateway.cpu()?.saturating_sub(before))
    })?;
    Ok(micros(cpu) / CHUNKS)
}

fn burst(site: &Site, report: &mut Report) -> Result<(), String> {
    const STREAMS: u64 = 1000;
    let request = site.request(BURST);
    let cpu = run_load(LIMIT, async {
        closed(site.address, &request, 4, Until::Count(STREAMS / 10)).await?;
        let before = site.gateway.cpu()?;
        closed(site.address, &request, 4, Until::Count(STREAMS)).await?;
        Ok(site.gateway.cpu()?.saturating_sub(before))
    })?;
    let each = micros(cpu) / (STREAMS * 1000) as f64;
    report.figure(ID, "CPU a chunk, whole process, 1,000 chunks that come together", format!("{each:.2} us"))
}

fn time_to_first_byte(site: &Site, report: &mut Report) -> Result<(), String> {
    let (direct, through) = (site.upstream.request(SHORT), site.request(SHORT));
    let (direct, through) = run_load(LIMIT, async {
        let mut both = (Calls::default(), Calls::default());
        for _ in 0..TURNS {
            both.0.extend(
                constant(site.upstream.address, &direct, SLOW_CONNECTIONS, STREAMS_A_SECOND, TURN).await?,
            );
            both.1.extend(constant(site.address, &through, SLOW_CONNECTIONS, STREAMS_A_SECOND, TURN).await?);
        }
        Ok(both)
    })?;
    let at = |percent| micros(through.first.percentile(percent)) - micros(direct.first.percentile(percent));
    let remark = format!(" ({:.0} us without the gateway)", micros(direct.first.percentile(50)));
    let what = format!("added time to first byte at {STREAMS_A_SECOND} streams/s, p50");
    report.at_most(ID, &what, 200.0, at(50), "us", &remark)
}
