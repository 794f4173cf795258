//! What a caller is told of an answer, by its format: written by the format's writer and read again.

use postern_wire::Usage;
use postern_wire::chat::{
    Annotation, Audio, Choice, Content, FinishReason, Image, Logprobs, Message, Part, Reasoning,
    ReasoningForm, Response, Role, Source, Text, TokenLogprob, ToolCall, ToolKind,
};
use postern_wire::dialect::AnswerContext;
use serde_json::Number;

use crate::table::markdown;
use crate::{CALLERS, title};

/// What an answer may hold: a name, an answer that holds it, and whether one does.
type Probe = (&'static str, Response, fn(&Response) -> bool);

fn said(parts: Vec<Part>, finish: FinishReason) -> Response {
    let choice = Choice { finish: Some(finish), ..Choice::new(0, Message::new(Role::Assistant, parts)) };
    Response { choices: vec![choice], ..Response::default() }
}

fn parts(response: &Response) -> impl Iterator<Item = &Part> {
    response.choices.iter().flat_map(|choice| &choice.message.parts)
}

fn holds(response: &Response, test: fn(&Content) -> bool) -> bool {
    parts(response).any(|part| test(&part.content))
}

fn counted(usage: Usage) -> Response {
    Response { usage: Some(usage), ..said(vec![Part::text("Hi")], FinishReason::Stop) }
}

fn usage(response: &Response) -> Usage {
    response.usage.unwrap_or_default()
}

fn cited(url: Option<&str>) -> Response {
    let source = Annotation {
        kind: if url.is_some() { "url_citation" } else { "char_location" }.to_owned(),
        url: url.map(str::to_owned),
        title: Some("Facts".to_owned()),
        document: url.is_none().then_some(0),
        start: Some(0),
        end: Some(9),
        ..Annotation::default()
    };
    let text = Text { text: "It rains.".to_owned(), annotations: vec![source] };
    said(vec![Part::new(Content::Text(text))], FinishReason::Stop)
}

fn has_source(response: &Response, url: bool) -> bool {
    parts(response).any(|part| match &part.content {
        Content::Text(text) => text.annotations.iter().any(|each| each.url.is_some() == url),
        _ => false,
    })
}

fn probes() -> Vec<Probe> {
    let call = ToolCall {
        id: Some("call_1".to_owned()),
        name: "weather".to_owned(),
        arguments: "{}".to_owned(),
        kind: ToolKind::Function,
    };
    let call = Part::new(Content::ToolCall(call));
    let signed = Part { signature: Some("QUJDRA==".to_owned()), ..call.clone() };
    let thought = |form, signature: Option<&str>| {
        let format = signature.map(|_| "anthropic-claude-v1".to_owned());
        let reasoning = Reasoning { text: "Hm.".to_owned(), form, format, ..Reasoning::default() };
        let part = Part::new(Content::Reasoning(reasoning));
        Part { signature: signature.map(str::to_owned), ..part }
    };
    let picture = Image {
        source: Source::Base64 { media_type: Some("image/png".to_owned()), data: "iVBORw0KGgo=".to_owned() },
        detail: None,
    };
    let sound = Audio {
        id: Some("a".to_owned()),
        data: Some("UklGRg==".to_owned()),
        transcript: Some("Hi".to_owned()),
        ..Audio::default()
    };
    let mut likely = said(vec![Part::text("Hi")], FinishReason::Stop);
    let mut twice = likely.clone();
    for choice in &mut likely.choices {
        let token = TokenLogprob {
            token: "Hi".to_owned(),
            logprob: Number::from(-1),
            bytes: None,
            top: None,
            extra: <_>::default(),
        };
        choice.logprobs = Some(Logprobs { content: Some(vec![token]), ..Logprobs::default() });
    }
    twice.choices.extend(twice.choices.clone().into_iter().map(|choice| Choice { index: 1, ..choice }));
    let mut stopped = said(vec![Part::text("1, 2, ")], FinishReason::StopSequence);
    for choice in &mut stopped.choices {
        choice.stop_sequence = Some("3".to_owned());
    }
    let refused = said(vec![Part::new(Content::Refusal("No.".to_owned()))], FinishReason::Stop);
    let text = || Part::text("Hi");
    vec![
        ("calls of tools", said(vec![call], FinishReason::ToolCalls), |answer| {
            holds(answer, |content| matches!(content, Content::ToolCall(_)))
        }),
        ("Gemini's signature of a call", said(vec![signed], FinishReason::ToolCalls), |answer| {
            parts(answer).any(|part| {
                let inside = match &part.content {
                    Content::ToolCall(call) => call.id.as_ref().is_some_and(|id| id.contains("_psig_")),
                    _ => false,
                };
                inside || part.signature.is_some()
            })
        }),
        ("reasoning", said(vec![thought(ReasoningForm::Full, None), text()], FinishReason::Stop), |answer| {
            holds(answer, |content| matches!(content, Content::Reasoning(_)))
        }),
        (
            "its signature",
            said(vec![thought(ReasoningForm::Full, Some("c2lnbmVk")), text()], FinishReason::Stop),
            |answer| parts(answer).any(|part| part.signature.is_some()),
        ),
        ("a refusal as such", refused, |answer| {
            let reason = answer.choices.first().and_then(|choice| choice.finish.as_ref());
            holds(answer, |content| matches!(content, Content::Refusal(_)))
                || reason == Some(&FinishReason::Refusal)
        }),
        ("sources by address", cited(Some("https://example.com")), |answer| has_source(answer, true)),
        ("sources by document", cited(None), |answer| has_source(answer, false)),
        ("an image", said(vec![text(), Part::new(Content::Image(picture))], FinishReason::Stop), |answer| {
            holds(answer, |content| matches!(content, Content::Image(_)))
        }),
        ("sound", said(vec![Part::new(Content::Audio(sound))], FinishReason::Stop), |answer| {
            holds(answer, |content| matches!(content, Content::Audio(_)))
        }),
        ("several answers", twice, |answer| answer.choices.len() == 2),
        ("probabilities of tokens", likely, |answer| {
            answer.choices.iter().any(|choice| choice.logprobs.is_some())
        }),
        ("which stop sequence came up", stopped, |answer| {
            answer.choices.iter().any(|choice| choice.stop_sequence.is_some())
        }),
        (
            "tokens read from the cache",
            counted(Usage { input: 5, cache_read: 5, output: 1, ..Usage::default() }),
            |answer| usage(answer).cache_read == 5,
        ),
        (
            "tokens written to the cache",
            counted(Usage { input: 5, cache_write: 5, output: 1, ..Usage::default() }),
            |answer| usage(answer).cache_write == 5,
        ),
        (
            "tokens of reasoning",
            counted(Usage { input: 5, output: 9, reasoning: 5, ..Usage::default() }),
            |answer| usage(answer).reasoning == 5,
        ),
        (
            "tokens of sound",
            counted(Usage { input: 5, input_audio: 5, output: 1, ..Usage::default() }),
            |answer| usage(answer).input_audio == 5,
        ),
    ]
}

/// What an answer holds, by formats of callers.
pub(crate) fn table() -> String {
    let context = AnswerContext { id: "1".to_owned(), model: "model".to_owned(), ..AnswerContext::default() };
    let rows: Vec<Vec<String>> = probes()
        .iter()
        .map(|(name, answer, test)| {
            let told = CALLERS.iter().map(|caller| {
                let body = caller.encode_response(answer, &context);
                let again = caller.decode_response(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
                if test(&again) { "yes" } else { "no" }.to_owned()
            });
            std::iter::once((*name).to_owned()).chain(told).collect()
        })
        .collect();
    let mut head = vec!["what an answer holds"];
    head.extend(CALLERS.iter().map(|caller| title(*caller)));
    format!(
        "## What a caller is told of an answer\n\nBy the format of the caller.\n\n{}",
        markdown(&head, &rows)
    )
}
