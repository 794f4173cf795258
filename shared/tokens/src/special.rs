//! Special tokens: texts that mean one token where they are allowed.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::encoding::Encoding;
use crate::merge::Sink;

const O200K_BASE: &[(&str, u32)] = &[("<|endoftext|>", 199_999), ("<|endofprompt|>", 200_018)];

const CL100K_BASE: &[(&str, u32)] = &[
    ("<|endoftext|>", 100_257),
    ("<|fim_prefix|>", 100_258),
    ("<|fim_middle|>", 100_259),
    ("<|fim_suffix|>", 100_260),
    ("<|endofprompt|>", 100_276),
];

const O200K_HARMONY: &[(&str, u32)] = &[
    ("<|startoftext|>", 199_998),
    ("<|endoftext|>", 199_999),
    ("<|return|>", 200_002),
    ("<|constrain|>", 200_003),
    ("<|channel|>", 200_005),
    ("<|start|>", 200_006),
    ("<|end|>", 200_007),
    ("<|message|>", 200_008),
    ("<|call|>", 200_012),
];

/// What every special token begins with.
const BEGIN: &str = "<|";
/// The reserved ones of Harmony: this, the rank, `|>`.
const RESERVED: &str = "<|reserved_";
const LAST_RESERVED: u32 = 201_087;

impl Encoding {
    /// How many tokens `text` is, where special tokens written out in it are special tokens.
    #[must_use]
    pub fn count_with_special(self, text: &str) -> usize {
        let mut count = 0;
        let _ = self.tokens_with_special(text, &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        });
        count
    }

    /// The ranks of the tokens of `text`, where special tokens written out in it are special tokens.
    #[must_use]
    pub fn encode_with_special(self, text: &str) -> Vec<u32> {
        let mut ranks = Vec::new();
        let _ = self.tokens_with_special(text, &mut |rank, _| {
            ranks.push(rank);
            ControlFlow::Continue(())
        });
        ranks
    }

    fn tokens_with_special(self, text: &str, sink: &mut impl Sink) -> ControlFlow<()> {
        let mut rest = text;
        while let Some((start, size, rank)) = self.next_special(rest) {
            self.tokens(rest.get(..start).unwrap_or_default(), sink)?;
            sink.token(rank, size)?;
            rest = rest.get(start + size..).unwrap_or_default();
        }
        self.tokens(rest, sink)
    }

    /// The first special token in `text`: where it begins, its size, its rank.
    fn next_special(self, text: &str) -> Option<(usize, usize, u32)> {
        text.match_indices(BEGIN).find_map(|(start, _)| {
            let (size, rank) = self.special_at(text.get(start..)?)?;
            Some((start, size, rank))
        })
    }

    /// The special token that `text` begins with: its size and rank.
    fn special_at(self, text: &str) -> Option<(usize, u32)> {
        let named = self.special().iter().find(|(name, _)| text.starts_with(name));
        named.map(|(name, rank)| (name.len(), *rank)).or_else(|| {
            let digits = text.strip_prefix(RESERVED)?.get(..6)?;
            let rank = digits.parse().ok()?;
            let name = self.special_name(rank)?;
            text.starts_with(&*name).then_some((name.len(), rank))
        })
    }

    /// What a special token is written as.
    pub(crate) fn special_name(self, rank: u32) -> Option<Cow<'static, str>> {
        if let Some((name, _)) = self.special().iter().find(|(_, known)| *known == rank) {
            return Some(Cow::Borrowed(name));
        }
        let reserved = self == Self::O200kHarmony && (200_000..=LAST_RESERVED).contains(&rank);
        reserved.then(|| Cow::Owned(format!("{RESERVED}{rank}|>")))
    }

    /// Those with a name.
    fn special(self) -> &'static [(&'static str, u32)] {
        match self {
            Self::O200kBase => O200K_BASE,
            Self::Cl100kBase => CL100K_BASE,
            Self::O200kHarmony => O200K_HARMONY,
        }
    }
}
