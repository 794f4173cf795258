//! What a stream consists of: events (`alt=sse`), or the elements of one JSON array.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::dialect::DecodeError;
use crate::sse;

/// Largest piece of a stream, in bytes. The largest known hold a generated image.
const MAX_PIECE: usize = 32 * 1024 * 1024;

/// Finds the JSON objects of a stream, whichever form it has.
pub(super) struct Frames {
    form: Form,
}

enum Form {
    /// Nothing but white space has come.
    Unknown(BytesMut),
    Events(sse::Decoder),
    Array(Elements),
}

impl Frames {
    pub(super) fn new() -> Self {
        Self { form: Form::Unknown(BytesMut::new()) }
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        match &mut self.form {
            Form::Events(events) => events.push(chunk),
            Form::Array(elements) => elements.push(&chunk),
            Form::Unknown(held) => {
                held.extend_from_slice(&chunk);
                let first = held.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
                let Some(first) = first else { return };
                let held = held.split().freeze();
                // A bare object is an error that came in place of a stream.
                self.form = if matches!(first, b'[' | b'{') {
                    let mut elements = Elements::default();
                    elements.push(&held);
                    Form::Array(elements)
                } else {
                    let mut events = sse::Decoder::new(MAX_PIECE);
                    events.push(held);
                    Form::Events(events)
                };
            }
        }
    }

    /// The next whole object, `None` when more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, DecodeError> {
        match &mut self.form {
            Form::Unknown(_) => Ok(None),
            Form::Array(elements) => elements.next(),
            Form::Events(events) => loop {
                let event = events.next().map_err(|error| DecodeError::at("", error.to_string()))?;
                let Some(event) = event else { return Ok(None) };
                if let Some(data) = data_of(event) {
                    return Ok(Some(data));
                }
            },
        }
    }

    /// What is left at the end: a last event may lack its blank line.
    pub(super) fn end(&mut self) -> Option<Bytes> {
        match &mut self.form {
            Form::Events(events) => events.end().and_then(data_of),
            Form::Unknown(_) | Form::Array(_) => None,
        }
    }
}

/// The data of an event. Google writes an error in the middle of a stream as bare JSON, without `data:`.
fn data_of(event: sse::Event) -> Option<Bytes> {
    event.data.or_else(|| {
        let raw = event.raw.trim_ascii();
        matches!(raw.first(), Some(b'{' | b'[')).then(|| event.raw.clone())
    })
}

/// Finds the objects of a JSON array, which come cut anywhere.
#[derive(Default)]
struct Elements {
    held: BytesMut,
    /// How many bytes of `held` were looked at.
    seen: usize,
    /// Where the open object begins.
    start: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    ready: VecDeque<Bytes>,
    failed: Option<DecodeError>,
}

impl Elements {
    fn push(&mut self, chunk: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.held.extend_from_slice(chunk);
        while let Some(&byte) = self.held.get(self.seen) {
            self.seen += 1;
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'{' => {
                    if self.depth == 0 {
                        self.start = self.seen - 1;
                    }
                    self.depth += 1;
                }
                b'}' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        let mut element = self.held.split_to(self.seen).freeze();
                        self.ready.push_back(element.split_off(self.start));
                        (self.seen, self.start) = (0, 0);
                    }
                }
                b'"' if self.depth > 0 => self.in_string = true,
                b'[' | b']' | b',' => {}
                _ if self.depth > 0 || byte.is_ascii_whitespace() => {}
                _ => {
                    self.failed = Some(DecodeError::at("", "expected the objects of one JSON array"));
                    return;
                }
            }
        }
        if self.held.len() > MAX_PIECE {
            let reason = format!("an element of the stream is larger than {MAX_PIECE} bytes");
            self.failed = Some(DecodeError::at("", reason));
            self.held = BytesMut::new();
        }
    }

    fn next(&mut self) -> Result<Option<Bytes>, DecodeError> {
        match (self.ready.pop_front(), &self.failed) {
            (Some(element), _) => Ok(Some(element)),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Ok(None),
        }
    }
}
