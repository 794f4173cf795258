//! What can be asked, by the format of the provider: one request a feature, told by each format's writer.

mod conversation;
mod options;

use postern_wire::chat::{Message, Request, Role};
use postern_wire::dialect::{Encoded, Weight};

use crate::table::markdown;
use crate::{FORMATS, model};

/// A feature: its name for people, and a request that asks for it and for nothing else.
type Probe = (&'static str, Request);

/// A question, which every format can say.
fn question() -> Request {
    Request::new("model", vec![Message::text(Role::User, "What is this?")])
}

/// How a feature is told.
fn cell(encoded: &Encoded) -> &'static str {
    let weighs = |weight| encoded.lost.iter().any(|loss| loss.weight == weight);
    match () {
        () if weighs(Weight::Meaning) => "**refused**",
        () if weighs(Weight::Hint) => "left out",
        () if !encoded.lowered.is_empty() => "lowered",
        () => "yes",
    }
}

/// Features by formats, and the reasons of what is not told.
pub(crate) fn tables() -> String {
    let plain = FORMATS.iter().map(|(format, _)| format.encode_request(&question(), &model(*format)));
    for ((_, title), encoded) in FORMATS.iter().zip(plain) {
        assert!(encoded.lost.is_empty() && encoded.lowered.is_empty(), "{title} can say a question");
    }
    let mut rows = Vec::new();
    let mut reasons: Vec<Vec<String>> = Vec::new();
    for (name, request) in conversation::probes().into_iter().chain(options::probes()) {
        let mut row = vec![name.to_owned()];
        for (format, title) in FORMATS {
            let encoded = format.encode_request(&request, &model(*format));
            row.push(cell(&encoded).to_owned());
            for loss in &encoded.lost {
                let default = if loss.weight == Weight::Meaning { "refused" } else { "left out" };
                let reason = vec![
                    (*title).to_owned(),
                    field(&loss.field),
                    default.to_owned(),
                    loss.reason.to_string(),
                ];
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        }
        rows.push(row);
    }
    reasons.sort();
    let mut head = vec!["what is asked"];
    head.extend(FORMATS.iter().map(|(_, title)| *title));
    let models: Vec<String> =
        FORMATS.iter().map(|(format, title)| format!("{title}: `{}`", model(*format).model)).collect();
    format!(
        "## What can be asked of a provider\n\nBy the format of the provider. Some cells depend on the model; these are \
         for {}.\n\n{}\n\n## What cannot be said, and what happens then\n\nPlaces in a request are counted from 0; here \
         `N` stands for any.\n\n{}",
        models.join(", "),
        markdown(&head, &rows),
        markdown(&["format of the provider", "field", "by default", "reason"], &reasons)
    )
}

/// The name of a field without the places of one request.
fn field(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c }).collect();
    format!("`{name}`")
}
