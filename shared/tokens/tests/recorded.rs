//! Counts against what vendors counted, on recorded traffic: exact for OpenAI's models, and for others within the error
//! that the family declares.
//!
//! The recordings are no part of this repository. They are looked for beside it, or where `POSTERN_RECORDED` says; without
//! them each test says so and claims nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use postern_tokens::{Basis, count_answer, count_request, family};
use postern_wire::Dialect;
use serde_json::Value;

/// What one recorded exchange says, as far as it counts.
#[derive(Default)]
struct Exchange {
    name: String,
    request: Vec<u8>,
    model: String,
    /// The answer's text.
    text: String,
    /// The answer holds more than text, or its count more than the answer.
    mixed: bool,
    input: Option<u64>,
    output: Option<u64>,
}

#[test]
fn openai_counts_of_plain_requests_and_answers_are_exact() {
    let (mut inputs, mut outputs, mut off) = (0, 0, Vec::new());
    for exchange in exchanges(|format| format == "openai_chat") {
        let family = family(&exchange.model);
        // Searching models read what they found, which is in no request.
        if family.basis != Basis::Exact || exchange.model.contains("search") {
            continue;
        }
        if let (Ok(request), Some(said)) =
            (Dialect::OpenAiChat.decode_request(&exchange.request), exchange.input)
        {
            let count = count_request(&exchange.model, &request);
            if !count.estimated && said > 0 {
                assert_eq!(count.tokens, said, "input of {}", exchange.name);
                inputs += 1;
            }
        }
        if let Some(said) = exchange.output.filter(|said| *said > 0 && !exchange.mixed) {
            let encoded = family.encoding.count(&exchange.text) as u64;
            let count = count_answer(&family, encoded);
            if !count.estimated {
                outputs += 1;
                // A model now and then writes a word in other pieces than its tokenizer would.
                if count.tokens != said {
                    assert!(count.tokens.abs_diff(said) <= 1 + said / 100, "output of {}", exchange.name);
                    off.push(exchange.name);
                }
            }
        }
    }
    println!("{inputs} inputs exact; {outputs} outputs, all but {} exact: {off:?}", off.len());
    assert!(off.len() * 3 <= outputs, "most outputs are exact");
}

#[test]
fn other_families_are_within_their_declared_error() {
    /// Shorter answers say more about the frame than about the text.
    const SHORTEST: u64 = 10;
    let mut errors: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut declared = BTreeMap::new();
    for exchange in exchanges(|_| true) {
        let family = family(&exchange.model);
        let Basis::Estimated { error_percent: Some(percent), .. } = family.basis else { continue };
        let encoded = family.encoding.count(&exchange.text) as u64;
        let Some(said) = exchange.output.filter(|_| !exchange.mixed && encoded >= SHORTEST) else { continue };
        let counted = count_answer(&family, encoded).tokens as f64;
        let error = (counted - said as f64).abs() / said as f64 * 100.0;
        println!("{:10} {error:5.1} %  {counted} of {said}  {}", family.name, exchange.name);
        errors.entry(family.name).or_default().push(error);
        declared.insert(family.name, f64::from(percent));
    }
    for (name, errors) in &errors {
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        println!(
            "{name}: {mean:.1} % on average over {} answers, declared {} %",
            errors.len(),
            declared[name]
        );
        assert!(mean <= declared[name], "{name}: measured {mean:.1} %, declared {} %", declared[name]);
    }
}

