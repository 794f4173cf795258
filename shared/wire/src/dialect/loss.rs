//! What a writer could not carry over: it is named, never silently left out.

use std::borrow::Cow;

use bytes::Bytes;

/// How much is lost with a field that the target cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// A hint: the answer is what was asked for without it (a user's id, a cache mark, a class of service). It is left
    /// out and named, unless the configuration wants an error.
    Hint,
    /// It changes what the answer means or is (an image, a tool, a schema, several answers). The call is refused, unless
    /// the configuration wants it left out.
    Meaning,
}

/// Something that the canonical conversation holds and the target cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The field, by its canonical name and place: `messages[2].content[0]`, `sampling.seed`, `tools[1]`.
    pub field: String,
    /// Why it cannot be said and what to do instead, for a person. Never quotes a prompt.
    pub reason: Cow<'static, str>,
    /// How much is lost.
    pub weight: Weight,
}

/// A request in a target's format, and what had to change on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The body.
    pub body: Bytes,
    /// What the target has no notion of, and is not in the body.
    pub lost: Vec<Loss>,
    /// Fields that are in the body in a weaker form than they were said in (a tool's schema).
    pub lowered: Vec<String>,
}

/// A writer's notes while it writes.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) lost: Vec<Loss>,
    pub(crate) lowered: Vec<String>,
}

impl Notes {
    /// A hint is left out.
    pub(crate) fn hint(&mut self, field: impl Into<String>, reason: impl Into<Cow<'static, str>>) {
        self.lost.push(Loss { field: field.into(), reason: reason.into(), weight: Weight::Hint });
    }

    /// Something that matters is left out.
    pub(crate) fn meaning(&mut self, field: impl Into<String>, reason: impl Into<Cow<'static, str>>) {
        self.lost.push(Loss { field: field.into(), reason: reason.into(), weight: Weight::Meaning });
    }

    /// A field is said in a weaker form.
    pub(crate) fn lowered(&mut self, field: impl Into<String>) {
        self.lowered.push(field.into());
    }

    /// Keywords of a schema are said in a weaker form; `places` are JSON pointers from its root.
    pub(crate) fn lowered_at(&mut self, schema: &str, places: &[String]) {
        self.lowered.extend(places.iter().map(|place| format!("{schema}{place}")));
    }

    /// With the body, what a writer gives.
    pub(crate) fn into_encoded(self, body: Bytes) -> Encoded {
        Encoded { body, lost: self.lost, lowered: self.lowered }
    }
}
