//! A request in which everything is said: each format says it too, or names it.

use serde_json::json;

use super::FORMATS;
use crate::embed::{Input, Item, NumberType, Purpose, Request, Truncate};

fn everything() -> Vec<(&'static str, Request)> {
    let bare = || Request::new("m", ["a".to_owned()]);
    let inputs = |input| vec![Item::new(input)];
    vec![
        ("dimensions", Request { dimensions: Some(8), ..bare() }),
        ("embedding_types", Request { types: vec![NumberType::Uint8], ..bare() }),
        ("embedding_types", Request { types: vec![NumberType::Float, NumberType::Int8], ..bare() }),
        ("input_type", Request { purpose: Some(Purpose::Clustering), ..bare() }),
        ("input_type", Request { purpose: Some(Purpose::Similarity), ..bare() }),
        ("input_type", Request { purpose: Some(Purpose::Image), ..bare() }),
        ("truncate", Request { truncate: Some(Truncate::Start), ..bare() }),
        ("truncate", Request { truncate: Some(Truncate::End), ..bare() }),
        ("max_tokens", Request { max_tokens: Some(9), ..bare() }),
        ("normalize", Request { normalize: Some(false), ..bare() }),
        ("user", Request { user: Some("u".into()), ..bare() }),
        (
            "input[0].title",
            Request { inputs: vec![Item { title: Some("t".into()), ..Item::text("a") }], ..bare() },
        ),
        ("input[0]", Request { inputs: inputs(Input::Tokens(vec![1])), ..bare() }),
        ("input[0]", Request { inputs: inputs(Input::Pieces(vec!["b".into(), "c".into()])), ..bare() }),
        (
            "input[0]",
            Request {
                inputs: inputs(Input::Other { format: "elsewhere", value: json!({"depth": 1}) }),
                ..bare()
            },
        ),
        ("input[1]", Request { inputs: vec![Item::text("a"), Item::text("b")], ..bare() }),
    ]
}

#[test]
fn each_is_in_the_body_or_named() {
    for format in &FORMATS {
        let (plain, encoded) = format.write(&Request::new("m", ["a".to_owned()]));
        assert_eq!((encoded.lost, encoded.lowered), (Vec::new(), Vec::new()), "{}", format.name);
        for (field, request) in everything() {
            let (body, encoded) = format.write(&request);
            let named = encoded.lost.iter().any(|loss| loss.field == field)
                || encoded.lowered.iter().any(|lowered| lowered == field);
            assert!(named || body != plain, "{}: {field} is gone: {body}", format.name);
            let others = encoded.lost.iter().filter(|loss| loss.field != field).count();
            assert_eq!(others, 0, "{}: {field}: {:?}", format.name, encoded.lost);
            assert!(!body.to_string().contains("depth"), "{}: words of another format: {body}", format.name);
        }
    }
}
