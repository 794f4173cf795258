//! AWS event streams (`application/vnd.amazon.eventstream`), read as they come and written.
//!
//! A stream is a sequence of binary messages: a prelude (lengths, and a checksum of them), headers with typed values, a
//! payload and a checksum of it all. The [`Decoder`] takes bytes cut anywhere and gives whole messages whose checksums
//! hold. It knows nothing of what is inside a payload.
//!
//! AWS describes the encoding in "Event stream encoding" of its Amazon Transcribe developer guide and in the Smithy
//! specification. Its own crate for it brings AWS's type crates along, with date, number and two `http` versions: more
//! code in a wasm module than what is needed here.

#[cfg(test)]
mod tests;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Largest block of headers, in bytes: the limit of AWS's own clients.
const MAX_HEADERS: usize = 128 * 1024;
/// Two lengths and their checksum.
const PRELUDE: usize = 12;
/// The prelude, and the checksum behind the payload.
const FRAME: usize = PRELUDE + 4;

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The headers, in order.
    pub headers: Vec<Header>,
    /// The payload, not copied.
    pub payload: Bytes,
}

impl Message {
    /// The text of a header, `None` if it is missing or no text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name == name).and_then(|header| match &header.value {
            HeaderValue::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name; those of the protocol begin with a colon (`:event-type`).
    pub name: String,
    /// Its value.
    pub value: HeaderValue,
}

impl Header {
    /// A header of text.
    #[must_use]
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: HeaderValue::Text(value.into()) }
    }
}

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderValue {
    /// Types 0 (true) and 1 (false).
    Bool(bool),
    /// Type 2.
    Byte(i8),
    /// Type 3.
    Short(i16),
    /// Type 4.
    Integer(i32),
    /// Type 5.
    Long(i64),
    /// Type 6.
    Bytes(Bytes),
    /// Type 7.
    Text(String),
    /// Type 8: milliseconds since 1970.
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

/// Bytes that are no event stream. Nothing can be read after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message is larger than the decoder may hold.
    #[error("a message of the event stream is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The lengths of a message contradict each other.
    #[error("a message of the event stream has impossible lengths")]
    Lengths,
    /// The checksum of the lengths does not hold.
    #[error("the checksum of the event stream's prelude does not hold")]
    PreludeChecksum,
    /// The checksum of a message does not hold.
    #[error("the checksum of a message of the event stream does not hold")]
    MessageChecksum,
    /// A header cannot be read.
    #[error("a header of the event stream cannot be read")]
    Header,
}

/// Finds the messages of a stream.
#[derive(Debug)]
pub struct Decoder {
    max_message: usize,
    held: BytesMut,
    broken: Option<FrameError>,
}

impl Decoder {
    /// A decoder for messages of at most `max_message` bytes, frame included.
    #[must_use]
    pub fn new(max_message: usize) -> Self {
        Self { max_message, held: BytesMut::new(), broken: None }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.broken.is_none() {
            self.held.extend_from_slice(chunk);
        }
    }

    /// The next whole message, `None` when more bytes are needed. After an error it is the same error again.
    ///
    /// # Errors
    /// When the bytes are no event stream, or a message is too large.
    #[expect(clippy::should_implement_trait, reason = "an iterator is at its end after the first `None`")]
    pub fn next(&mut self) -> Result<Option<Message>, FrameError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        self.read().inspect_err(|error| {
            self.broken = Some(*error);
            self.held = BytesMut::new();
        })
    }

    /// Whether all bytes that came belong to whole messages.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn read(&mut self) -> Result<Option<Message>, FrameError> {
        let Some(mut prelude) = self.held.get(..PRELUDE) else { return Ok(None) };
        let checksum = crc32fast::hash(prelude.get(..8).unwrap_or_default());
        let (total, headers) = (prelude.get_u32() as usize, prelude.get_u32() as usize);
        // Lengths are believed only once their checksum holds.
        if prelude.get_u32() != checksum {
            return Err(FrameError::PreludeChecksum);
        }
        if total > self.max_message {
            return Err(FrameError::TooLarge { limit: self.max_message });
        }
        if headers > MAX_HEADERS || headers.saturating_add(FRAME) > total {
            return Err(FrameError::Lengths);
        }
        if self.held.len() < total {
            return Ok(None);
        }
        let mut frame = self.held.split_to(total).freeze();
        let mut end = frame.split_off(total - 4);
        if end.get_u32() != crc32fast::hash(&frame) {
            return Err(FrameError::MessageChecksum);
        }
        frame.advance(PRELUDE);
        let block = frame.split_to(headers);
        Ok(Some(Message { headers: read_headers(block).ok_or(FrameError::Header)?, payload: frame }))
    }
}

