//! Byte-pair encoding of one piece: of all neighbours that make a token together, those with the lowest rank merge
//! first, the leftmost first among equals, until none are left.
//!
//! A piece of up to [`SHORT`] bytes looks for its lowest rank in an array; a longer one keeps a heap, which makes it
//! n log n.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use crate::trie::{Node, ROOT, Trie};

/// The longest piece in bytes that needs no heap. Positions of it fit the low byte of a key.
const SHORT: usize = 128;
/// Of neighbours that make no token.
const NEVER: u32 = u32::MAX;

/// Takes tokens: the rank and the size in bytes of each. May stop the encoding.
pub(crate) trait Sink {
    /// A token.
    fn token(&mut self, rank: u32, size: usize) -> ControlFlow<()>;
}

impl<F: FnMut(u32, usize) -> ControlFlow<()>> Sink for F {
    #[inline]
    fn token(&mut self, rank: u32, size: usize) -> ControlFlow<()> {
        self(rank, size)
    }
}

/// A part of the piece. It begins where its index says.
#[derive(Clone, Copy, Default)]
struct Part {
    /// Where it ends, and the next begins.
    end: u32,
    /// Where the part before begins.
    before: u32,
    /// Its node.
    node: Node,
    /// The node of it together with the next.
    pair: Node,
}

/// Encodes pieces; keeps its memory from one to the next.
pub(crate) struct Merger {
    trie: Trie,
    /// Rank and position, for each position where a part begins, of it together with the next.
    keys: [u32; SHORT],
    parts: [Part; SHORT],
}

impl Merger {
    pub(crate) fn new(trie: Trie) -> Self {
        Self { trie, keys: [NEVER; SHORT], parts: [Part::default(); SHORT] }
    }

    /// Gives the tokens of a piece to `sink`.
    #[inline]
    pub(crate) fn encode(&mut self, piece: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
        match self.trie.find(piece) {
            Some(rank) => sink.token(rank, piece.len()),
            None if piece.len() <= SHORT => self.short(piece, sink),
            None => self.long(piece, sink),
        }
    }

    fn short(&mut self, piece: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
        let trie = self.trie;
        let count = piece.len().min(SHORT);
        let (Some(keys), Some(parts)) = (self.keys.get_mut(..count), self.parts.get_mut(..count)) else {
            return ControlFlow::Continue(());
        };
        start(trie, piece, parts, |at, rank| {
            if let Some(key) = keys.get_mut(at) {
                *key = key_of(rank, at);
            }
        });
        while let Some(least) = keys.iter().copied().min().filter(|least| *least != NEVER) {
            join(trie, piece, parts, (least & 0xff) as usize, |at, rank| {
                if let Some(key) = keys.get_mut(at) {
                    *key = key_of(rank, at);
                }
            });
        }
        finish(trie, parts, sink)
    }

    #[cold]
    fn long(&mut self, piece: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
        let trie = self.trie;
        let mut parts = vec![Part::default(); piece.len()];
        let mut ranks = vec![NEVER; piece.len()];
        let mut least = Vec::with_capacity(piece.len());
        start(trie, piece, &mut parts, |at, rank| {
            if let Some(known) = ranks.get_mut(at) {
                *known = rank;
            }
            if rank != NEVER {
                least.push(Reverse((rank, at)));
            }
        });
        let mut least = BinaryHeap::from(least);
        while let Some(Reverse((rank, at))) = least.pop() {
            // What has merged since is passed over.
            if ranks.get(at) == Some(&rank) {
                join(trie, piece, &mut parts, at, |at, rank| {
                    if let Some(known) = ranks.get_mut(at) {
                        *known = rank;
                    }
                    if rank != NEVER {
                        least.push(Reverse((rank, at)));
                    }
                });
            }
        }
        finish(trie, &parts, sink)
    }
}

fn key_of(rank: u32, at: usize) -> u32 {
    if rank == NEVER { NEVER } else { rank << 8 | at as u32 }
}

/// Makes each byte a part. `ranked` learns the rank of each with the next.
fn start(trie: Trie, piece: &[u8], parts: &mut [Part], mut ranked: impl FnMut(usize, u32)) {
    for (at, part) in parts.iter_mut().enumerate() {
        let node = trie.walk(ROOT, piece.get(at..=at).unwrap_or_default()).unwrap_or(ROOT);
        *part = Part { end: at as u32 + 1, before: at.saturating_sub(1) as u32, node, pair: ROOT };
        ranked(at, pair(trie, part, piece.get(at + 1..at + 2)));
    }
}

/// Merges the part at `at` with the next. `ranked` learns the ranks that are different now.
fn join(
    trie: Trie,
    piece: &[u8],
    parts: &mut [Part],
    at: usize,
    mut ranked: impl FnMut(usize, u32),
) -> Option<()> {
    let left = parts.get(at).copied()?;
    let middle = left.end as usize;
    let end = parts.get(middle)?.end;
    ranked(middle, NEVER);
    let after = parts.get_mut(end as usize).map(|next| {
        next.before = at as u32;
        end as usize..next.end as usize
    });
    let mut joined = Part { end, node: left.pair, ..left };
    ranked(at, pair(trie, &mut joined, after.and_then(|after| piece.get(after))));
    *parts.get_mut(at)? = joined;
    if at > 0 {
        let before = parts.get_mut(left.before as usize)?;
        ranked(left.before as usize, pair(trie, before, piece.get(at..end as usize)));
    }
    Some(())
}

/// The rank of a part together with the next, whose bytes these are.
#[inline]
fn pair(trie: Trie, part: &mut Part, next: Option<&[u8]>) -> u32 {
    let Some(node) = next.and_then(|next| trie.walk(part.node, next)) else { return NEVER };
    part.pair = node;
    trie.token(node).unwrap_or(NEVER)
}

/// Gives the parts to `sink`.
fn finish(trie: Trie, parts: &[Part], sink: &mut impl Sink) -> ControlFlow<()> {
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        let end = part.end as usize;
        // Every part is a token: each byte is, and so is what merges.
        sink.token(trie.token(part.node).unwrap_or_default(), end - at)?;
        at = end;
    }
    ControlFlow::Continue(())
}
