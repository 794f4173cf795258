//! What is written is read as the same again, whole and streamed, however the bytes are cut.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::streams::{read, write};
use crate::chat::Response;
use crate::chat::collect;
use crate::dialect::gemini::{
    StreamEncoder, decode_count_request, decode_request, decode_response, encode_request, encode_response,
};
use crate::dialect::{AnswerContext, Target};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{1,12}", "\\PC{1,8}", Just("\"\\\u{0}\r\n\u{2028}{\"output\": 1}\n\n".to_owned())]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0.0..2.0_f64).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[a-z_]{1,8}", inner), 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    vec(("(output|error|[a-z_]{1,8})", any_json()), 0..3)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

/// Adds a field to an object now and then.
fn with(
    part: impl Strategy<Value = Value>,
    name: &'static str,
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    (part, option::weighted(0.3, value)).prop_map(move |(mut part, value)| {
        if let Some(value) = value {
            part[name] = value;
        }
        part
    })
}

fn said_part() -> impl Strategy<Value = Value> {
    let media_type = prop_oneof![
        Just("image/png"),
        Just("audio/mpeg"),
        Just("audio/L16;codec=pcm;rate=24000"),
        Just("video/mp4"),
        Just("text/csv"),
    ];
    let part = prop_oneof![
        3 => text().prop_map(|text| json!({"text": text})),
        1 => text().prop_map(|text| json!({"text": text, "thought": true})),
        1 => Just(json!({"text": "a", "thought": false})),
        1 => (media_type, "[A-Za-z0-9+/]{0,8}")
            .prop_map(|(kind, data)| json!({"inlineData": {"mimeType": kind, "data": data}})),
        1 => (option::of("[a-z]{1,4}/[a-z]{1,4}"), "(https://a.com/[a-z]{1,3}(\\.png|\\.mp4)?|gs://b/c)").prop_map(|(kind, uri)| {
            match kind {
                Some(kind) => json!({"fileData": {"fileUri": uri, "mimeType": kind}}),
                None => json!({"fileData": {"fileUri": uri}}),
            }
        }),
        2 => (option::of("[a-z0-9]{1,6}"), "[a-z_]{1,8}", object()).prop_map(|(id, name, args)| match id {
            Some(id) => json!({"functionCall": {"id": id, "name": name, "args": args}}),
            None => json!({"functionCall": {"name": name, "args": args}}),
        }),
        1 => text().prop_map(|code| json!({"executableCode": {"language": "PYTHON", "code": code}})),
        1 => text().prop_map(|new| json!({"hologram": {"depth": new}})),
    ];
    let signature = "[A-Za-z0-9+/]{4,12}".prop_map(Value::from);
    with(with(part, "thoughtSignature", signature), "partMetadata", object())
}

fn result_part() -> impl Strategy<Value = Value> {
    ("[a-z_]{1,8}", object())
        .prop_map(|(name, response)| json!({"functionResponse": {"name": name, "response": response}}))
}

fn content() -> impl Strategy<Value = Value> {
    let part = prop_oneof![4 => said_part(), 1 => result_part()];
    (option::weighted(0.9, prop_oneof![Just("user"), Just("model"), Just("function")]), vec(part, 0..4))
        .prop_map(|(role, parts)| match role {
            Some(role) => json!({"role": role, "parts": parts}),
            None => json!({"parts": parts}),
        })
}

fn request() -> impl Strategy<Value = Value> {
    let config = json!({"temperature": 0.5, "thinkingConfig": {"thinkingBudget": -1, "x": 1}, "responseMimeType": "text/x.enum",
        "responseSchema": {"type": "STRING", "enum": ["a"]}, "y": null});
    let tools = json!([{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}, {"name": "g"}]}, {"codeExecution": {}}]);
    let base = vec(content(), 1..4).prop_map(|contents| json!({"contents": contents}));
    let base = with(base, "systemInstruction", said_part().prop_map(|part| json!({"parts": [part]})));
    let base = with(base, "generationConfig", prop_oneof![Just(json!({})), Just(config)]);
    let base = with(base, "tools", prop_oneof![Just(json!([])), Just(tools)]);
    let base = with(base, "safetySettings", any_json());
    with(base, "xNew", any_json())
}

