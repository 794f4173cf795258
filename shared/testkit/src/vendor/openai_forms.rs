//! Forms as OpenAI takes them: audio, images, files. Written from its reference
//! (`platform.openai.com/docs/api-reference/audio`, `.../images`, `.../files`), and read here by other means than the
//! gateway's: the whole body is split at its boundary.

use super::{Checked, Refusal, wrong};

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The field.
    pub name: String,
    /// The file's name, if it is a file.
    pub filename: Option<String>,
    /// What is in it.
    pub content: Vec<u8>,
}

impl Part {
    /// The content as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }
}

/// The parts of a form, whose boundary is taken from its first line.
///
/// # Errors
/// When it is none.
pub fn parts(body: &[u8]) -> Result<Vec<Part>, Refusal> {
    let text: String = body.iter().map(|byte| char::from(*byte)).collect();
    let Some((first, _)) = text.split_once("\r\n") else { return wrong("", "no line in the form") };
    let closing = format!("\r\n{first}--");
    let Some((inside, after)) = text.split_once(&closing) else { return wrong("", "the form has no end") };
    if !after.trim().is_empty() {
        return wrong("", "something follows the end of the form");
    }
    // With a line's end before it, every boundary looks the same.
    let inside = format!("\r\n{inside}");
    let mut found = Vec::new();
    for part in inside.split(&format!("\r\n{first}\r\n")).skip(1) {
        let Some((head, content)) = part.split_once("\r\n\r\n") else {
            return wrong("", "a part has no content");
        };
        let value = |name: &str| {
            let (_, rest) = head.split_once(&format!("; {name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let Some(name) = value("name") else { return wrong("", "a part has no name") };
        let content = content.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
        found.push(Part { name, filename: value("filename"), content });
    }
    Ok(found)
}

/// What a field must be.
struct Rule {
    name: &'static str,
    required: bool,
    file: bool,
    many: bool,
}

const fn field(name: &'static str) -> Rule {
    Rule { name, required: false, file: false, many: false }
}

const fn file(name: &'static str) -> Rule {
    Rule { name, required: true, file: true, many: false }
}

fn check(body: &[u8], rules: &[Rule]) -> Checked {
    let parts = parts(body)?;
    for part in &parts {
        // Lists are sent as `name[]`.
        let name = part.name.strip_suffix("[]").unwrap_or(&part.name);
        let Some(rule) = rules.iter().find(|rule| rule.name == name) else {
            return wrong(name, format!("Unknown parameter: '{name}'."));
        };
        if rule.file != part.filename.is_some() {
            return wrong(name, "expected a file where there is a text, or the other way");
        }
        let count = parts.iter().filter(|other| other.name == part.name).count();
        if count > 1 && !rule.many && !part.name.ends_with("[]") {
            return wrong(name, format!("Duplicate parameter: '{name}'."));
        }
    }
    match rules.iter().find(|rule| rule.required && !parts.iter().any(|p| p.name.starts_with(rule.name))) {
        Some(rule) => wrong(rule.name, "Field required"),
        None => Ok(()),
    }
}

/// The checks of `POST /v1/audio/transcriptions`.
#[must_use]
pub fn transcription(body: &[u8]) -> Option<Refusal> {
    let rules = [
        file("file"),
        Rule { required: true, ..field("model") },
        field("chunking_strategy"),
        field("include"),
        field("language"),
        field("prompt"),
        field("response_format"),
        field("stream"),
        field("temperature"),
        field("timestamp_granularities"),
    ];
    check(body, &rules).err()
}

/// The checks of `POST /v1/images/edits`.
#[must_use]
pub fn image_edit(body: &[u8]) -> Option<Refusal> {
    let rules = [
        Rule { many: true, ..file("image") },
        Rule { required: true, ..field("prompt") },
        Rule { required: false, ..file("mask") },
        field("background"),
        field("input_fidelity"),
        field("model"),
        field("n"),
        field("output_compression"),
        field("output_format"),
        field("partial_images"),
        field("quality"),
        field("response_format"),
        field("size"),
        field("stream"),
        field("user"),
    ];
    check(body, &rules).err()
}

/// The checks of `POST /v1/files`.
#[must_use]
pub fn file_upload(body: &[u8]) -> Option<Refusal> {
    let rules = [file("file"), Rule { required: true, ..field("purpose") }, field("expires_after")];
    check(body, &rules).err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut body = String::new();
        for (head, content) in parts {
            body.push_str(&format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n"));
        }
        body.push_str("--x--\r\n");
        body.into_bytes()
    }

    #[test]
    fn forms_are_taken_apart_and_checked() {
        let audio = ("name=\"file\"; filename=\"a.mp3\"", "ID3\r\nmore");
        let good = form(&[audio, ("name=\"model\"", "whisper-1")]);
        assert_eq!(transcription(&good), None);
        let found = parts(&good).unwrap();
        assert_eq!((found[0].text().as_str(), found[0].filename.as_deref()), ("ID3\r\nmore", Some("a.mp3")));
        assert_eq!(found[1].text(), "whisper-1");
        for (bad, param) in [
            (form(&[audio]), "model"),
            (form(&[("name=\"model\"", "w")]), "file"),
            (form(&[audio, ("name=\"model\"", "w"), ("name=\"model\"", "v")]), "model"),
            (form(&[audio, ("name=\"model\"", "w"), ("name=\"x\"", "v")]), "x"),
            (form(&[("name=\"file\"", "no file"), ("name=\"model\"", "w")]), "file"),
        ] {
            assert_eq!(transcription(&bad).unwrap().param.as_deref(), Some(param));
        }
        assert!(file_upload(b"{}").is_some() && image_edit(b"").is_some());
    }
}
