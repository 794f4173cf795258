//! What answers about images and sound say of themselves, in OpenAI's format
//! (`platform.openai.com/docs/api-reference/images`, `.../audio`), whole or as one event of a stream. Nothing else of
//! them is read: their bytes pass.
//!
//! Reading never fails over a strange figure: one that is missing or no number counts nothing, because it must not cost
//! the caller an answer. No figure is ever made up.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::Dialect;
use crate::dialect::DecodeError;
use crate::dialect::openai_chat::PeekFailure;
use crate::fault::Fault;
use crate::usage::Usage;

/// What an answer consists of, which decides what its counts mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Images.
    Images,
    /// Sound, spoken from a text.
    Speech,
    /// Text, written from sound.
    Text,
}

/// What an answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaFacts {
    /// The model that answered, as the provider calls it.
    pub model: Option<String>,
    /// The provider's figures, if it gave any.
    pub usage: Option<Usage>,
    /// Whether this event says that the stream is complete.
    pub done: bool,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    model: Option<Value>,
    #[serde(default)]
    usage: Option<Value>,
    /// Of a transcription in the form `verbose_json`: seconds.
    #[serde(default)]
    duration: Option<Value>,
    /// The images.
    #[serde(default)]
    data: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default, rename = "type")]
    kind: Option<Value>,
}

impl MediaFacts {
    /// The facts of a whole answer.
    ///
    /// # Errors
    /// When it is an error in spite of its status, or no JSON object.
    pub fn of_answer(body: &[u8], made: Made) -> Result<Self, PeekFailure> {
        let answer = read(body)?;
        let mut facts = answer.facts(made);
        let pictures = answer.data.as_ref().map_or(0, Vec::len) as u64;
        if facts.usage.is_none() && made == Made::Images && pictures > 0 {
            facts.usage = Some(Usage { images: pictures, ..Usage::default() });
        }
        Ok(facts)
    }

    /// The facts of one event of a stream.
    ///
    /// # Errors
    /// When it tells of an error, or is no JSON object.
    pub fn of_event(data: &[u8], made: Made) -> Result<Self, PeekFailure> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Self { done: true, ..Self::default() });
        }
        let answer = read(data)?;
        let kind = answer.kind.as_ref().and_then(Value::as_str).unwrap_or_default();
        // `speech.audio.done`, `transcript.text.done`, `image_generation.completed`, `image_edit.completed`; a segment's
        // end is not the stream's.
        let done = kind.ends_with(".completed") || (kind.ends_with(".done") && !kind.contains("segment"));
        Ok(Self { done, ..answer.facts(made) })
    }
}

fn read(body: &[u8]) -> Result<Answer, PeekFailure> {
    let no_object = || PeekFailure::Decode(DecodeError::at("", "expected a JSON object"));
    // An array would be taken for the fields in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(no_object());
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|_| no_object())?;
    let failed = answer.error.as_ref().is_some_and(|error| !error.is_null());
    if failed || answer.kind.as_ref().is_some_and(|kind| kind == "error") {
        return Err(PeekFailure::Fault(fault(body)));
    }
    Ok(answer)
}

fn fault(body: &[u8]) -> Fault {
    let mut fault = Dialect::OpenAiChat.decode_fault(500, &http::HeaderMap::new(), body, None);
    fault.status = None;
    fault
}

impl Answer {
    fn facts(&self, made: Made) -> MediaFacts {
        let usage = self.usage.as_ref().map(|usage| usage_of(usage, made)).filter(|u| *u != Usage::default());
        let length = || milliseconds(self.duration.as_ref()?);
        let usage = usage.or_else(|| {
            let audio_ms = length().filter(|_| made == Made::Text)?;
            Some(Usage { audio_ms, ..Usage::default() })
        });
        let model = self.model.as_ref().and_then(Value::as_str).map(str::to_owned);
        MediaFacts { model, usage, done: false }
    }
}

/// A `usage` object. What is read and written are parts of `input_tokens` and `output_tokens`, as the details say.
fn usage_of(usage: &Value, made: Made) -> Usage {
    let count = |names: &[&str]| names.iter().find_map(|name| usage.get(*name)?.as_u64()).unwrap_or_default();
    let detail = |objects: &[&str], name: &str| {
        objects.iter().find_map(|object| usage.get(*object)?.get(name)?.as_u64())
    };
    // OpenAI writes `input_token_details` for sound and `input_tokens_details` for images.
    let read = &["input_tokens_details", "input_token_details", "prompt_tokens_details"];
    let written = &["output_tokens_details", "output_token_details", "completion_tokens_details"];
    let input = count(&["input_tokens", "prompt_tokens"]);
    let output = count(&["output_tokens", "completion_tokens"]);
    let input_image = detail(read, "image_tokens").unwrap_or_default().min(input);
    let input_audio = detail(read, "audio_tokens").unwrap_or_default().min(input - input_image);
    let rest = input - input_image - input_audio;
    let cache_read = detail(read, "cached_tokens").unwrap_or_default().min(rest);
    let mut sums =
        Usage { input: rest - cache_read, cache_read, input_audio, input_image, ..Usage::default() };
    match made {
        Made::Images => {
            // Where it does not say how much of it was text, all of it was images.
            let text = detail(written, "text_tokens").unwrap_or_default().min(output);
            (sums.output, sums.output_image) = (text, output - text);
        }
        Made::Speech => sums.output_audio = output,
        Made::Text => sums.output = output,
    }
    let seconds = ["seconds", "prompt_audio_seconds"].iter().find_map(|name| usage.get(*name));
    sums.audio_ms = seconds.and_then(milliseconds).unwrap_or_default();
    sums
}

