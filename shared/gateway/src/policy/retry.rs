//! Whether to try the same target again, and after what pause.

use std::time::Duration;

use postern_wire::Fault;

/// The pause before the second try, before jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// No pause of ours is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// A provider that asks for more than this is left alone: the next target or the caller is served sooner.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(10);

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same target again, after this pause.
    Again(Duration),
    /// The next target at once.
    Elsewhere,
    /// Tell the caller: no target would answer otherwise.
    GiveUp,
}

/// Decides after attempt number `tried` (from 1) of `attempts` on one target; `left` is what remains of the call's
/// time, `random` any number.
#[must_use]
pub fn after_fault(fault: &Fault, tried: u32, attempts: u32, left: Duration, random: u64) -> Next {
    use postern_wire::FaultKind as K;
    if left.is_zero() {
        return Next::GiveUp;
    }
    match fault.kind {
        // The request itself is wrong, wherever it goes.
        K::InvalidRequest | K::TooLarge | K::ContentFilter | K::ContextTooLong => return Next::GiveUp,
        // Trying again does not change credentials, quotas or names; another target may have better ones.
        K::Authentication | K::Permission | K::NotFound | K::QuotaExceeded => return Next::Elsewhere,
        _ => {}
    }
    if tried >= attempts {
        return Next::Elsewhere;
    }
    let ceiling = FIRST_PAUSE.saturating_mul(1 << tried.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    // Half fixed, half random: callers that failed together do not come back together.
    let half = ceiling / 2;
    let jitter = Duration::from_micros(random % (half.as_micros() as u64).max(1));
    let pause = fault.retry_after.unwrap_or_default().max(half + jitter);
    if fault.retry_after.is_some_and(|asked| asked > LONGEST_RETRY_AFTER) || pause >= left {
        return Next::Elsewhere;
    }
    Next::Again(pause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_wire::FaultKind;

    const LONG: Duration = Duration::from_secs(600);

    fn fault(kind: FaultKind, retry_after: Option<u64>) -> Fault {
        Fault { retry_after: retry_after.map(Duration::from_secs), ..Fault::new(kind, "") }
    }

    #[test]
    fn pauses_grow_within_bounds_and_have_jitter() {
        for tried in 1..9 {
            let ceiling = (FIRST_PAUSE * (1 << (tried - 1))).min(LONGEST_PAUSE);
            for random in [0, 1, 12_345_678, u64::MAX] {
                let next = after_fault(&fault(FaultKind::ServerError, None), tried, 10, LONG, random);
                let Next::Again(pause) = next else { panic!("{next:?}") };
                assert!(pause >= ceiling / 2 && pause <= ceiling, "{tried} {pause:?}");
            }
        }
    }

    #[test]
    fn honours_retry_after_within_reason() {
        let next = |seconds| after_fault(&fault(FaultKind::RateLimited, Some(seconds)), 1, 3, LONG, 0);
        assert_eq!(next(5), Next::Again(Duration::from_secs(5)));
        assert_eq!(next(60), Next::Elsewhere);
    }

    #[test]
    fn what_cannot_help_is_not_done() {
        let next = |kind| after_fault(&fault(kind, None), 1, 3, LONG, 0);
        assert_eq!(next(FaultKind::InvalidRequest), Next::GiveUp);
        assert_eq!(next(FaultKind::Authentication), Next::Elsewhere);
        let last = after_fault(&fault(FaultKind::Timeout, None), 3, 3, LONG, 0);
        assert_eq!(last, Next::Elsewhere);
        let late = after_fault(&fault(FaultKind::Timeout, None), 1, 3, Duration::ZERO, 0);
        assert_eq!(late, Next::GiveUp);
    }
}
