//! The classes of characters that the split patterns tell apart, as a table of two stages.
//! `shared/tokens/src/class.rs` says how it is read.

use regex_syntax::Parser;
use regex_syntax::hir::{Class, HirKind};

/// The classes, in the order of their bits. `\r` and `\n` are taken out of white space.
const CLASSES: [&str; 7] =
    [r"[\p{Lu}\p{Lt}]", r"\p{Ll}", r"[\p{Lm}\p{Lo}]", r"\p{M}", r"\p{N}", r"[\s--\r\n]", r"[\r\n]"];
/// The bit of all that is in none of them.
const OTHER: u8 = 1 << 7;
/// Characters from here on are listed in the crate's code.
const END: usize = 0x40000;
/// Characters of a block.
const BLOCK: usize = 128;
/// Marks above [`END`]: variation selectors.
const MARKS_ABOVE: (u32, u32) = (0xE0100, 0xE01EF);

/// Numbers of blocks, then the blocks, a byte a character.
pub(crate) fn table() -> Result<Vec<u8>, String> {
    let mut classes = vec![0u8; END];
    for (bit, pattern) in CLASSES.iter().enumerate() {
        for (from, to) in ranges(pattern)? {
            if (from, to) == MARKS_ABOVE {
                continue;
            }
            let (from, to) = (from as usize, to as usize);
            let range = classes.get_mut(from..=to).ok_or(format!("{pattern} holds {from:#x} to {to:#x}"))?;
            if range.iter().any(|class| *class != 0) {
                return Err(format!("{pattern} shares characters with another class"));
            }
            range.fill(1 << bit);
        }
    }
    classes.iter_mut().filter(|class| **class == 0).for_each(|class| *class = OTHER);
    let (mut numbers, mut blocks) = (Vec::new(), Vec::<&[u8]>::new());
    for block in classes.chunks(BLOCK) {
        let number = blocks.iter().position(|found| *found == block).unwrap_or_else(|| {
            blocks.push(block);
            blocks.len() - 1
        });
        numbers.push(u8::try_from(number).map_err(|_| "more than 256 different blocks")?);
    }
    numbers.extend(blocks.concat());
    Ok(numbers)
}

/// The ranges of characters that a pattern of one class matches.
fn ranges(pattern: &str) -> Result<Vec<(u32, u32)>, String> {
    let hir = Parser::new().parse(pattern).map_err(|error| format!("{pattern}: {error}"))?;
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            Ok(class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect())
        }
        _ => Err(format!("{pattern} is not a class of characters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_has_one_class() {
        let table = table().unwrap();
        let class = |c: char| {
            let number = usize::from(table[c as usize / BLOCK]);
            table[END / BLOCK + number * BLOCK + c as usize % BLOCK]
        };
        let expected = [
            ('A', 1),
            ('ǅ', 1),
            ('ß', 2),
            ('中', 4),
            ('ʰ', 4),
            ('\u{301}', 8),
            ('5', 16),
            ('Ⅷ', 16),
            ('\t', 32),
            ('\u{3000}', 32),
            ('\n', 64),
            ('\r', 64),
            ('!', 128),
            ('😀', 128),
        ];
        for (c, bits) in expected {
            assert_eq!(class(c), bits, "{c:?}");
        }
    }
}
