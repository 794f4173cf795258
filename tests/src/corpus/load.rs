//! Reads cases from their folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use postern_testkit::script::{self, End, Exchange, Expect, ExpectBody, Reply};
use serde_json::Value;

use super::file::{CaseFile, EndFile, PieceName, Pieces, UpstreamFile};
use super::forward::forwarded;
use super::frames;
use super::{Case, Conduct, Format, Request, Upstream};
use crate::site::{OTHER_UPSTREAM_KEY, UPSTREAM_KEY};

/// What an answer's file may be called after its stem, with its content type.
const ANSWERS: [(&str, &str); 5] = [
    ("json", "application/json"),
    ("eventstream", "application/vnd.amazon.eventstream"),
    ("sse", "text/event-stream"),
    ("html", "text/html; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
];

/// Headers that every answer of the upstream has and that are nobody's business but the gateway's.
const UPSTREAM_ONLY: [(&str, &str); 3] = [
    ("set-cookie", "__cf_bm=cookie-of-the-upstream; path=/; HttpOnly"),
    ("openai-organization", "org-of-the-operator"),
    ("server", "scripted-upstream"),
];

/// The corpus of this project.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Every case below `root`, by name.
///
/// # Errors
/// Every case that is not written well.
pub fn load(root: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let mut errors = Vec::new();
    for area in folders(root)? {
        let defaults = read_json(&area.join("config.json"))?;
        for place in folders(&area)? {
            let label = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("{}/{}", label(&area), label(&place));
            match load_case(&name, &place, &defaults, Format::of_area(&label(&area))) {
                Ok(case) => cases.push(case),
                Err(error) => errors.push(format!("{name}: {error}")),
            }
        }
    }
    if cases.is_empty() && errors.is_empty() {
        errors.push(format!("{} has no case", root.display()));
    }
    if errors.is_empty() { Ok(cases) } else { Err(errors.join("\n")) }
}

fn folders(of: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(of).map_err(|e| format!("{}: {e}", of.display()))?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    found.sort();
    Ok(found)
}

fn read_json(path: &Path) -> Result<Value, String> {
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|e| format!("{}: {e}", path.display()))
}

fn load_case(name: &str, place: &Path, defaults: &Value, area: Format) -> Result<Case, String> {
    let file: CaseFile = serde_json::from_value(read_json(&place.join("case.json"))?)
        .map_err(|e| format!("case.json: {e}"))?;
    let mut files = Files::of(place)?;
    let path = file.request.path.clone().unwrap_or_else(|| area.path("assistant", false));
    // OpenAI and Anthropic have their model lists at the same path.
    let format = if path.starts_with("/v1/models") { area } else { Format::of_path(&path) };
    let body = files.take(file.request.file.as_deref().unwrap_or("request.json")).unwrap_or_default();
    let calls = match file.upstream {
        Some(calls) => calls,
        None if ANSWERS.iter().any(|(end, _)| files.has(&format!("upstream_response.{end}"))) => {
            vec![UpstreamFile::default()]
        }
        None => Vec::new(),
    };
    let mut upstream = Vec::new();
    for (i, call) in calls.iter().enumerate() {
        upstream
            .push(load_call(i, call, format, &body, &mut files).map_err(|e| format!("upstream[{i}]: {e}"))?);
    }
    let written = ANSWERS.iter().find_map(|(end, _)| files.take(&format!("response.{end}")));
    let last_body = upstream.last().and_then(Upstream::reply).map(Reply::body);
    let response = match (written, &file.error, file.status) {
        (Some(bytes), _, _) => Some(bytes),
        // What is not said comes back as the upstream gave it.
        (None, None, _) => last_body,
        (None, Some(_), 200) => {
            return Err("an error inside a stream needs a response.sse, even if it is empty".into());
        }
        (None, Some(_), _) => None,
    };
    let record_subset = match files.take("record.json") {
        None => None,
        Some(bytes) => Some(serde_json::from_slice(&bytes).map_err(|e| format!("record.json: {e}"))?),
    };
    if let Some(unused) = files.0.keys().next() {
        return Err(format!("{unused} is not used: is its name right?"));
    }
    let mut config = defaults.clone();
    merge(&mut config, &file.config);
    Ok(Case {
        name: name.to_owned(),
        format,
        about: file.about,
        pains: file.pains,
        config,
        key: file.key,
        models: file.models,
        request: Request {
            method: file.request.method,
            path,
            headers: file.request.headers.into_iter().collect(),
            body,
            pieces: file.request.pieces,
        },
        upstream,
        leaves: file.caller_leaves,
        status: file.status,
        headers: file.headers.into_iter().collect(),
        response,
        error: file.error,
        record: file.record,
        record_subset,
        payloads: file.payloads,
        only: file.only,
    })
}

