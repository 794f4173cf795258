//! IBM watsonx.ai: Chat Completions with some names of its own, as IBM's API reference has it ("Infer text chat").

use bytes::Bytes;

use crate::json::{self, Kind};

/// Where a request is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workspace<'a> {
    /// A project, by its id.
    Project(&'a str),
    /// A deployment space, by its id.
    Space(&'a str),
}

/// A body of Chat Completions in watsonx's words: `model_id`, the workspace, `tool_choice_option` for a choice that is one
/// word. Whether to stream is said by the address, and usage comes without being asked for. Values are not touched.
#[must_use]
pub fn dress(body: &Bytes, workspace: Workspace<'_>) -> Bytes {
    let Ok(object) = json::scan(body, json::MAX_DEPTH) else { return body.clone() };
    let (name, id) = match workspace {
        Workspace::Project(id) => ("project_id", id),
        Workspace::Space(id) => ("space_id", id),
    };
    let mut out = format!("{{\"{name}\":{}", serde_json::Value::from(id)).into_bytes();
    for member in object.members() {
        let name: &[u8] = match (&*member.name, member.kind) {
            ("model", _) => br#""model_id""#,
            ("tool_choice", Kind::String) => br#""tool_choice_option""#,
            ("stream" | "stream_options" | "project_id" | "space_id", _) => continue,
            _ => body.get(member.name_span.clone()).unwrap_or_default(),
        };
        out.push(b',');
        out.extend_from_slice(name);
        out.push(b':');
        out.extend_from_slice(body.get(member.value_span.clone()).unwrap_or_default());
    }
    out.push(b'}');
    out.into()
}
