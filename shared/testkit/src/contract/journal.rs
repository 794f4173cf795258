//! The contract of a [`Journal`].

use postern_gateway::record::{Outcome, Record, RecordQuery, UsageGroup, UsageQuery, UsageRow, UsageSource};
use postern_gateway::{Journal, Timestamp};
use postern_wire::{MicroUsd, Usage};

/// 2024-02-28T12:00:00Z, so that the second day is a leap day.
const NOON: u64 = 1_709_121_600_000_000;
const DAY: u64 = 86_400_000_000;
/// Records written: enough for pages, days and groups to cross.
const COUNT: u64 = 60;

/// Checks that an empty `journal` appends, finds and sums as [`Journal`] says. `written` is awaited after appending:
/// it must return when what was appended can be queried.
///
/// # Panics
/// Where it does not.
pub async fn journal(journal: &impl Journal, written: impl AsyncFn()) {
    let everything = RecordQuery { limit: 1000, ..RecordQuery::default() };
    let before = journal.records(&everything).await.expect("records");
    assert_eq!((before.data.len(), before.next), (0, None), "the contract starts with an empty journal");
    let all: Vec<Record> = (0..COUNT).map(record).collect();
    // Not in the order of their ids: calls end in another order than they begin.
    for record in all.iter().skip(1).step_by(2).chain(all.iter().step_by(2)) {
        journal.append(record.clone()).await.expect("append");
    }
    let repeated = Record { cost: MicroUsd(999_999), ..all[7].clone() };
    journal.append(repeated).await.expect("a record that is there already is no error");
    written().await;
    records(journal, &all).await;
    pages(journal, &all).await;
    usage(journal, &all).await;
}

fn record(n: u64) -> Record {
    Record {
        id: format!("018dfee0-{n:04x}-7000-8000-{n:012x}"),
        // Three days, twenty records each.
        at: Timestamp(NOON + n / 20 * DAY + n % 20 * 1_000_000),
        tenant: format!("tenant-{}", n % 3),
        key: format!("key{:07}", n % 6),
        dialect: "openai_chat".to_owned(),
        operation: "chat".to_owned(),
        model: format!("model/{}", n % 2),
        provider: if n.is_multiple_of(10) { String::new() } else { "vendor".to_owned() },
        usage: Usage { input: n, cache_read: 2 * n, output: 3 * n, reasoning: n, ..Usage::default() },
        usage_source: UsageSource::Provider,
        cost: MicroUsd(n * n),
        priced: true,
        status: if n.is_multiple_of(10) { 502 } else { 200 },
        outcome: match n % 10 {
            0 => Outcome::UpstreamFailed,
            5 => Outcome::ClientClosed,
            _ => Outcome::Ok,
        },
        total_us: 1000 + n,
        trace_id: format!("{n:032x}"),
        ..Record::default()
    }
}

fn ids<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<&'a str> {
    records.into_iter().map(|r| r.id.as_str()).collect()
}

async fn records(journal: &impl Journal, all: &[Record]) {
    let query = |change: fn(&mut RecordQuery)| {
        let mut query = RecordQuery { limit: 1000, ascending: true, ..RecordQuery::default() };
        change(&mut query);
        query
    };
    let find = async |query: RecordQuery| journal.records(&query).await.expect("records");
    let oldest_first = find(query(|_| ())).await;
    assert_eq!(oldest_first.data, all, "every record, once, unchanged, oldest first");
    assert_eq!(oldest_first.next, None, "no next page after the last record");
    let newest_first = find(query(|q| q.ascending = false)).await;
    assert_eq!(ids(&newest_first.data), ids(all.iter().rev()), "newest first");
    let of_tenant = find(query(|q| q.tenant = Some("tenant-1".into()))).await;
    assert_eq!(ids(&of_tenant.data), ids(all.iter().filter(|r| r.tenant == "tenant-1")), "of one tenant");
    let of_key = find(query(|q| q.key = Some("key0000004".into()))).await;
    assert_eq!(ids(&of_key.data), ids(all.iter().filter(|r| r.key == "key0000004")), "of one key");
    let of_model = find(query(|q| {
        q.model = Some("model/1".into());
        q.tenant = Some("tenant-2".into());
    }))
    .await;
    let expected = all.iter().filter(|r| r.model == "model/1" && r.tenant == "tenant-2");
    assert_eq!(ids(&of_model.data), ids(expected), "of one model and one tenant");
    let of_none = find(query(|q| q.tenant = Some("tenant".into()))).await;
    assert!(of_none.data.is_empty(), "a part of a name is not the name");
}

