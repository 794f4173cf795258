use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use postern_gateway::record::{Record, RecordQuery, UsageGroup, UsageQuery};
use postern_gateway::{Journal, Store, Timestamp};
use postern_wire::MicroUsd;

use super::{Data, journal, retention};

const DAY: Duration = Duration::from_secs(86_400);

/// A directory of its own, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("postern-data-{}-{number}", std::process::id())))
    }

    /// Opens it so that records are kept however old they are: those of tests are from 1970.
    fn open(&self) -> Data {
        Data::open(&self.0, Duration::MAX).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// A record with an id of its time, as the core makes them.
fn record(millis: u64, number: u64, tenant: &str) -> Record {
    Record {
        id: format!("{:08x}-{:04x}-7000-8000-{number:012x}", millis >> 16, millis & 0xffff),
        at: Timestamp::from_millis(millis),
        tenant: tenant.into(),
        key: "k".into(),
        model: "m".into(),
        provider: "p".into(),
        cost: MicroUsd(number),
        ..Record::default()
    }
}

#[tokio::test]
async fn values_are_written_read_listed_and_removed() {
    let directory = Directory::new();
    {
        let data = directory.open();
        let store = &data.store;
        assert_eq!(store.read("key/a").await.unwrap(), None);
        for name in ["key/b", "key/a", "kez", "key/c", "kex"] {
            store.write(name, Bytes::from(name)).await.unwrap();
        }
        store.write("key/a", Bytes::from_static(b"2")).await.unwrap();
        assert_eq!(store.read("key/a").await.unwrap().unwrap(), "2");
        let names = |rows: Vec<(String, Bytes)>| rows.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(store.list("key/", None, 10).await.unwrap()), ["key/a", "key/b", "key/c"]);
        assert_eq!(names(store.list("key/", Some("key/a"), 1).await.unwrap()), ["key/b"]);
        assert_eq!(names(store.list("key/", Some("key/c"), 10).await.unwrap()), [""; 0]);
        assert_eq!(names(store.list("key/", Some("a"), 1).await.unwrap()), ["key/a"]);
        store.remove("key/a").await.unwrap();
        store.remove("key/never").await.unwrap();
        assert_eq!(store.read("key/a").await.unwrap(), None);
    }
    let data = directory.open();
    assert_eq!(data.store.read("key/b").await.unwrap().unwrap(), "key/b");
    assert_eq!(data.store.read("key/a").await.unwrap(), None);
}

#[tokio::test]
async fn many_writers_at_once_each_see_their_own_value() {
    let directory = Directory::new();
    let data = directory.open();
    let writes = (0..200).map(|i| {
        let data = &data;
        async move {
            let (name, value) = (format!("n{}", i % 20), Bytes::from(i.to_string()));
            data.store.write(&name, value).await.unwrap();
            assert!(data.store.read(&name).await.unwrap().is_some());
        }
    });
    futures_util::future::join_all(writes).await;
    assert_eq!(data.store.list("n", None, 100).await.unwrap().len(), 20);
    assert_eq!(data.store.read("n7").await.unwrap().unwrap(), "187");
}

#[tokio::test]
async fn records_come_back_in_order_and_in_pages() {
    let directory = Directory::new();
    let data = directory.open();
    let start = now().as_millis() as u64;
    // Calls end in another order than they arrive.
    for i in [3, 1, 4, 0, 2] {
        data.journal.append(record(start + i, i, if i % 2 == 0 { "even" } else { "odd" })).await.unwrap();
    }
    let ask = |query: RecordQuery| {
        let journal = &data.journal;
        async move {
            let page = journal.records(&query).await.unwrap();
            (page.data.iter().map(|r| r.cost.0).collect::<Vec<_>>(), page.next)
        }
    };
    let query = RecordQuery { limit: 10, ..RecordQuery::default() };
    assert_eq!(ask(query.clone()).await, (vec![4, 3, 2, 1, 0], None));
    let (first, next) = ask(RecordQuery { limit: 2, ascending: true, ..query.clone() }).await;
    assert_eq!(first, [0, 1]);
    let (second, next) = ask(RecordQuery { limit: 2, ascending: true, after: next, ..query.clone() }).await;
    assert_eq!(second, [2, 3]);
    assert_eq!(ask(RecordQuery { ascending: true, after: next, ..query.clone() }).await, (vec![4], None));
    let even = RecordQuery { tenant: Some("even".into()), limit: 2, ..query };
    let (first, next) = ask(even.clone()).await;
    assert_eq!(first, [4, 2]);
    assert_eq!(ask(RecordQuery { after: next, ..even }).await, (vec![0], None));
}

