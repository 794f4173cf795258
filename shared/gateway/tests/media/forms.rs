//! Forms on their way: only the model changes, large ones flow, and what is wrong is said.

use bytes::Bytes;
use postern_gateway::record::Outcome;
use postern_testkit::script::{Conduct, Fate, Reply};
use postern_testkit::vendor::openai_forms::{self, parts};
use serde_json::json;

use super::site::{Does, Incoming, Site, answer, expect, form, form_type, play, post};

const PATH: &str = "/v1/audio/transcriptions";
const MIB: usize = 1 << 20;

fn said() -> Reply {
    answer(&json!({"text": "hello", "usage": {"type": "duration", "seconds": 9}}))
}

#[test]
fn only_the_models_name_changes_wherever_it_stands() {
    let file: &[u8] = b"ID3\r\n------form\r\n\x00\xff";
    for fields in [
        [("model", b"scribe".as_slice()), ("language", b"en"), ("file=a b.mp3", file)],
        // As Node's SDK and curl in OpenAI's own examples send it.
        [("file=a b.mp3", file), ("language", b"en"), ("model", b"scribe")],
    ] {
        let site = Site::new(json!({}));
        let key = site.key("acme", &["scribe"]);
        let script = play(&site, [expect("POST", PATH, Some(openai_forms::transcription), said())]);
        let sent = form(&fields);
        let heard = site.call(post(PATH, &key, &form_type(), Incoming::pieces(sent.clone(), 7, false)));
        assert_eq!((heard.status.as_u16(), heard.json()["text"].as_str()), (200, Some("hello")));
        assert_eq!(script.complaints(), Vec::<String>::new());
        let got = &script.received()[0];
        let renamed: Vec<_> =
            fields.map(|(n, c)| (n, if n == "model" { b"whisper-1".as_slice() } else { c })).into();
        assert_eq!(got.body, form(&renamed));
        assert_eq!(got.headers["content-type"], form_type());
        assert_eq!(heard.headers["x-postern-target"], "openai/whisper-1");
        let record = site.record();
        assert_eq!((record.operation.as_str(), record.model.as_str()), ("transcription", "scribe"));
        assert_eq!((record.usage.audio_ms, record.priced), (9_000, false));
    }
}

#[test]
fn a_large_form_flows_while_it_comes_in() {
    let site = Site::new(json!({"max_body": "2MiB"}));
    let key = site.key("acme", &["scribe"]);
    let script = play(&site, [expect("POST", PATH, Some(openai_forms::transcription), said())]);
    let file = vec![b'a'; 8 * MIB];
    let sent = form(&[("model", b"scribe"), ("file=a.mp3", &file)]);
    let (first, rest) = sent.split_at(3 * MIB);
    // The caller keeps the rest until the upstream has most of the first part.
    let mut does: Vec<Does> =
        first.chunks(64 * 1024).map(|c| Does::Sends(Bytes::copy_from_slice(c))).collect();
    does.push(Does::Awaits(script.clone(), 2 * MIB));
    does.extend(rest.chunks(64 * 1024).map(|c| Does::Sends(Bytes::copy_from_slice(c))));
    let heard = site.call(post(PATH, &key, &form_type(), Incoming::script(does)));
    assert_eq!(heard.status.as_u16(), 200, "{:?}", heard.body);
    assert_eq!(script.complaints(), Vec::<String>::new());
    let got = parts(&script.received()[0].body).unwrap();
    assert_eq!((got[0].text().as_str(), got[1].content == file), ("whisper-1", true));
    assert_eq!(site.record().outcome, Outcome::Ok);
}

