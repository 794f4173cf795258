//! Files, batches and uploads: a tenant's own, and nobody else's.

use postern_gateway::record::{BatchCounts, UsageSource};
use postern_testkit::script::{Exchange, Reply};
use postern_testkit::vendor::openai_forms;
use postern_testkit::{Fault, StoreCall, Times};
use postern_wire::Usage;
use serde_json::{Value, json};

use super::site::{Heard, Incoming, Site, answer, bare, expect, form, form_type, play, post};

fn file(number: u64) -> Value {
    json!({
        "id": format!("file-{number}"), "object": "file", "bytes": 3, "created_at": 1_700_000_000 + number,
        "filename": "a.jsonl", "purpose": if number % 2 == 0 { "batch" } else { "vision" },
    })
}

fn upload(path: &str, key: &str, site: &Site, number: u64) -> Heard {
    play(site, [expect("POST", "/v1/files", Some(openai_forms::file_upload), answer(&file(number)))]);
    let sent = form(&[("purpose", b"batch"), ("file=a.jsonl", b"{}\n")]);
    site.call(post(path, key, &form_type(), Incoming::whole(sent)))
}

fn get(site: &Site, key: &str, path: &str, exchanges: impl IntoIterator<Item = Exchange>) -> Heard {
    let script = play(site, exchanges);
    let heard = site.call(bare("GET", path, key));
    assert_eq!(script.complaints(), Vec::<String>::new(), "{path}");
    heard
}

fn ids(heard: &Heard) -> Vec<String> {
    let list = heard.json();
    list["data"].as_array().unwrap().iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_file_is_its_tenants_from_the_first_to_the_last_call() {
    let site = Site::new(json!({}));
    let (acme, other) = (site.key("acme", &["openai/*"]), site.key("other", &["openai/*"]));
    let heard = upload("/v1/files", &acme, &site, 2);
    assert_eq!((heard.status.as_u16(), heard.json()), (200, file(2)));
    assert_eq!(heard.headers["x-postern-target"], "openai");
    let record = site.record();
    assert_eq!(
        (record.operation.as_str(), record.provider.as_str(), record.priced),
        ("file", "openai", true)
    );
    assert_eq!((record.usage_source, record.attempts.len()), (UsageSource::None, 1));

    let one = || expect("GET", "/v1/files/file-2", None, answer(&file(2)));
    assert_eq!(get(&site, &acme, "/v1/files/file-2", [one()]).json(), file(2));
    let bytes = Reply::whole(200, "application/json", "not json\n");
    let content = expect("GET", "/v1/files/file-2/content", None, bytes);
    assert_eq!(get(&site, &acme, "/v1/files/file-2/content", [content]).body, "not json\n");
    assert_eq!(ids(&get(&site, &acme, "/v1/files", [])), ["file-2"]);

    // Nobody asks the provider for what is not theirs.
    for (method, path) in [
        ("GET", "/v1/files/file-2"),
        ("GET", "/v1/files/file-2/content"),
        ("DELETE", "/v1/files/file-2"),
        ("GET", "/v1/files?after=file-2"),
        ("GET", "/v1/batches/file-2"),
        ("POST", "/v1/batches/file-2/cancel"),
        ("GET", "/v1/files/..%2Fmodels"),
        ("GET", "/v1/files/file-2%3Fx"),
    ] {
        play(&site, []);
        let (status, code, _) = site.call(bare(method, path, &other)).error();
        assert_eq!((status, code.as_str()), (404, "not_found"), "{method} {path}");
    }
    assert!(ids(&get(&site, &other, "/v1/files", [])).is_empty());

    let gone = json!({"id": "file-2", "object": "file", "deleted": true});
    let script = play(&site, [expect("DELETE", "/v1/files/file-2", None, answer(&gone))]);
    assert_eq!(site.call(bare("DELETE", "/v1/files/file-2", &acme)).json(), gone);
    assert_eq!(script.complaints(), Vec::<String>::new());
    assert_eq!(get(&site, &acme, "/v1/files/file-2", []).status, 404);
    assert!(ids(&get(&site, &acme, "/v1/files", [])).is_empty());
}

#[test]
fn lists_have_pages_and_purposes() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["openai/*"]);
    (0..5).for_each(|number| assert_eq!(upload("/v1/files", &key, &site, number).status, 200));
    let first = get(&site, &key, "/v1/files?limit=2", []);
    assert_eq!(ids(&first), ["file-4", "file-3"]);
    let list = first.json();
    assert_eq!(
        (&list["object"], &list["has_more"], &list["last_id"]),
        (&json!("list"), &json!(true), &json!("file-3"))
    );
    let rest = get(&site, &key, "/v1/files?limit=3&after=file-3", []);
    assert_eq!(
        (ids(&rest), &rest.json()["has_more"]),
        (vec!["file-2".into(), "file-1".into(), "file-0".into()], &json!(false))
    );
    assert_eq!(ids(&get(&site, &key, "/v1/files?purpose=vision", [])), ["file-3", "file-1"]);
    for wrong in ["limit=0", "limit=x", "order=asc", "colour=red"] {
        let (status, _, message) = get(&site, &key, &format!("/v1/files?{wrong}"), []).error();
        assert_eq!(status, 400);
        assert!(message.contains(wrong.split('=').next().unwrap()), "{message}");
    }
}