#[tokio::test]
async fn a_page_looks_at_no_more_records_than_it_may() {
    let directory = Directory::new();
    let data = directory.open();
    for i in 0..10 {
        data.journal.append(record(1_000_000 + i, i, if i == 0 { "rare" } else { "usual" })).await.unwrap();
    }
    data.writer.flush().await.unwrap();
    let mut query = RecordQuery { tenant: Some("rare".into()), limit: 5, ..RecordQuery::default() };
    let (mut found, mut pages) = (0, 0);
    loop {
        let page = journal::find(&data.journal.file, &query, 4).unwrap();
        (found, pages) = (found + page.data.len(), pages + 1);
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!((found, pages), (1, 3));
}

#[tokio::test]
async fn sums_equal_their_records_and_a_record_counts_once() {
    let directory = Directory::new();
    let start = now().as_millis() as u64;
    {
        let data = directory.open();
        for i in 0..100 {
            data.journal.append(record(start + i, i, &format!("t{}", i % 3))).await.unwrap();
        }
        data.journal.append(record(start + 5, 5, "t2")).await.unwrap();
    }
    // Closing has written all; the same again changes nothing.
    let data = directory.open();
    data.journal.append(Record { tenant: "other".into(), ..record(start + 7, 7, "t1") }).await.unwrap();
    let by_tenant = UsageQuery { by: vec![UsageGroup::Tenant], ..UsageQuery::default() };
    let rows = data.journal.usage(&by_tenant).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows.iter().map(|row| row.sums.calls).sum::<u64>(), 100);
    assert_eq!(rows.iter().map(|row| row.cost().0).sum::<u64>(), (0..100).sum::<u64>());
    let kept = data.journal.records(&RecordQuery { limit: 1000, ..RecordQuery::default() }).await.unwrap();
    assert_eq!(kept.data.len(), 100);
    assert!(kept.data.iter().all(|record| record.tenant != "other"));
}

#[tokio::test]
async fn sums_are_asked_for_by_days() {
    let directory = Directory::new();
    let data = directory.open();
    for day in 100..110 {
        data.journal.append(record(day * 86_400_000, day, "t")).await.unwrap();
    }
    let day = |day: u64| Some(Timestamp::from_millis(day * 86_400_000 + 5));
    let calls = |since, until| {
        let query = UsageQuery { since, until, ..UsageQuery::default() };
        let journal = &data.journal;
        async move { journal.usage(&query).await.unwrap().iter().map(|row| row.sums.calls).sum::<u64>() }
    };
    assert_eq!(calls(None, None).await, 10);
    assert_eq!(calls(day(103), None).await, 7);
    assert_eq!(calls(day(103), day(105)).await, 2);
    assert_eq!(calls(day(105), day(103)).await, 0);
}

#[tokio::test]
async fn old_records_go_and_their_sums_stay() {
    let directory = Directory::new();
    // The writer itself removes nothing, so that this test alone does.
    let data = directory.open();
    let now = now().as_millis() as u64;
    let (old, new) = (now - 31 * 86_400_000, now - 29 * 86_400_000);
    for i in 0..5 {
        data.journal.append(record(old + i, i, "t")).await.unwrap();
        data.journal.append(record(new + i, 100 + i, "t")).await.unwrap();
    }
    data.writer.flush().await.unwrap();
    assert_eq!(retention::prune(&data.journal.file, 30 * DAY).unwrap(), 5);
    assert_eq!(retention::prune(&data.journal.file, 30 * DAY).unwrap(), 0);
    assert_eq!(retention::prune(&data.journal.file, Duration::MAX).unwrap(), 0);
    let left = data.journal.records(&RecordQuery { limit: 100, ..RecordQuery::default() }).await.unwrap();
    assert!(left.data.len() == 5 && left.data.iter().all(|record| record.cost.0 >= 100));
    assert_eq!(data.journal.usage(&UsageQuery::default()).await.unwrap()[0].sums.calls, 10);
}

#[tokio::test]
async fn a_full_buffer_drops_and_goes_on() {
    let directory = Directory::new();
    let data = directory.open();
    // One record may be as large as the buffer; a second one has no room beside it.
    let body = "x".repeat(40 << 20);
    let large = |i| Record { request_body: Some(body.clone()), ..record(1_000_000 + i, i, "t") };
    for i in 0..3 {
        data.journal.append(large(i)).await.unwrap();
    }
    let kept = data.journal.usage(&UsageQuery::default()).await.unwrap()[0].sums.calls;
    assert!((1..3).contains(&kept), "{kept}");
    data.journal.append(record(2_000_000, 9, "t")).await.unwrap();
    assert_eq!(data.journal.usage(&UsageQuery::default()).await.unwrap()[0].sums.calls, kept + 1);
}