#[test]
fn a_late_model_is_waited_for_within_the_limit_or_announced() {
    let file = vec![b'a'; 4 * MIB];
    let late = form(&[("file=a.mp3", &file), ("model", b"scribe")]);
    let site = Site::new(json!({"max_body": "2MiB"}));
    let key = site.key("acme", &["scribe"]);
    play(&site, []);
    let body = || Incoming::pieces(late.clone(), 64 * 1024, true);
    let (status, code, message) = site.call(post(PATH, &key, &form_type(), body())).error();
    assert_eq!((status, code.as_str()), (413, "request_too_large"));
    assert!(message.contains("before the files") && message.contains("x-postern-model"), "{message}");
    assert_eq!(site.record().outcome, Outcome::Refused);

    let script = play(&site, [expect("POST", PATH, Some(openai_forms::transcription), said())]);
    let mut request = post(PATH, &key, &form_type(), body());
    request.headers_mut().insert("x-postern-model", "scribe".parse().unwrap());
    let heard = site.call(request);
    assert_eq!((heard.status.as_u16(), script.complaints()), (200, vec![]));
    assert_eq!(parts(&script.received()[0].body).unwrap()[1].text(), "whisper-1");

    // What is announced must be what the form says, at the latest when that comes.
    let script = play(&site, []);
    let mut request = post(PATH, &site.key("acme", &["*"]), &form_type(), body());
    request.headers_mut().insert("x-postern-model", "openai/other".parse().unwrap());
    let (status, _, message) = site.call(request).error();
    assert_eq!(status, 400);
    assert!(message.contains("another model"), "{message}");
    assert_eq!(script.received()[0].fate, Fate::Cancelled, "the upstream never has all of it");
    assert!(script.received()[0].body.len() > MIB);
}

#[test]
fn a_second_model_never_reaches_an_upstream_as_a_whole() {
    let file = vec![b'a'; 3 * MIB];
    for (fields, flows) in [
        (vec![("model", b"scribe".as_slice()), ("model", b"openai/gpt"), ("file=a", b"x")], false),
        (vec![("model", b"scribe"), ("file=a", &file), ("model", b"openai/gpt")], true),
    ] {
        let site = Site::new(json!({}));
        let key = site.key("acme", &["scribe"]);
        let script = play(&site, []);
        let body = Incoming::pieces(form(&fields), 64 * 1024, false);
        let (status, _, message) = site.call(post(PATH, &key, &form_type(), body)).error();
        assert_eq!(status, 400);
        assert!(message.contains("twice"), "{message}");
        let fates: Vec<Fate> = script.received().iter().map(|r| r.fate).collect();
        assert_eq!(fates, if flows { vec![Fate::Cancelled] } else { vec![] });
        assert_eq!(site.record().error.as_deref(), Some("invalid_request"));
    }
}

#[test]
fn a_caller_that_breaks_off_cancels_the_upstream_and_leaves_a_record() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["scribe"]);
    let script = play(&site, []);
    let sent = form(&[("model", b"scribe"), ("file=a.mp3", &vec![b'a'; 4 * MIB])]);
    let mut does: Vec<Does> =
        sent[..3 * MIB].chunks(64 * 1024).map(|c| Does::Sends(Bytes::copy_from_slice(c))).collect();
    does.push(Does::BreaksOff);
    let (status, code, _) = site.call(post(PATH, &key, &form_type(), Incoming::script(does))).error();
    assert_eq!((status, code.as_str()), (408, "request_incomplete"));
    assert_eq!(script.received()[0].fate, Fate::Cancelled);
    let record = site.record();
    assert_eq!((record.error.as_deref(), record.attempts.len()), (Some("request_incomplete"), 1));
    assert_eq!(record.status, 408);
}

#[test]
fn a_form_over_the_limit_is_refused_before_it_is_read_or_while_it_flows() {
    let site = Site::new(json!({"max_body": "1MiB", "max_upload": "3MiB"}));
    let key = site.key("acme", &["scribe"]);
    let sent = form(&[("model", b"scribe"), ("file=a.mp3", &vec![b'a'; 4 * MIB])]);
    for declared in [true, false] {
        let script = play(&site, []);
        let body = Incoming::pieces(sent.clone(), 64 * 1024, declared);
        let (status, code, message) = site.call(post(PATH, &key, &form_type(), body)).error();
        assert_eq!((status, code.as_str()), (413, "request_too_large"));
        assert!(message.contains("server.max_upload"), "{message}");
        let cancelled = script.received().iter().all(|r| r.fate == Fate::Cancelled);
        assert_eq!((script.received().len(), cancelled), (usize::from(!declared), true));
    }
}

#[test]
fn a_refusal_that_comes_early_is_passed_on_without_the_rest() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["scribe"]);
    let refusal = json!({"error": {"message": "Maximum content size limit exceeded", "type": "invalid_request_error", "param": null, "code": null}});
    let mut exchange = expect("POST", PATH, None, Reply::whole(413, "application/json", refusal.to_string()));
    exchange.expect.early = true;
    let script = play(&site, [exchange]);
    let sent = form(&[("model", b"scribe"), ("file=a.mp3", &vec![b'a'; 4 * MIB])]);
    let heard = site.call(post(PATH, &key, &form_type(), Incoming::pieces(sent, 64 * 1024, true)));
    assert_eq!((heard.status.as_u16(), heard.json()), (413, refusal));
    assert_eq!(script.complaints(), Vec::<String>::new());
}

