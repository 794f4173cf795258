//! Canonical values that the format can say, as its readers give them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

use crate::Usage;
use crate::chat::{
    Annotation, CacheLife, CacheMark, Choice, Content, Definition, Effort, Extra, File, FinishReason,
    Function, Image, Message, OutputLimit, Part, Reasoning, ReasoningForm, ReasoningRequest,
    ReasoningRequestSpelling, Request, Response, ResponseFormat, Role, Sampling, Schema, Shape, Source, Stop,
    Text, Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
};

fn word() -> impl Strategy<Value = String> {
    "[a-z0-9_-]{1,8}"
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ -~]{1,16}", 1 => "\\PC{1,6}"]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![Just(Number::from(1)), (0.0..1.0_f64).prop_map(|f| Number::from_f64(f).expect("finite"))]
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((word(), inner), 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    vec((word(), value), 0..3).prop_map(|fields| fields.into_iter().collect())
}

/// Fields the format does not know.
fn extra() -> impl Strategy<Value = Extra> {
    prop_oneof![
        3 => Just(Extra::new()),
        1 => vec(("x_[a-z]{1,3}", text().prop_map(Value::from)), 1..3).prop_map(|fields| fields.into_iter().collect()),
    ]
}

fn cache() -> impl Strategy<Value = Option<CacheMark>> {
    let life = prop_oneof![Just(CacheLife::Default), Just(CacheLife::FiveMinutes), Just(CacheLife::OneHour)];
    option::weighted(0.2, life.prop_map(|life| CacheMark { life }))
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        word().prop_map(|name| Source::Url(format!("https://example.com/{name}"))),
        word().prop_map(Source::FileId),
    ]
}

fn citation() -> impl Strategy<Value = Annotation> {
    let page = (text(), 0_u64..9, option::of(text())).prop_map(|(quote, document, title)| Annotation {
        kind: "page_location".to_owned(),
        quote: Some(quote),
        title,
        document: Some(document),
        extra: Extra::from_iter([
            ("start_page_number".to_owned(), 1.into()),
            ("end_page_number".to_owned(), 2.into()),
        ]),
        ..Annotation::default()
    });
    let web = (text(), text(), word()).prop_map(|(quote, title, index)| Annotation {
        kind: "web_search_result_location".to_owned(),
        quote: Some(quote),
        title: Some(title),
        url: Some("https://example.com".to_owned()),
        extra: Extra::from_iter([("encrypted_index".to_owned(), index.into())]),
        ..Annotation::default()
    });
    prop_oneof![page, web]
}

fn cited() -> impl Strategy<Value = Content> {
    (text(), vec(citation(), 0..2)).prop_map(|(text, mut annotations)| {
        for annotation in &mut annotations {
            annotation.start = Some(0);
            annotation.end = Some(text.chars().count() as u64);
        }
        Content::Text(Text { text, annotations })
    })
}

fn media() -> impl Strategy<Value = Content> {
    let base64 = |media_type: &'static str| {
        "[A-Za-z0-9+/]{0,8}"
            .prop_map(move |data| Source::Base64 { media_type: Some(media_type.to_owned()), data })
    };
    prop_oneof![
        prop_oneof![source(), base64("image/png")]
            .prop_map(|source| Content::Image(Image { source, detail: None })),
        (prop_oneof![source(), base64("application/pdf"), text().prop_map(Source::Text)], option::of(text()))
            .prop_map(|(source, name)| Content::File(File { source, name })),
        Just(Content::Other("search_result".to_owned())),
    ]
}

fn part(content: impl Strategy<Value = Content>) -> impl Strategy<Value = Part> {
    (content, cache(), extra()).prop_map(|(content, cache, extra)| Part {
        cache,
        extra,
        ..Part::new(content)
    })
}

fn said_with(content: impl Strategy<Value = Part>) -> impl Strategy<Value = (Vec<Part>, Shape)> {
    prop_oneof![
        1 => text().prop_map(|text| (vec![Part::text(text)], Shape::Text)),
        1 => Just((Vec::new(), Shape::Text)),
        3 => vec(content, 0..4).prop_map(|parts| (parts, Shape::Parts)),
    ]
}