/// Seconds, as a number or as the text of one, in milliseconds.
fn milliseconds(value: &Value) -> Option<u64> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    let ms = (seconds * 1000.0).round();
    (ms.is_finite() && ms > 0.0).then_some(ms as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(body: &str, made: Made) -> Option<Usage> {
        MediaFacts::of_answer(body.as_bytes(), made).unwrap().usage
    }

    #[test]
    fn images_in_tokens_and_by_the_piece() {
        let body = r#"{"created":1,"data":[{"b64_json":"AA=="}],"usage":{"total_tokens":4533,"input_tokens":373,
            "output_tokens":4160,"input_tokens_details":{"text_tokens":50,"image_tokens":323}}}"#;
        let expected = Usage { input: 50, input_image: 323, output_image: 4160, ..Usage::default() };
        assert_eq!(usage(body, Made::Images), Some(expected));
        let split = r#"{"data":[],"usage":{"input_tokens":9,"output_tokens":100,
            "output_tokens_details":{"image_tokens":90,"text_tokens":10}}}"#;
        let expected = Usage { input: 9, output: 10, output_image: 90, ..Usage::default() };
        assert_eq!(usage(split, Made::Images), Some(expected));
        let pictures = usage(r#"{"created":1,"data":[{"url":"x"},{"url":"y"}]}"#, Made::Images);
        assert_eq!(pictures, Some(Usage { images: 2, ..Usage::default() }));
    }

    #[test]
    fn transcriptions_in_tokens_in_seconds_or_not_at_all() {
        let tokens = r#"{"text":"a","usage":{"type":"tokens","input_tokens":14,"output_tokens":45,"total_tokens":59,
            "input_token_details":{"text_tokens":4,"audio_tokens":10}}}"#;
        let expected = Usage { input: 4, input_audio: 10, output: 45, ..Usage::default() };
        assert_eq!(usage(tokens, Made::Text), Some(expected));
        let seconds = Some(Usage { audio_ms: 9_000, ..Usage::default() });
        assert_eq!(usage(r#"{"text":"a","usage":{"type":"duration","seconds":9}}"#, Made::Text), seconds);
        let verbose = Some(Usage { audio_ms: 8_470, ..Usage::default() });
        assert_eq!(usage(r#"{"task":"transcribe","duration":8.470,"text":"a"}"#, Made::Text), verbose);
        assert_eq!(usage(r#"{"task":"transcribe","duration":"8.47","text":"a"}"#, Made::Text), verbose);
        for nothing in
            [r#"{"text":"a"}"#, r#"{"text":"a","usage":{"input_tokens":"x"}}"#, r#"{"duration":-1}"#]
        {
            assert_eq!(usage(nothing, Made::Text), None, "{nothing}");
        }
    }

    #[test]
    fn events_say_when_a_stream_is_complete() {
        let facts = |data: &str, made| MediaFacts::of_event(data.as_bytes(), made).unwrap();
        assert!(!facts(r#"{"type":"speech.audio.delta","audio":"AA=="}"#, Made::Speech).done);
        let done = r#"{"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}"#;
        let expected = Usage { input: 14, output_audio: 101, ..Usage::default() };
        let facts_of_done = facts(done, Made::Speech);
        assert_eq!((facts_of_done.usage, facts_of_done.done), (Some(expected), true));
        assert!(facts(r#"{"type":"transcript.text.done","text":"a"}"#, Made::Text).done);
        assert!(facts(r#"{"type":"image_generation.completed","b64_json":""}"#, Made::Images).done);
        assert!(!facts(r#"{"type":"transcript.text.segment.done"}"#, Made::Text).done);
        assert!(facts(" [DONE]", Made::Text).done);
    }

    #[test]
    fn errors_in_spite_of_a_good_status_are_seen() {
        for body in
            [r#"{"error":{"message":"no","type":"server_error"}}"#, r#"{"type":"error","message":"no"}"#]
        {
            let failure = MediaFacts::of_event(body.as_bytes(), Made::Text).unwrap_err();
            assert!(matches!(failure, PeekFailure::Fault(_)), "{body}");
        }
        for body in ["", "<html>", "[]", "{"] {
            let failure = MediaFacts::of_answer(body.as_bytes(), Made::Images).unwrap_err();
            assert!(matches!(failure, PeekFailure::Decode(_)), "{body}");
        }
    }
}