#[test]
fn what_is_held_goes_to_the_next_target_and_what_has_flowed_does_not() {
    let small = form(&[("model", b"patient"), ("file=a.mp3", b"ID3")]);
    let site = Site::new(json!({}));
    let key = site.key("acme", &["patient"]);
    let script = play(&site, [expect("POST", PATH, Some(openai_forms::transcription), said())]);
    let heard = site.call(post(PATH, &key, &form_type(), Incoming::whole(small)));
    assert_eq!((heard.status.as_u16(), script.complaints()), (200, vec![]));
    assert_eq!(parts(&script.received()[0].body).unwrap()[0].text(), "whisper-large");
    assert_eq!(site.record().attempts.len(), 2);

    // A connection that was refused has taken nothing of a large one either.
    let large = form(&[("model", b"patient"), ("file=a.mp3", &vec![b'a'; 3 * MIB])]);
    let script = play(&site, [expect("POST", PATH, Some(openai_forms::transcription), said())]);
    let heard = site.call(post(PATH, &key, &form_type(), Incoming::pieces(large, 64 * 1024, true)));
    assert_eq!((heard.status.as_u16(), script.complaints()), (200, vec![]));

    // One that has flowed is tried once, whatever comes back.
    let site = Site::new(json!({}));
    let key = site.key("acme", &["painter"]);
    let edits = "/v1/images/edits";
    let busy = Reply::whole(503, "application/json", r#"{"error":{"message":"busy"}}"#);
    let script = play(&site, [expect("POST", edits, Some(openai_forms::image_edit), busy)]);
    let large = form(&[("model", b"painter"), ("prompt", b"a"), ("image=a.png", &vec![b'a'; 3 * MIB])]);
    let heard = site.call(post(edits, &key, &form_type(), Incoming::pieces(large, 64 * 1024, true)));
    assert_eq!((heard.error().0, script.complaints()), (503, vec![]));
    assert_eq!(site.record().attempts.len(), 1);
}

#[test]
fn wrong_forms_are_refused_with_what_is_wrong() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["scribe", "claude-voice"]);
    play(&site, []);
    let refused = |kind: &str, body: Vec<u8>| {
        let (status, _, message) = site.call(post(PATH, &key, kind, Incoming::whole(body))).error();
        (status, message)
    };
    for (kind, body, expected, word) in [
        (form_type(), form(&[("file=a", b"x")]), 400, "model: required"),
        (form_type(), form(&[("model", b""), ("file=a", b"x")]), 400, "empty field"),
        (form_type(), form(&[("model", b"unheard-of")]), 404, "unheard-of"),
        (form_type(), form(&[("model", b"openai/gpt")]), 403, "openai/gpt"),
        (
            form_type(),
            form(&[("model", b"claude-voice"), ("file=a", b"x")]),
            400,
            "cannot be asked for transcriptions",
        ),
        (form_type(), b"{}".to_vec(), 400, "does not begin with the boundary"),
        (form_type(), form(&[("model", b"scribe")])[..40].to_vec(), 400, "before its last boundary"),
        ("multipart/form-data".to_owned(), form(&[("model", b"scribe")]), 400, "boundary"),
        ("application/json".to_owned(), b"{}".to_vec(), 400, "model"),
    ] {
        let (status, message) = refused(&kind, body);
        assert_eq!((status, message.contains(word)), (expected, true), "{message}");
    }
}

#[test]
fn an_upstream_that_breaks_before_it_answers_is_told_apart() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["voice"]);
    let mut exchange = expect("POST", "/v1/audio/transcriptions", None, said());
    exchange.conduct = Conduct::BreakBeforeHead(std::time::Duration::from_millis(5));
    play(&site, [exchange]);
    let sent = form(&[("model", b"voice"), ("file=a.mp3", b"x")]);
    let (status, code, _) = site.call(post(PATH, &key, &form_type(), Incoming::whole(sent))).error();
    assert_eq!((status, code.as_str()), (502, "upstream_unreachable"));
}