#[test]
fn the_provider_is_named_where_there_are_several_and_found_by_the_id_otherwise() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["openai/*", "groq/*", "claude/*"]);
    let sent = || form(&[("purpose", b"batch"), ("file=a.jsonl", b"{}\n")]);
    play(&site, []);
    let (status, _, message) =
        site.call(post("/v1/files", &key, &form_type(), Incoming::whole(sent()))).error();
    assert_eq!(status, 400);
    assert!(message.contains("openai, groq") && !message.contains("claude"), "{message}");

    assert_eq!(upload("/v1/files?provider=openai", &key, &site, 1).status, 200);
    let script = play(&site, [expect("POST", "/v1/files", None, answer(&file(8)))]);
    let mut request = post("/v1/files", &key, &form_type(), Incoming::whole(sent()));
    request.headers_mut().insert("x-postern-provider", "groq".parse().unwrap());
    assert_eq!(site.call(request).headers["x-postern-target"], "groq");
    assert_eq!(script.received()[0].uri.host(), Some("groq.test"));

    let script = play(&site, [expect("GET", "/v1/files/file-8", None, answer(&file(8)))]);
    assert_eq!(site.call(bare("GET", "/v1/files/file-8", &key)).status, 200);
    assert_eq!(script.received()[0].uri.host(), Some("groq.test"));
    assert_eq!(get(&site, &key, "/v1/files/file-8?provider=openai", []).status, 404);

    for (provider, status) in [("claude", 400), ("nobody", 403), ("images", 403)] {
        let (found, _, message) = get(&site, &key, &format!("/v1/files?provider={provider}"), []).error();
        assert_eq!(found, status, "{message}");
        assert!(message.contains(provider), "{message}");
    }
    // A key for single models may use no files: what is in them names models where nobody looks.
    let narrow = site.key("acme", &["openai/gpt-4o", "scribe"]);
    let (status, code, message) = get(&site, &narrow, "/v1/files", []).error();
    assert_eq!((status, code.as_str()), (403, "model_not_allowed"));
    assert!(message.contains("PROVIDER/*"), "{message}");
}

fn batch(status: &str) -> Value {
    let mut batch = json!({
        "id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "file-2",
        "created_at": 1_700_000_100, "status": status, "model": "gpt-4o-mini",
        "request_counts": {"total": 3, "completed": 2, "failed": 1},
    });
    if status == "completed" {
        batch["output_file_id"] = "file-out".into();
        batch["usage"] = json!({
            "input_tokens": 100, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 50,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 150,
        });
    }
    batch
}

#[test]
fn a_batch_is_made_of_ones_own_file_and_metered_once() {
    let site = Site::new(json!({}));
    let (acme, other) = (site.key("acme", &["openai/*", "groq/*"]), site.key("other", &["openai/*"]));
    assert_eq!(upload("/v1/files?provider=openai", &acme, &site, 2).status, 200);
    let body = r#"{"input_file_id":"file-2","endpoint":"/v1/chat/completions","completion_window":"24h"}"#;
    let create = |key: &str| site.call(post("/v1/batches", key, "application/json", Incoming::whole(body)));
    play(&site, []);
    assert_eq!(create(&other).error().0, 404);
    let script = play(&site, [expect("POST", "/v1/batches", None, answer(&batch("validating")))]);
    // The file says with whom.
    assert_eq!((create(&acme).status.as_u16(), script.complaints()), (200, vec![]));
    assert_eq!(script.received()[0].body, body);
    for wrong in ["", "[]", r#"{"input_file_id":7}"#] {
        play(&site, []);
        let heard = site.call(post("/v1/batches", &acme, "application/json", Incoming::whole(wrong)));
        assert_eq!(heard.error().0, 400, "{wrong}");
    }

    let now = |status: &str| expect("GET", "/v1/batches/batch_1", None, answer(&batch(status)));
    assert_eq!(get(&site, &acme, "/v1/batches/batch_1", [now("in_progress")]).json(), batch("in_progress"));
    assert_eq!(site.last_record().batch, None);
    assert_eq!(get(&site, &other, "/v1/batches/batch_1", []).status, 404);
    assert_eq!(get(&site, &acme, "/v1/files/file-out", []).status, 404, "not known yet");
    // A list asks anew for what is not over.
    let listed = get(&site, &acme, "/v1/batches?provider=openai", [now("finalizing")]);
    assert_eq!(listed.json()["data"][0]["status"], "finalizing");

    get(&site, &acme, "/v1/batches/batch_1", [now("completed")]);
    let record = site.last_record();
    assert_eq!(record.batch, Some(BatchCounts { total: 3, completed: 2, failed: 1 }));
    assert_eq!(record.usage, Usage { input: 100, output: 50, ..Usage::default() });
    assert_eq!((record.priced, record.response_model.as_str()), (false, "gpt-4o-mini"));
    get(&site, &acme, "/v1/batches/batch_1", [now("completed")]);
    assert_eq!((site.last_record().batch, site.last_record().usage), (None, Usage::default()));
    // What is over is not asked for again.
    assert_eq!(ids(&get(&site, &acme, "/v1/batches?provider=openai", [])), ["batch_1"]);

    let output = expect(
        "GET",
        "/v1/files/file-out/content",
        None,
        Reply::whole(200, "application/octet-stream", "{}"),
    );
    assert_eq!(get(&site, &acme, "/v1/files/file-out/content", [output]).body, "{}");
    assert_eq!(get(&site, &other, "/v1/files/file-out/content", []).status, 404);
    let script =
        play(&site, [expect("POST", "/v1/batches/batch_1/cancel", None, answer(&batch("cancelling")))]);
    assert_eq!(site.call(bare("POST", "/v1/batches/batch_1/cancel", &acme)).status, 200);
    assert_eq!(script.complaints(), Vec::<String>::new());
}

