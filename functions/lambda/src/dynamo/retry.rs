//! Waiting for the table to take what it refused for now.

use std::time::{Duration, Instant};

use super::TableError;

/// The pause before the second try, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(15);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// Tries within a time.
pub(super) struct Patience {
    end: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new(time: Duration) -> Self {
        Self { end: Instant::now() + time, pause: FIRST_PAUSE }
    }

    /// Waits a little; `false` when there is no time left for another try.
    pub(super) async fn again(&mut self) -> bool {
        if Instant::now() + self.pause > self.end {
            return false;
        }
        tokio::time::sleep(jittered(self.pause)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

impl TableError {
    /// Whether another try may help.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ThrottlingException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "TransactionConflictException"
                | "TransactionInProgressException"
                | "InternalServerError"
                | super::NO_ANSWER
                | super::NO_CONNECTION_IN_TIME
                | super::NO_CONNECTION
                | super::UNREADABLE
        )
    }
}

/// Half fixed, half random: processes that met on one row do not meet again.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0; 4];
    postern_common::fill_random(&mut random);
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    pause / 2 + (pause / 2).mul_f64(share)
}
