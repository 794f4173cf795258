//! Thousands of calls through the native binary, with its memory watched: after a warm-up it must stay flat, with
//! streams, upstream failures and callers who leave among them. Run by `cargo xtask soak` and `cargo xtask test soak`.

mod gateway;
mod load;
mod upstream;

use std::time::Instant;

use gateway::Gateway;
use load::Plan;
use upstream::Upstream;

/// How much the resident size may differ between the first sample after the warm-up and the last, in KiB: pages that an
/// allocator keeps, not what grows with the number of calls.
const ALLOWED_KIB: u64 = 8 * 1024;
/// Parts of the run after the warm-up, each followed by a sample.
const PARTS: u64 = 6;

#[test]
#[ignore = "takes half a minute and needs POSTERN_BIN: cargo xtask test soak"]
fn soak_memory_stays_flat() {
    let calls = setting("POSTERN_SOAK_CALLS", 20_000);
    let streams = setting("POSTERN_SOAK_STREAMS", 500);
    let upstream = Upstream::start();
    let gateway = Gateway::start(upstream.address());
    let idle = gateway.resident_kib();
    // The warm-up is a third of the work: caches and pools reach their size.
    let (warm, rest) = (calls / 3, calls - calls / 3);
    load::run(&gateway, Plan { calls: warm, streams: streams / 3 });
    let start = Instant::now();
    let mut samples = vec![gateway.resident_kib()];
    for _ in 0..PARTS {
        load::run(&gateway, Plan { calls: rest / PARTS, streams: (streams - streams / 3) / PARTS });
        samples.push(gateway.resident_kib());
    }
    let rate = rest as f64 / start.elapsed().as_secs_f64();
    println!(
        "{calls} calls, {streams} streams ({rate:.0} calls/s); resident KiB: {idle} idle, then {samples:?}"
    );
    let (first, last) = (samples[0], samples[samples.len() - 1]);
    assert!(
        last <= first + ALLOWED_KIB,
        "the resident size grew from {first} to {last} KiB over {rest} calls: {samples:?}"
    );
    gateway.stop();
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}
