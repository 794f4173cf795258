//! Streams: each told in every format, cut anywhere, and compared with the whole answer of the same behaviour.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use postern_wire::Dialect;
use postern_wire::chat::{Collector, Delta, Response};
use postern_wire::dialect::StreamError;
use postern_wire::event_stream::{Decoder, Header, write_message};
use serde_json::Value;

use crate::facts::{Fact, Facts};
use crate::fixtures::{self, Fixture};
use crate::format::{Format, context};
use crate::kept::lost_of_answer;
use crate::responses;

/// The bytes of a stream. Bedrock's are binary: a fixture has one event a line, `NAME PAYLOAD`.
fn bytes(fixture: &Fixture) -> Bytes {
    if fixture.format != Format::Dialect(Dialect::Bedrock) {
        return fixture.body.clone();
    }
    let mut out = BytesMut::new();
    for line in std::str::from_utf8(&fixture.body).expect("text").lines() {
        let (name, payload) = line.split_once(' ').expect("NAME PAYLOAD");
        let headers = [
            Header::text(":event-type", name),
            Header::text(":content-type", "application/json"),
            Header::text(":message-type", "event"),
        ];
        write_message(&mut out, &headers, payload.as_bytes()).expect("a small message");
    }
    out.freeze()
}

/// All deltas of a stream in pieces, as the gateway takes them.
fn read(format: Format, pieces: &[Bytes]) -> Result<Vec<Delta>, StreamError> {
    let mut decoder = format.stream_decoder();
    let mut deltas = Vec::new();
    for piece in pieces {
        decoder.push(piece.clone());
        while let Some(delta) = decoder.next()? {
            deltas.push(delta);
        }
    }
    if !decoder.is_done() {
        decoder.end()?;
        while let Some(delta) = decoder.next()? {
            deltas.push(delta);
        }
    }
    Ok(deltas)
}

fn deltas(fixture: &Fixture) -> Vec<Delta> {
    read(fixture.format, &[bytes(fixture)]).unwrap_or_else(|error| panic!("{}: {error:?}", fixture.name()))
}

/// As the gateway tells a stream to a caller of another format.
fn translate(deltas: &[Delta], to: Format) -> Bytes {
    let mut encoder = to.stream_encoder(context());
    let mut out = BytesMut::new();
    for mut delta in deltas.iter().cloned().filter_map(Delta::without_extra) {
        if to.seals() {
            delta.seal_signature();
        }
        encoder.delta(&delta, &mut out);
    }
    encoder.end(&mut out);
    out.freeze()
}

fn collect(deltas: impl IntoIterator<Item = Delta>) -> Response {
    let mut collector = Collector::new();
    deltas.into_iter().for_each(|delta| collector.push(delta));
    collector.finish()
}

fn others(fixture: &Fixture) -> impl Iterator<Item = Format> {
    let own = fixture.format;
    Format::ALL.into_iter().filter(move |format| *format != own)
}

/// A stream as text: events on lines of their own, without the blank lines between them.
fn shown(format: Format, stream: &[u8]) -> String {
    if format != Format::Dialect(Dialect::Bedrock) {
        let text = std::str::from_utf8(stream).expect("text");
        let lines = text.lines().filter(|line| !line.is_empty());
        return lines.fold(String::new(), |all, line| all + line + "\n");
    }
    let mut decoder = Decoder::new(1 << 20);
    decoder.push(stream);
    let mut out = String::new();
    while let Some(message) = decoder.next().expect("whole messages") {
        let payload: Value = serde_json::from_slice(&message.payload).expect("JSON");
        let _ = write!(out, "{} {}", message.text(":event-type").expect("a name"), payload);
        out.push('\n');
    }
    out
}

#[test]
fn streams_are_told_in_every_format() {
    fixtures::check("streams", |fixture| {
        let deltas = deltas(fixture);
        let mut out = String::new();
        for to in others(fixture) {
            let _ = writeln!(out, "== {}", to.name());
            out.push_str(&shown(to, &translate(&deltas, to)));
        }
        out
    });
}

/// Cuts in two: around each end of a line or frame, and at every seventh byte. (Byte by byte everything is cut once.)
fn is_tried(stream: &[u8], place: usize) -> bool {
    let near = stream.get(place.saturating_sub(2)..place + 2).unwrap_or_default();
    place.is_multiple_of(7) || near.contains(&b'\n')
}

