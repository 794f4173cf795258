//! Server-sent events, read as they come and written.
//!
//! The [`Decoder`] takes bytes cut anywhere and gives whole events, each with the exact bytes it came in, so that a
//! stream can be passed on unchanged while it is read. It holds at most one unfinished event, whose size is bounded.
//! It knows nothing of what is inside an event.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// One event of a stream: everything up to and with a blank line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The bytes as they came, the blank line included. Not copied when they came in one piece. All of these together
    /// are the stream.
    pub raw: Bytes,
    /// The value of the last `event` field that is not empty.
    pub name: Option<Bytes>,
    /// The values of all `data` fields, joined by line feeds; not copied when there is one. `None` for comments, a
    /// bare blank line and the like.
    pub data: Option<Bytes>,
    /// Whether the blank line was there.
    pub terminated: bool,
}

/// An event is larger than the decoder may hold. Nothing can be read after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {limit} bytes")]
pub struct EventTooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}

/// Finds the events of a stream.
#[derive(Debug)]
pub struct Decoder {
    max_event: usize,
    /// What has not been looked at.
    chunks: VecDeque<Bytes>,
    /// The beginning of the present event, from chunks that are used up.
    held: BytesMut,
    /// Whether the line at hand has a byte in it yet.
    in_line: bool,
    /// The last byte looked at was a carriage return: a line feed now is a part of the same line end.
    after_return: bool,
    /// Whether an event was given yet: only the very first may begin with a byte order mark.
    begun: bool,
    too_large: bool,
}

impl Decoder {
    /// A decoder for events of at most `max_event` bytes, as they came.
    #[must_use]
    pub fn new(max_event: usize) -> Self {
        Self {
            max_event,
            chunks: VecDeque::new(),
            held: BytesMut::new(),
            in_line: false,
            after_return: false,
            begun: false,
            too_large: false,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// The next whole event, `None` when more bytes are needed. After an error it is the same error again.
    #[expect(clippy::should_implement_trait, reason = "an iterator is at its end after the first `None`")]
    pub fn next(&mut self) -> Result<Option<Event>, EventTooLarge> {
        let too_large = EventTooLarge { limit: self.max_event };
        if self.too_large {
            return Err(too_large);
        }
        while let Some(mut chunk) = self.chunks.pop_front() {
            let end = self.event_end(&chunk);
            if self.held.len() + end.unwrap_or(chunk.len()) > self.max_event {
                self.too_large = true;
                self.held = BytesMut::new();
                self.chunks.clear();
                return Err(too_large);
            }
            let Some(end) = end else {
                self.held.extend_from_slice(&chunk);
                continue;
            };
            let last = chunk.split_to(end);
            if !chunk.is_empty() {
                self.chunks.push_front(chunk);
            }
            let raw = if self.held.is_empty() {
                last
            } else {
                self.held.extend_from_slice(&last);
                self.held.split().freeze()
            };
            return Ok(Some(self.event(raw, true)));
        }
        Ok(None)
    }

    /// The stream is over: what came after the last whole event, if anything. Call it once [`next`](Self::next) has
    /// given `None`. By the standard such an event is dropped; some servers leave out the last blank line.
    pub fn end(&mut self) -> Option<Event> {
        for chunk in std::mem::take(&mut self.chunks) {
            self.held.extend_from_slice(&chunk);
        }
        let raw = self.held.split().freeze();
        (!raw.is_empty()).then(|| self.event(raw, false))
    }

    /// Where the present event ends in `chunk`, behind its blank line. Every byte is looked at once, however the
    /// stream is cut.
    fn event_end(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        if std::mem::take(&mut self.after_return) && chunk.first() == Some(&b'\n') {
            at = 1;
        }
        loop {
            let rest = chunk.get(at..).unwrap_or_default();
            let Some(length) = memchr2(b'\n', b'\r', rest) else {
                self.in_line |= !rest.is_empty();
                return None;
            };
            let blank = !self.in_line && length == 0;
            self.in_line = false;
            let line_end = at + length;
            at = line_end + 1;
            if chunk.get(line_end) == Some(&b'\r') {
                match chunk.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    // The line feed, if there is one, comes later: it is not waited for, so that a stream whose line
                    // ends are bare carriage returns is not held back by an event. It then opens the next `raw`.
                    None => self.after_return = true,
                }
            }
            if blank {
                return Some(at);
            }
        }
    }

    fn event(&mut self, raw: Bytes, terminated: bool) -> Event {
        let mark = if self.begun { 0 } else { mark_len(&raw) };
        self.begun = true;
        let mut name = None;
        let mut first: Option<Range<usize>> = None;
        let mut joined: Option<BytesMut> = None;
        let mut at = mark;
        while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or_default();
            let (field, value) = field(line);
            let span = at + value..at + length;
            match field {
                b"data" => match (&first, &mut joined) {
                    (None, _) => first = Some(span),
                    (Some(first), None) => {
                        let mut lines = BytesMut::with_capacity(raw.len());
                        lines.extend_from_slice(raw.get(first.clone()).unwrap_or_default());
                        push_line(&mut lines, raw.get(span));
                        joined = Some(lines);
                    }
                    (Some(_), Some(lines)) => push_line(lines, raw.get(span)),
                },
                b"event" if !span.is_empty() => name = Some(raw.slice(span)),
                _ => {}
            }
            // The line feed of a pair is a blank line here, which says nothing.
            at += length + 1;
        }
        let data = joined.map(BytesMut::freeze).or_else(|| first.map(|span| raw.slice(span)));
        Event { raw, name, data, terminated }
    }
}

fn push_line(lines: &mut BytesMut, line: Option<&[u8]>) {
    lines.extend_from_slice(b"\n");
    lines.extend_from_slice(line.unwrap_or_default());
}

fn mark_len(raw: &[u8]) -> usize {
    if raw.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}

/// The name of a line's field, and where its value starts. The name of a comment is empty.
fn field(line: &[u8]) -> (&[u8], usize) {
    let Some(colon) = memchr(b':', line) else { return (line, line.len()) };
    let value = if line.get(colon + 1) == Some(&b' ') { colon + 2 } else { colon + 1 };
    (line.get(..colon).unwrap_or_default(), value)
}

/// Writes an event: its name if it has one, its data line by line, and the blank line. `name` must be one line.
pub fn write_event(out: &mut BytesMut, name: Option<&str>, data: &[u8]) {
    out.reserve(data.len() + 16);
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\n");
    }
    let mut rest = data;
    loop {
        let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(rest.get(..length).unwrap_or_default());
        out.extend_from_slice(b"\n");
        let line_end = match rest.get(length..) {
            None | Some([]) => break,
            Some([b'\r', b'\n', ..]) => 2,
            Some(_) => 1,
        };
        rest = rest.get(length + line_end..).unwrap_or_default();
    }
    out.extend_from_slice(b"\n");
}
