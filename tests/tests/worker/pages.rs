//! A page of records ends where it has looked at much or holds much. Whoever goes on from there misses nothing.

use std::time::SystemTime;

use postern_gateway::record::{Record, RecordPage, RecordQuery};
use postern_gateway::{Journal as _, Timestamp};
use postern_tests::site::WorkerSite;
use serde_json::json;

use super::door::{Door, ask};
use super::with_worker;

/// Records that a page looks at, and bytes that it holds; at most, and about.
const LOOKED_AT: usize = 20_000;
const LARGEST_PAGE: usize = 8 << 20;

/// Appends a record for each number, all of them like `like` and as if they had just come.
async fn append(site: &WorkerSite, like: &Record, numbers: impl Iterator<Item = usize>) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    let now = u64::try_from(now.as_millis()).expect("it is before the year 500,000,000");
    let id = |number| format!("{:08x}-{:04x}-7000-8000-{number:012x}", now >> 16, now & 0xffff);
    let record = |number| Record { id: id(number), at: Timestamp::from_millis(now), ..like.clone() };
    let records: Vec<_> = numbers.map(record).collect();
    ask::<()>(site, &json!({ "ask": "append_all", "records": records })).await.expect("append");
    // A question sends what waits, before there is too much of it.
    let one = RecordQuery { tenant: Some(like.tenant.clone()), limit: 1, ..RecordQuery::default() };
    Door(site).records(&one).await.expect("a question");
}

/// Every page of a question.
async fn pages(site: &WorkerSite, mut query: RecordQuery) -> Vec<RecordPage> {
    let mut pages = Vec::new();
    loop {
        let page = Door(site).records(&query).await.expect("a page");
        query.after = page.next.clone();
        pages.push(page);
        assert!(pages.len() < 40, "the pages have no end");
        if query.after.is_none() {
            return pages;
        }
    }
}

fn numbers(pages: &[RecordPage]) -> Vec<usize> {
    let number = |id: &str| usize::from_str_radix(&id[24..], 16).expect("a number");
    pages.iter().flat_map(|page| &page.data).map(|record| number(&record.id)).collect()
}

#[test]
fn a_search_that_looks_at_much_goes_on_in_another_page() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let of_key =
            |key: &str| Record { tenant: "large".to_owned(), key: key.to_owned(), ..Record::default() };
        let count = LOOKED_AT + 4000;
        append(&site, &of_key("rare"), 0..1).await;
        for start in (1..count).step_by(3000) {
            append(&site, &of_key("usual"), start..count.min(start + 3000)).await;
        }
        append(&site, &of_key("rare"), count..=count).await;
        for ascending in [false, true] {
            let query = RecordQuery {
                tenant: Some("large".to_owned()),
                key: Some("rare".to_owned()),
                limit: 10,
                ascending,
                ..RecordQuery::default()
            };
            let pages = pages(&site, query).await;
            assert!(pages.len() > 1, "one page looked at everything");
            let expected = if ascending { [0, count] } else { [count, 0] };
            assert_eq!(numbers(&pages), expected);
        }
    });
}

#[test]
fn a_page_of_large_records_ends_early() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let size = 900_000;
        let like =
            Record { tenant: "heavy".to_owned(), response_body: Some("x".repeat(size)), ..Record::default() };
        let count = 20;
        for start in (0..count).step_by(5) {
            append(&site, &like, start..start + 5).await;
        }
        for ascending in [false, true] {
            let query = RecordQuery {
                tenant: Some("heavy".to_owned()),
                limit: 100,
                ascending,
                ..RecordQuery::default()
            };
            let pages = pages(&site, query).await;
            let largest = pages.iter().map(|page| page.data.len()).max();
            assert_eq!(largest, Some(LARGEST_PAGE / size), "what is larger does not fit");
            let mut expected: Vec<_> = (0..count).collect();
            if !ascending {
                expected.reverse();
            }
            assert_eq!(numbers(&pages), expected);
        }
    });
}
