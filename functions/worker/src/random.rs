//! Randomness of the platform, fetched in blocks: asking for it costs more than having it.

use std::cell::RefCell;

use crate::edge;

/// Bytes fetched at once.
const BLOCK: usize = 1024;

struct Pool {
    bytes: [u8; BLOCK],
    /// Bytes at the end that were not given out.
    left: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; BLOCK], left: 0 }) };
}

/// Fills `out` with bytes that nobody can guess and that were not given out before.
pub(crate) fn fill(out: &mut [u8]) {
    POOL.with_borrow_mut(|pool| {
        for piece in out.chunks_mut(BLOCK) {
            pool.fill(piece);
        }
    });
}

impl Pool {
    fn fill(&mut self, piece: &mut [u8]) {
        if self.left < piece.len() {
            // It fails outside of a request only, and nothing runs there.
            if let Err(error) = edge::random_bytes(&mut self.bytes) {
                wasm_bindgen::throw_val(error);
            }
            self.left = BLOCK;
        }
        let start = BLOCK - self.left;
        self.left -= piece.len();
        for (to, from) in piece.iter_mut().zip(self.bytes.iter_mut().skip(start)) {
            *to = std::mem::take(from);
        }
    }
}
