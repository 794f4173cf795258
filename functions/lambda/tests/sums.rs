//! Records and their sums agree whatever becomes of the process that wrote them, and what a call costs.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use common::records::{LONG, counts, record, record_at, sums};
use common::{Asked, Trouble, Troubled, dynamodb, new_table, table, table_in};
use futures_util::FutureExt as _;
use postern_gateway::Journal as _;
use postern_gateway::record::{Attempt, Record, UsageQuery};
use postern_lambda::dynamo::DynamoJournal;
use postern_lambda_emulator::Dynamodb;
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;

/// A clock that stands still until it is turned; milliseconds.
#[derive(Clone)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Self(Arc::new(AtomicU64::new(now.as_millis() as u64)))
    }

    fn turn(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// A process of its own.
    fn process(&self, endpoint: &str, name: &str) -> DynamoJournal {
        let clock = self.clone();
        DynamoJournal::new(table(endpoint, name), LONG).with_clock(move || clock.now())
    }

    /// A record of a call that came now.
    fn record(&self, number: u64) -> Record {
        record_at(self.now(), number)
    }
}

/// The items of a partition.
async fn items(dynamodb: &Dynamodb, name: &str, partition: &str) -> Vec<Value> {
    let query = json!({
        "TableName": name, "ConsistentRead": true, "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": partition } },
    });
    dynamodb.operation("Query", &query).await.unwrap()["Items"].as_array().unwrap().clone()
}

