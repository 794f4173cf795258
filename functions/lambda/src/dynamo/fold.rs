//! Adding records of a segment to their sums: the rows and the segment's own account in one transaction, or nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use postern_gateway::record::RollupValue;

use super::layout::{self, Item};
use super::retry::Patience;
use super::segment::{Figures, Segment};
use super::{Table, TableError, failed};

/// What becomes of a segment when some of its records are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// This many of its records are in the sums now.
    Folded(u64),
    /// All are, and none will follow.
    Removed,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    Done,
    /// Somebody else has added some of these records meanwhile, or an earlier try of this has, whose answer was lost.
    Overtaken,
}

/// Adds `rows`, the sums of what follows the first `segment.folded` records, each to its partition and row.
pub(super) async fn fold(
    table: &Table,
    segment: &Segment,
    rows: &[(Item, [(&'static str, u64); 6])],
    then: Then,
    time: Duration,
) -> Result<Fold, TableError> {
    let mut patience = Patience::new(time);
    loop {
        let refusal = match once(table, segment, rows, then).await {
            Ok(()) => return Ok(Fold::Done),
            Err(refusal) => refusal,
        };
        match judge(&refusal) {
            Verdict::Overtaken => return Ok(Fold::Overtaken),
            Verdict::Again if patience.again().await => {}
            Verdict::Again | Verdict::Failed => return Err(code_of(&refusal)),
        }
    }
}

type Refusal = SdkError<TransactWriteItemsError>;

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The segment's account is not what it was.
    Overtaken,
    /// Worth another try.
    Again,
    /// No try will help.
    Failed,
}

async fn once(
    table: &Table,
    segment: &Segment,
    rows: &[(Item, [(&'static str, u64); 6])],
    then: Then,
) -> Result<(), Refusal> {
    let account = account(table, segment, then).map_err(SdkError::construction_failure)?;
    // The segment first: its refusal is the one that means something.
    let mut transaction = table.operation().transact_write_items().transact_items(account);
    for (row, figures) in rows {
        // Figures that are zero need no addition.
        let figures: Vec<_> = figures.iter().filter(|(_, figure)| *figure > 0).collect();
        let additions: Vec<String> = figures.iter().map(|(name, _)| format!("{name} :{name}")).collect();
        let update = figures.iter().fold(Update::builder(), |update, (name, figure)| {
            update.expression_attribute_values(format!(":{name}"), layout::number(*figure))
        });
        let update = update
            .table_name(table.name())
            .set_key(Some(row.clone()))
            .update_expression(format!("ADD {}", additions.join(", ")))
            .build()
            .map_err(SdkError::construction_failure)?;
        transaction = transaction.transact_items(TransactWriteItem::builder().update(update).build());
    }
    transaction.send().await.map(drop)
}

fn account(table: &Table, segment: &Segment, then: Then) -> Result<TransactWriteItem, BuildError> {
    let part = TransactWriteItem::builder();
    let part = match then {
        Then::Removed => part.delete(
            Delete::builder()
                .table_name(table.name())
                .set_key(Some(segment.key()))
                .condition_expression("w = :before")
                .expression_attribute_values(":before", layout::number(segment.folded))
                .build()?,
        ),
        Then::Folded(count) => part.update(
            Update::builder()
                .table_name(table.name())
                .set_key(Some(segment.key()))
                .update_expression("SET w = :after")
                .condition_expression("w = :before")
                .expression_attribute_values(":before", layout::number(segment.folded))
                .expression_attribute_values(":after", layout::number(count))
                .build()?,
        ),
    };
    Ok(part.build())
}

/// Rows for [`fold`], in the partitions of `shard`.
pub(super) fn rows(sums: &[Figures], shard: u8, region: &str) -> Vec<(Item, [(&'static str, u64); 6])> {
    let mut rows = BTreeMap::<(u32, String), RollupValue>::new();
    for (row, value) in sums {
        // Two names may be one in a key, and a transaction takes a row once.
        rows.entry((row.day, layout::sums_sort(row, region))).or_default().add(value);
    }
    let row = |((day, sort), value): ((u32, String), RollupValue)| {
        let partition = layout::sums_partition(&layout::day_text(day), shard);
        (layout::key(partition, sort), layout::figures(&value))
    };
    rows.into_iter().map(row).collect()
}

fn judge(refusal: &Refusal) -> Verdict {
    let Some(error) = refusal.as_service_error() else {
        // The answer is unknown: trying again is safe, because the account has moved if this was done.
        return Verdict::Again;
    };
    if let TransactWriteItemsError::TransactionCanceledException(cancelled) = error {
        let codes: Vec<&str> =
            cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
        if codes.first() == Some(&"ConditionalCheckFailed") {
            return Verdict::Overtaken;
        }
        let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
        let passes = codes.iter().any(|code| passing.contains(code));
        return if passes { Verdict::Again } else { Verdict::Failed };
    }
    if code_of(refusal).is_passing() { Verdict::Again } else { Verdict::Failed }
}

fn code_of(refusal: &Refusal) -> TableError {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = refusal.as_service_error()
    {
        let reasons = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
        let reasons: Vec<&str> = reasons.filter(|code| *code != "None").collect();
        return TableError { code: format!("the transaction was cancelled: {}", reasons.join(", ")) };
    }
    failed(refusal)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn cancelled(codes: [&str; 2]) -> Refusal {
        let reason = |code: &str| CancellationReason::builder().code(code).build();
        let exception = TransactionCanceledException::builder()
            .set_cancellation_reasons(Some(codes.map(reason).to_vec()));
        let answer = http::Response::builder().status(400).body(SdkBody::empty()).unwrap();
        SdkError::service_error(
            TransactWriteItemsError::TransactionCanceledException(exception.build()),
            HttpResponse::try_from(answer).unwrap(),
        )
    }

    #[test]
    fn an_account_that_moved_is_no_failure_and_a_conflict_is_not_the_end() {
        assert_eq!(judge(&cancelled(["ConditionalCheckFailed", "None"])), Verdict::Overtaken);
        assert_eq!(judge(&cancelled(["None", "TransactionConflict"])), Verdict::Again);
        assert_eq!(judge(&cancelled(["ThrottlingError", "None"])), Verdict::Again);
        assert_eq!(judge(&cancelled(["None", "ValidationError"])), Verdict::Failed);
        assert_eq!(
            code_of(&cancelled(["None", "ValidationError"])).code,
            "the transaction was cancelled: ValidationError"
        );
    }
}