fn answer() -> impl Strategy<Value = Value> {
    let finish = prop_oneof![Just("STOP"), Just("MAX_TOKENS"), Just("SPII"), Just("SOMETHING_NEW")];
    let candidate = (vec(said_part(), 1..4), finish).prop_map(
        |(parts, finish)| json!({"content": {"parts": parts, "role": "model"}, "finishReason": finish}),
    );
    let ratings = Just(json!([{"category": "a", "probability": "LOW"}]));
    let candidate =
        with(with(candidate, "safetyRatings", ratings), "avgLogprobs", (-9.0..0.0_f64).prop_map(Value::from));
    let usage = (1_u64..999, 1_u64..999).prop_map(|(read, said)| {
        json!({"promptTokenCount": read, "candidatesTokenCount": said, "totalTokenCount": read + said})
    });
    let base = vec(candidate, 1..3).prop_map(|mut candidates| {
        for (index, candidate) in candidates.iter_mut().enumerate() {
            candidate["index"] = index.into();
        }
        json!({"candidates": candidates, "modelVersion": "m", "responseId": "r"})
    });
    with(with(base, "usageMetadata", usage), "modelStatus", object())
}

/// What both ways of telling an answer must agree on.
fn told(response: &Response) -> Vec<(String, Vec<String>, String)> {
    let of = |choice: &crate::chat::Choice| {
        let calls =
            choice.message.tool_calls().map(|call| format!("{:?}{}{}", call.id, call.name, call.arguments));
        (choice.message.joined_text().into_owned(), calls.collect(), format!("{:?}", choice.finish))
    };
    response.choices.iter().map(of).collect()
}

proptest! {
    #[test]
    fn requests(body in request()) {
        let model = "gemini-2.5-flash";
        let request = decode_request(model, false, body.to_string().as_bytes()).expect("a request");
        let encoded = encode_request(&request, &Target::model(model));
        prop_assert_eq!(serde_json::from_slice::<Value>(&encoded.body).expect("JSON"), body);
        prop_assert_eq!(&encoded.lost, &Vec::new());
        prop_assert_eq!(decode_request(model, false, &encoded.body).expect("a request"), request);
    }

    #[test]
    fn answers_whole_and_streamed(body in answer(), cut in 1_usize..40) {
        let response = decode_response(body.to_string().as_bytes()).expect("an answer");
        let written = encode_response(&response, &AnswerContext::default());
        prop_assert_eq!(serde_json::from_slice::<Value>(&written).expect("JSON"), body.clone());

        let stream = format!("data: {body}\n\n");
        let (deltas, ending) = read(&[stream.as_bytes()]);
        prop_assert_eq!(ending, Ok(()));
        prop_assert_eq!(told(&collect(deltas.clone())), told(&response));
        for encoder in [StreamEncoder::new(AnswerContext::default()), StreamEncoder::array(AnswerContext::default())] {
            let again = write(&deltas, encoder);
            let (whole, ending) = read(&[&again]);
            prop_assert_eq!(ending, Ok(()));
            prop_assert_eq!(collect(whole.clone()), collect(deltas.clone()));
            let cuts: Vec<&[u8]> = again.chunks(cut).collect();
            prop_assert_eq!(read(&cuts), (whole, Ok(())));
        }
        prop_assert_eq!(told(&collect(response.clone().into_deltas())), told(&response));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode_request("m", true, &bytes);
        let _ = decode_count_request("m", &bytes);
        let _ = decode_response(&bytes);
        let _ = read(&[&bytes]);
    }
}
