//! From tokens back to text.

use crate::encoding::Encoding;

/// A rank that is no token of the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rank} is no token of {encoding:?}")]
pub struct UnknownToken {
    /// The rank.
    pub rank: u32,
    /// The encoding.
    pub encoding: Encoding,
}

impl Encoding {
    /// The bytes of tokens, special ones included. They are text again if the tokens are all those of a text: a single one
    /// may be a part of a character.
    ///
    /// The tables are made for finding tokens by their bytes. To find bytes by tokens, the whole of one is read once, however
    /// many tokens there are: a few milliseconds.
    ///
    /// # Errors
    ///
    /// A rank that is no token of this encoding.
    pub fn decode(self, ranks: &[u32]) -> Result<Vec<u8>, UnknownToken> {
        let mut wanted: Vec<(u32, Vec<u8>)> = ranks.iter().map(|rank| (*rank, Vec::new())).collect();
        wanted.sort_unstable();
        wanted.dedup();
        if !wanted.is_empty() {
            self.trie().each(&mut |bytes, rank| {
                let place = wanted.binary_search_by_key(&rank, |(rank, _)| *rank);
                if let Some((_, found)) = place.ok().and_then(|place| wanted.get_mut(place)) {
                    *found = bytes.to_vec();
                }
            });
        }
        for (rank, found) in wanted.iter_mut().filter(|(_, found)| found.is_empty()) {
            let name = self.special_name(*rank).ok_or(UnknownToken { rank: *rank, encoding: self })?;
            *found = name.as_bytes().to_vec();
        }
        let mut text = Vec::new();
        for rank in ranks {
            let place = wanted.binary_search_by_key(rank, |(rank, _)| *rank);
            let found = place.ok().and_then(|place| wanted.get(place));
            text.extend(found.into_iter().flat_map(|(_, bytes)| bytes));
        }
        Ok(text)
    }
}
