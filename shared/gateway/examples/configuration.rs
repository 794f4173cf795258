//! Prints what is generated from the declaration of the configuration, as one JSON object: `schema`, the JSON Schema for
//! editors, and `reference`, the part of the documentation in Markdown. `cargo xtask schema` puts them into files.

use std::fmt::Write as _;

use postern_gateway::config::{self, Description, Field, Presence};
use postern_wire::provider;
use serde_json::{Value, json};

fn main() {
    let mut reference = String::new();
    sections(&mut reference, "", &config::describe());
    kinds(&mut reference);
    println!("{}", json!({ "schema": config::json_schema(), "reference": reference.trim_end() }));
}

/// A table for the section at `path` and, after it, for every section inside.
fn sections(out: &mut String, path: &str, description: &Description) {
    let Description::Section { about, fields } = description else { return };
    let title = if path.is_empty() { "Top level".to_owned() } else { format!("`{path}`") };
    let _ = write!(
        out,
        "### {title}\n\n{about}\n\n| key | holds | when left out | what it does |\n|---|---|---|---|\n"
    );
    for field in fields {
        let (name, holds, absent) = (field.name, cell(&holds(&field.shape)), absent(field));
        let _ = writeln!(out, "| `{name}` | {holds} | {absent} | {} |", cell(&about_field(field)));
    }
    out.push('\n');
    for field in fields {
        let dot = if path.is_empty() { "" } else { "." };
        inner(out, &format!("{path}{dot}{}", field.name), &field.shape);
    }
}

fn inner(out: &mut String, path: &str, description: &Description) {
    match description {
        Description::Section { .. } => sections(out, path, description),
        Description::List { item, .. } => inner(out, &format!("{path}[]"), item),
        Description::Map { name, entry, .. } => inner(out, &format!("{path}.{}", placeholder(name)), entry),
        Description::Scalar { .. } => {}
    }
}

/// What stands for a name in a path.
fn placeholder(name: &str) -> String {
    if name.contains('/') { format!("\"{name}\"") } else { "NAME".to_owned() }
}

fn holds(description: &Description) -> String {
    match description {
        Description::Scalar { label, .. } => label.clone(),
        Description::List { item, .. } => format!("list of {}", entries(item)),
        Description::Map { name, entry, .. } => format!("map from {name} to {}", entries(entry)),
        Description::Section { .. } => "map, see below".to_owned(),
    }
}

fn entries(description: &Description) -> String {
    match description {
        Description::Section { .. } => "entries, see below".to_owned(),
        other => holds(other),
    }
}

fn absent(field: &Field) -> String {
    match (&field.presence, &field.shape) {
        (Presence::Required, _) => "**required**".to_owned(),
        (Presence::Optional, Description::Section { .. }) if has_defaults(&field.shape) => {
            "as each key inside".to_owned()
        }
        (Presence::Optional, _) => "none".to_owned(),
        (Presence::Default(Value::String(text)), _) => format!("`{text}`"),
        (Presence::Default(value), _) => format!("`{value}`"),
    }
}

/// Whether leaving the section out is the same as leaving each of its keys out.
fn has_defaults(description: &Description) -> bool {
    match description {
        Description::Section { fields, .. } => {
            fields.iter().all(|field| field.presence != Presence::Required)
        }
        _ => false,
    }
}

/// What the field does and, for a choice, what each word means.
fn about_field(field: &Field) -> String {
    let mut about = field.about.clone();
    let choices = match &field.shape {
        Description::Scalar { schema, .. } => schema.get("oneOf").and_then(Value::as_array),
        _ => None,
    };
    for choice in choices.into_iter().flatten() {
        let text = |key: &str| choice.get(key).and_then(Value::as_str).unwrap_or_default();
        let _ = write!(about, "<br>`{}`: {}", text("const"), text("description"));
    }
    about
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Every kind of provider.
fn kinds(out: &mut String) {
    out.push_str(
        "### Kinds of providers\n\n\
         | kind | vendor | formats, by preference | `base_url` when left out | usual secret |\n|---|---|---|---|---|\n",
    );
    for preset in provider::presets() {
        let address = match (preset.is_demo(), preset.needs_base_url()) {
            (true, _) => "none: answers inside of Postern".to_owned(),
            // Where `aws.region` or `google.location` says the rest of the address.
            (_, true) if preset.address_in("x").is_some() => {
                format!("of the region: `{}`", preset.base_url_form)
            }
            (_, true) => format!("**required**: `{}`", preset.base_url_form),
            _ => format!("`{}`", preset.base_url),
        };
        let secret = match preset.key_variable {
            "" => "none needed".to_owned(),
            variable => format!("`{variable}`"),
        };
        let formats: Vec<&str> = preset.ways.iter().map(|way| way.dialect.name()).collect();
        let formats = if preset.is_demo() { "all".to_owned() } else { format!("`{}`", formats.join("`, `")) };
        let title = cell(preset.title);
        let _ = writeln!(out, "| `{}` | {title} | {formats} | {address} | {secret} |", preset.kind);
    }
    out.push('\n');
}
