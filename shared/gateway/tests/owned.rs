//! What a provider keeps belongs to the tenant that made it, and to nobody else.

use postern_gateway::store::owned::{Kind, OwnedEntry, Page, Place, is_id};
use postern_testkit::FakeHost;
use serde_json::{Value, json};

fn entry(tenant: &str, kind: Kind, created: u64) -> OwnedEntry {
    OwnedEntry { tenant: tenant.into(), key: "k".into(), kind, created }
}

fn ids(page: &Page) -> Vec<&str> {
    page.objects.iter().map(|object| object["id"].as_str().unwrap()).collect()
}

#[test]
fn only_the_tenant_that_made_a_thing_finds_it() {
    let host = FakeHost::default();
    let store = host.memory_store();
    host.run(async {
        let place = Place::new("acme", "openai");
        place
            .note(store, "file-1", &entry("acme", Kind::File, 5), Some(&json!({"id": "file-1"})))
            .await
            .unwrap();
        let found = place.find(store, Kind::File, "file-1").await.unwrap();
        assert_eq!(found, Some(entry("acme", Kind::File, 5)));
        assert_eq!(place.find(store, Kind::Batch, "file-1").await.unwrap(), None, "of another kind");
        for (tenant, provider) in [("other", "openai"), ("acme", "azure"), ("ACME", "openai"), ("", "openai")]
        {
            let place = Place::new(tenant, provider);
            assert_eq!(place.find(store, Kind::File, "file-1").await.unwrap(), None, "{tenant} {provider}");
            let page = place.page(store, Kind::File, None, 10, |_| true).await.unwrap().unwrap();
            assert_eq!(page, Page::default(), "{tenant} {provider}");
            assert_eq!(place.page(store, Kind::File, Some("file-1"), 10, |_| true).await.unwrap(), None);
        }
        // An entry of somebody else in this place, should names ever meet, is not taken for one's own.
        place.note(store, "file-2", &entry("other", Kind::File, 5), None).await.unwrap();
        assert_eq!(place.find(store, Kind::File, "file-2").await.unwrap(), None);
        place.forget(store, "file-1", &entry("acme", Kind::File, 5)).await.unwrap();
        assert_eq!(place.find(store, Kind::File, "file-1").await.unwrap(), None);
        assert_eq!(place.page(store, Kind::File, None, 10, |_| true).await.unwrap(), Some(Page::default()));
    });
}

#[test]
fn lists_come_in_pages_newest_first_and_filtered() {
    let host = FakeHost::default();
    let store = host.memory_store();
    host.run(async {
        let place = Place::new("a/b tenant ☃", "openai");
        for number in 0..25_u64 {
            let id = format!("file-{number}");
            let purpose = if number % 2 == 0 { "batch" } else { "vision" };
            let object = json!({"id": id, "purpose": purpose});
            let entry = entry("a/b tenant ☃", Kind::File, 1_700_000_000 + number);
            place.note(store, &id, &entry, Some(&object)).await.unwrap();
        }
        let all = |_: &Value| true;
        let first = place.page(store, Kind::File, None, 10, all).await.unwrap().unwrap();
        assert_eq!((ids(&first)[0], ids(&first)[9], first.more), ("file-24", "file-15", true));
        let second = place.page(store, Kind::File, Some("file-15"), 10, all).await.unwrap().unwrap();
        assert_eq!((ids(&second)[0], second.more), ("file-14", true));
        let third = place.page(store, Kind::File, Some("file-5"), 10, all).await.unwrap().unwrap();
        assert_eq!(
            (ids(&third), third.more),
            (vec!["file-4", "file-3", "file-2", "file-1", "file-0"], false)
        );
        let exact = place.page(store, Kind::File, None, 25, all).await.unwrap().unwrap();
        assert_eq!((exact.objects.len(), exact.more), (25, false));
        let vision = |object: &Value| object["purpose"] == "vision";
        let odd = place.page(store, Kind::File, None, 10, vision).await.unwrap().unwrap();
        assert_eq!((ids(&odd)[0], ids(&odd)[9], odd.more), ("file-23", "file-5", true));
        let rest = place.page(store, Kind::File, Some("file-5"), 10, vision).await.unwrap().unwrap();
        assert_eq!((ids(&rest), rest.more), (vec!["file-3", "file-1"], false));
    });
}

#[test]
fn a_batch_is_metered_once() {
    let host = FakeHost::default();
    let store = host.memory_store();
    host.run(async {
        let place = Place::new("acme", "openai");
        assert!(place.meter_once(store, "batch_1", "call-1").await.unwrap());
        assert!(!place.meter_once(store, "batch_1", "call-2").await.unwrap());
        assert!(Place::new("acme", "azure").meter_once(store, "batch_1", "call-3").await.unwrap());
    });
}

#[test]
fn ids_fit_into_addresses() {
    for good in ["file-abc123", "batch_0", "a.b:c"] {
        assert!(is_id(good), "{good}");
    }
    for bad in ["", "..", ".", "../x", "a/b", "a b", "a?b", "a%2fb", "é", &"x".repeat(201)] {
        assert!(!is_id(bad), "{bad}");
    }
}
