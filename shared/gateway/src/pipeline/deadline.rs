//! The end of the time that a platform gives a call.

use http::Extensions;

use crate::time::Timestamp;

/// When the platform ends the process, less what the entry point needs to settle the call. An entry point that knows
/// puts it into the extensions of the request; the call then ends by itself before, with a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(pub Timestamp);

impl Deadline {
    /// The earlier of `time` and the deadline, if there is one.
    pub(super) fn earlier(extensions: &Extensions, time: Timestamp) -> Timestamp {
        extensions.get::<Self>().map_or(time, |deadline| deadline.0.min(time))
    }
}
