//! Streams that a host passes on by its own means: the core then watches a copy, and gives only what must follow.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Body as _;
use postern_gateway::pipeline::Origin;
use postern_gateway::record::{Outcome, Record, RecordQuery, UsageSource};
use postern_gateway::{Body, Gateway, Host as _, Journal as _, Reply, config, handle, identity, settle};
use postern_testkit::script::{Chunk, Conduct, End, Exchange, Expect, Reply as Answer};
use postern_testkit::{FakeHost, Script};
use postern_tests::site::Payload;
use postern_wire::{Fault, FaultKind};
use serde_json::json;

const TOKEN: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
                     \"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n";
const END: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
                   \"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                   data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
                   \"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":9,\"total_tokens\":16}}\n\n\
                   data: [DONE]\n\n";

/// A call whose upstream sends these pieces, a second apart, and the reply to it.
async fn call(host: &FakeHost, pieces: &[&str], end: End, include_usage: bool) -> Reply<FakeHost> {
    let body = json!({
        "model": "vendor/m", "stream": true, "stream_options": { "include_usage": include_usage },
        "messages": [{ "role": "user", "content": "words" }]
    });
    call_at("/v1/chat/completions", &body, host, pieces, end).await
}

async fn call_at(
    path: &str,
    body: &serde_json::Value,
    host: &FakeHost,
    pieces: &[&str],
    end: End,
) -> Reply<FakeHost> {
    let chunk =
        |text: &&str| Chunk { after: Duration::from_secs(1), bytes: Bytes::copy_from_slice(text.as_bytes()) };
    let answer = Answer {
        headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
        chunks: pieces.iter().map(chunk).collect(),
        end,
        ..Answer::default()
    };
    host.play(&Script::queue([Exchange { expect: Expect::default(), conduct: Conduct::Answer(answer) }]));
    host.set_secret("KEY", "sk-upstream");
    let document = json!({
        "providers": { "vendor": { "kind": "openai", "base_url": "http://upstream.test/v1", "api_key": "${KEY}" } }
    });
    let (config, _) = config::parse(&document).expect("a configuration");
    let gateway = Gateway::new(config, Origin::File);
    let first = identity::first_start(host).await.expect("a store").expect("a new store");
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", first.key))
        .header("content-type", "application/json")
        .body(Payload::whole(body.to_string()))
        .expect("a request");
    Box::pin(handle(&gateway, host, request)).await
}

/// Everything that a body gives.
async fn rest(body: &mut Body<FakeHost>) -> String {
    let mut all = String::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let frame = frame.expect("a stream of events does not break off");
        all.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
    }
    all
}

async fn only_record(host: &FakeHost) -> Record {
    let query = RecordQuery { limit: 10, ..RecordQuery::default() };
    let mut page = host.journal().records(&query).await.expect("records");
    assert_eq!(page.data.len(), 1, "one record");
    page.data.remove(0)
}

/// Plays a stream that is released, and gives what follows the upstream's bytes, and the record.
fn released(pieces: &[&str], end: End) -> (String, Record) {
    let host = FakeHost::default();
    host.run(async {
        let Reply { mut response, after } = call(&host, pieces, end, true).await;
        assert!(response.body_mut().release().is_some(), "nothing is withheld from this stream");
        assert!(response.body_mut().release().is_none(), "it is released once");
        let follows = rest(response.body_mut()).await;
        settle(&host, after).await;
        (follows, only_record(&host).await)
    })
}

#[test]
fn nothing_follows_a_stream_that_ends_well() {
    let (follows, record) = released(&[TOKEN, TOKEN, END], End::Complete);
    assert_eq!(follows, "");
    assert_eq!((record.outcome, record.usage_source), (Outcome::Ok, UsageSource::Provider));
    assert_eq!((record.usage.input, record.usage.output), (7, 9));
}

#[test]
fn an_error_event_follows_a_stream_that_fails() {
    let error = "data: {\"id\":\"c\",\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n";
    let half = TOKEN.split_at(50).0;
    for (last, end) in [(half, End::Break), (half, End::Complete), (half, End::Stall), (error, End::Complete)]
    {
        let (follows, record) = released(&[TOKEN, last], end);
        // The blank line ends an event that was cut.
        let event = follows.strip_prefix("\n\ndata: ").unwrap_or_else(|| panic!("{end:?}: {follows}"));
        let event: serde_json::Value = serde_json::from_str(event.trim_end()).expect("one event");
        assert!(event["error"]["message"].is_string(), "{event}");
        assert_eq!(record.outcome, Outcome::StreamFailed, "{end:?}");
    }
}

#[test]
fn a_stream_that_is_dropped_is_settled_with_what_the_copy_showed() {
    let host = FakeHost::default();
    host.run(async {
        let Reply { mut response, after } = call(&host, &[TOKEN, TOKEN, END], End::Complete, true).await;
        assert!(response.body_mut().release().is_some());
        drop(response);
        settle(&host, after).await;
        let record = only_record(&host).await;
        assert_eq!(record.outcome, Outcome::ClientClosed);
        assert_eq!(record.usage_source, UsageSource::Estimated);
        assert!(record.usage.output > 0, "the first token was seen");
    });
}

/// As an entry point does that must end before its platform ends it.
#[test]
fn a_stream_that_a_host_ends_says_so_in_its_caller_s_format() {
    let messages = json!([{ "role": "user", "content": "words" }]);
    for (path, body, event) in [
        (
            "/v1/chat/completions",
            json!({ "model": "vendor/m", "stream": true, "messages": messages }),
            "data: {\"error\":",
        ),
        (
            "/v1/messages",
            json!({ "model": "vendor/m", "stream": true, "max_tokens": 9, "messages": messages }),
            "event: error\ndata: {\"type\":\"error\"",
        ),
    ] {
        let host = FakeHost::default();
        host.run(async {
            let Reply { mut response, after } = call_at(path, &body, &host, &[TOKEN], End::Stall).await;
            assert!(response.body().dialect().is_some());
            let first = poll_fn(|cx| Pin::new(response.body_mut()).poll_frame(cx)).await;
            assert!(first.is_some());
            let fault = Fault::new(FaultKind::Timeout, "the function's time is over");
            let told = response.body_mut().interrupt(&fault).expect("a stream");
            let told = String::from_utf8_lossy(&told);
            assert!(told.starts_with(event) && told.contains("time is over"), "{path}: {told}");
            assert_eq!(rest(response.body_mut()).await, "");
            assert_eq!(response.body_mut().interrupt(&fault), None, "it has ended");
            settle(&host, after).await;
            assert_eq!(only_record(&host).await.outcome, Outcome::StreamFailed);
        });
    }
}

#[test]
fn what_has_to_be_changed_is_not_released() {
    let host = FakeHost::default();
    host.run(async {
        let Reply { mut response, after } = call(&host, &[TOKEN, END], End::Complete, false).await;
        assert!(response.body_mut().release().is_none(), "the usage event must be withheld");
        let whole = rest(response.body_mut()).await;
        assert!(whole.starts_with(TOKEN) && !whole.contains("prompt_tokens"), "{whole}");
        settle(&host, after).await;
    });
    let host = FakeHost::default();
    host.run(async {
        let Reply { mut response, after } = call(&host, &[TOKEN, END], End::Complete, true).await;
        let first = poll_fn(|cx| Pin::new(response.body_mut()).poll_frame(cx)).await;
        assert!(first.is_some());
        assert!(response.body_mut().release().is_none(), "a part was given already");
        assert_eq!(rest(response.body_mut()).await, END);
        settle(&host, after).await;
    });
}
