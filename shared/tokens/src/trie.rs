//! A vocabulary as a trie that is searched where it lies: nothing is parsed, hashed or allocated.
//!
//! `cargo xtask tokens` lays it out, depth first, so that the way down a word is mostly a way forward in memory. A node is
//!
//! - a head of one byte: bits 0 and 1 the kind, bit 2 whether a token ends here, bits 3 and 4 the highest bits of its
//!   rank, bits 5 to 7 a size,
//! - for ten or more children of a branch (size 7) their number, in one byte,
//! - the low 16 bits of the token's rank, if one ends here,
//! - what the kind says. A leaf: nothing. A chain: size + 1 bytes, then the only node below. A branch: size + 2
//!   children (or the number above), a byte for each, then for each but the first, in 16 bits, how far after these its
//!   node begins. A dense node: a bit for each of 256 bytes; for each 32 of them how many are set before, in a byte;
//!   then where each node begins as in a branch, in 24 bits.
//!
//! All numbers have their lowest byte first.

/// The longest token in bytes, of all vocabularies.
pub(crate) const LONGEST: usize = 128;

const KIND: u8 = 3;
const CHAIN: u8 = 1;
const BRANCH: u8 = 2;
const DENSE: u8 = 3;
const TOKEN: u8 = 1 << 2;

/// A laid out vocabulary.
#[derive(Clone, Copy)]
pub(crate) struct Trie(pub(crate) &'static [u8]);

/// Where a node begins in the table.
pub(crate) type Node = u32;

/// Where everything begins.
pub(crate) const ROOT: Node = 0;

/// What a way down ends at.
pub(crate) enum End {
    /// A node.
    Node(Node),
    /// Between two nodes: tokens go on from here, none ends here.
    Between,
    /// No token begins so.
    Nowhere,
}

impl Trie {
    /// The node that `bytes` lead to from `node`, if tokens may end there.
    #[inline]
    pub(crate) fn walk(self, node: Node, bytes: &[u8]) -> Option<Node> {
        match self.way(node, bytes) {
            End::Node(node) => Some(node),
            End::Between | End::Nowhere => None,
        }
    }

    /// Where `bytes` lead from `node`.
    #[inline]
    pub(crate) fn way(self, node: Node, mut bytes: &[u8]) -> End {
        let mut at = node as usize;
        while let Some((&byte, rest)) = bytes.split_first() {
            let head = self.byte(at);
            let body = at + 1 + usize::from(head & TOKEN) / 2;
            match head & KIND {
                CHAIN => {
                    let size = usize::from(head >> 5) + 1;
                    let labels = self.0.get(body..body + size).unwrap_or_default();
                    if labels.iter().zip(bytes).any(|(label, byte)| label != byte) {
                        return End::Nowhere;
                    }
                    let Some(rest) = bytes.get(size..) else { return End::Between };
                    (at, bytes) = (body + size, rest);
                }
                BRANCH => {
                    let Some(next) = self.branch(head, body, byte) else { return End::Nowhere };
                    (at, bytes) = (next, rest);
                }
                DENSE => {
                    let Some(next) = self.dense(body, byte) else { return End::Nowhere };
                    (at, bytes) = (next, rest);
                }
                _ => return End::Nowhere,
            }
        }
        End::Node(at as Node)
    }

    /// The rank of the token that ends at `node`.
    #[inline]
    pub(crate) fn token(self, node: Node) -> Option<u32> {
        let at = node as usize;
        let head = self.byte(at);
        (head & TOKEN != 0).then(|| u32::from(head & 0x18) << 13 | u32::from(self.short(at + 1)))
    }

    /// The rank of the token of these bytes.
    #[inline]
    pub(crate) fn find(self, bytes: &[u8]) -> Option<u32> {
        self.token(self.walk(ROOT, bytes)?)
    }

    /// Whether tokens begin with these bytes and have more.
    pub(crate) fn goes_on(self, bytes: &[u8]) -> bool {
        match self.way(ROOT, bytes) {
            End::Node(node) => self.byte(node as usize) & KIND != 0,
            End::Between => true,
            End::Nowhere => false,
        }
    }

    #[inline]
    fn branch(self, head: u8, body: usize, byte: u8) -> Option<usize> {
        let (mut count, mut labels) = (usize::from(head >> 5) + 2, body);
        if head >> 5 == 7 {
            // The number stands after the rank.
            count = usize::from(self.byte(body));
            labels += 1;
        }
        let mut index = self.search(labels, byte);
        if index == 8 && count > 8 {
            index += self.search(labels + 8, byte);
        }
        if index >= count {
            return None;
        }
        let after = labels + count + (count - 1) * 2;
        let offset = if index == 0 { 0 } else { self.short(labels + count + (index - 1) * 2) };
        Some(after + usize::from(offset))
    }

    /// Which of the eight bytes at `at` is the first like `byte`; 8 if none is.
    #[inline]
    fn search(self, at: usize, byte: u8) -> usize {
        const ONES: u64 = 0x0101_0101_0101_0101;
        let eight =
            self.0.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes);
        let differing = eight ^ (ONES * u64::from(byte));
        // The lowest bit that is set belongs to the first byte that is zero.
        let zero = differing.wrapping_sub(ONES) & !differing & (ONES << 7);
        zero.trailing_zeros() as usize / 8
    }

    #[inline]
    fn dense(self, body: usize, byte: u8) -> Option<usize> {
        let word = usize::from(byte >> 5);
        let bits = self.long(body + word * 4);
        let bit = 1u32 << (byte & 31);
        if bits & bit == 0 {
            return None;
        }
        let last = self.long(body + 28).count_ones() as usize + usize::from(self.byte(body + 39));
        let index = usize::from(self.byte(body + 32 + word)) + (bits & (bit - 1)).count_ones() as usize;
        let offset = self.long(body + 40 + index * 3) & 0xff_ffff;
        Some(body + 40 + last * 3 + offset as usize)
    }

    #[inline]
    fn byte(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }

    #[inline]
    fn short(self, at: usize) -> u16 {
        self.0.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
    }

    #[inline]
    fn long(self, at: usize) -> u32 {
        self.0.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
    }
}
