//! What only the Worker can get wrong: its store and journal, batches of records, pages of them, streams that flow by
//! themselves, tokens that one call fetches and another uses, signatures of the platform's cryptography, traps, cold starts, what a deployment lacks, a KV that is slow, stale or down, Durable Objects that fail or
//! are evicted, workerd that is killed.
//!
//! Runs on a build with ways in for tests: `cargo xtask test worker` makes it and says where it is. Without that each
//! test says so and passes, because there is nothing to test.

mod batches;
mod contract;
mod door;
mod evictions;
mod faults;
mod kv;
mod missing;
mod pages;
mod streams;
mod tokens;

use std::future::Future;

use postern_tests::site::Worker;

/// Runs a test on a Worker, where there is one.
fn with_worker<F: Future<Output = ()>>(test: impl FnOnce(Worker) -> F) {
    if !Worker::is_built() {
        println!("POSTERN_WORKER is not set: `cargo xtask test worker` sets it");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let worker = Worker::prepare().await.expect("a build to test");
        test(worker).await;
    });
}