fn read_headers(mut block: Bytes) -> Option<Vec<Header>> {
    let mut headers = Vec::new();
    while block.has_remaining() {
        let length = usize::from(block.try_get_u8().ok()?);
        let name = take_text(&mut block, length)?;
        let value = match block.try_get_u8().ok()? {
            0 => HeaderValue::Bool(true),
            1 => HeaderValue::Bool(false),
            2 => HeaderValue::Byte(block.try_get_i8().ok()?),
            3 => HeaderValue::Short(block.try_get_i16().ok()?),
            4 => HeaderValue::Integer(block.try_get_i32().ok()?),
            5 => HeaderValue::Long(block.try_get_i64().ok()?),
            6 => {
                let length = usize::from(block.try_get_u16().ok()?);
                HeaderValue::Bytes(take(&mut block, length)?)
            }
            7 => {
                let length = usize::from(block.try_get_u16().ok()?);
                HeaderValue::Text(take_text(&mut block, length)?)
            }
            8 => HeaderValue::Timestamp(block.try_get_i64().ok()?),
            9 => HeaderValue::Uuid(take(&mut block, 16)?.as_ref().try_into().ok()?),
            _ => return None,
        };
        headers.push(Header { name, value });
    }
    Some(headers)
}

fn take(block: &mut Bytes, length: usize) -> Option<Bytes> {
    (block.remaining() >= length).then(|| block.split_to(length))
}

fn take_text(block: &mut Bytes, length: usize) -> Option<String> {
    String::from_utf8(take(block, length)?.to_vec()).ok()
}

/// A message that the encoding has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a header or the whole of a message is too long for an event stream")]
pub struct MessageTooLong;

/// Writes a message.
///
/// # Errors
/// When a name is longer than 255 bytes, a value longer than 65,535, all headers together larger than 128 KiB, or
/// the message larger than 4 GiB. Nothing is written then.
pub fn write_message(out: &mut BytesMut, headers: &[Header], payload: &[u8]) -> Result<(), MessageTooLong> {
    let mut block = BytesMut::new();
    for header in headers {
        write_header(&mut block, header)?;
    }
    let total = u32::try_from(block.len() + payload.len() + FRAME).map_err(|_| MessageTooLong)?;
    let length = u32::try_from(block.len()).map_err(|_| MessageTooLong)?;
    if block.len() > MAX_HEADERS {
        return Err(MessageTooLong);
    }
    let mut prelude = [0; 8];
    (&mut prelude[..]).put_u32(total);
    (&mut prelude[4..]).put_u32(length);
    let prelude_checksum = crc32fast::hash(&prelude);
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&prelude);
    checksum.update(&prelude_checksum.to_be_bytes());
    checksum.update(&block);
    checksum.update(payload);
    out.reserve(block.len() + payload.len() + FRAME);
    out.put_slice(&prelude);
    out.put_u32(prelude_checksum);
    out.put_slice(&block);
    out.put_slice(payload);
    out.put_u32(checksum.finalize());
    Ok(())
}

fn write_header(block: &mut BytesMut, header: &Header) -> Result<(), MessageTooLong> {
    block.put_u8(u8::try_from(header.name.len()).map_err(|_| MessageTooLong)?);
    block.put_slice(header.name.as_bytes());
    let mut sized = |kind: u8, bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).map_err(|_| MessageTooLong)?;
        block.put_u8(kind);
        block.put_u16(length);
        block.put_slice(bytes);
        Ok(())
    };
    match &header.value {
        HeaderValue::Bytes(bytes) => sized(6, bytes)?,
        HeaderValue::Text(text) => sized(7, text.as_bytes())?,
        HeaderValue::Bool(true) => block.put_u8(0),
        HeaderValue::Bool(false) => block.put_u8(1),
        HeaderValue::Byte(number) => {
            block.put_u8(2);
            block.put_i8(*number);
        }
        HeaderValue::Short(number) => {
            block.put_u8(3);
            block.put_i16(*number);
        }
        HeaderValue::Integer(number) => {
            block.put_u8(4);
            block.put_i32(*number);
        }
        HeaderValue::Long(number) => {
            block.put_u8(5);
            block.put_i64(*number);
        }
        HeaderValue::Timestamp(number) => {
            block.put_u8(8);
            block.put_i64(*number);
        }
        HeaderValue::Uuid(bytes) => {
            block.put_u8(9);
            block.put_slice(bytes);
        }
    }
    Ok(())
}
