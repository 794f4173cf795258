//! Answers about images and sound: their bytes pass, and what they say of usage is recorded.

use std::time::Duration;

use bytes::Bytes;
use postern_gateway::record::{Outcome, UsageSource};
use postern_testkit::script::{Chunk, End, Fate, Reply};
use postern_testkit::vendor::openai_forms;
use postern_wire::{MicroUsd, Usage};
use serde_json::json;

use super::site::{Heard, Incoming, Site, answer, expect, form, form_type, play, post};

fn speak(site: &Site, key: &str, more: &str) -> Heard {
    let body = format!(r#"{{"model":"voice","input":"Grüße!","voice":"alloy"{more}}}"#);
    site.call(post("/v1/audio/speech", key, "application/json", Incoming::whole(body)))
}

fn stream(kind: &str, pieces: &[&str], end: End) -> Reply {
    let chunk = |text: &&str| Chunk {
        after: Duration::from_millis(3),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    };
    Reply {
        headers: vec![("content-type".into(), kind.into())],
        chunks: pieces.iter().map(chunk).collect(),
        end,
        ..Reply::default()
    }
}

#[test]
fn images_are_metered_in_the_providers_tokens_and_priced() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["painter"]);
    let usage = json!({
        "total_tokens": 4533, "input_tokens": 373, "output_tokens": 4160,
        "input_tokens_details": {"text_tokens": 50, "image_tokens": 323},
    });
    let body = json!({"created": 1, "data": [{"b64_json": "AA=="}], "usage": usage});
    let edits = "/v1/images/edits";
    play(&site, [expect("POST", edits, Some(openai_forms::image_edit), answer(&body))]);
    let sent = form(&[
        ("model", b"painter"),
        ("prompt", b"a cat"),
        ("image[]=a.png", b"1"),
        ("image[]=b.png", b"2"),
    ]);
    let heard = site.call(post(edits, &key, &form_type(), Incoming::whole(sent)));
    assert_eq!((heard.status.as_u16(), heard.json()), (200, body));
    // 50 x 5 + 323 x 10 + 4160 x 40 micro-USD.
    assert_eq!(heard.headers["x-postern-cost-usd"], "0.169880");
    let record = site.record();
    let expected = Usage { input: 50, input_image: 323, output_image: 4160, ..Usage::default() };
    assert_eq!((record.usage, record.usage_source), (expected, UsageSource::Provider));
    assert_eq!((record.cost, record.priced), (MicroUsd(169_880), true));
    assert_eq!((record.operation.as_str(), record.upstream_model.as_str()), ("image_edit", "gpt-image-1"));
}

#[test]
fn images_without_tokens_are_counted_and_have_no_price_unless_one_is_known() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["painter"]);
    let body = json!({"created": 1, "data": [{"url": "https://x/1"}, {"url": "https://x/2"}]});
    let path = "/v1/images/generations";
    let script = play(&site, [expect("POST", path, None, answer(&body))]);
    let sent = r#"{ "prompt": "a", "model": "painter" , "n":2}"#;
    let heard = site.call(post(path, &key, "application/json", Incoming::whole(sent)));
    assert_eq!(heard.json(), body);
    assert_eq!(script.received()[0].body, r#"{ "prompt": "a", "model": "gpt-image-1" , "n":2}"#);
    assert!(!heard.headers.contains_key("x-postern-cost-usd"));
    let record = site.record();
    assert_eq!((record.usage.images, record.cost, record.priced), (2, MicroUsd::ZERO, false));
}

#[test]
fn sound_flows_as_it_comes_and_its_text_is_counted() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["voice"]);
    play(
        &site,
        [expect(
            "POST",
            "/v1/audio/speech",
            None,
            stream("audio/mpeg", &["ID3", "more", "end"], End::Complete),
        )],
    );
    let heard = speak(&site, &key, "");
    assert_eq!(
        (heard.status.as_u16(), heard.body.as_ref(), heard.broken),
        (200, b"ID3moreend".as_slice(), false)
    );
    assert_eq!(heard.headers["content-type"], "audio/mpeg");
    let record = site.record();
    assert_eq!((record.usage.characters, record.usage_source), (6, UsageSource::Counted));
    assert_eq!((record.priced, record.stream, record.operation.as_str()), (false, false, "speech"));
}

#[test]
fn sound_that_breaks_off_is_never_taken_for_all() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["voice"]);
    for end in [End::Break, End::Stall] {
        let script = play(
            &site,
            [expect("POST", "/v1/audio/speech", None, stream("audio/mpeg", &["ID3", "more"], end))],
        );
        let heard = speak(&site, &key, "");
        assert_eq!((heard.body.as_ref(), heard.broken), (b"ID3more".as_slice(), true), "{end:?}");
        let record = site.last_record();
        assert_eq!(record.outcome, Outcome::StreamFailed);
        let code = if end == End::Break { "upstream_cut" } else { "upstream_timeout" };
        assert_eq!(record.error.as_deref(), Some(code));
        let fate = if end == End::Break { Fate::Given } else { Fate::Cancelled };
        assert_eq!(script.received()[0].fate, fate);
    }
    // Before anything has come, it is an error as any other.
    for (reply, code) in [
        (stream("audio/mpeg", &[], End::Complete), "upstream_bad_answer"),
        (stream("audio/mpeg", &[], End::Break), "upstream_cut"),
        (stream("text/html", &["<html>"], End::Complete), "upstream_bad_answer"),
    ] {
        play(&site, [expect("POST", "/v1/audio/speech", None, reply)]);
        assert_eq!(speak(&site, &key, "").error().1, code);
    }
}

