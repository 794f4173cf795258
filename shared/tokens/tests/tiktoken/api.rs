//! What is made of tokens: models, limits, cuts.

use postern_tokens::Encoding;
use tiktoken_rs::tokenizer::{Tokenizer, get_tokenizer};

use crate::alike::{CLASSES, Dice, both, rounds};
use crate::samples::{LANGUAGES, NOTATIONS};

#[test]
fn models_have_the_encodings_of_tiktoken() {
    let models = [
        "gpt-5",
        "gpt-5-mini",
        "gpt-5.2-codex",
        "gpt-4.1",
        "gpt-4.1-nano",
        "gpt-4.5-preview",
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4o-2024-05-13",
        "chatgpt-4o-latest",
        "gpt-4",
        "gpt-4-0613",
        "gpt-4-32k",
        "gpt-4-turbo",
        "gpt-3.5-turbo",
        "gpt-3.5-turbo-0125",
        "gpt-3.5",
        "gpt-35-turbo",
        "gpt-35-turbo-16k",
        "o1",
        "o1-mini",
        "o3",
        "o3-mini",
        "o4-mini",
        "o4-mini-2025-04-16",
        "codex-mini-latest",
        "gpt-oss-20b",
        "gpt-oss-120b",
        "text-embedding-3-small",
        "text-embedding-3-large",
        "text-embedding-ada-002",
        "davinci-002",
        "babbage-002",
        "ft:gpt-4o:org:name:id",
        "ft:gpt-3.5-turbo:org",
        "ft:davinci-002",
        "o4",
        "o4-pro",
        "gpt-6",
        "gpt",
        "",
        "claude-sonnet-4",
        "ft:",
        "ft:x:gpt-4o",
        "text-davinci-003",
        "gpt2",
        "GPT-4o",
    ];
    for model in models {
        let expected = match get_tokenizer(model) {
            Some(Tokenizer::O200kBase) => (Encoding::O200kBase, true),
            Some(Tokenizer::Cl100kBase) => (Encoding::Cl100kBase, true),
            Some(Tokenizer::O200kHarmony) => (Encoding::O200kHarmony, true),
            _ => (Encoding::O200kBase, false),
        };
        assert_eq!(Encoding::for_model(model), expected, "{model:?}");
    }
}

#[test]
fn counts_up_to_a_limit() {
    for (encoding, _) in both() {
        let text = LANGUAGES[0].1;
        let count = encoding.count(text);
        assert_eq!(count, encoding.encode(text).len());
        for limit in 0..count + 3 {
            assert_eq!(encoding.count_up_to(text, limit), (count <= limit).then_some(count));
        }
        assert_eq!(encoding.count_up_to("", 0), Some(0));
        assert_eq!(encoding.count_up_to(&"ab".repeat(1 << 20), 5), None);
    }
}

#[test]
fn cuts_to_a_number_of_tokens() {
    let mut dice = Dice::new(14);
    let mut texts: Vec<String> =
        LANGUAGES.iter().chain(NOTATIONS).map(|(_, text)| (*text).to_owned()).collect();
    texts.extend((0..rounds(300)).map(|_| {
        let size = dice.below(30);
        dice.text(CLASSES, size)
    }));
    for text in &texts {
        for (encoding, theirs) in both() {
            let ranks = encoding.encode(text);
            for limit in (0..ranks.len() + 2).take(60) {
                let cut = encoding.truncate(text, limit);
                assert!(text.starts_with(cut));
                assert!(encoding.count(cut) <= limit, "{cut:?} of {text:?} is more than {limit}");
                if limit >= ranks.len() {
                    assert_eq!(cut, text);
                    continue;
                }
                // It ends with one of the first tokens.
                let mut bytes = Vec::new();
                let ends = ranks[..limit].iter().any(|rank| {
                    bytes.extend(theirs.decode_bytes(&[*rank]).unwrap());
                    bytes == cut.as_bytes()
                });
                assert!(ends || cut.is_empty(), "{cut:?} of {text:?}");
            }
        }
    }
}
