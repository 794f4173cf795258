//! Random bytes that nobody can guess, from the operating system, a block at a time.
//!
//! A call needs a few dozen bytes in several places; asking the system each time costs more than the rest of making
//! an id. Bytes are handed out once and wiped.

use std::cell::RefCell;

/// Bytes asked for at a time.
const BLOCK: usize = 512;

struct Block {
    bytes: [u8; BLOCK],
    /// From here on nothing was handed out yet.
    used: usize,
}

thread_local! {
    static FRESH: RefCell<Block> = const { RefCell::new(Block { bytes: [0; BLOCK], used: BLOCK }) };
}

/// Fills `out`.
///
/// # Panics
/// When the operating system has no random bytes to give: without them nothing is safe to go on.
pub fn fill(out: &mut [u8]) {
    if out.len() > BLOCK {
        from_system(out);
        return;
    }
    FRESH.with_borrow_mut(|block| {
        if BLOCK - block.used < out.len() {
            from_system(&mut block.bytes);
            block.used = 0;
        }
        let taken = &mut block.bytes[block.used..block.used + out.len()];
        out.copy_from_slice(taken);
        taken.fill(0);
        block.used += out.len();
    });
}

fn from_system(out: &mut [u8]) {
    let provider = crate::connect::crypto();
    provider.secure_random.fill(out).expect("the operating system gives no random bytes");
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn bytes_are_never_the_same() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..200 {
            let mut bytes = [0; 24];
            fill(&mut bytes);
            assert!(seen.insert(bytes));
        }
        let mut large = vec![0; 2000];
        fill(&mut large);
        assert!(large.iter().any(|byte| *byte != 0));
    }
}
