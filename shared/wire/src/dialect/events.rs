//! Streams of server-sent events, read: what the readers of all such formats do alike.
//!
//! A format says what one event means and when an answer is complete. Which events there are, what a last event
//! without its blank line is worth, and how a cut stream looks, is the same for all of them.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;

use super::{DecodeError, StreamDecoder, StreamError};
use crate::chat::Delta;
use crate::sse;

/// The data of one event.
///
/// # Errors
/// When it is not JSON.
pub(crate) fn parse(data: &[u8]) -> Result<Value, DecodeError> {
    serde_json::from_slice(data)
        .map_err(|error| DecodeError::at("", format!("an event of the stream is not valid JSON: {error}")))
}

/// A reader of one format's events.
pub(crate) trait EventReader: Send {
    /// The bytes that were pushed, as events.
    fn events(&mut self) -> &mut sse::Decoder;
    /// Deltas that were read and not yet taken.
    fn ready(&mut self) -> &mut VecDeque<Delta>;
    /// Reads one event into [`ready`](Self::ready).
    ///
    /// # Errors
    /// The provider's error, if the event is one; or what makes it no event of this format.
    fn read_event(&mut self, name: Option<&[u8]>, data: &[u8]) -> Result<(), StreamError>;
    /// Whether the mark at the end of a stream was read, behind which nothing counts.
    fn has_ended(&self) -> bool;
    /// Whether all that matters has come, if only the end mark is missing.
    fn is_complete(&self) -> bool {
        self.has_ended()
    }
}

impl<T: EventReader> StreamDecoder for T {
    fn push(&mut self, chunk: Bytes) {
        self.events().push(chunk);
    }

    fn next(&mut self) -> Result<Option<Delta>, StreamError> {
        loop {
            if let Some(delta) = self.ready().pop_front() {
                return Ok(Some(delta));
            }
            match self.events().next() {
                Ok(None) => return Ok(None),
                Ok(Some(event)) => {
                    if let Some(data) = event.data {
                        self.read_event(event.name.as_deref(), &data)?;
                    }
                }
                Err(error) => return Err(DecodeError::at("", error.to_string()).into()),
            }
        }
    }

    fn is_done(&self) -> bool {
        self.has_ended()
    }

    fn end(&mut self) -> Result<(), StreamError> {
        // A last event may lack its blank line; what it says can still be taken with `next`.
        if let Some(event) = self.events().end()
            && let Some(data) = event.data
        {
            let complete = self.is_complete();
            match self.read_event(event.name.as_deref(), &data) {
                // Half an event at the very end is how a cut looks.
                Err(StreamError::Decode(_)) if !complete => return Err(StreamError::cut()),
                Err(StreamError::Decode(_)) | Ok(()) => {}
                Err(fault) => return Err(fault),
            }
        }
        if self.is_complete() { Ok(()) } else { Err(StreamError::cut()) }
    }
}
