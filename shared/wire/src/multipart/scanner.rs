//! The scanner itself: bytes in, as they come; pieces out.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

use super::head::field_name;
use super::{LONGEST_HEAD, LONGEST_VALUE, MultipartError};

/// A piece of a form. All pieces in their order, a field's value for the field, are the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes as they came.
    Bytes(Bytes),
    /// The value of one of the named fields, at its place.
    Value {
        /// The field.
        field: &'static str,
        /// Its value, which is UTF-8.
        value: Bytes,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Start,
    /// Behind a boundary.
    Behind,
    /// In the head of a part.
    Head,
    /// In the content of a part that nobody asks for.
    Content,
    /// In the content of a part that is told.
    Wanted(&'static str),
    /// Behind the last boundary, and behind so many bytes of the line's end that may follow it.
    End(usize),
    /// It is no form.
    Failed,
}

/// Reads a form while it comes in. Holds back only what may be a part of a boundary, a head, or a value that is told.
#[derive(Debug)]
pub struct Scanner {
    fields: &'static [&'static str],
    /// CR LF, two hyphens and the boundary.
    delimiter: Finder<'static>,
    state: State,
    buffer: BytesMut,
    /// How much of the buffer is read and not given back yet.
    read: usize,
    /// A value that comes behind what was given back last.
    value: Option<(&'static str, Bytes)>,
}

/// What a step found.
enum Step {
    /// It can go on.
    On,
    /// More bytes are needed.
    Wait,
    /// A value of so many bytes lies behind what is read.
    Value(&'static str, usize),
}

impl Scanner {
    /// Reads a form with this boundary, and tells the values of these fields.
    #[must_use]
    pub fn new(boundary: &str, fields: &'static [&'static str]) -> Self {
        Self {
            fields,
            delimiter: Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned(),
            state: State::Start,
            buffer: BytesMut::new(),
            read: 0,
            value: None,
        }
    }

    /// Adds what came in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next piece of what was pushed; `None` when more is needed.
    ///
    /// # Errors
    /// When it is no form, or not one that everybody reads alike. Nothing follows then.
    #[expect(clippy::should_implement_trait, reason = "an iterator would need a place for the error")]
    pub fn next(&mut self) -> Result<Option<Piece>, MultipartError> {
        if let Some((field, value)) = self.value.take() {
            return Ok(Some(Piece::Value { field, value }));
        }
        loop {
            let step = self.step().inspect_err(|_| self.state = State::Failed)?;
            match step {
                Step::On => {}
                Step::Wait => return Ok(self.flush().map(Piece::Bytes)),
                Step::Value(field, length) => {
                    let before = self.flush();
                    let value = self.buffer.split_to(length).freeze();
                    let Some(before) = before else { return Ok(Some(Piece::Value { field, value })) };
                    self.value = Some((field, value));
                    return Ok(Some(Piece::Bytes(before)));
                }
            }
        }
    }

    /// Says that nothing more comes. All pieces must have been taken.
    ///
    /// # Errors
    /// When the form is not complete.
    pub const fn end(&self) -> Result<(), MultipartError> {
        match self.state {
            State::End(_) => Ok(()),
            _ => Err(MultipartError::Incomplete),
        }
    }

    fn flush(&mut self) -> Option<Bytes> {
        let read = std::mem::take(&mut self.read);
        (read > 0).then(|| self.buffer.split_to(read).freeze())
    }

    fn step(&mut self) -> Result<Step, MultipartError> {
        let unread = self.buffer.get(self.read..).unwrap_or_default();
        let delimiter = self.delimiter.needle();
        match self.state {
            State::Start => {
                // The first boundary has no line before it.
                let first = delimiter.get(2..).unwrap_or_default();
                let there = unread.len().min(first.len());
                if unread.get(..there) != first.get(..there) {
                    return Err(MultipartError::Start);
                }
                if there < first.len() {
                    return Ok(Step::Wait);
                }
                self.go(first.len(), State::Behind);
            }
            State::Behind => match unread {
                [b'\r', b'\n', ..] => self.go(2, State::Head),
                [b'-', b'-', ..] => self.go(2, State::End(0)),
                [] | [b'\r' | b'-'] => return Ok(Step::Wait),
                _ => return Err(MultipartError::Delimiter),
            },
            State::Head => {
                let Some(end) = memchr::memmem::find(unread, b"\r\n\r\n") else {
                    if unread.len() > LONGEST_HEAD {
                        return Err(MultipartError::LongHead);
                    }
                    return Ok(Step::Wait);
                };
                if end > LONGEST_HEAD {
                    return Err(MultipartError::LongHead);
                }
                let name = field_name(unread.get(..end).unwrap_or_default())?;
                let wanted = self.fields.iter().find(|field| **field == name);
                self.go(end + 4, wanted.map_or(State::Content, |field| State::Wanted(field)));
            }
            State::Content => match self.delimiter.find(unread) {
                Some(at) => self.go(at + delimiter.len(), State::Behind),
                None => {
                    // What may be the first part of a delimiter waits.
                    let sure = unread.len().saturating_sub(delimiter.len() - 1);
                    self.read += sure;
                    return Ok(Step::Wait);
                }
            },
            State::Wanted(field) => {
                let Some(length) = self.delimiter.find(unread) else {
                    if unread.len() > LONGEST_VALUE + delimiter.len() {
                        return Err(MultipartError::LongValue(field));
                    }
                    return Ok(Step::Wait);
                };
                if length > LONGEST_VALUE {
                    return Err(MultipartError::LongValue(field));
                }
                let value = unread.get(..length).unwrap_or_default();
                std::str::from_utf8(value).map_err(|_| MultipartError::Text(field))?;
                // The delimiter comes next, where the content is looked through.
                self.state = State::Content;
                return Ok(Step::Value(field, length));
            }
            State::End(seen) => {
                if !b"\r\n".get(seen..).is_some_and(|line_end| line_end.starts_with(unread)) {
                    return Err(MultipartError::Trailing);
                }
                self.go(unread.len(), State::End(seen + unread.len()));
                return Ok(Step::Wait);
            }
            State::Failed => return Ok(Step::Wait),
        }
        Ok(Step::On)
    }

    const fn go(&mut self, by: usize, state: State) {
        self.read += by;
        self.state = state;
    }
}