#[test]
fn an_upload_in_parts_becomes_a_file() {
    let site = Site::new(json!({}));
    let (acme, other) = (site.key("acme", &["openai/*"]), site.key("other", &["openai/*"]));
    let begun =
        json!({"id": "upload_1", "object": "upload", "status": "pending", "created_at": 1_700_000_000});
    let send = |key: &str, path: &str, kind: &str, body: Vec<u8>, exchanges: Vec<Exchange>| {
        let script = play(&site, exchanges);
        let heard = site.call(post(path, key, kind, Incoming::whole(body)));
        assert_eq!(script.complaints(), Vec::<String>::new(), "{path}");
        heard
    };
    let created = expect("POST", "/v1/uploads", None, answer(&begun));
    assert_eq!(send(&acme, "/v1/uploads", "application/json", b"{}".to_vec(), vec![created]).status, 200);
    let parts = "/v1/uploads/upload_1/parts";
    let part = form(&[("data=part", b"abc")]);
    assert_eq!(send(&other, parts, &form_type(), part.clone(), vec![]).status, 404);
    let added = expect("POST", parts, None, answer(&json!({"id": "part_1", "object": "upload.part"})));
    assert_eq!(send(&acme, parts, &form_type(), part, vec![added]).status, 200);
    let complete = "/v1/uploads/upload_1/complete";
    let done = json!({"id": "upload_1", "object": "upload", "status": "completed", "file": file(2)});
    let completed = expect("POST", complete, None, answer(&done));
    let body = br#"{"part_ids":["part_1"]}"#.to_vec();
    assert_eq!(send(&acme, complete, "application/json", body, vec![completed]).json(), done);
    assert_eq!(ids(&get(&site, &acme, "/v1/files", [])), ["file-2"]);
    assert!(ids(&get(&site, &other, "/v1/files", [])).is_empty());
}

#[test]
fn what_makes_something_is_tried_once_and_what_cannot_be_noted_is_said() {
    let site = Site::new(json!({}));
    let key = site.key("acme", &["openai/*"]);
    let busy = || Reply::whole(500, "application/json", r#"{"error":{"message":"oops"}}"#);
    let script = play(&site, [expect("POST", "/v1/files", None, busy())]);
    let sent = form(&[("purpose", b"batch"), ("file=a.jsonl", b"{}\n")]);
    let heard = site.call(post("/v1/files", &key, &form_type(), Incoming::whole(sent)));
    assert_eq!((heard.status.as_u16(), script.complaints()), (502, vec![]));
    assert_eq!(upload("/v1/files", &key, &site, 2).status, 200);
    let ok = expect("GET", "/v1/files/file-2", None, answer(&file(2)));
    assert_eq!(
        get(&site, &key, "/v1/files/file-2", [expect("GET", "/v1/files/file-2", None, busy()), ok]).status,
        200
    );

    // One that has expired with the provider is not listed any more.
    let missing = Reply::whole(
        404,
        "application/json",
        r#"{"error":{"message":"No such File object: file-2","type":"invalid_request_error","param":"id","code":null}}"#,
    );
    assert_eq!(
        get(&site, &key, "/v1/files/file-2", [expect("GET", "/v1/files/file-2", None, missing)]).status,
        404
    );
    assert!(ids(&get(&site, &key, "/v1/files", [])).is_empty());

    site.host.memory_store().fail(Fault::of(StoreCall::Write, Times::Every).at("own/"));
    let (status, code, message) = upload("/v1/files", &key, &site, 4).error();
    assert_eq!((status, code.as_str()), (503, "store_unavailable"));
    assert!(message.contains("file-4"), "{message}");
}
