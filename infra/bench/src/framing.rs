//! As much of HTTP/1.1's framing as a load generator and its upstream need, at next to no cost. Both talk to well-formed
//! peers on this machine only; nothing here is fit for the open network.

use memchr::{memchr, memchr_iter, memmem};

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// So many bytes.
    Exact(u64),
    /// Chunks, the last one empty.
    Chunked,
}

/// The head of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    /// The first line: `POST /path HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub(crate) line: &'a str,
    /// Bytes of the head, the blank line included.
    pub(crate) size: usize,
    /// How long the body is; empty when the head does not say.
    pub(crate) length: Length,
}

impl<'a> Head<'a> {
    /// The head at the start of `buffer`, once it is there as a whole.
    pub(crate) fn parse(buffer: &'a [u8]) -> Option<Self> {
        let end = memmem::find(buffer, b"\r\n\r\n")?;
        let text = std::str::from_utf8(buffer.get(..end)?).ok()?;
        let mut lines = text.split("\r\n");
        let line = lines.next()?;
        let mut length = Length::Exact(0);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = Length::Exact(value.trim().parse().ok()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                length = Length::Chunked;
            }
        }
        Some(Self { line, size: end + 4, length })
    }

    /// The second word of the first line: a request's path, an answer's status.
    pub(crate) fn second_word(&self) -> &'a str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

/// A body being read: knows when it is over and what was in it.
#[derive(Debug)]
pub(crate) struct Body {
    state: State,
    /// Bytes of content so far.
    pub(crate) bytes: u64,
    /// Server-sent events so far: blank lines after a line.
    pub(crate) events: u64,
    last: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes are left of a body of known length.
    Exact(u64),
    /// In the line that gives a chunk's size, so far.
    Size(u64),
    /// So many bytes are left of a chunk.
    Chunk(u64),
    /// In the line end after a chunk.
    ChunkEnd,
    /// In the line end after the last chunk.
    LastEnd,
    Done,
}

impl Body {
    pub(crate) const fn new(length: Length) -> Self {
        let state = match length {
            Length::Exact(0) => State::Done,
            Length::Exact(left) => State::Exact(left),
            Length::Chunked => State::Size(0),
        };
        Self { state, bytes: 0, events: 0, last: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes the next bytes; what is behind the body's end is not looked at.
    pub(crate) fn push(&mut self, mut input: &[u8]) {
        while let Some((&byte, rest)) = input.split_first() {
            match self.state {
                State::Done => return,
                State::Exact(left) => {
                    let (content, rest) =
                        input.split_at(input.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
                    self.content(content);
                    let left = left - content.len() as u64;
                    self.state = if left == 0 { State::Done } else { State::Exact(left) };
                    input = rest;
                }
                State::Chunk(left) => {
                    let (content, rest) =
                        input.split_at(input.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
                    self.content(content);
                    let left = left - content.len() as u64;
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    input = rest;
                }
                State::Size(size) => {
                    self.state = match (byte, char::from(byte).to_digit(16)) {
                        (b'\n', _) if size == 0 => State::LastEnd,
                        (b'\n', _) => State::Chunk(size),
                        (_, Some(digit)) => State::Size(size * 16 + u64::from(digit)),
                        (_, None) => State::Size(size),
                    };
                    input = rest;
                }
                State::ChunkEnd | State::LastEnd => {
                    let Some(at) = memchr(b'\n', input) else { return };
                    self.state = if self.state == State::LastEnd { State::Done } else { State::Size(0) };
                    input = input.get(at + 1..).unwrap_or_default();
                }
            }
        }
    }

    fn content(&mut self, content: &[u8]) {
        for at in memchr_iter(b'\n', content) {
            let before = if at == 0 { self.last } else { content.get(at - 1).copied().unwrap_or_default() };
            self.events += u64::from(before == b'\n');
        }
        self.last = content.last().copied().unwrap_or(self.last);
        self.bytes += content.len() as u64;
    }
}

/// Puts a chunk's frame around `content`.
pub(crate) fn chunk(content: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", content.len()).into_bytes();
    chunk.extend_from_slice(content);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_heads() {
        let request = b"POST /a/b HTTP/1.1\r\nhost: x\r\nContent-Length: 12\r\n\r\nbody";
        let head = Head::parse(request).unwrap();
        assert_eq!(
            (head.second_word(), head.length, head.size),
            ("/a/b", Length::Exact(12), request.len() - 4)
        );
        let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let head = Head::parse(answer).unwrap();
        assert_eq!((head.second_word(), head.length), ("200", Length::Chunked));
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\nx: y\r\n"), None);
    }

    #[test]
    fn reads_chunks_cut_anywhere() {
        let mut wire = chunk(b"data: a\n\n");
        wire.extend(chunk(b"data: b\n\ndata: c\n"));
        wire.extend(chunk(b"\n"));
        wire.extend(b"0\r\n\r\n");
        for cut in 0..wire.len() {
            let mut body = Body::new(Length::Chunked);
            let (one, two) = wire.split_at(cut);
            body.push(one);
            assert!(!body.is_done());
            body.push(two);
            assert!(body.is_done(), "{cut}");
            assert_eq!((body.bytes, body.events), (27, 3), "{cut}");
        }
    }

    #[test]
    fn reads_bodies_of_known_length() {
        let mut body = Body::new(Length::Exact(5));
        body.push(b"abc");
        assert!(!body.is_done());
        body.push(b"deHTTP/1.1");
        assert!(body.is_done());
        assert_eq!(body.bytes, 5);
        assert!(Body::new(Length::Exact(0)).is_done());
    }
}
