//! What is written is read as the same again.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Number;

use super::{FORMATS, format};
use crate::Usage;
use crate::embed::{
    AnswerContext, Embedding, Input, Item, NumberType, Purpose, Request, Response, Truncate, Vector,
};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{1,12}", "\\PC{1,8}", Just("\"\\\u{0}\r\n\u{2028}".to_owned())]
}

fn openai() -> impl Strategy<Value = Request> {
    let input = prop_oneof![text().prop_map(Input::Text), vec(any::<u64>(), 1..4).prop_map(Input::Tokens),];
    (vec(input, 1..4), any::<bool>(), option::of(1..4096_u64), option::of(any::<bool>()), option::of(text()))
        .prop_map(|(inputs, listed, dimensions, base64, user)| Request {
            model: "m".into(),
            listed: listed || inputs.len() > 1,
            inputs: inputs.into_iter().map(Item::new).collect(),
            dimensions,
            base64,
            user,
            ..Request::default()
        })
}

fn cohere() -> impl Strategy<Value = Request> {
    let purpose = prop_oneof![
        Just(Purpose::Query),
        Just(Purpose::Document),
        Just(Purpose::Classification),
        Just(Purpose::Clustering),
        "[a-z]{6,9}".prop_map(Purpose::Other),
    ];
    let kind = prop_oneof![
        Just(NumberType::Float),
        Just(NumberType::Int8),
        Just(NumberType::Uint8),
        Just(NumberType::Binary),
        Just(NumberType::Ubinary),
    ];
    let cut = prop_oneof![Just(Truncate::Never), Just(Truncate::Start), Just(Truncate::End)];
    let input = prop_oneof![text().prop_map(Input::Text), vec(text(), 1..3).prop_map(Input::Pieces)];
    (
        vec(input, 1..4),
        purpose,
        vec(kind, 1..3),
        option::of(cut),
        option::of(1..4096_u64),
        option::of(1..99_u64),
    )
        .prop_map(|(inputs, purpose, types, truncate, dimensions, max_tokens)| {
            // One mixture makes all of them mixtures.
            let mixed = inputs.iter().any(|input| matches!(input, Input::Pieces(_)));
            let alike = |input| match input {
                Input::Text(text) if mixed => Input::Pieces(vec![text]),
                input => input,
            };
            Request {
                model: "m".into(),
                listed: true,
                inputs: inputs.into_iter().map(alike).map(Item::new).collect(),
                purpose: Some(purpose),
                types,
                truncate,
                dimensions,
                max_tokens,
                ..Request::default()
            }
        })
}

fn response() -> impl Strategy<Value = Response> {
    let number = prop_oneof![
        any::<i8>().prop_map(Number::from),
        (-1.0..1.0_f64).prop_map(|float| Number::from_f64(float).expect("finite")),
    ];
    let vector = prop_oneof![
        vec(number, 0..5).prop_map(Vector::Numbers),
        "[A-Za-z0-9+/]{0,8}".prop_map(Vector::Base64),
    ];
    (vec(vector, 0..4), option::of(1..999_u64)).prop_map(|(vectors, tokens)| Response {
        id: Some("i".into()),
        model: Some("m".into()),
        embeddings: vectors
            .into_iter()
            .zip(0..)
            .map(|(vector, index)| Embedding::new(index, NumberType::Float, vector))
            .collect(),
        usage: tokens.map(|input| Usage { input, ..Usage::default() }),
        ..Response::default()
    })
}

proptest! {
    #[test]
    fn requests_of_openai(request in openai()) {
        let (body, encoded) = format("openai").write(&request);
        prop_assert_eq!(encoded.lost, Vec::new());
        let again = format("openai").read(body);
        prop_assert_eq!(again, request);
    }

    #[test]
    fn requests_of_cohere(request in cohere()) {
        let (body, encoded) = format("cohere").write(&request);
        prop_assert_eq!(encoded.lost, Vec::new());
        let again = format("cohere").read(body);
        prop_assert_eq!(again, request);
    }

    #[test]
    fn requests_are_read_as_they_were_by_every_format(request in prop_oneof![openai(), cohere()]) {
        for to in &FORMATS {
            let (body, _) = to.write(&request);
            // A request of which nothing can be said is no request any more.
            let Ok(heard) = (to.decode_request)(body.to_string().as_bytes()) else { continue };
            let (again, encoded) = to.write(&heard);
            prop_assert_eq!(again, body, "{}", to.name);
            prop_assert_eq!(encoded.lost, Vec::new(), "{}", to.name);
        }
    }

    #[test]
    fn answers(response in response()) {
        for to in ["openai", "mlflow"] {
            let body = (format(to).encode_response)(&response, &AnswerContext::default()).expect("it can be said");
            let mut again = (format(to).decode_response)(&body, &NumberType::Float).expect("it can be read");
            // The usage object as it was written is kept beside the counts.
            again.extra.remove("usage");
            prop_assert_eq!(&again, &response, "{}", to);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        for format in &FORMATS {
            let _ = (format.decode_request)(&bytes);
            let _ = (format.decode_response)(&bytes, &NumberType::Float);
        }
    }
}