#[tokio::test]
async fn after_closing_nothing_is_taken() {
    let directory = Directory::new();
    let data = directory.open();
    data.close();
    data.close();
    assert!(data.journal.append(record(1, 1, "t")).await.is_err());
    assert!(data.store.write("a", Bytes::new()).await.is_err());
}

#[test]
fn a_directory_belongs_to_one_process_at_a_time() {
    let directory = Directory::new();
    let data = directory.open();
    let error = Data::open(&directory.0, DAY).err().unwrap().to_string();
    assert!(error.contains("in use by another postern") && error.contains("--data"), "{error}");
    drop(data);
    directory.open();
}

#[test]
fn directories_that_cannot_be_used() {
    let directory = Directory::new();
    let refused = |path: &Path| Data::open(path, DAY).err().unwrap().to_string();
    fs::create_dir_all(&directory.0).unwrap();
    let file = directory.0.join("file");
    fs::write(&file, "").unwrap();
    assert!(refused(&file).contains("there is a file where a directory is needed"));
    assert!(refused(&file.join("below")).contains("there is a file where a directory is needed"));
    fs::write(directory.0.join("postern.redb"), "this is no database, but longer than nothing").unwrap();
    assert!(refused(&directory.0).contains("postern.redb cannot be opened"));
}

#[test]
#[cfg(unix)]
fn only_the_owner_may_look_inside() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = Directory::new();
    let data = directory.open();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.0), 0o700);
    assert_eq!(mode(&directory.0.join("postern.redb")), 0o600);
    drop(data);
}

#[tokio::test]
async fn the_file_can_be_opened_anew_while_it_is_used() {
    let directory = Directory::new();
    let data = directory.open();
    data.store.write("a", Bytes::from_static(b"1")).await.unwrap();
    data.journal.append(record(1_000_000, 1, "t")).await.unwrap();
    // Only the thread that writes may open it anew: while it writes, the old one cannot be closed.
    data.journal.file.mark_broken();
    while data.journal.file.is_broken() {
        data.store.write("b", Bytes::from_static(b"2")).await.unwrap();
    }
    assert_eq!(data.store.list("", None, 10).await.unwrap().len(), 2);
    assert_eq!(data.journal.usage(&UsageQuery::default()).await.unwrap()[0].sums.calls, 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_anew_comes_back_by_itself() {
    let directory = Directory::new();
    let data = directory.open();
    for name in ["a", "b", "config"] {
        data.store.write(name, Bytes::from_static(b"1")).await.unwrap();
    }
    data.store.read("a").await.unwrap();
    data.store.read("config").await.unwrap();
    let away = directory.0.with_extension("away");
    fs::rename(&directory.0, &away).unwrap();
    data.journal.file.mark_broken();
    while data.store.read("b").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // What was read before can still be used, but nobody is told that the store is well.
    assert_eq!(data.store.read("a").await.unwrap().unwrap(), "1");
    assert!(data.store.read("config").await.is_err());
    assert!(data.store.write("a", Bytes::new()).await.is_err());
    data.journal.append(record(1_000_000, 1, "t")).await.unwrap();
    // A change that failed may have been made all the same.
    assert!(data.store.read("a").await.is_err());
    assert!(!directory.0.exists());
    fs::rename(&away, &directory.0).unwrap();
    // Without anything to write it is tried again, and what could not be written is.
    while data.store.read("b").await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(data.store.read("a").await.unwrap().unwrap(), "1");
    assert_eq!(data.journal.usage(&UsageQuery::default()).await.unwrap()[0].sums.calls, 1);
}

#[tokio::test]
async fn a_page_of_large_records_ends_early() {
    let directory = Directory::new();
    let data = directory.open();
    let body = "x".repeat(5 << 20);
    for i in 0..3 {
        let record = Record { request_body: Some(body.clone()), ..record(1_000_000 + i, i, "t") };
        data.journal.append(record).await.unwrap();
    }
    let mut query = RecordQuery { limit: 100, ascending: true, ..RecordQuery::default() };
    let mut pages = Vec::new();
    loop {
        let page = data.journal.records(&query).await.unwrap();
        pages.push(page.data.iter().map(|record| record.cost.0).collect::<Vec<_>>());
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec![0, 1], vec![2]]);
}
