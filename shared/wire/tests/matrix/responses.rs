//! Whole answers: each told in every format.

use std::fmt::Write as _;

use postern_wire::chat::Response;

use crate::facts::Facts;
use crate::fixtures::{self, Fixture};
use crate::format::{Format, context};
use crate::kept::lost_of_answer;
use crate::render;

pub(crate) fn read(fixture: &Fixture) -> Response {
    fixture
        .format
        .decode_response(&fixture.body)
        .unwrap_or_else(|error| panic!("{}: {error}", fixture.name()))
}

/// As the gateway does before it writes for a caller of another format.
pub(crate) fn foreign(mut response: Response, to: Format) -> Response {
    response.leave_extra();
    response.id = None;
    response.model = None;
    if to.seals() {
        response.seal_signatures();
    }
    response
}

fn others(fixture: &Fixture) -> impl Iterator<Item = Format> {
    let own = fixture.format;
    Format::ALL.into_iter().filter(move |format| *format != own)
}

#[test]
fn answers_are_told_in_every_format() {
    fixtures::check("responses", |fixture| {
        let mut out = String::new();
        for to in others(fixture) {
            let body = to.encode_response(&foreign(read(fixture), to), &context());
            let _ = writeln!(out, "== {}", to.name());
            out.push_str(&render::body(&body));
        }
        out
    });
}

#[test]
fn answers_come_back_equal_in_their_own_format() {
    let mut changed = Vec::new();
    for fixture in fixtures::all("responses") {
        let body = fixture.format.encode_response(&read(&fixture), &context());
        let [was, is] = [&fixture.body, &body].map(|body| render::sorted(body));
        if was != is {
            changed.push(format!("{}\n{was}became\n{is}", fixture.name()));
        }
    }
    assert!(changed.is_empty(), "{} answers have changed:\n{}", changed.len(), changed.join("\n"));
}

#[test]
fn answers_lose_nothing_silently() {
    let mut silent = Vec::new();
    for fixture in fixtures::all("responses") {
        for to in others(&fixture) {
            let told = foreign(read(&fixture), to);
            let body = to.encode_response(&told, &context());
            let again = to.decode_response(&body);
            let again = again.unwrap_or_else(|error| panic!("{} to {}: {error}", fixture.name(), to.name()));
            let (before, after) = (Facts::of_response(&told), Facts::of_response(&again));
            let lost = lost_of_answer(to, &before, &after);
            silent.extend(lost.into_iter().map(|lost| format!("{} {lost}", fixture.name())));
        }
    }
    assert!(silent.is_empty(), "{} facts were lost silently:\n{}", silent.len(), silent.join("\n"));
}