fn load_call(
    i: usize,
    call: &UpstreamFile,
    caller: Format,
    request: &Bytes,
    files: &mut Files,
) -> Result<Upstream, String> {
    let format = call.format.unwrap_or(caller.usual_upstream());
    // The first call's files have no number.
    let number = if i == 0 { String::new() } else { format!(".{}", i + 1) };
    let expected = match files.take(&format!("upstream_request{number}.json")) {
        // What is told in another format may be spelt in any way.
        Some(bytes) if format != caller.usual_upstream() || call.respelt => {
            let value =
                serde_json::from_slice(&bytes).map_err(|e| format!("upstream_request{number}: {e}"))?;
            ExpectBody::Json(value)
        }
        Some(bytes) => ExpectBody::Bytes(bytes),
        None if format != caller => {
            return Err(format!(
                "upstream_request{number}.json is missing: the upstream speaks another format"
            ));
        }
        // The model is in the path.
        None if format.is_addressed() => ExpectBody::Bytes(request.clone()),
        None => {
            let asked_for = matches!(format, Format::OpenAiChat | Format::OpenAiCompletions);
            let asks_usage = call.asks_usage && asked_for;
            ExpectBody::Bytes(forwarded(request, &call.model, asks_usage)?)
        }
    };
    let mut headers = vec![
        ("content-type".to_owned(), Some("application/json".to_owned())),
        // What the caller authenticates with is not the provider's business.
        ("x-api-key".to_owned(), None),
        ("x-goog-api-key".to_owned(), None),
        ("cookie".to_owned(), None),
    ];
    match call.key.as_ref().map_or(Some(format.key()), Option::as_deref) {
        Some("authorization") => {
            headers.push(("authorization".into(), Some(format!("Bearer {UPSTREAM_KEY}"))));
        }
        Some("other") => headers.push(("authorization".into(), Some(format!("Bearer {OTHER_UPSTREAM_KEY}")))),
        Some(header) => {
            headers.retain(|(name, _)| name != header);
            headers.push((header.to_owned(), Some(UPSTREAM_KEY.to_owned())));
            headers.push(("authorization".into(), None));
        }
        None => headers.push(("authorization".into(), None)),
    }
    for (name, value) in &call.headers {
        headers.retain(|(other, _)| other != name);
        headers.push((name.clone(), value.clone()));
    }
    let checks = match call.vendor.as_deref() {
        None => Some(format.vendor()),
        Some("any") => None,
        Some(other) => return Err(format!("there is no vendor {other:?}: leave it out, or say any")),
    };
    let mut answer = ANSWERS.iter().find_map(|(end, kind)| {
        files.take(&format!("upstream_response{number}.{end}")).map(|bytes| (bytes, *kind))
    });
    if let Some((body, kind)) = &mut answer
        && kind.contains("amazon")
    {
        *body = frames::framed(body)?.into();
    }
    let streams = answer.as_ref().is_some_and(|(_, kind)| kind.contains("event"));
    let path = call.path.clone().unwrap_or_else(|| format.path(&call.model, streams));
    let delay = Duration::from_millis(call.delay_ms);
    let conduct = match (call.conduct, answer) {
        (Conduct::Answers, Some((body, kind))) => script::Conduct::Answer(reply(call, kind, body, delay)),
        (Conduct::Answers, None) if call.refused => script::Conduct::NeverAnswer,
        (Conduct::Answers, None) => return Err(format!("upstream_response{number}.* is missing")),
        (_, Some(_)) => return Err("an upstream that does not answer has no answer".into()),
        (Conduct::Breaks, None) => script::Conduct::BreakBeforeHead(delay),
        (Conduct::Silent, None) => script::Conduct::NeverAnswer,
    };
    let expect = Expect {
        method: Method::POST,
        path: Some(path),
        headers,
        body: expected,
        vendor: checks,
        refused: call.refused,
        early: false,
    };
    Ok(Upstream { exchange: Exchange { expect, conduct }, cancelled: call.cancelled })
}

fn reply(call: &UpstreamFile, kind: &str, body: Bytes, delay: Duration) -> Reply {
    let mut headers: Vec<(String, String)> = vec![("content-type".into(), kind.into())];
    headers.extend(UPSTREAM_ONLY.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    for (name, value) in &call.response_headers {
        headers.retain(|(other, _)| other != name);
        headers.extend(value.clone().map(|value| (name.clone(), value)));
    }
    let offsets: Vec<usize> = match call.pieces {
        Pieces::Named(PieceName::Whole) => Vec::new(),
        Pieces::Named(PieceName::Events) if kind.contains("amazon") => frames::ends(&body),
        Pieces::Named(PieceName::Events) => event_ends(&body),
        Pieces::Size(size) => (1..).map(|n| n * size.max(1)).take_while(|at| *at < body.len()).collect(),
    };
    let whole = Reply {
        status: call.status,
        headers,
        delay,
        chunks: vec![script::Chunk { after: Duration::ZERO, bytes: body }],
        end: match call.end {
            EndFile::Complete => End::Complete,
            EndFile::Break => End::Break,
            EndFile::Stall => End::Stall,
        },
    };
    whole.split_at(&offsets, Duration::from_millis(call.pause_ms))
}

/// Offsets behind each blank line.
fn event_ends(body: &[u8]) -> Vec<usize> {
    (2..=body.len())
        .filter(|end| body[..*end].ends_with(b"\n\n") || body[..*end].ends_with(b"\n\r\n"))
        .collect()
}

/// Changes `into` as a JSON merge patch (RFC 7396): objects are merged, null removes, all else replaces.
fn merge(into: &mut Value, patch: &Value) {
    match patch {
        Value::Null => {}
        Value::Object(members) => {
            if !into.is_object() {
                *into = Value::Object(serde_json::Map::new());
            }
            let Some(object) = into.as_object_mut() else { return };
            for (name, value) in members {
                if value.is_null() {
                    object.remove(name);
                } else {
                    merge(object.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
        }
        other => *into = other.clone(),
    }
}

/// The files of a case that have not been asked for yet.
struct Files(BTreeMap<String, Bytes>);

impl Files {
    fn of(place: &Path) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(place).map_err(|e| e.to_string())?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != "case.json" {
                let bytes = fs::read(entry.path()).map_err(|e| format!("{name}: {e}"))?;
                files.insert(name, bytes.into());
            }
        }
        Ok(Self(files))
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn take(&mut self, name: &str) -> Option<Bytes> {
        self.0.remove(name)
    }
}
