//! What was written is read as it was.

use proptest::prelude::*;
use serde_json::Value;

use super::{strategies, streams};
use crate::chat::{Content, Part, Response};
use crate::dialect::bedrock::{decode_request, decode_response, encode_request, encode_response};
use crate::dialect::{AnswerContext, Target};

/// Texts that touch are one in a stream only if nothing ends between them; reasoning without text has no event.
fn plain(mut response: Response) -> Response {
    response.extra.remove("usage");
    for choice in &mut response.choices {
        for part in &mut choice.message.parts {
            if let Content::ToolCall(call) = &mut part.content {
                call.arguments = serde_json::from_str::<Value>(&call.arguments).expect("JSON").to_string();
            }
        }
        choice
            .message
            .parts
            .retain(|part: &Part| !matches!(&part.content, Content::Text(text) if text.text.is_empty()));
    }
    response
}

proptest! {
    #[test]
    fn requests(request in strategies::request()) {
        let encoded = encode_request(&request, &Target::model("m"));
        prop_assert_eq!((&encoded.lost, &encoded.lowered), (&Vec::new(), &Vec::new()));
        let again = decode_request("m", request.stream == Some(true), &encoded.body).unwrap();
        prop_assert_eq!(&again, &request);
        prop_assert_eq!(encode_request(&again, &Target::model("m")), encoded);
    }

    #[test]
    fn answers(response in strategies::response()) {
        let written = encode_response(&response, &AnswerContext::default());
        prop_assert_eq!(plain(decode_response(&written).unwrap()), plain(response));
    }

    #[test]
    fn streams(response in strategies::response(), size in 1_usize..50) {
        let written = streams::write(&response.clone().into_deltas());
        let pieces: Vec<&[u8]> = written.chunks(size).collect();
        let (deltas, ending) = streams::read(&pieces);
        prop_assert_eq!(ending, Ok(()));
        prop_assert_eq!(plain(crate::chat::collect(deltas)), plain(response));
    }

    #[test]
    fn any_bytes_can_be_read(body in proptest::collection::vec(any::<u8>(), 0..200), text in ".*") {
        let _ = decode_request("m", true, &body);
        let _ = decode_request("m", true, text.as_bytes());
        let _ = decode_response(&body);
        let _ = streams::read(&[&body]);
    }
}
