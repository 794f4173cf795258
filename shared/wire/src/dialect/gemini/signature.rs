//! Signatures of other vendors' reasoning, carried in the one field that Gemini's callers send back.
//!
//! A caller of this format keeps the parts of an answer and returns them with their `thoughtSignature`. Reasoning that
//! came from another vendor has a signature that only that vendor understands, so whose it is travels inside.
//! `thoughtSignature` is base64, and official clients decode it: so is what is written here.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::REASONING_FORMAT;
use crate::chat::{Reasoning, ReasoningForm};

/// Begins what is inside. Google's own signatures are binary and do not begin so.
const MARK: &str = "postern-reasoning-1\n";

/// Tells Gemini 3 to take a tool call that it did not make itself: one from another model or written by the caller
/// (`ai.google.dev/gemini-api/docs/thought-signatures`, the question on transferring history from other models).
pub(super) const NOT_SIGNED: &str = "skip_thought_signature_validator";

/// The signature to tell a caller for reasoning.
pub(super) fn seal(reasoning: &Reasoning, signature: Option<&String>) -> Option<String> {
    let format = reasoning.format.as_deref().unwrap_or_default();
    if format == REASONING_FORMAT {
        return signature.cloned();
    }
    if signature.is_none() && reasoning.data.is_none() {
        return None;
    }
    let form = match reasoning.form {
        ReasoningForm::Full => "full",
        ReasoningForm::Summary => "summary",
        ReasoningForm::Opaque => "opaque",
    };
    let (signature, data) =
        (signature.map_or("", String::as_str), reasoning.data.as_deref().unwrap_or_default());
    Some(BASE64.encode(format!("{MARK}{form}\n{format}\n{signature}\n{data}")))
}

/// Reads a signature back into the reasoning it belongs to; gives the vendor's own signature.
pub(super) fn open(sealed: String, reasoning: &mut Reasoning) -> Option<String> {
    match opened(&sealed) {
        Some((form, format, signature, data)) => {
            reasoning.form = form;
            reasoning.format = format;
            reasoning.data = data;
            signature
        }
        None => Some(sealed),
    }
}

type Opened = (ReasoningForm, Option<String>, Option<String>, Option<String>);

fn opened(sealed: &str) -> Option<Opened> {
    let text = String::from_utf8(BASE64.decode(sealed).ok()?).ok()?;
    let mut fields = text.strip_prefix(MARK)?.splitn(4, '\n');
    let form = match fields.next()? {
        "full" => ReasoningForm::Full,
        "summary" => ReasoningForm::Summary,
        "opaque" => ReasoningForm::Opaque,
        _ => return None,
    };
    let mut field =
        || Some(fields.next()?.to_owned()).map(|field| Some(field).filter(|field| !field.is_empty()));
    Some((form, field()?, field()?, field()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_vendors_signature_comes_back_as_it_was() {
        let said = Reasoning {
            form: ReasoningForm::Opaque,
            data: Some("se\naled".to_owned()),
            format: Some("anthropic-claude-v1".to_owned()),
            ..Reasoning::default()
        };
        let sealed = seal(&said, Some(&"sig".to_owned())).expect("sealed");
        let mut again = Reasoning::default();
        assert_eq!(open(sealed, &mut again).as_deref(), Some("sig"));
        assert_eq!(again, said);
    }

    #[test]
    fn googles_own_stay_as_they_are() {
        let own = Reasoning { format: Some(REASONING_FORMAT.to_owned()), ..Reasoning::default() };
        assert_eq!(seal(&own, Some(&"CtUH".to_owned())).as_deref(), Some("CtUH"));
        assert_eq!(open("CtUH".to_owned(), &mut Reasoning::default()).as_deref(), Some("CtUH"));
        assert_eq!(seal(&Reasoning::default(), None), None);
    }
}
