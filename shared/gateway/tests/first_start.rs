//! A first start makes one administrator, also when it is interrupted and begun again.

use postern_gateway::{Host as _, Store as _, identity, store};
use postern_testkit::{Clock, FakeHost, Fault, StoreCall, Times, run};

/// Administrators and keys that are kept.
async fn kept(host: &FakeHost) -> (usize, usize) {
    let count = async |prefix| host.store().list(prefix, None, 100).await.unwrap().len();
    (count(store::ADMINS).await, count(store::KEYS).await)
}

#[test]
fn there_is_one() {
    let host = FakeHost::default();
    run(&Clock::default(), async {
        assert!(identity::first_start(&host).await.unwrap().is_some());
        assert!(identity::first_start(&host).await.unwrap().is_none());
        assert_eq!(kept(&host).await, (1, 1));
        identity::new_admin(&host).await.unwrap();
        assert_eq!(kept(&host).await, (2, 1));
    });
}

#[test]
fn one_that_was_interrupted_is_made_good_by_the_next() {
    for call in [StoreCall::List, StoreCall::Write, StoreCall::Create] {
        let host = FakeHost::default();
        run(&Clock::default(), async {
            host.memory_store().fail(Fault::of(call, Times::First(1)));
            assert!(identity::first_start(&host).await.is_err(), "{call:?}");
            assert_eq!(kept(&host).await.0, 0, "{call:?}");
            assert!(identity::first_start(&host).await.unwrap().is_some(), "{call:?}");
            assert_eq!(kept(&host).await.0, 1, "{call:?}");
        });
    }
}

#[test]
fn a_token_whose_making_was_not_confirmed_is_shown() {
    let host = FakeHost::default();
    run(&Clock::default(), async {
        host.memory_store().fail(Fault::of(StoreCall::Create, Times::First(1)).but_persists());
        assert!(identity::first_start(&host).await.unwrap().is_some());
        assert_eq!(kept(&host).await, (1, 1));
    });
}
