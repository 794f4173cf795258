//! What the fuzz targets share.

use bytes::Bytes;
use postern_wire::chat::Delta;
use postern_wire::dialect::{StreamDecoder, StreamEncoder, StreamError, read_stream, write_stream};

/// Cuts an input into pieces of 1 to 16 bytes, the same ones each time: sizes follow from the input itself, so that a
/// seed is just a stream and a finding repeats.
pub fn cuts(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = data.iter().fold(0x9e37_79b9_u32, |state, byte| state.rotate_left(5) ^ u32::from(*byte));
    let mut rest = data;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = (state >> 28) as usize + 1;
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Reads an input as a stream of an upstream, whole and cut: the cuts must make no difference.
pub fn read_however_cut<D: StreamDecoder>(
    data: &[u8],
    decoder: impl Fn() -> D,
) -> (Vec<Delta>, Result<(), StreamError>) {
    let (whole, ending) = read_stream(&mut decoder(), [Bytes::copy_from_slice(data)]);
    let (cut, cut_ending) = read_stream(&mut decoder(), cuts(data).map(Bytes::copy_from_slice));
    assert_eq!(whole, cut, "a cut changed what was read");
    assert_eq!(ending.is_ok(), cut_ending.is_ok(), "a cut changed how it ended");
    (whole, ending)
}

/// Writes what was read, and reads that again.
pub fn write_and_read(deltas: &[Delta], encoder: &mut dyn StreamEncoder, decoder: &mut dyn StreamDecoder) {
    let (_, ending) = read_stream(decoder, [write_stream(encoder, deltas)]);
    assert!(ending.is_ok(), "what was written cannot be read: {ending:?}");
}
