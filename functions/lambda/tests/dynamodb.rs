//! The contracts of store and journal on DynamoDB, and what happens to records when the table makes trouble.

mod common;

use std::time::Duration;

use common::records::{LONG, counts, record};
use common::{Trouble, Troubled, dynamodb, new_table, table};
use postern_gateway::record::Record;
use postern_gateway::{Journal as _, Store as _, Timestamp};
use postern_lambda::dynamo::{DynamoJournal, DynamoStore};
use postern_testkit::contract;
use serde_json::json;

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn values_keep_the_contract() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    contract::store(&DynamoStore::new(table(&dynamodb.endpoint(), &name))).await;
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn records_keep_the_contract() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    contract::journal(&DynamoJournal::new(table(&dynamodb.endpoint(), &name), LONG), async || {}).await;
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_large_value_is_replaced_by_another_without_a_trace() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let store = DynamoStore::new(table(&dynamodb.endpoint(), &name));
    for size in [1_000_000, 2_000_000, 10, 800_000] {
        store.write("config", vec![b'x'; size].into()).await.unwrap();
        assert_eq!(store.read("config").await.unwrap().unwrap().len(), size);
        assert_eq!(store.list("con", None, 10).await.unwrap()[0].1.len(), size);
    }
    let refused = store.create("config", vec![b'y'; 1_000_000].into()).await.unwrap();
    assert!(!refused && store.read("config").await.unwrap().unwrap().len() == 800_000);
    store.remove("config").await.unwrap();
    assert!(store.create("config", vec![b'z'; 1_000_000].into()).await.unwrap());
    assert_eq!(store.read("config").await.unwrap().unwrap().len(), 1_000_000);
    store.remove("config").await.unwrap();
    assert_eq!(store.list("", None, 10).await.unwrap(), []);
    let all = dynamodb.operation("Scan", &json!({ "TableName": name })).await.unwrap();
    assert_eq!(all["Items"], json!([]), "no part is left");
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn of_many_who_make_a_value_one_does_and_knows_it() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let making = (0..16).map(|number| {
        let store = DynamoStore::new(table(&dynamodb.endpoint(), &name));
        async move { store.create("admin/a", format!("{number}").into()).await.unwrap() }
    });
    let made = futures_util::future::join_all(making).await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    // Also when the answer gets lost, and the SDK asks again.
    let lost = vec![Trouble::AnswerLost];
    let troubled = Troubled::start(dynamodb.endpoint(), "PutItem", "admin/b", lost).await;
    let store = DynamoStore::new(table(&troubled.endpoint(), &name));
    assert!(store.create("admin/b", "1".into()).await.unwrap());
    assert!(!store.create("admin/b", "2".into()).await.unwrap());
    assert_eq!(troubled.left(), 0);
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn another_process_sees_a_revoked_key_within_half_a_minute_and_a_new_one_at_once() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let store = || DynamoStore::new(table(&dynamodb.endpoint(), &name));
    let (one, other) = (store(), store());
    assert_eq!(other.read("key/a").await.unwrap(), None);
    one.write("key/a", "1".into()).await.unwrap();
    assert_eq!(other.read("key/a").await.unwrap().unwrap(), "1", "what is not there is not remembered");
    one.write("key/a", "2".into()).await.unwrap();
    assert_eq!(one.read("key/a").await.unwrap().unwrap(), "2", "the writer at once");
    assert_eq!(other.read("key/a").await.unwrap().unwrap(), "1", "others remember for a while");
}

/// Many processes add to the same row at once, and each record is written twice.
#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn nothing_is_lost_or_doubled_when_many_write() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let mut writing = tokio::task::JoinSet::new();
    for process in 0..16_u64 {
        let journal = DynamoJournal::new(table(&dynamodb.endpoint(), &name), LONG);
        writing.spawn(async move {
            for number in 0..10 {
                let record = record(process * 100 + number);
                journal.append(record.clone()).await.unwrap();
                journal.append(record).await.unwrap();
            }
        });
    }
    while let Some(done) = writing.join_next().await {
        done.unwrap();
    }
    let journal = DynamoJournal::new(table(&dynamodb.endpoint(), &name), LONG);
    let cost = (0..16).flat_map(|process| (0..10).map(move |number| process * 100 + number)).sum::<u64>();
    assert_eq!(counts(&journal).await, (160, 160, cost));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn throttling_and_lost_answers_are_waited_out() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let troubles = vec![
        Trouble::Error("ThrottlingException"),
        Trouble::Error("ProvisionedThroughputExceededException"),
        Trouble::Error("TransactionConflictException"),
        Trouble::AnswerLost,
        Trouble::AnswerLost,
        Trouble::Error("InternalServerError"),
        // Signed by a clock that still showed when the process was frozen.
        Trouble::Error("InvalidSignatureException"),
    ];
    let troubled = Troubled::start(dynamodb.endpoint(), "PutItem", "record/", troubles).await;
    let journal = DynamoJournal::new(table(&troubled.endpoint(), &name), LONG);
    for number in 1..=5 {
        journal.append(record(number)).await.unwrap();
    }
    assert_eq!(troubled.left(), 0);
    assert_eq!(counts(&journal).await, (5, 5, 15));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_record_that_cannot_be_written_is_written_with_the_next() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let troubles = vec![Trouble::Error("AccessDeniedException"); 2];
    let troubled = Troubled::start(dynamodb.endpoint(), "PutItem", "record/", troubles).await;
    let journal = DynamoJournal::new(table(&troubled.endpoint(), &name), LONG);
    assert!(journal.append(record(1)).await.unwrap_err().0.contains("AccessDenied"));
    assert!(journal.append(record(2)).await.is_err());
    assert_eq!(counts(&journal).await, (0, 0, 0));
    troubled.calm();
    journal.append(record(4)).await.unwrap();
    assert_eq!(counts(&journal).await, (3, 3, 7));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn records_that_have_outlived_their_time_are_not_shown() {
    let dynamodb = dynamodb().await;
    let name = new_table(&dynamodb).await;
    let journal = DynamoJournal::new(table(&dynamodb.endpoint(), &name), Duration::from_secs(3600));
    let old = Record { at: Timestamp(record(1).at.0 - 2 * 3600 * 1_000_000), ..record(1) };
    journal.append(old).await.unwrap();
    journal.append(record(2)).await.unwrap();
    assert_eq!(counts(&journal).await, (1, 2, 3), "sums stay");
}
