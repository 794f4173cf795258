//! Every token of the vocabularies.

use postern_tokens::Encoding;

use crate::alike::both;

#[test]
fn every_token_is_found_and_decoded() {
    for ((encoding, theirs), count) in both().into_iter().zip([199_998, 100_256]) {
        let ranks: Vec<u32> = (0..count).collect();
        let bytes = encoding.decode(&ranks).unwrap();
        assert_eq!(bytes, theirs.decode_bytes(&ranks).unwrap());
        assert!(encoding.decode(&[count]).is_err() && theirs.decode_bytes(&[count]).is_err());
        let pieces: Vec<Vec<u8>> = theirs._decode_native_and_split(ranks).collect();
        let mut texts = 0;
        for piece in &pieces {
            let Ok(text) = std::str::from_utf8(piece) else { continue };
            texts += 1;
            assert_eq!(encoding.encode(text), theirs.encode_ordinary(text), "{text:?}");
        }
        assert!(texts * 100 > pieces.len() * 98, "nearly all are text by themselves");
    }
}

#[test]
fn decoding_knows_special_tokens_and_nothing_else() {
    let harmony = Encoding::O200kHarmony;
    let ranks = [200_006, 1428, 200_008, 13_225, 200_007, 200_100];
    assert_eq!(
        harmony.decode(&ranks).unwrap(),
        tiktoken_rs::o200k_harmony_singleton().decode_bytes(&ranks).unwrap()
    );
    assert_eq!(Encoding::Cl100kBase.decode(&[100_257]).unwrap(), b"<|endoftext|>");
    assert_eq!(harmony.decode(&[]).unwrap(), b"");
    for (encoding, rank) in
        [(harmony, 201_088), (Encoding::O200kBase, 200_000), (Encoding::Cl100kBase, 100_256)]
    {
        let error = encoding.decode(&[0, rank]).unwrap_err();
        assert_eq!((error.rank, error.encoding), (rank, encoding));
        assert!(error.to_string().contains(&rank.to_string()));
    }
}
