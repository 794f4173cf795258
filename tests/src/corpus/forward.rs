//! What the upstream must get when a case does not say otherwise: the caller's bytes with the target's name for the
//! model, and with the usage event asked for in a stream.

use bytes::Bytes;

/// The request as it must arrive. Works on the text alone, so that it knows nothing the gateway knows.
///
/// # Errors
/// When the text is too unusual for that: the case then has to have an `upstream_request.json`.
pub(super) fn forwarded(request: &[u8], model: &str, asks_usage: bool) -> Result<Bytes, String> {
    let text = std::str::from_utf8(request).map_err(|_| "the request is not UTF-8".to_owned())?;
    let (from, to) = value_of(text, "model").ok_or("the request has no model")?;
    let mut out = format!("{}\"{model}\"{}", &text[..from], &text[to..]);
    let streams = value_of(&out, "stream").filter(|(from, to)| &out[*from..*to] == "true");
    match (streams, out.contains("\"stream_options\"")) {
        (Some((_, end)), false) if asks_usage => {
            out.insert_str(end, r#","stream_options":{"include_usage":true}"#);
        }
        (Some(_), true)
            if !out.contains(r#""include_usage": true"#) && !out.contains(r#""include_usage":true"#) =>
        {
            return Err("it has stream_options without usage: write what must arrive".to_owned());
        }
        _ => {}
    }
    Ok(out.into())
}

/// Where the value of the first member of this name stands: text or a word.
fn value_of(text: &str, name: &str) -> Option<(usize, usize)> {
    let quoted = format!("\"{name}\"");
    let mut from = 0;
    loop {
        let at = from + text[from..].find(&quoted)? + quoted.len();
        let rest = text[at..].trim_start();
        if let Some(value) = rest.strip_prefix(':') {
            let value = value.trim_start();
            let start = text.len() - value.len();
            let length = match value.strip_prefix('"') {
                Some(inner) => inner.find('"')? + 2,
                None => value.find([',', '}', ' ', '\n', '\r', '\t']).unwrap_or(value.len()),
            };
            return Some((start, start + length));
        }
        from = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_what_must_change() {
        let made = forwarded(br#"{ "model" : "a","stream":true ,"x":1e2}"#, "b", true).unwrap();
        assert_eq!(
            made,
            r#"{ "model" : "b","stream":true,"stream_options":{"include_usage":true} ,"x":1e2}"#
        );
        let made = forwarded(br#"{"messages":["model"],"model":"a"}"#, "b", true).unwrap();
        assert_eq!(made, r#"{"messages":["model"],"model":"b"}"#);
        assert!(forwarded(b"{}", "b", true).is_err());
    }
}
