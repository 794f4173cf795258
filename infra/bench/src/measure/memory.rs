//! P10: the native gateway's memory: idle, with many open streams, and over many calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Settings, run_load};
use crate::load::{Until, closed, once_each};
use crate::payload::Format;
use crate::report::{Report, Row, megabytes};
use crate::site::{Route, Site};

const ID: &str = "P10";
const WHOLE: Route = Route { model: "whole", path: "/whole", format: Format::OpenAi };
/// A token a second, for long enough to open all streams and look.
const OPEN: Route = Route { model: "open", path: "/stream/20/1", format: Format::OpenAi };
const STREAMS: u32 = 1000;
const OPENING: Duration = Duration::from_secs(4);
const SETTLED: Duration = Duration::from_secs(2);
const CALLS: u64 = 400_000;
const CALLS_IN_FULL: u64 = 1_000_000;
const CONNECTIONS: usize = 16;
/// What counts as flat: buffers have filled in the first half, and the second adds no more than this, MB.
const SLACK: f64 = 2.0;
const LIMIT: Duration = Duration::from_secs(1200);

pub(super) fn measure(settings: &Settings, report: &mut Report) -> Result<(), String> {
    let site = Site::start(&settings.gateway, &[WHOLE, OPEN])?;
    std::thread::sleep(SETTLED);
    report.at_most(ID, "resident memory, idle", 15.0, megabytes(site.gateway.resident()?), "MB", "")?;
    let open = with_open_streams(&site)?;
    report.at_most(ID, "resident memory, 1,000 open streams", 60.0, megabytes(open), "MB", "")?;
    drop(site);
    over_many_calls(settings, report)
}

fn with_open_streams(site: &Site) -> Result<u64, String> {
    let request = site.request(OPEN);
    run_load(LIMIT, async {
        let answering = Arc::new(AtomicU64::new(0));
        let streams = once_each(site.address, &request, STREAMS, OPENING, &answering);
        let look = async {
            let begun = Instant::now();
            while answering.load(Ordering::Relaxed) < u64::from(STREAMS) {
                if begun.elapsed() > OPENING * 3 {
                    return Err("not all streams began".to_owned());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            tokio::time::sleep(SETTLED).await;
            site.gateway.resident()
        };
        tokio::select! {
            resident = look => resident,
            ended = streams => Err(ended.err().unwrap_or("the streams ended before all were open".to_owned())),
        }
    })
}

fn over_many_calls(settings: &Settings, report: &mut Report) -> Result<(), String> {
    let site = Site::start(&settings.gateway, &[WHOLE])?;
    let request = site.request(WHOLE);
    let calls = if settings.full { CALLS_IN_FULL } else { CALLS };
    let after = |count| {
        run_load(LIMIT, async {
            closed(site.address, &request, CONNECTIONS, Until::Count(count)).await?;
            tokio::time::sleep(SETTLED).await;
            site.gateway.resident()
        })
    };
    let early = after(calls / 10)?;
    let middle = after(calls / 2 - calls / 10)?;
    let late = after(calls - calls / 2)?;
    let [early, half, end] = [early, middle, late].map(megabytes);
    report.row(&Row {
        id: ID,
        what: format!("resident memory after a tenth, a half and all of {calls} calls"),
        budget: Some(format!("flat (the second half adds <= {SLACK} MB)")),
        measured: format!("{early:.1} MB, {half:.1} MB, {end:.1} MB"),
        met: Some(end - half <= SLACK),
    })
}
