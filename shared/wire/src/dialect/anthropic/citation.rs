//! Citations: the sources of a text block.
//!
//! Anthropic says where in the *source* a citation is from; it holds for the whole block. The places in the source stay
//! in `extra`, `start` and `end` are the block's own.

use serde_json::{Map, Value};

use crate::chat::{Annotation, Text};
use crate::dialect::fields::{self, merge, put, put_some};

const CHARACTERS: &str = "char_location";
const PAGES: &str = "page_location";
const BLOCKS: &str = "content_block_location";
const WEB: &str = "web_search_result_location";
const SEARCH: &str = "search_result_location";

/// Takes `citations` of a text block; a list with anything not understood stays.
pub(super) fn take_citations(map: &mut Map<String, Value>, text: &mut Text) {
    let Some(Value::Array(values)) = map.get("citations") else { return };
    let length = length_of(&text.text);
    let Some(annotations) =
        values.iter().map(|value| decode_citation(value, length)).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    if !annotations.is_empty() {
        text.annotations = annotations;
        map.remove("citations");
    }
}

/// The length of a text, in characters.
pub(super) fn length_of(text: &str) -> u64 {
    text.chars().count() as u64
}

/// Reads one citation of a block whose text has so many characters; `None` for a kind not known.
pub(super) fn decode_citation(value: &Value, length: u64) -> Option<Annotation> {
    let mut map = value.as_object()?.clone();
    let kind = fields::try_string(&mut map, "type")?;
    if !is_own(&kind) {
        return None;
    }
    let (url, title) = match kind.as_str() {
        WEB => ("url", "title"),
        SEARCH => ("source", "title"),
        _ => ("url", "document_title"),
    };
    Some(Annotation {
        url: fields::try_string(&mut map, url),
        title: fields::try_string(&mut map, title),
        quote: fields::try_string(&mut map, "cited_text"),
        file_id: fields::try_string(&mut map, "file_id"),
        document: fields::try_whole(&mut map, "document_index"),
        start: Some(0),
        end: Some(length),
        kind,
        extra: map,
    })
}

fn is_own(kind: &str) -> bool {
    [CHARACTERS, PAGES, BLOCKS, WEB, SEARCH].contains(&kind)
}

/// Writes a citation. `None` where the format has no word for it: it knows documents of the request, results of
/// searches, and addresses. In a request a citation must be as Anthropic gave it, with the proof that it came with.
pub(super) fn encode_citation(annotation: &Annotation, in_request: bool) -> Option<Value> {
    let own = is_own(&annotation.kind);
    if !own && (in_request || annotation.url.is_none()) {
        return None;
    }
    // What only Anthropic knows was left behind on the way through another format.
    let place = match annotation.kind.as_str() {
        CHARACTERS => "end_char_index",
        PAGES => "end_page_number",
        BLOCKS | SEARCH => "end_block_index",
        _ => "encrypted_index",
    };
    let complete = annotation.extra.contains_key(place);
    if !complete && (in_request || (own && annotation.kind != WEB)) {
        return None;
    }
    let kind = if own { annotation.kind.as_str() } else { WEB };
    let mut map = Map::new();
    put(&mut map, "type", kind);
    match (&annotation.quote, own) {
        (Some(quote), _) => put(&mut map, "cited_text", quote.clone()),
        // Callers' types require it.
        (None, false) => put(&mut map, "cited_text", ""),
        (None, true) => {}
    }
    match kind {
        WEB => {
            put_some(&mut map, "url", annotation.url.as_ref());
            put_some(&mut map, "title", annotation.title.as_ref());
            if !complete {
                put(&mut map, "encrypted_index", "");
            }
        }
        SEARCH => {
            put_some(&mut map, "source", annotation.url.as_ref());
            put_some(&mut map, "title", annotation.title.as_ref());
        }
        _ => {
            put_some(&mut map, "url", annotation.url.as_ref());
            put_some(&mut map, "document_index", annotation.document.as_ref());
            put_some(&mut map, "document_title", annotation.title.as_ref());
        }
    }
    put_some(&mut map, "file_id", annotation.file_id.as_ref());
    if kind == WEB || kind == SEARCH {
        put_some(&mut map, "document_index", annotation.document.as_ref());
    }
    merge(&mut map, &annotation.extra);
    Some(Value::Object(map))
}
