//! Lays a vocabulary out as a trie that is searched in place. `shared/tokens/src/trie.rs` says how it is read.

use super::vocabulary::Tokens;

/// More children than that are found by a bitmap instead of a search.
const MOST_SEARCHED: usize = 16;
/// Longest chain and most children that fit the three bits of a head.
const LONGEST_CHAIN: usize = 8;
const MOST_IN_HEAD: usize = 8;
/// A search loads eight bytes at once: so many follow the last node at least.
const PADDING: usize = 8;

const CHAIN: u8 = 1;
const BRANCH: u8 = 2;
const DENSE: u8 = 3;
const TOKEN: u8 = 1 << 2;

/// The table of a vocabulary.
pub(crate) fn table(tokens: &Tokens) -> Result<Vec<u8>, String> {
    let sorted: Vec<(&[u8], u32)> = tokens.iter().map(|(bytes, rank)| (bytes.as_slice(), *rank)).collect();
    let mut table = node(&sorted, 0)?;
    table.extend([0; PADDING]);
    Ok(table)
}

/// A node with everything below it: `tokens` share their first `depth` bytes, and are sorted.
fn node(tokens: &[(&[u8], u32)], depth: usize) -> Result<Vec<u8>, String> {
    let (own, below) = match tokens.split_first() {
        Some(((bytes, rank), below)) if bytes.len() == depth => (Some(*rank), below),
        _ => (None, tokens),
    };
    let groups: Vec<_> =
        below.chunk_by(|(left, _), (right, _)| left.get(depth) == right.get(depth)).collect();
    let labels: Vec<u8> = groups.iter().filter_map(|group| group.first()?.0.get(depth).copied()).collect();
    let mut head = 0;
    let mut body = Vec::new();
    if let Some(rank) = own {
        let [low, high, top, _] = rank.to_le_bytes();
        if top > 3 {
            return Err(format!("the rank {rank} does not fit 18 bits"));
        }
        head = TOKEN | top << 3;
        body.extend([low, high]);
    }
    let mut made = match (own, groups.as_slice()) {
        (_, []) => vec![head],
        (_, [only]) => {
            let chain = chain(only, depth);
            head |= CHAIN | u8::try_from(chain.len() - 1).map_err(|error| error.to_string())? << 5;
            body.extend(chain);
            [vec![head], body, node(only, depth + chain.len())?].concat()
        }
        (_, several) => {
            let children: Vec<Vec<u8>> =
                several.iter().map(|group| node(group, depth + 1)).collect::<Result<_, _>>()?;
            let offsets = offsets(&children);
            let narrow = offsets.iter().all(|offset| *offset <= 0xffff);
            if several.len() <= MOST_SEARCHED && narrow {
                let count = u8::try_from(several.len()).map_err(|error| error.to_string())?;
                head |= BRANCH;
                if several.len() <= MOST_IN_HEAD {
                    head |= (count - 2) << 5;
                } else {
                    head |= 7 << 5;
                    body.push(count);
                }
                body.extend(&labels);
                body.extend(
                    offsets.iter().skip(1).flat_map(|offset| offset.to_le_bytes().into_iter().take(2)),
                );
            } else {
                head |= DENSE;
                body.extend(bitmap(&labels));
                body.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes().into_iter().take(3)));
            }
            [vec![head], body, children.concat()].concat()
        }
    };
    if groups.is_empty() {
        made.extend(own.map(u32::to_le_bytes).iter().flat_map(|rank| rank.iter().take(2)));
    }
    Ok(made)
}

/// The bytes from `depth` on which all of `tokens` share and where none ends before the last.
fn chain<'a>(tokens: &[(&'a [u8], u32)], depth: usize) -> &'a [u8] {
    let (Some((first, _)), Some((last, _))) = (tokens.first(), tokens.last()) else { return &[] };
    // Sorted, so what the first and the last share, all do; and the first is the first to end.
    let shared = first.iter().zip(*last).take_while(|(left, right)| left == right).count();
    first.get(depth..shared.min(depth + LONGEST_CHAIN)).unwrap_or_default()
}

/// Where each child begins, after the last of these.
fn offsets(children: &[Vec<u8>]) -> Vec<usize> {
    children
        .iter()
        .scan(0, |at, child| {
            let offset = *at;
            *at += child.len();
            Some(offset)
        })
        .collect()
}

/// Which bytes there are: 256 bits, then for each 32 of them how many are set before.
fn bitmap(labels: &[u8]) -> Vec<u8> {
    let mut bits = [0u32; 8];
    for label in labels {
        if let Some(word) = bits.get_mut(usize::from(label >> 5)) {
            *word |= 1 << (label & 31);
        }
    }
    let before = bits.iter().scan(0u32, |sum, word| {
        let before = *sum;
        *sum += word.count_ones();
        Some(before.to_le_bytes()[0])
    });
    bits.iter().flat_map(|word| word.to_le_bytes()).chain(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(tokens: &[&str]) -> Vec<u8> {
        let tokens: Tokens =
            tokens.iter().zip(0x1_0203..).map(|(token, rank)| (token.as_bytes().to_vec(), rank)).collect();
        table(&tokens).unwrap()
    }

    #[test]
    fn a_leaf_a_chain_and_a_branch() {
        assert_eq!(made(&[""])[..3], [TOKEN | 1 << 3, 3, 2]);
        assert_eq!(made(&["ab"])[..6], [CHAIN | 1 << 5, b'a', b'b', TOKEN | 1 << 3, 3, 2]);
        assert_eq!(
            made(&["a", "b"])[..11],
            [BRANCH, b'a', b'b', 3, 0, TOKEN | 1 << 3, 3, 2, TOKEN | 1 << 3, 4, 2]
        );
    }

    #[test]
    fn a_chain_ends_where_a_token_does() {
        assert_eq!(
            made(&["a", "abc"])[..10],
            [CHAIN, b'a', TOKEN | CHAIN | 1 << 3 | 1 << 5, 3, 2, b'b', b'c', TOKEN | 1 << 3, 4, 2]
        );
    }

    #[test]
    fn many_children_have_a_bitmap() {
        let names: Vec<String> = (0..20u8).map(|n| char::from(b'a' + n).to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let table = made(&names);
        assert_eq!(table[0], DENSE);
        assert_eq!(table[1 + 12..1 + 16], (0x1f_fffe_u32).to_le_bytes());
        assert_eq!(table[33..41], [0, 0, 0, 0, 20, 20, 20, 20]);
        assert_eq!(table.len(), 41 + 20 * 3 + 20 * 3 + PADDING);
    }
}