#[test]
fn streams_cut_anywhere_say_the_same() {
    for fixture in fixtures::all("streams") {
        let stream = bytes(&fixture);
        let whole = deltas(&fixture);
        for place in (1..stream.len()).filter(|place| is_tried(&stream, *place)) {
            let cut = read(fixture.format, &[stream.slice(..place), stream.slice(place..)]);
            assert_eq!(cut.as_ref(), Ok(&whole), "{} cut at byte {place}", fixture.name());
        }
        let single: Vec<_> = (0..stream.len()).map(|place| stream.slice(place..=place)).collect();
        assert_eq!(read(fixture.format, &single).as_ref(), Ok(&whole), "{} byte by byte", fixture.name());
    }
}

#[test]
fn lines_may_end_otherwise_and_comments_say_nothing() {
    for fixture in fixtures::all("streams") {
        if fixture.format == Format::Dialect(Dialect::Bedrock) {
            continue;
        }
        let whole = deltas(&fixture);
        let text = std::str::from_utf8(&fixture.body).expect("text");
        let carriage = text.replace('\n', "\r\n");
        let commented = format!("\u{feff}: a comment\n\n{}", text.replace("\n\n", "\n\n: keep-alive\n\n"));
        for (how, told) in [("CRLF", carriage), ("comments", commented)] {
            assert_eq!(
                read(fixture.format, &[told.into()]).as_ref(),
                Ok(&whole),
                "{} with {how}",
                fixture.name()
            );
        }
    }
}

#[test]
fn streams_lose_nothing_silently() {
    let mut silent = Vec::new();
    for fixture in fixtures::all("streams") {
        let deltas = deltas(&fixture);
        for to in others(&fixture) {
            let told = responses::foreign(collect(deltas.clone()), to);
            let again = read(to, &[translate(&deltas, to)]);
            let again =
                again.unwrap_or_else(|error| panic!("{} to {}: {error:?}", fixture.name(), to.name()));
            let (before, after) = (Facts::of_response(&told), Facts::of_response(&collect(again)));
            let lost = lost_of_answer(to, &before, &after);
            silent.extend(lost.into_iter().map(|lost| format!("{} {lost}", fixture.name())));
        }
    }
    assert!(silent.is_empty(), "{} facts were lost silently:\n{}", silent.len(), silent.join("\n"));
}

/// A stream and the whole answer of the same behaviour, in one format and told in any other, make the same message.
#[test]
fn streams_say_what_whole_answers_say() {
    let wholes = fixtures::all("responses");
    let mut compared = 0;
    let mut apart = Vec::new();
    for fixture in fixtures::all("streams") {
        let Some(whole) = wholes.iter().find(|whole| whole.name() == fixture.name()) else { continue };
        compared += 1;
        let (deltas, whole) = (deltas(&fixture), responses::read(whole));
        let mut compare = |what: &str, streamed: &Response, whole: &Response| {
            let [streamed, whole] = [streamed, whole].map(Facts::of_response);
            // Completions has these in no event, and its whole answers pass them on.
            let told = |fact: &&Fact| !["service_tier", "system_fingerprint"].contains(&fact.what.as_str());
            let differ = whole.missing(&streamed).into_iter().chain(streamed.missing(&whole)).filter(told);
            apart.extend(differ.map(|fact| format!("{} {what}: {fact:?}", fixture.name())));
        };
        let mut bare = whole.clone();
        bare.leave_extra();
        compare("as it came", &responses::foreign(collect(deltas.clone()), fixture.format), &bare);
        // Bedrock's whole answers have no reasoning without a signature; of a stream it is not known in time.
        let others = others(&fixture).filter(|to| *to != Format::Dialect(Dialect::Bedrock));
        for to in others {
            let streamed = collect(read(to, &[translate(&deltas, to)]).expect("a stream"));
            let body = to.encode_response(&responses::foreign(whole.clone(), to), &context());
            compare(to.name(), &streamed, &to.decode_response(&body).expect("an answer"));
        }
    }
    assert!(compared > 0, "streams and answers are named alike");
    assert!(apart.is_empty(), "{} facts differ:\n{}", apart.len(), apart.join("\n"));
}
