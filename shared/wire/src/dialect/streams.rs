//! Streams that are there as a whole: all of one read or written at once.

use bytes::{Bytes, BytesMut};

use super::{StreamDecoder, StreamEncoder, StreamError};
use crate::chat::Delta;

/// Reads a stream from its beginning to its end: all deltas as far as it can be read, and how it ended.
pub fn read_stream(
    decoder: &mut dyn StreamDecoder,
    pieces: impl IntoIterator<Item = Bytes>,
) -> (Vec<Delta>, Result<(), StreamError>) {
    let mut deltas = Vec::new();
    let ending = read_into(&mut deltas, decoder, pieces);
    (deltas, ending)
}

fn read_into(
    deltas: &mut Vec<Delta>,
    decoder: &mut dyn StreamDecoder,
    pieces: impl IntoIterator<Item = Bytes>,
) -> Result<(), StreamError> {
    for piece in pieces {
        decoder.push(piece);
        while let Some(delta) = decoder.next()? {
            deltas.push(delta);
        }
    }
    decoder.end()?;
    // A last event may be read only now.
    while let Some(delta) = decoder.next()? {
        deltas.push(delta);
    }
    Ok(())
}

/// Writes a complete stream.
pub fn write_stream<'a>(
    encoder: &mut dyn StreamEncoder,
    deltas: impl IntoIterator<Item = &'a Delta>,
) -> Bytes {
    let mut out = BytesMut::new();
    for delta in deltas {
        encoder.delta(delta, &mut out);
    }
    encoder.end(&mut out);
    out.freeze()
}