fn result() -> impl Strategy<Value = Part> {
    let content = prop_oneof![
        3 => said_with(part(prop_oneof![cited(), media()])),
        1 => Just((Vec::new(), Shape::Absent)),
    ];
    part((word(), content, any::<bool>()).prop_map(|(id, (parts, shape), is_error)| {
        Content::ToolResult(ToolResult { call_id: Some(id), name: None, parts, shape, is_error })
    }))
}

fn call() -> impl Strategy<Value = Part> {
    part((word(), word(), object()).prop_map(|(id, name, input)| {
        let arguments = Value::Object(input).to_string();
        Content::ToolCall(ToolCall { id: Some(id), name, arguments, kind: ToolKind::Function })
    }))
}

fn reasoning() -> impl Strategy<Value = Part> {
    let format = || Some("anthropic-claude-v1".to_owned());
    prop_oneof![
        (prop_oneof![text(), Just(String::new())], word()).prop_map(move |(text, signature)| Part {
            signature: Some(signature),
            ..Part::new(Content::Reasoning(Reasoning { text, format: format(), ..Reasoning::default() }))
        }),
        word().prop_map(move |data| Part::new(Content::Reasoning(Reasoning {
            form: ReasoningForm::Opaque,
            data: Some(data),
            format: format(),
            ..Reasoning::default()
        }))),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let user = said_with(prop_oneof![part(cited()), part(media()), result()]);
    let assistant = said_with(prop_oneof![part(cited()), call(), reasoning()]);
    let message = |role: Role| {
        move |((parts, shape), extra)| Message { role: role.clone(), name: None, parts, shape, extra }
    };
    prop_oneof![
        (user, extra()).prop_map(message(Role::User)),
        (assistant, extra()).prop_map(message(Role::Assistant)),
    ]
}

fn tool() -> impl Strategy<Value = Tool> {
    let schema = object().prop_map(|mut schema| {
        schema.insert("type".to_owned(), "object".into());
        Some(Value::Object(schema))
    });
    let function = (word(), option::of(text()), schema).prop_map(|(name, description, parameters)| {
        Definition::Function(Function { name, description, parameters, strict: None })
    });
    let definition = prop_oneof![3 => function, 1 => "[a-z]{1,4}_[0-9]{8}".prop_map(Definition::BuiltIn)];
    (definition, cache(), extra()).prop_map(|(definition, cache, extra)| Tool { definition, cache, extra })
}

fn choice_of_tool() -> impl Strategy<Value = (Option<ToolChoice>, Option<bool>)> {
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::Required),
        word().prop_map(ToolChoice::Function),
    ];
    prop_oneof![
        Just((None, None)),
        Just((Some(ToolChoice::None), None)),
        (choice, option::of(any::<bool>())).prop_map(|(choice, parallel)| (Some(choice), parallel)),
    ]
}

fn thinking() -> impl Strategy<Value = ReasoningRequest> {
    let effort = option::of(prop_oneof![
        Just(Effort::Low),
        Just(Effort::ExtraHigh),
        Just(Effort::Other("x".to_owned()))
    ]);
    (effort, 0_u8..4, 1_024..99_999_u64).prop_map(|(effort, form, budget)| {
        let (enabled, budget) = match form {
            0 => (Some(true), Some(budget)),
            1 => (Some(true), None),
            2 => (Some(false), None),
            _ => (None, None),
        };
        let effort = effort.or_else(|| enabled.is_none().then_some(Effort::High));
        ReasoningRequest {
            effort,
            budget,
            enabled,
            shown: None,
            spelling: ReasoningRequestSpelling::OutputConfig,
        }
    })
}

