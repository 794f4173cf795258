//! What the fuzz targets share.

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
