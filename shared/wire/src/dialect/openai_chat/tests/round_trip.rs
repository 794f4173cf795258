//! What is written is read as the same again, whole and streamed, however the bytes are cut.

use proptest::prelude::*;

use super::strategies::{request, response, streamed};
use super::streams::{read, write};
use crate::chat::collect;
use crate::chat::{ChoiceDelta, Content, Delta, Response};
use crate::dialect::openai_chat::{
    decode_request, decode_response, encode_request, encode_response, peek_request,
};
use crate::dialect::{AnswerContext, Target};

fn options() -> AnswerContext {
    AnswerContext {
        id: "1".into(),
        created: 5,
        model: "m".into(),
        include_usage: true,
        ..AnswerContext::default()
    }
}

/// Breaks what is appended into pieces of a few characters.
fn shred(deltas: Vec<Delta>, size: usize) -> Vec<Delta> {
    let pieces = |text: &str| -> Vec<String> {
        text.chars().collect::<Vec<_>>().chunks(size).map(|piece| piece.iter().collect()).collect()
    };
    let mut shreds = Vec::new();
    for delta in deltas {
        match delta {
            Delta::Choice { index, delta: ChoiceDelta::Text(text) } => {
                shreds
                    .extend(pieces(&text).into_iter().map(|text| Delta::of(index, ChoiceDelta::Text(text))));
            }
            Delta::Choice { index, delta: ChoiceDelta::ToolArguments { call, text } } => {
                let piece = |text| Delta::of(index, ChoiceDelta::ToolArguments { call, text });
                shreds.extend(pieces(&text).into_iter().map(piece));
            }
            other => shreds.push(other),
        }
    }
    shreds
}

fn arguments(response: &Response) -> Vec<&str> {
    let parts = response.choices.iter().flat_map(|choice| &choice.message.parts);
    parts
        .filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call.arguments.as_str()),
            _ => None,
        })
        .collect()
}

proptest! {
    #[test]
    fn requests(request in request()) {
        let encoded = encode_request(&request, &Target::model(&request.model));
        prop_assert_eq!(&encoded.lost, &Vec::new());
        let again = decode_request(&encoded.body).expect("what was written can be read");
        prop_assert_eq!(&again, &request);
        let head = peek_request(&encoded.body).expect("the scanner takes it too");
        prop_assert_eq!(head.stream, request.is_streamed());
    }

    #[test]
    fn responses(response in response()) {
        let body = encode_response(&response);
        let mut again = decode_response(&body).expect("what was written can be read");
        // The usage object as it was written is kept beside the counts.
        again.extra.remove("usage");
        prop_assert_eq!(&again, &response);
    }

    #[test]
    fn streams(response in streamed(), size in 1_usize..4, cut in 1_usize..40) {
        let deltas = shred(response.clone().into_deltas(), size);
        prop_assert_eq!(&collect(deltas.clone()), &response, "shredding loses nothing");
        let stream = write(&deltas, options());
        let (read_whole, ending) = read(&[&stream]);
        prop_assert_eq!(ending, Ok(()));
        let mut again = collect(read_whole.clone());
        again.extra.remove("usage");
        prop_assert_eq!(&again, &response);
        let cuts: Vec<&[u8]> = stream.chunks(cut).collect();
        prop_assert_eq!(read(&cuts), (read_whole, Ok(())));
    }

    #[test]
    fn tool_arguments_are_the_same_whole_and_streamed(response in streamed(), size in 1_usize..4) {
        let whole = decode_response(&encode_response(&response)).expect("an answer");
        let stream = write(&shred(response.clone().into_deltas(), size), options());
        let heard = collect(read(&[&stream]).0);
        prop_assert_eq!(arguments(&whole), arguments(&heard));
        prop_assert_eq!(arguments(&whole), arguments(&response));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_request(&bytes);
        let _ = decode_response(&bytes);
        let _ = read(&[&bytes]);
    }
}
