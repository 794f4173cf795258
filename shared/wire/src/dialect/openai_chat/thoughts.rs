//! Reasoning of a stream that has to go back to its provider: put together from its pieces, told as a whole at the end.
//!
//! A signature belongs to the very text before it, so callers must have both in one place. The text itself has been
//! told by then, piece by piece, in `reasoning_content`.

use serde_json::Value;

use super::reasoning;
use crate::chat::{Extra, Reasoning, ReasoningDelta, ReasoningForm};

/// The reasoning of one choice so far.
#[derive(Default)]
pub(super) struct Thoughts {
    all: Vec<Thought>,
    /// The last one cannot be continued.
    ended: bool,
}

struct Thought {
    reasoning: Reasoning,
    id: Option<String>,
    signature: Option<String>,
}

impl Thought {
    /// Whether a piece belongs to this one.
    fn goes_on_with(&self, piece: &ReasoningDelta) -> bool {
        let same = |mine: &Option<String>, theirs: &Option<String>| {
            mine.is_none() || theirs.is_none() || mine == theirs
        };
        self.signature.is_none()
            && self.reasoning.form == piece.reasoning.form
            && self.reasoning.form != ReasoningForm::Opaque
            && same(&self.id, &piece.id)
            && same(&self.reasoning.format, &piece.reasoning.format)
    }
}

impl Thoughts {
    /// Adds a piece.
    pub(super) fn push(&mut self, piece: &ReasoningDelta) {
        let ended = std::mem::take(&mut self.ended);
        // A signature may come when its text has ended; a text may not.
        let open = !ended || (piece.reasoning.text.is_empty() && piece.signature.is_some());
        match self.all.last_mut().filter(|last| open && last.goes_on_with(piece)) {
            Some(last) => {
                last.reasoning.text.push_str(&piece.reasoning.text);
                last.reasoning.format =
                    last.reasoning.format.take().or_else(|| piece.reasoning.format.clone());
                last.id = last.id.take().or_else(|| piece.id.clone());
                last.signature.clone_from(&piece.signature);
            }
            None => self.all.push(Thought {
                reasoning: piece.reasoning.clone(),
                id: piece.id.clone(),
                signature: piece.signature.clone(),
            }),
        }
    }

    /// The next text begins a piece of reasoning of its own.
    pub(super) fn end_part(&mut self) {
        self.ended = true;
    }

    /// What has to go back, as entries of `reasoning_details`.
    pub(super) fn details(self) -> Vec<Value> {
        let returns = |thought: &Thought| {
            thought.reasoning.data.is_some() || thought.signature.is_some() || thought.id.is_some()
        };
        let write = |thought: Thought| {
            let Thought { reasoning, id, signature } = thought;
            let extra = Extra::new();
            Value::Object(reasoning::encode_detail(&reasoning, id.as_ref(), signature.as_ref(), &extra))
        };
        self.all.into_iter().filter(returns).map(write).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::ReasoningSpelling;

    fn piece(text: &str, signature: Option<&str>) -> ReasoningDelta {
        let format = signature.map(|_| "anthropic-claude-v1".to_owned());
        ReasoningDelta {
            reasoning: Reasoning { format, ..Reasoning::piece(text.to_owned(), ReasoningSpelling::Auto) },
            signature: signature.map(str::to_owned),
            ..ReasoningDelta::default()
        }
    }

    #[test]
    fn a_signature_stands_with_all_of_its_text() {
        let mut thoughts = Thoughts::default();
        for (text, signature) in [("so ", None), ("be it", None), ("", Some("s1")), ("again", Some("s2"))] {
            thoughts.push(&piece(text, signature));
        }
        let detail = |text: &str, signature: &str| json!({"type": "reasoning.text", "text": text, "signature": signature, "format": "anthropic-claude-v1"});
        assert_eq!(thoughts.details(), [detail("so be it", "s1"), detail("again", "s2")]);
    }

    #[test]
    fn what_need_not_go_back_is_not_told_twice() {
        let mut thoughts = Thoughts::default();
        thoughts.push(&piece("only thoughts", None));
        assert!(thoughts.details().is_empty());
    }

    #[test]
    fn parts_of_a_summary_stay_apart() {
        let mut thoughts = Thoughts::default();
        for text in ["one", "two"] {
            let reasoning =
                Reasoning { form: ReasoningForm::Summary, text: text.to_owned(), ..Reasoning::default() };
            thoughts.push(&ReasoningDelta {
                reasoning,
                id: Some("rs_1".to_owned()),
                ..ReasoningDelta::default()
            });
            thoughts.end_part();
        }
        let texts: Vec<_> = thoughts.details().iter().map(|detail| detail["summary"].clone()).collect();
        assert_eq!(texts, ["one", "two"]);
    }
}
