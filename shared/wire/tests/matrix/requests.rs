//! Requests: each told in every format.

use std::fmt::Write as _;

use crate::facts::Facts;
use crate::fixtures::{self, Fixture};
use crate::format::Format;
use crate::kept::lost_of_request;
use crate::render;
use postern_wire::dialect::{Encoded, Target, Weight};

/// Models that take the same format otherwise, for the behaviours where that matters.
const VARIANTS: &[(&str, Format, &str)] = &[
    ("reasoning", Format::Dialect(postern_wire::Dialect::Anthropic), "claude-opus-4-6"),
    ("reasoning", Format::Dialect(postern_wire::Dialect::Gemini), "gemini-3-pro-preview"),
    ("reasoning", Format::Dialect(postern_wire::Dialect::Bedrock), "openai.gpt-oss-120b-1:0"),
    ("reasoning", Format::Dialect(postern_wire::Dialect::Bedrock), "us.amazon.nova-2-lite-v1:0"),
    ("reasoning", Format::Dialect(postern_wire::Dialect::Cohere), "command-a-reasoning-08-2025"),
];

/// Every other format with its usual model, and the variants of the behaviour.
fn targets(fixture: &Fixture) -> Vec<(Format, Target<'static>)> {
    let others = Format::ALL.into_iter().filter(|format| *format != fixture.format);
    let mut targets: Vec<_> = others.map(|format| (format, format.target())).collect();
    for (behaviour, format, model) in VARIANTS {
        if fixture.behaviour.starts_with(behaviour) {
            targets.push((*format, Target { model, ..format.target() }));
        }
    }
    targets
}

/// The model of a fixture that its usual one does not take as it is, where the address says the model.
fn own_model(fixture: &Fixture) -> Option<&'static str> {
    let gemini = Format::Dialect(postern_wire::Dialect::Gemini);
    (fixture.format == gemini && fixture.behaviour == "reasoning_level").then_some("gemini-3-pro-preview")
}

/// As the gateway does.
fn translate(fixture: &Fixture, to: Format, target: &Target<'_>) -> Encoded {
    let mut request = fixture.format.decode_request(&fixture.body).unwrap_or_else(|error| {
        panic!("{}: {error}", fixture.name());
    });
    let left = fixture.format.leave(&mut request);
    let stream = request.is_streamed();
    request.stream = stream.then_some(true);
    let asks = matches!(to, Format::Dialect(dialect) if dialect.asks_for_usage());
    request.include_usage = (stream && asks).then_some(true);
    let mut encoded = to.encode_request(&request, target);
    encoded.lost.splice(0..0, left);
    encoded
}

#[test]
fn requests_are_told_in_every_format() {
    fixtures::check("requests", |fixture| {
        let mut out = String::new();
        for (to, target) in targets(fixture) {
            let encoded = translate(fixture, to, &target);
            let _ = writeln!(out, "== {} {}", to.name(), target.model);
            for loss in &encoded.lost {
                let weight = if loss.weight == Weight::Hint { "hint" } else { "meaning" };
                let _ = writeln!(out, "{weight} {}: {}", loss.field, loss.reason);
            }
            for field in &encoded.lowered {
                let _ = writeln!(out, "lowered {field}");
            }
            out.push_str(&render::body(&encoded.body));
        }
        out
    });
}

#[test]
fn requests_come_back_equal_in_their_own_format() {
    let mut changed = Vec::new();
    for fixture in fixtures::all("requests") {
        let mut request = fixture.format.decode_request(&fixture.body).expect("a request");
        if let Some(model) = own_model(&fixture) {
            request.model = model.to_owned();
        }
        let target = Target { model: &request.model, ..fixture.format.target() };
        let encoded = fixture.format.encode_request(&request, &target);
        let [was, is] = [&fixture.body, &encoded.body].map(|body| render::sorted(body));
        if was != is || !encoded.lost.is_empty() || !encoded.lowered.is_empty() {
            let Encoded { lost, lowered, .. } = encoded;
            changed.push(format!("{}\n{was}became\n{is}{lost:?} {lowered:?}", fixture.name()));
        }
    }
    assert!(changed.is_empty(), "{} requests have changed:\n{}", changed.len(), changed.join("\n"));
}

#[test]
fn requests_lose_nothing_silently() {
    let mut silent = Vec::new();
    for fixture in fixtures::all("requests") {
        let mut request = fixture.format.decode_request(&fixture.body).expect("a request");
        fixture.format.leave(&mut request);
        let before = Facts::of_request(&request);
        for (to, target) in targets(&fixture) {
            let encoded = translate(&fixture, to, &target);
            let lost = match to.decode_request_for(target.model, &encoded.body) {
                Ok(again) => lost_of_request(to, &before, &Facts::of_request(&again), &encoded),
                // Nothing can be told of it, and that is said.
                Err(_) if encoded.lost.iter().any(|loss| loss.field == "prompt") => continue,
                Err(error) => vec![format!("to {}: {error}", to.name())],
            };
            silent.extend(lost.into_iter().map(|lost| format!("{} {lost}", fixture.name())));
        }
    }
    assert!(silent.is_empty(), "{} facts were lost silently:\n{}", silent.len(), silent.join("\n"));
}
