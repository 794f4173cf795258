//! What was written is read as it was.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Number, json};

use super::streams;
use crate::Usage;
use crate::chat::*;
use crate::dialect::cohere::{decode_request, decode_response, encode_request, encode_response};
use crate::dialect::{AnswerContext, Dialect, Target, origin};

fn text() -> impl Strategy<Value = String> {
    "\\PC{1,12}"
}

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,8}"
}

/// As the reader leaves it: with the mark that says which format it was read from.
fn own(mut extra: Extra) -> Extra {
    origin::mark(&mut extra, Dialect::Cohere);
    extra
}

/// Unknown fields, with names that no format has.
fn extra() -> impl Strategy<Value = Extra> {
    vec(("zz[a-z]{1,3}", any::<i32>().prop_map(Into::into)), 0..2).prop_map(Extra::from_iter)
}

fn call() -> impl Strategy<Value = Part> {
    (word(), word(), text()).prop_map(|(id, name, arguments)| {
        let kind = ToolKind::Function;
        Part::new(Content::ToolCall(ToolCall {
            id: Some(id),
            name,
            arguments: format!("{{{arguments}"),
            kind,
        }))
    })
}

fn thought() -> impl Strategy<Value = Part> {
    text().prop_map(|text| {
        let format = Some("cohere-thinking-v2".to_owned());
        Part::new(Content::Reasoning(Reasoning { format, ..Reasoning::piece(text, ReasoningSpelling::Auto) }))
    })
}

fn user() -> impl Strategy<Value = Message> {
    let image = (word(), option::of(word())).prop_map(|(url, detail)| {
        Part::new(Content::Image(Image { source: Source::Url(format!("https://{url}")), detail }))
    });
    let part = prop_oneof![text().prop_map(Part::text), image];
    let parts = vec((part, extra()).prop_map(|(part, extra)| Part { extra, ..part }), 1..4);
    parts.prop_map(|parts| Message { shape: Shape::Parts, ..Message::new(Role::User, parts) })
}

fn result() -> impl Strategy<Value = Message> {
    (word(), text()).prop_map(|(id, text)| {
        let parts = vec![Part::text(text)];
        let result = ToolResult { call_id: Some(id), name: None, parts, shape: Shape::Text, is_error: false };
        Message::new(Role::Tool, vec![Part::new(Content::ToolResult(result))])
    })
}

fn said() -> impl Strategy<Value = Vec<Part>> {
    (vec(prop_oneof![text().prop_map(Part::text), thought()], 1..4), vec(call(), 0..3))
        .prop_map(|(content, calls)| content.into_iter().chain(calls).collect())
}

fn request() -> impl Strategy<Value = Request> {
    let assistant = (said(), extra()).prop_map(|(parts, extra)| Message {
        shape: Shape::Parts,
        extra,
        ..Message::new(Role::Assistant, parts)
    });
    let system = text().prop_map(|text| Message { shape: Shape::Text, ..Message::text(Role::System, text) });
    let messages = vec(prop_oneof![user(), assistant, system, result()], 1..5);
    let number =
        || option::of((0_u32..100).prop_map(|n| Number::from_f64(f64::from(n) / 100.0).expect("finite")));
    let tool = (word(), option::of(text()), extra()).prop_map(|(name, description, extra)| {
        let function =
            Function { name, description, parameters: Some(json!({"type": "object"})), strict: Some(true) };
        Tool { definition: Definition::Function(function), cache: None, extra }
    });
    let choice = prop_oneof![Just(ToolChoice::None), Just(ToolChoice::Required)];
    let limits = (
        option::of(1_u64..9_999),
        number(),
        number(),
        option::of(vec(text(), 0..3)),
        option::of(any::<i64>()),
    );
    (messages, vec(tool, 0..3), option::of(choice), limits, option::of(any::<bool>()), extra()).prop_map(
        |(messages, tools, tool_choice, (tokens, temperature, top_p, stop, seed), stream, extra)| Request {
            tools,
            tool_choice,
            output_limit: tokens.map(|tokens| OutputLimit { tokens, legacy: false }),
            sampling: Sampling { temperature, top_p, seed: seed.map(Number::from), ..Sampling::default() },
            stop: stop.map(Stop::Many),
            stream,
            extra: own(extra),
            ..Request::new("m", messages)
        },
    )
}

/// An answer that is the same whole and streamed.
fn response() -> impl Strategy<Value = Response> {
    let finish = prop_oneof![
        Just(FinishReason::Stop),
        Just(FinishReason::Length),
        Just(FinishReason::ToolCalls),
        "x_[a-z]{1,4}".prop_map(FinishReason::Other),
    ];
    let usage = (1_u64..99, 1_u64..99).prop_map(|(input, output)| Usage {
        input,
        output,
        reasoning: output / 2,
        ..Usage::default()
    });
    (said(), finish, option::of(usage), word()).prop_map(|(parts, finish, usage, id)| Response {
        id: Some(id),
        choices: vec![Choice {
            finish: Some(finish),
            ..Choice::new(0, Message::new(Role::Assistant, parts))
        }],
        usage,
        ..Response::default()
    })
}

fn without_vendor_usage(mut response: Response) -> Response {
    response.extra.remove("usage");
    response
}

proptest! {
    #[test]
    fn requests(request in request()) {
        let encoded = encode_request(&request, &Target::model("m"));
        prop_assert_eq!((&encoded.lost, &encoded.lowered), (&Vec::new(), &Vec::new()));
        let again = decode_request(&encoded.body).unwrap();
        prop_assert_eq!(&again, &request);
        prop_assert_eq!(encode_request(&again, &Target::model("m")), encoded);
    }

    #[test]
    fn answers(response in response()) {
        let written = encode_response(&response, &AnswerContext::default());
        prop_assert_eq!(without_vendor_usage(decode_response(&written).unwrap()), response);
    }

    #[test]
    fn answers_as_streams(response in response(), size in 1_usize..50) {
        let written = streams::write(&response.clone().into_deltas());
        let pieces: Vec<&[u8]> = written.chunks(size).collect();
        let (deltas, ending) = streams::read(&pieces);
        prop_assert_eq!(ending, Ok(()));
        prop_assert_eq!(without_vendor_usage(collect(deltas)), response);
    }

    #[test]
    fn any_bytes_can_be_read(body in vec(any::<u8>(), 0..200), text in ".*") {
        let _ = decode_request(&body);
        let _ = decode_request(text.as_bytes());
        let _ = decode_response(&body);
        let _ = streams::read(&[&body]);
    }
}