async fn pages(journal: &impl Journal, all: &[Record]) {
    for ascending in [true, false] {
        for tenant in [None, Some("tenant-0".to_owned())] {
            let mut query = RecordQuery { limit: 7, ascending, tenant, ..RecordQuery::default() };
            let mut seen = Vec::new();
            loop {
                let page = journal.records(&query).await.expect("records");
                assert!(page.data.len() <= 7, "no more than asked for");
                seen.extend(page.data.into_iter().map(|r| r.id));
                match page.next {
                    None => break,
                    next => query.after = next,
                }
                assert!(seen.len() <= all.len(), "pages come to an end");
            }
            let mut expected = ids(all.iter().filter(|r| query.matches(r)));
            if !ascending {
                expected.reverse();
            }
            assert_eq!(seen, expected, "pages join without gaps or repeats, ascending: {ascending}");
        }
    }
}

async fn usage(journal: &impl Journal, all: &[Record]) {
    let sum = async |query: &UsageQuery| journal.usage(query).await.expect("usage");
    let total = sum(&UsageQuery::default()).await;
    assert_eq!(total.len(), 1, "one row when nothing is told apart");
    let sums = &total[0].sums;
    let of_all = |figure: fn(&Record) -> u64| all.iter().map(figure).sum::<u64>();
    assert_eq!(sums.calls, COUNT, "a record that was appended twice counts once");
    assert_eq!(
        sums.errors,
        of_all(|r| u64::from(r.outcome == Outcome::UpstreamFailed)),
        "callers who left: no error"
    );
    assert_eq!(sums.cost.0, of_all(|r| r.cost.0));
    assert_eq!(sums.input_tokens, of_all(|r| r.usage.total_input()));
    assert_eq!(sums.cached_tokens, of_all(|r| r.usage.cache_read));
    assert_eq!(sums.output_tokens, of_all(|r| r.usage.total_output()));

    let groups =
        [UsageGroup::Day, UsageGroup::Tenant, UsageGroup::Key, UsageGroup::Model, UsageGroup::Provider];
    for chosen in 0..32_u32 {
        let by = groups.iter().enumerate().filter(|(i, _)| chosen >> i & 1 == 1).map(|(_, g)| *g).collect();
        let query = UsageQuery { by, ..UsageQuery::default() };
        let rows = sum(&query).await;
        assert_eq!(rows, model(&query, all), "sums by {:?}", query.by);
    }
    let second_day = UsageQuery {
        by: vec![UsageGroup::Day, UsageGroup::Tenant],
        tenant: Some("tenant-2".into()),
        since: Some(Timestamp(NOON + DAY)),
        until: Some(Timestamp(NOON + 2 * DAY)),
    };
    let rows = sum(&second_day).await;
    assert_eq!(rows, model(&second_day, all), "sums of one day of one tenant");
    assert_eq!(rows.first().and_then(|r| r.day.as_deref()), Some("2024-02-29"));
}

/// What the sums are, from the records themselves.
fn model(query: &UsageQuery, all: &[Record]) -> Vec<UsageRow> {
    use postern_gateway::record::{RollupKey, RollupValue};
    query.sum(all.iter().map(|r| (RollupKey::of(r), RollupValue::of(r))))
}