/// Of each segment, how many of its records are in the sums.
async fn accounts(dynamodb: &Dynamodb, name: &str) -> Vec<u64> {
    let open = items(dynamodb, name, "open").await;
    open.iter().map(|item| item["w"]["N"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn what_a_killed_process_wrote_is_in_every_report() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let clock = Clock::new();
    let killed = clock.process(&dynamodb.endpoint(), &name);
    for number in 1..=5 {
        killed.append(clock.record(number)).await.unwrap();
    }
    drop(killed);
    let reader = clock.process(&dynamodb.endpoint(), &name);
    assert_eq!(accounts(&dynamodb, &name).await, [0]);
    for _ in 0..2 {
        assert_eq!(counts(&reader).await, (5, 5, 15));
    }
    assert_eq!(accounts(&dynamodb, &name).await, [5], "its process may still be there");
    clock.turn(74 * MINUTE);
    assert_eq!(sums(&reader).await, (5, 15));
    assert_eq!(accounts(&dynamodb, &name).await, [5], "a request of it may still be on its way");
    clock.turn(2 * MINUTE);
    assert_eq!(sums(&reader).await, (5, 15));
    assert_eq!(accounts(&dynamodb, &name).await, [0; 0]);
    assert_eq!(sums(&reader).await, (5, 15));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_process_that_is_killed_before_its_first_record_leaves_nothing_for_long() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let clock = Clock::new();
    let refused = vec![Trouble::Error("AccessDeniedException")];
    let troubled = Troubled::start(dynamodb.endpoint(), "PutItem", "record/", refused).await;
    clock.process(&troubled.endpoint(), &name).append(clock.record(1)).await.unwrap_err();
    let reader = clock.process(&dynamodb.endpoint(), &name);
    assert_eq!((counts(&reader).await, accounts(&dynamodb, &name).await.len()), ((0, 0, 0), 1));
    clock.turn(76 * MINUTE);
    assert_eq!((counts(&reader).await, accounts(&dynamodb, &name).await.len()), ((0, 0, 0), 0));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_process_that_wakes_up_counts_nothing_again() {
    let dynamodb = dynamodb().await;
    // Frozen for a moment, for longer than it writes to a segment, and for longer than a segment is kept.
    for frozen in [0, 20 * MINUTE, 24 * 60 * MINUTE] {
        let name = new_table(&dynamodb).await;
        let clock = Clock::new();
        let sleeper = clock.process(&dynamodb.endpoint(), &name);
        let reader = clock.process(&dynamodb.endpoint(), &name);
        for number in 1..=3 {
            sleeper.append(clock.record(number)).await.unwrap();
        }
        assert_eq!(sums(&reader).await, (3, 6));
        // Some that nobody has added, beside some that somebody has.
        sleeper.append(clock.record(10)).await.unwrap();
        clock.turn(frozen);
        if frozen > 60 * MINUTE {
            assert_eq!(sums(&reader).await, (4, 16));
            assert_eq!(accounts(&dynamodb, &name).await, [0; 0]);
        }
        sleeper.append(clock.record(100)).await.unwrap();
        assert_eq!(accounts(&dynamodb, &name).await.len(), 1, "of the newest segment only");
        clock.turn(16 * MINUTE);
        sleeper.append(clock.record(1000)).await.unwrap();
        assert_eq!(accounts(&dynamodb, &name).await, [0]);
        assert_eq!(counts(&reader).await, (6, 6, 1116), "frozen for {frozen} ms");
    }
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn readers_at_once_agree_while_processes_write_and_die() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let clock = Clock::new();
    let endpoint = dynamodb.endpoint();
    let mut writing = tokio::task::JoinSet::new();
    for process in 0..4_u64 {
        let (clock, endpoint, name) = (clock.clone(), endpoint.clone(), name.clone());
        writing.spawn(async move {
            for life in 0..3 {
                let journal = clock.process(&endpoint, &name);
                for number in 0..20 {
                    let record = clock.record(1 + process * 1000 + life * 100 + number);
                    journal.append(record.clone()).await.unwrap();
                    journal.append(record).await.unwrap();
                    clock.turn(7_000);
                }
            }
        });
    }
    let mut reading = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let reader = clock.process(&endpoint, &name);
        reading.spawn(async move {
            let mut before = 0;
            while before < 240 {
                // Many at once may take turns for so long that a report gives up; it never gives a wrong one.
                let Ok(report) = reader.usage(&UsageQuery::default()).await else { continue };
                let calls = report.first().map_or(0, |row| row.sums.calls);
                assert!((before..=240).contains(&calls), "{calls} after {before}");
                before = calls;
            }
        });
    }
    while let Some(done) = writing.join_next().await {
        done.unwrap();
    }
    while let Some(done) = reading.join_next().await {
        done.unwrap();
    }
    let numbers =
        (0..4).flat_map(|p| (0..3).flat_map(move |l| (0..20).map(move |n| 1 + p * 1000 + l * 100 + n)));
    let reader = clock.process(&endpoint, &name);
    assert_eq!(counts(&reader).await, (240, 240, numbers.sum()));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn trouble_while_records_are_added_changes_no_sum() {
    let dynamodb = dynamodb().await;
    let every = || {
        vec![
            Trouble::Error("ThrottlingException"),
            Trouble::Cancelled(["TransactionConflict", "None"]),
            Trouble::AnswerLost,
            Trouble::Cancelled(["None", "ThrottlingError"]),
            Trouble::Cancelled(["None", "TransactionConflict"]),
            Trouble::AnswerLost,
        ]
    };
    // While a reader adds, and while the process itself does.
    for by_reader in [true, false] {
        let name = new_table(&dynamodb).await;
        let clock = Clock::new();
        let troubled = Troubled::start(dynamodb.endpoint(), "TransactWriteItems", "", every()).await;
        let process = clock.process(&troubled.endpoint(), &name);
        let reader = clock.process(&troubled.endpoint(), &name);
        let mut expected = (0, 0);
        for number in 1..=6 {
            process.append(clock.record(number)).await.unwrap();
            expected = (expected.0 + 1, expected.1 + number);
            if by_reader {
                assert_eq!(sums(&reader).await, expected);
            } else {
                clock.turn(16 * MINUTE);
            }
        }
        process.append(clock.record(7)).await.unwrap();
        assert_eq!((sums(&reader).await, troubled.left()), ((7, 28), 0));
    }
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn what_its_process_cannot_add_the_next_report_does_or_fails() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let clock = Clock::new();
    let refused = vec![Trouble::Error("AccessDeniedException")];
    let troubled = Troubled::start(dynamodb.endpoint(), "TransactWriteItems", "", refused.clone()).await;
    let process = clock.process(&troubled.endpoint(), &name);
    process.append(clock.record(1)).await.unwrap();
    clock.turn(16 * MINUTE);
    process.append(clock.record(2)).await.unwrap();
    assert_eq!((troubled.left(), accounts(&dynamodb, &name).await.len()), (0, 2));
    troubled.trouble(refused);
    let failed = process.usage(&UsageQuery::default()).await.unwrap_err();
    assert!(failed.0.contains("AccessDenied"), "{failed}");
    assert_eq!(sums(&process).await, (2, 3));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_record_of_which_nobody_knows_whether_it_was_written_counts_once() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let clock = Clock::new();
    let troubled = Troubled::start(dynamodb.endpoint(), "PutItem", "record/", Vec::new()).await;
    let process = clock.process(&troubled.endpoint(), &name);
    process.append(clock.record(1)).await.unwrap();
    troubled.trouble(vec![Trouble::DoneButRefused]);
    process.append(clock.record(10)).await.unwrap_err();
    // It is tried again beside this one, in another segment.
    process.append(clock.record(100)).await.unwrap();
    let reader = clock.process(&dynamodb.endpoint(), &name);
    assert_eq!(counts(&reader).await, (3, 3, 111));
    process.append(clock.record(1000)).await.unwrap();
    clock.turn(16 * MINUTE);
    process.append(clock.record(10_000)).await.unwrap();
    assert_eq!(counts(&reader).await, (5, 5, 11_111));
    clock.turn(76 * MINUTE);
    assert_eq!(counts(&reader).await, (5, 5, 11_111));
    assert_eq!(accounts(&dynamodb, &name).await, [0; 0]);
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_record_whose_writing_was_given_up_is_written_with_the_next() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let process = DynamoJournal::new(table(&dynamodb.endpoint(), &name), LONG);
    process.append(record(1)).await.unwrap();
    // Its request may have been sent, and may be done or not.
    assert!(process.append(record(10)).now_or_never().is_none());
    process.append(record(100)).await.unwrap();
    assert_eq!(counts(&process).await, (3, 3, 111));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_record_that_was_removed_because_of_its_age_holds_nothing_up() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let clock = Clock::new();
    let process = clock.process(&dynamodb.endpoint(), &name);
    let records: Vec<Record> = (1..=3).map(|number| clock.record(number)).collect();
    for record in &records {
        process.append(record.clone()).await.unwrap();
    }
    let day = clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let day = time::OffsetDateTime::from_unix_timestamp((day * 86_400) as i64).unwrap().date();
    for shard in 0..4 {
        let key = json!({ "pk": { "S": format!("record/{day}/{shard}") }, "sk": { "S": records[1].id } });
        dynamodb.operation("DeleteItem", &json!({ "TableName": name, "Key": key })).await.unwrap();
    }
    let reader = clock.process(&dynamodb.endpoint(), &name);
    assert_eq!(counts(&reader).await, (2, 1, 1), "what follows it may still come");
    clock.turn(76 * MINUTE);
    assert_eq!(counts(&reader).await, (2, 2, 4));
    assert_eq!(accounts(&dynamodb, &name).await, [0; 0]);
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn another_region_shows_what_it_may_not_add() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let here = DynamoJournal::new(table(&dynamodb.endpoint(), &name), LONG);
    let there = DynamoJournal::new(table_in("us-east-1", &dynamodb.endpoint(), &name), LONG);
    here.append(record(1)).await.unwrap();
    there.append(record(2)).await.unwrap();
    assert_eq!(counts(&there).await, (2, 2, 3));
    let mut accounts = accounts(&dynamodb, &name).await;
    accounts.sort_unstable();
    assert_eq!(accounts, [0, 1]);
    assert_eq!(counts(&here).await, (2, 2, 3));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn more_rows_than_a_transaction_holds_take_several() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let clock = Clock::new();
    let process = clock.process(&dynamodb.endpoint(), &name);
    for number in 1..=250 {
        let record = Record { tenant: format!("tenant-{number}"), ..clock.record(number) };
        process.append(record).await.unwrap();
    }
    assert_eq!(accounts(&dynamodb, &name).await, [0], "two are done");
    assert_eq!(counts(&process).await.0, 250);
    let by = vec![postern_gateway::record::UsageGroup::Tenant];
    let report = process.usage(&UsageQuery { by, ..UsageQuery::default() }).await.unwrap();
    assert_eq!(report.len(), 250);
    assert!(report.iter().all(|row| row.sums.calls == 1));
}

/// What an item weighs, as DynamoDB counts: names and values.
fn weight(item: &Value) -> usize {
    let value = |value: &Value| -> usize {
        let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
        let value = value.as_str().unwrap();
        match kind.as_str() {
            "S" => value.len(),
            "N" => value.len() / 2 + 2,
            "B" => value.trim_end_matches('=').len() * 3 / 4,
            other => panic!("an attribute of kind {other}"),
        }
    };
    item.as_object().unwrap().iter().map(|(name, v)| name.len() + value(v)).sum()
}

/// The write units that these requests are charged: one a kilobyte and item, twice that in a transaction. Rows of sums
/// and segments are far below a kilobyte.
fn write_units(asked: &[Asked]) -> usize {
    let of_item = |item: &Value| weight(item).div_ceil(1024);
    asked
        .iter()
        .map(|asked| match asked.operation.as_str() {
            "PutItem" => of_item(&asked.body["Item"]),
            "TransactWriteItems" => {
                let parts = asked.body["TransactItems"].as_array().unwrap();
                assert!(parts.iter().all(|part| part.get("Put").is_none()));
                2 * parts.len()
            }
            "GetItem" | "Query" => 0,
            other => panic!("{other} is not priced"),
        })
        .sum()
}

/// What a call costs: `docs/deploying/aws.md` and `docs/benchmarks.md` price this. One process, its first record and its
/// last addition to the sums included.
#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_call_costs_one_write_unit_and_little_more() {
    let dynamodb = dynamodb().await;
    // Milliseconds from one call of a process to the next, rows of sums, calls; write units a thousand calls at most.
    for (pause, rows, calls, most) in [
        (50, 1, 1_024, 1_015),
        (1_000, 1, 1_024, 1_015),
        (10_000, 1, 182, 1_080),
        (60_000, 1, 48, 1_400),
        (1_000, 40, 1_024, 1_180),
    ] {
        let name = new_table(&dynamodb).await;
        let troubled = Troubled::start(dynamodb.endpoint(), "", "", Vec::new()).await;
        let clock = Clock::new();
        let process = clock.process(&troubled.endpoint(), &name);
        for number in 1..=calls {
            let record = Record { tenant: format!("tenant-{}", number % rows), ..clock.record(number) };
            process.append(record).await.unwrap();
            clock.turn(pause);
        }
        sums(&process).await;
        let asked = troubled.asked();
        let units = write_units(&asked) * 1000 / calls as usize;
        let reads = asked.iter().filter(|asked| matches!(asked.operation.as_str(), "GetItem" | "Query"));
        println!("a call each {pause} ms, {rows} rows: {units} write units a thousand calls");
        assert!((1_000..=most).contains(&units), "{units} at {pause} ms and {rows} rows");
        let records = asked.iter().filter(|asked| asked.body["Item"]["q"].is_object());
        assert!(records.map(|asked| weight(&asked.body["Item"])).max().unwrap() < 1024);
        // Those of the report at the end.
        assert!(reads.count() < 30, "no call reads");
    }
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_record_of_three_tries_is_still_below_a_kilobyte() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let troubled = Troubled::start(dynamodb.endpoint(), "", "", Vec::new()).await;
    let process = DynamoJournal::new(table(&troubled.endpoint(), &name), LONG);
    let usual = record(1);
    let failed = Attempt {
        status: Some(529),
        fault: Some(postern_wire::FaultKind::Overloaded),
        ..usual.attempts[0].clone()
    };
    let attempts = vec![failed.clone(), failed, usual.attempts[0].clone()];
    process.append(Record { attempts, ..usual }).await.unwrap();
    let asked = troubled.asked();
    let weights: Vec<usize> = asked.iter().map(|asked| weight(&asked.body["Item"])).collect();
    println!("{weights:?}");
    assert!(weights.iter().all(|weight| *weight < 1024), "{weights:?}");
}