#[test]
fn events_about_sound_pass_and_their_usage_is_recorded() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["voice"]);
    let events = [
        "data: {\"type\":\"speech.audio.delta\",\"audio\":\"AA==\"}\n\n",
        "data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":14,\"output_tokens\":101,\"total_tokens\":115}}\n\n",
    ];
    play(
        &site,
        [expect("POST", "/v1/audio/speech", None, stream("text/event-stream", &events, End::Complete))],
    );
    let heard = speak(&site, &key, r#","stream_format":"sse""#);
    assert_eq!((heard.body.as_ref(), heard.broken), (events.concat().as_bytes(), false));
    let record = site.record();
    let expected = Usage { input: 14, output_audio: 101, ..Usage::default() };
    assert_eq!((record.usage, record.usage_source, record.stream), (expected, UsageSource::Provider, true));
    // 14 x 0.60 + 101 x 12.00 = 8.4 + 1212 micro-USD.
    assert_eq!((record.cost, record.priced), (MicroUsd(1_220), true));
}

#[test]
fn events_that_end_too_early_or_fail_end_with_an_error_event() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["voice"]);
    let delta = "data: {\"type\":\"speech.audio.delta\",\"audio\":\"AA==\"}\n\n";
    let failure = "data: {\"error\":{\"message\":\"the voice is gone\",\"type\":\"server_error\"}}\n\n";
    for (pieces, end, word) in [
        (vec![delta], End::Complete, "ended before it was complete"),
        (vec![delta], End::Break, "broke off"),
        (vec![delta, "data: {\"type\":"], End::Complete, "ended before it was complete"),
        (vec![delta, failure], End::Complete, "the voice is gone"),
    ] {
        play(&site, [expect("POST", "/v1/audio/speech", None, stream("text/event-stream", &pieces, end))]);
        let heard = speak(&site, &key, r#","stream_format":"sse""#);
        let text = String::from_utf8(heard.body.to_vec()).unwrap();
        assert!(text.starts_with(delta) && text.contains(word) && text.contains("\"error\""), "{text}");
        assert!(!heard.broken);
        assert_eq!(site.last_record().outcome, Outcome::StreamFailed);
    }
}

#[test]
fn transcripts_in_every_form() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["scribe"]);
    let path = "/v1/audio/transcriptions";
    let sent = form(&[("model", b"scribe"), ("file=a.mp3", b"x"), ("response_format", b"srt")]);
    let transcribe = |reply: Reply| {
        play(&site, [expect("POST", path, Some(openai_forms::transcription), reply)]);
        site.call(post(path, &key, &form_type(), Incoming::whole(sent.clone())))
    };
    let srt = "1\n00:00:00,000 --> 00:00:01,000\nhello\n";
    let heard = transcribe(Reply::whole(200, "text/plain; charset=utf-8", srt));
    assert_eq!(
        (heard.body.as_ref(), &heard.headers["content-type"]),
        (srt.as_bytes(), &"text/plain; charset=utf-8".parse().unwrap())
    );
    let record = site.last_record();
    assert_eq!(
        (record.usage_source, record.usage, record.priced),
        (UsageSource::None, Usage::default(), false)
    );
    // Silence is an answer.
    let silent = transcribe(Reply::whole(200, "text/plain", ""));
    assert_eq!((silent.status.as_u16(), silent.body.len(), silent.broken), (200, 0, false));
    let verbose = json!({"task": "transcribe", "language": "english", "duration": 8.47, "text": "hello", "segments": []});
    assert_eq!(transcribe(answer(&verbose)).json(), verbose);
    assert_eq!(site.last_record().usage.audio_ms, 8_470);
    let events = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"he\"}\n\n\
        data: {\"type\":\"transcript.text.done\",\"text\":\"hello\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,\"input_token_details\":{\"text_tokens\":0,\"audio_tokens\":14},\"output_tokens\":45,\"total_tokens\":59}}\n\n";
    let heard = transcribe(stream("text/event-stream", &[events], End::Complete));
    assert_eq!(heard.body.as_ref(), events.as_bytes());
    let expected = Usage { input_audio: 14, output: 45, ..Usage::default() };
    assert_eq!((site.last_record().usage, site.last_record().stream), (expected, true));
}

#[test]
fn a_provider_that_is_busy_is_asked_again() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["painter"]);
    let path = "/v1/images/generations";
    let busy = Reply::whole(500, "application/json", r#"{"error":{"message":"oops"}}"#);
    let body = json!({"created": 1, "data": [{"url": "x"}]});
    let script = play(&site, [expect("POST", path, None, busy), expect("POST", path, None, answer(&body))]);
    let heard = site.call(post(
        path,
        &key,
        "application/json",
        Incoming::whole(r#"{"model":"painter","prompt":"a"}"#),
    ));
    assert_eq!((heard.status.as_u16(), script.complaints()), (200, vec![]));
    assert_eq!(site.record().attempts.len(), 2);
}
