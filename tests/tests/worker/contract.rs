//! The contracts that every host keeps, on KV and on Durable Objects.

use postern_testkit::contract;

use super::door::Door;
use super::with_worker;

#[test]
fn kv_keeps_the_contract_of_a_store() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        contract::store(&Door(&site)).await;
    });
}

#[test]
fn durable_objects_keep_the_contract_of_a_journal() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        contract::journal(&Door(&site), async || {}).await;
    });
}
