//! A record and its sums are written together or not at all, and once: the record is refused when its id is there
//! already, and with it the addition to the sums.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};

use super::layout::{self, Item};
use super::{Table, TableError, failed};

/// How long writing a record may take, with everything that is tried anew.
const TIME: Duration = Duration::from_secs(8);
/// The pause before the second try, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(15);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// What is written together.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The record's item.
    pub(super) record: Item,
    /// The row of sums it belongs to.
    pub(super) sums: Item,
    /// What to add to the row.
    pub(super) figures: [(&'static str, u64); 6],
}

/// Writes an entry. Throttling and other callers on the same row of sums are waited out.
pub(super) async fn write(table: &Table, entry: &Entry) -> Result<(), TableError> {
    let begun = SystemTime::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match once(table, entry).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let verdict = judge(&error);
        let elapsed = begun.elapsed().unwrap_or(TIME);
        match verdict {
            Verdict::ThereAlready => return Ok(()),
            Verdict::Again if elapsed + pause < TIME => {}
            Verdict::Again | Verdict::Failed => return Err(code_of(&error)),
        }
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

type Refusal = SdkError<TransactWriteItemsError>;

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The record was written before, by a try whose answer was lost.
    ThereAlready,
    /// Worth another try.
    Again,
    /// No try will help.
    Failed,
}

async fn once(table: &Table, entry: &Entry) -> Result<(), Refusal> {
    let put = Put::builder()
        .table_name(table.name())
        .set_item(Some(entry.record.clone()))
        .condition_expression("attribute_not_exists(pk)")
        .build()
        .map_err(SdkError::construction_failure)?;
    // Figures that are zero need no addition.
    let figures: Vec<_> = entry.figures.iter().filter(|(_, figure)| *figure > 0).collect();
    let additions: Vec<String> = figures.iter().map(|(name, _)| format!("{name} :{name}")).collect();
    let update = figures.iter().fold(Update::builder(), |update, (name, figure)| {
        update.expression_attribute_values(format!(":{name}"), layout::number(*figure))
    });
    let update = update
        .table_name(table.name())
        .set_key(Some(entry.sums.clone()))
        .update_expression(format!("ADD {}", additions.join(", ")))
        .build()
        .map_err(SdkError::construction_failure)?;
    let writing = table
        .operation()
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build())
        .transact_items(TransactWriteItem::builder().update(update).build());
    writing.send().await.map(drop)
}

fn judge(error: &Refusal) -> Verdict {
    let Some(refusal) = error.as_service_error() else {
        // The answer is unknown: trying again is safe, because what is there already is refused.
        return Verdict::Again;
    };
    if let TransactWriteItemsError::TransactionCanceledException(cancelled) = refusal {
        let reasons = cancelled.cancellation_reasons();
        let code = |n: usize| reasons.get(n).and_then(|reason| reason.code()).unwrap_or_default();
        if code(0) == "ConditionalCheckFailed" {
            return Verdict::ThereAlready;
        }
        let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
        return if (0..reasons.len()).any(|n| passing.contains(&code(n))) {
            Verdict::Again
        } else {
            Verdict::Failed
        };
    }
    let code = code_of(error).code;
    match code.as_str() {
        "ThrottlingException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "TransactionInProgressException"
        | "InternalServerError" => Verdict::Again,
        _ => Verdict::Failed,
    }
}

fn code_of(error: &Refusal) -> TableError {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
        let reasons = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
        let reasons: Vec<&str> = reasons.filter(|code| *code != "None").collect();
        return TableError { code: format!("the transaction was cancelled: {}", reasons.join(", ")) };
    }
    failed(error)
}

/// Half fixed, half random: processes that met on one row do not meet again.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0; 4];
    postern_common::fill_random(&mut random);
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    pause / 2 + (pause / 2).mul_f64(share)
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
    fn a_record_that_is_there_is_a_success_and_a_conflict_is_not_the_end() {
        assert_eq!(judge(&cancelled(["ConditionalCheckFailed", "None"])), Verdict::ThereAlready);
        assert_eq!(judge(&cancelled(["None", "TransactionConflict"])), Verdict::Again);
        assert_eq!(judge(&cancelled(["ThrottlingError", "None"])), Verdict::Again);
        assert_eq!(judge(&cancelled(["None", "ValidationError"])), Verdict::Failed);
        assert_eq!(
            code_of(&cancelled(["None", "ValidationError"])).code,
            "the transaction was cancelled: ValidationError"
        );
    }
}
