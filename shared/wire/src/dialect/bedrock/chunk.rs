//! Streams of `InvokeModelWithResponseStream`: an event stream of chunks, each with an event of the model's own format
//! in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::stream::{Kind, MAX_MESSAGE, kind, unreadable};
use crate::dialect::{DecodeError, StreamError};
use crate::event_stream::Decoder;

/// Takes the events out of their chunks. The reader of the model's own format reads them.
#[derive(Debug)]
pub struct ChunkDecoder {
    frames: Decoder,
}

impl Default for ChunkDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkDecoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self { frames: Decoder::new(MAX_MESSAGE) }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        self.frames.push(chunk);
    }

    /// The next event, in the model's own format; `None` when more bytes are needed.
    ///
    /// # Errors
    /// When the provider reports an error, or the bytes are not what the format says.
    #[expect(clippy::should_implement_trait, reason = "an iterator is at its end after the first `None`")]
    pub fn next(&mut self) -> Result<Option<Bytes>, StreamError> {
        while let Some(message) = self.frames.next().map_err(unreadable)? {
            match kind(&message)? {
                Kind::Event("chunk") => {
                    let bytes = serde_json::from_slice::<Value>(&message.payload).ok();
                    let bytes = bytes.as_ref().and_then(|value| value.get("bytes")?.as_str());
                    let event = bytes.and_then(|text| STANDARD.decode(text).ok());
                    let event = event.ok_or_else(|| {
                        DecodeError::at("chunk.bytes", "a chunk of the stream does not hold base64")
                    })?;
                    return Ok(Some(event.into()));
                }
                Kind::Event(_) => {}
            }
        }
        Ok(None)
    }

    /// The upstream has ended.
    ///
    /// # Errors
    /// When it ended inside a chunk. Whether the answer is complete only its own format can tell.
    pub fn end(&self) -> Result<(), StreamError> {
        if self.frames.is_empty() { Ok(()) } else { Err(StreamError::cut()) }
    }
}