/// The exchanges of the formats that are wanted.
fn exchanges(wanted: impl Fn(&str) -> bool) -> Vec<Exchange> {
    let folder = std::env::var_os("POSTERN_RECORDED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recorded"),
        PathBuf::from,
    );
    let Ok(formats) = fs::read_dir(&folder) else {
        println!("NOT CHECKED: no recordings found; set POSTERN_RECORDED to their folder");
        return Vec::new();
    };
    let folders = |at: PathBuf| {
        let entries = fs::read_dir(at).into_iter().flatten();
        entries.map(|entry| entry.expect("readable").path()).filter(|path| path.is_dir())
    };
    let mut found = Vec::new();
    for format in formats.map(|entry| entry.expect("readable").path()).filter(|path| path.is_dir()) {
        let name = format.file_name().expect("a name").to_string_lossy().into_owned();
        if wanted(&name) {
            found.extend(folders(format).map(|case| read(&case, &name)));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn read(folder: &Path, format: &str) -> Exchange {
    let case = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let mut exchange = Exchange {
        name: format!("{format}/{case}"),
        request: fs::read(folder.join("request.json")).unwrap_or_default(),
        // Citations come with text that is not told, and a recitation without what it recited.
        mixed: case.contains("citations")
            || case.contains("document")
            || case.contains("multiple_choices")
            || case.contains("thinking")
            || case.contains("reasoning"),
        ..Exchange::default()
    };
    if let Ok(request) = serde_json::from_slice::<Value>(&exchange.request) {
        exchange.model = request["model"].as_str().unwrap_or_default().to_owned();
        exchange.mixed |= request["n"].as_u64().is_some_and(|n| n > 1);
    }
    let lines = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let mut documents: Vec<Value> = Vec::new();
    documents.extend(serde_json::from_str::<Value>(&lines("response.json")).ok());
    let (events, chunks) = (lines("response.sse"), lines("response.chunks.jsonl"));
    let data = events.lines().filter_map(|line| line.strip_prefix("data:")).chain(chunks.lines());
    documents.extend(data.filter_map(|line| serde_json::from_str(line.trim()).ok()));
    documents.iter().for_each(|document| note(document, &mut exchange));
    exchange
}

/// Takes what a document of any format says.
fn note(document: &Value, exchange: &mut Exchange) {
    for place in ["/modelVersion", "/model", "/message/model"] {
        if let Some(model) = document.pointer(place).and_then(Value::as_str) {
            model.clone_into(&mut exchange.model);
        }
    }
    for place in [
        "/choices/0/message/content",
        "/choices/0/delta/content",
        "/delta/text",
        "/delta/message/content/text",
    ] {
        if let Some(text) = document.pointer(place).and_then(Value::as_str) {
            exchange.text.push_str(text);
        }
    }
    for place in ["/content", "/candidates/0/content/parts", "/message/content"] {
        for part in document.pointer(place).and_then(Value::as_array).into_iter().flatten() {
            match part["text"].as_str() {
                Some(text) if part["thought"] != true => exchange.text.push_str(text),
                _ => exchange.mixed = true,
            }
        }
    }
    const BEYOND: [&str; 12] = [
        "/choices/0/message/tool_calls",
        "/choices/0/delta/tool_calls",
        "/choices/0/message/reasoning",
        "/choices/0/delta/reasoning",
        "/choices/0/message/reasoning_content",
        "/choices/0/delta/reasoning_content",
        "/choices/0/message/audio",
        "/choices/1",
        "/delta/thinking",
        "/delta/partial_json",
        "/message/tool_calls",
        "/delta/message/tool_calls",
    ];
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    exchange.mixed |= BEYOND.iter().any(|place| document.pointer(place).is_some_and(says));
    let number = |places: &[&str]| places.iter().find_map(|place| document.pointer(place)?.as_u64());
    let hidden = [
        "/usage/completion_tokens_details/reasoning_tokens",
        "/usage/completion_tokens_details/rejected_prediction_tokens",
        "/usageMetadata/thoughtsTokenCount",
    ];
    exchange.mixed |= hidden.iter().any(|place| document.pointer(place).and_then(Value::as_u64) > Some(0));
    let output = number(&[
        "/usage/completion_tokens",
        "/usage/output_tokens",
        "/usageMetadata/candidatesTokenCount",
        "/usage/tokens/output_tokens",
        "/delta/usage/tokens/output_tokens",
    ]);
    exchange.output = output.or(exchange.output);
    exchange.input = number(&["/usage/prompt_tokens"]).or(exchange.input);
}
