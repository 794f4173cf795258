//! Byte-pair encoding of one piece: of all neighbours that make a token together, those with the lowest rank merge
//! first, the leftmost first among equals, until none are left.
//!
//! A piece of up to [`SHORT`] bytes looks for its lowest rank in an array; a longer one keeps a heap, which makes it
//! n log n. Of one that is longer still, the beginning is settled before the rest is looked at ([`Merger::settle`]), so
//! that memory stays small and who counts up to a limit can stop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use crate::trie::{LONGEST, Node, ROOT, Trie};

/// The longest piece in bytes that needs no heap. Positions of it fit the low byte of a key.
const SHORT: usize = 128;
/// How much of a longer piece is merged at once, in bytes.
pub(crate) const WINDOW: usize = 1 << 14;
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
    keys: [i32; SHORT],
    parts: [Part; SHORT],
}

impl Merger {
    pub(crate) fn new(trie: Trie) -> Self {
        Self { trie, keys: [i32::MAX; SHORT], parts: [Part::default(); SHORT] }
    }

    /// Gives the tokens of a piece to `sink`.
    #[inline]
    pub(crate) fn encode(&mut self, piece: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
        match self.trie.find(piece) {
            Some(rank) => sink.token(rank, piece.len()),
            None if piece.is_ascii() => self.merge(piece, sink),
            None => self.cut(piece, sink),
        }
    }

    /// Cuts a piece where no token of the vocabulary reaches across: what stands on both sides merges apart. In most
    /// scripts other than Latin nearly all that remains are single tokens.
    fn cut(&mut self, piece: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
        let (mut start, mut reach, mut whole) = (0, 0, (ROOT, 0));
        for at in 0..piece.len() {
            let (node, size) = self.trie.longest(piece.get(at..).unwrap_or_default());
            if at == start {
                whole = (node, size);
            }
            reach = reach.max(at + size);
            if reach == at + 1 {
                if whole.1 == reach - start {
                    sink.token(self.trie.token(whole.0).unwrap_or_default(), whole.1)?;
                } else {
                    self.merge(piece.get(start..reach).unwrap_or_default(), sink)?;
                }
                start = reach;
            }
        }
        ControlFlow::Continue(())
    }

    /// Merges a piece, whether it is a token or not.
    fn merge(&mut self, piece: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
        if piece.len() <= SHORT {
            return self.short(piece, sink);
        }
        let (mut rest, mut window) = (piece, WINDOW);
        while window < rest.len() {
            let (known, _) = rest.split_at(window);
            match self.settle(known, sink) {
                ControlFlow::Continue(0) => window *= 2,
                ControlFlow::Continue(settled) => {
                    (rest, window) = (rest.get(settled..).unwrap_or_default(), WINDOW);
                }
                ControlFlow::Break(()) => return ControlFlow::Break(()),
            }
        }
        self.long(rest, sink)
    }

    /// Gives those tokens to `sink` with which a piece begins whatever follows `known`, and says how many bytes they are;
    /// 0 if none are certain.
    ///
    /// A row of tokens is an encoding if and only if each two neighbours are the encoding of their bytes. So the
    /// encoding of a beginning of the piece is also the beginning of the encoding of more, up to the last boundary that
    /// both have in `known`. That boundary is the end of `known`, or a place from which a token may reach beyond it.
    /// There are few such places, if any; when the encodings up to each of them have a boundary in common, all that
    /// stands before it is certain. It is never inside a character.
    pub(crate) fn settle(&mut self, known: &[u8], sink: &mut impl Sink) -> ControlFlow<(), usize> {
        let mut tokens = Vec::new();
        let _ = self.unsettled(known, &mut |rank, size| {
            tokens.push((rank, size));
            ControlFlow::Continue(())
        });
        let first = known.len().saturating_sub(LONGEST - 1);
        let mut ends: Vec<usize> = (first..known.len())
            .filter(|at| known.get(*at..).is_some_and(|rest| self.trie.goes_on(rest)))
            .collect();
        ends.push(known.len());
        let before = ends.first().copied().unwrap_or_default();
        let mut settled = known.len();
        // From the last boundary backwards; that neighbours of it are none of all ends is rare.
        let mut tries = 16;
        while let Some((_, last)) = tokens.pop() {
            settled -= last;
            let Some((_, size)) = tokens.last().copied() else { break };
            let inside = known.get(settled).is_some_and(|byte| byte & 0xc0 == 0x80);
            if settled > before || inside {
                continue;
            }
            if ends.iter().all(|end| self.passes(known, settled - size, settled, *end)) {
                for (rank, size) in tokens {
                    sink.token(rank, size)?;
                }
                return ControlFlow::Continue(settled);
            }
            tries -= 1;
            if tries == 0 {
                break;
            }
        }
        ControlFlow::Continue(0)
    }

    /// Whether the encoding of `known` up to `end` has a boundary at `middle`. A token from `start` to `middle` ends the
    /// encoding up to there.
    fn passes(&mut self, known: &[u8], start: usize, middle: usize, end: usize) -> bool {
        let Some(next) = self.first_token(known.get(middle..end).unwrap_or_default()) else { return true };
        self.first_token(known.get(start..middle + next).unwrap_or_default()) == Some(middle - start)
    }

    /// The size of the first token of the encoding of `piece`.
    fn first_token(&mut self, piece: &[u8]) -> Option<usize> {
        let mut first = None;
        let _ = self.unsettled(piece, &mut |_, size| {
            first = Some(size);
            ControlFlow::Break(())
        });
        first
    }

    /// Merges a piece all at once.
    fn unsettled(&mut self, piece: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
        if piece.len() <= SHORT { self.short(piece, sink) } else { self.long(piece, sink) }
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
        while let Some(least) = keys.iter().copied().min().filter(|least| *least != i32::MAX) {
            #[cfg(test)]
            crate::work::done();
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
            #[cfg(test)]
            crate::work::done();
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

/// Signed, because processors find the least of signed numbers faster.
fn key_of(rank: u32, at: usize) -> i32 {
    if rank == NEVER { i32::MAX } else { (rank << 8) as i32 | at as i32 }
}

/// Makes each byte a part. `ranked` learns the rank of each with the next.
fn start(trie: Trie, piece: &[u8], parts: &mut [Part], mut ranked: impl FnMut(usize, u32)) {
    for (at, part) in parts.iter_mut().enumerate() {
        let node = piece.get(at).map_or(ROOT, |byte| trie.first(*byte));
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