fn format() -> impl Strategy<Value = ResponseFormat> {
    any::<bool>().prop_map(|older| {
        let schema = serde_json::json!({"type": "object", "properties": {"a": {"type": "string"}},
            "additionalProperties": false});
        let extra = if older {
            Extra::from_iter([("output_format".to_owned(), Value::Object(Map::new()))])
        } else {
            Extra::new()
        };
        ResponseFormat::JsonSchema(Schema {
            schema: Some(schema),
            strict: Some(true),
            extra,
            ..Schema::default()
        })
    })
}

/// A request to a model of no known name, so that everything is said as it was read.
pub(super) fn request() -> impl Strategy<Value = Request> {
    let system = said_with(part(cited()))
        .prop_map(|(parts, shape)| Message { shape, ..Message::new(Role::System, parts) });
    let conversation = (option::of(system), vec(message(), 1..5), vec(tool(), 0..3), choice_of_tool());
    let sampling = (option::of(number()), option::of(number()), option::of(1_u64..99)).prop_map(
        |(temperature, top_p, top_k)| Sampling {
            temperature,
            top_p,
            top_k: top_k.map(Number::from),
            ..Sampling::default()
        },
    );
    let options = (
        sampling,
        option::of(vec("[a-z]{1,4}", 0..3)),
        option::of(thinking()),
        option::of(format()),
        0..99_999_u64,
    );
    let tier = prop_oneof![Just("auto".to_owned()), Just("default".to_owned())];
    let rest = (option::of(tier), option::of(text()), option::of(any::<bool>()), extra());
    (word(), conversation, options, rest).prop_map(
        |(
            model,
            (system, messages, tools, (tool_choice, parallel_tool_calls)),
            (sampling, stop, reasoning, response_format, tokens),
            (service_tier, user, stream, extra),
        )| Request {
            tools,
            tool_choice,
            parallel_tool_calls,
            response_format,
            sampling,
            stop: stop.map(Stop::Many),
            reasoning,
            output_limit: Some(OutputLimit { tokens, legacy: false }),
            service_tier,
            user,
            stream,
            extra,
            ..Request::new(format!("x-{model}"), system.into_iter().chain(messages).collect())
        },
    )
}

pub(super) fn usage() -> impl Strategy<Value = Usage> {
    (1_u64..999, 0_u64..999, 0_u64..999, 0_u64..999, 1_u64..999).prop_map(
        |(input, cache_read, cache_write, cache_write_1h, output)| Usage {
            input,
            cache_read,
            cache_write,
            cache_write_1h,
            output,
            reasoning: output / 2,
            ..Usage::default()
        },
    )
}

fn finish() -> impl Strategy<Value = (FinishReason, Option<String>)> {
    let plain = prop_oneof![
        Just(FinishReason::Length),
        Just(FinishReason::ToolCalls),
        Just(FinishReason::Pause),
        Just(FinishReason::Refusal),
        Just(FinishReason::ContextLength),
        "x_[a-z]{1,4}".prop_map(FinishReason::Other),
    ];
    prop_oneof![
        plain.prop_map(|reason| (reason, None)),
        text().prop_map(|sequence| (FinishReason::StopSequence, Some(sequence))),
    ]
}

/// An answer, whole or as a stream brings it.
pub(super) fn response() -> impl Strategy<Value = Response> {
    let other = extra()
        .prop_map(|extra| Part { extra, ..Part::new(Content::Other("web_search_tool_result".to_owned())) });
    // A stream brings no marks and nothing else beside text and reasoning.
    let plain = |part: Part| Part { cache: None, extra: Extra::new(), ..part };
    let block = prop_oneof![part(cited()).prop_map(plain), call().prop_map(plain), reasoning(), other];
    (vec(block, 0..5), finish(), usage(), extra()).prop_map(
        |(parts, (reason, stop_sequence), usage, extra)| {
            let choice = Choice {
                finish: Some(reason),
                stop_sequence,
                ..Choice::new(0, Message::new(Role::Assistant, parts))
            };
            Response {
                id: Some("msg_abc".to_owned()),
                model: Some("house-model".to_owned()),
                choices: vec![choice],
                usage: Some(usage),
                extra,
                ..Response::default()
            }
        },
    )
}
