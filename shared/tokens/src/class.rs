//! What the split patterns tell apart in characters, from a table that lies as it is used.
//!
//! The classes are Unicode's general categories, at the version that tiktoken-rs's regular expressions know. The table
//! (`cargo xtask tokens`) has the number of a block for each 128 characters below 0x40000, then the blocks, with a byte
//! a character.

/// Capital and title letters: `\p{Lu}`, `\p{Lt}`.
pub(crate) const UPPER: u8 = 1;
/// Small letters: `\p{Ll}`.
pub(crate) const LOWER: u8 = 1 << 1;
/// Letters without case: `\p{Lm}`, `\p{Lo}`.
pub(crate) const CASELESS: u8 = 1 << 2;
/// Combining marks: `\p{M}`.
pub(crate) const MARK: u8 = 1 << 3;
/// Digits and other numbers: `\p{N}`.
pub(crate) const NUMBER: u8 = 1 << 4;
/// White space but for line ends: `[\s--\r\n]`.
pub(crate) const SPACE: u8 = 1 << 5;
/// `\r` and `\n`.
pub(crate) const NEWLINE: u8 = 1 << 6;
/// Everything else.
pub(crate) const OTHER: u8 = 1 << 7;

const TABLE: &[u8] = include_bytes!("tables/classes.bin");
const END: usize = 0x40000;
const BLOCK: usize = 128;

/// The class of an ASCII character.
#[inline]
pub(crate) fn of_ascii(byte: u8) -> u8 {
    // The first block is number 0.
    TABLE.get(END / BLOCK + usize::from(byte)).copied().unwrap_or(OTHER)
}

/// The class of any character.
#[inline]
pub(crate) fn of(character: u32) -> u8 {
    let character = character as usize;
    if character >= END {
        return if (0xE0100..=0xE01EF).contains(&character) { MARK } else { OTHER };
    }
    let number = TABLE.get(character / BLOCK).copied().unwrap_or_default();
    TABLE.get(END / BLOCK + usize::from(number) * BLOCK + character % BLOCK).copied().unwrap_or(OTHER)
}
