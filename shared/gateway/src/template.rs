//! The language of templates and expressions in a configuration: MiniJinja, with undefined names as errors.
//!
//! A template is JSON. A text of it that is one expression, `"{{ body.rows }}"`, gives that expression's value, of whatever
//! type; in any other text each `{{ ... }}` becomes a piece of text; a text without either stays as it is. A member of an
//! object whose expression gives `none` is left out.
//!
//! What a template works on comes from callers and providers, so work and size are bounded, and errors never show values.

use std::collections::BTreeSet;
use std::io;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, filters, tests, value::Value as Given};
use serde_json::{Map, Value};

/// Steps that all expressions of one text may take together: a loop over a thousand messages takes some ten thousand.
const FUEL: u64 = 500_000;
/// The largest text, bytes.
const LARGEST: usize = 16 << 20;
/// Characters of a text that an error shows.
const SHOWN: usize = 80;

/// A text that cannot be filled, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{reason}", path, if path.is_empty() { "" } else { ": " })]
pub(crate) struct Unfilled {
    /// Where in the template, as `inputs[0].text`.
    pub(crate) path: String,
    /// For a person; names what the template asks for, never what it was given.
    pub(crate) reason: String,
}

/// What a text is.
enum Kind<'a> {
    Plain,
    Expression(&'a str),
    Mixed,
}

fn kind(text: &str) -> Kind<'_> {
    let inner = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    match inner {
        Some(inner) if !inner.contains("}}") && !inner.contains("{{") => Kind::Expression(inner),
        _ if ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) => Kind::Mixed,
        _ => Kind::Plain,
    }
}

/// Declares the filters and tests that there are, for use and for checks.
macro_rules! language {
    (filters: $($filter:literal = $f:expr),+; tests: $($test:literal = $t:expr),+) => {
        const FILTERS: &[&str] = &[$($filter),+];
        const TESTS: &[&str] = &[$($test),+];

        fn language() -> Environment<'static> {
            let mut language = Environment::empty();
            language.set_undefined_behavior(UndefinedBehavior::Strict);
            language.set_fuel(Some(FUEL));
            $(language.add_filter($filter, $f);)+
            $(language.add_test($test, $t);)+
            language
        }
    };
}

// Few, because each weighs something in the Worker.
language! {
    filters:
        "default" = filters::default, "first" = filters::first, "float" = filters::float, "int" = filters::int,
        "join" = filters::join, "last" = filters::last, "length" = filters::length, "lower" = filters::lower,
        "map" = filters::map, "replace" = filters::replace, "round" = filters::round, "sum" = filters::sum,
        "tojson" = tojson, "trim" = filters::trim, "upper" = filters::upper;
    tests: "defined" = tests::is_defined, "none" = tests::is_none
}

/// MiniJinja's own escapes for HTML, which a JSON body has no use for.
fn tojson(value: &Given) -> Result<String, minijinja::Error> {
    serde_json::to_string(value).map_err(|_| minijinja::Error::from(ErrorKind::BadSerialization))
}

/// What is wrong with a template that may use the names `known`: each problem with its place in it.
pub(crate) fn check(template: &Value, known: &[&str]) -> Vec<Unfilled> {
    let language = language();
    let mut problems = Vec::new();
    walk(template, "", &mut |path, text| {
        let reason = match names_in(&language, text) {
            Err(error) => Some(told(&error)),
            Ok(_) if unknown_word(text).is_some() => unknown_word(text),
            Ok(names) => names.iter().find(|name| !known.contains(&name.as_str())).map(|name| {
                let near = crate::config::nearest(name, known.iter().copied());
                let hint = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
                format!("there is nothing called `{name}` here{hint}; there are {}", known.join(", "))
            }),
        };
        problems.extend(reason.map(|reason| Unfilled { path: path.to_owned(), reason }));
    });
    problems
}

/// The names that a template uses.
pub(crate) fn names(template: &Value) -> BTreeSet<String> {
    let language = language();
    let mut names = BTreeSet::new();
    walk(template, "", &mut |_, text| names.extend(names_in(&language, text).unwrap_or_default()));
    names
}

/// Fills a template with what stands in `context`, an object.
///
/// # Errors
/// Names the first place that needs something that is not there.
pub(crate) fn fill(template: &Value, context: &Value) -> Result<Value, Unfilled> {
    let filler = Filler { language: language(), context: Given::from_serialize(context) };
    filler.value(template, "")
}

fn names_in(language: &Environment<'_>, text: &str) -> Result<BTreeSet<String>, minijinja::Error> {
    Ok(match kind(text) {
        Kind::Plain => BTreeSet::new(),
        Kind::Expression(inner) => {
            language.compile_expression_owned(inner)?.undeclared_variables(false).into_iter().collect()
        }
        Kind::Mixed => {
            // Compiled by another environment of the same filters, because this one is not to keep the text.
            let language = self::language();
            language.template_from_str(text)?.undeclared_variables(false).into_iter().collect()
        }
    })
}

/// A filter or a test that there is not: the language itself finds that only when it is used.
fn unknown_word(text: &str) -> Option<String> {
    let mut rest = text;
    let mut quote = None;
    let mut before = "";
    while let Some(first) = rest.chars().next() {
        let width = first.len_utf8();
        if quote.is_some() {
            if quote == Some(first) {
                quote = None;
            }
        } else if matches!(first, '"' | '\'') {
            quote = Some(first);
            before = "";
        } else if first == '|' {
            before = "|";
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let word = rest.get(..end).unwrap_or_default();
            let unknown = match before {
                "|" if !FILTERS.contains(&word) => Some(("filter", FILTERS)),
                "is" if word != "not" && !TESTS.contains(&word) => Some(("test", TESTS)),
                _ => None,
            };
            if let Some((what, known)) = unknown {
                return Some(format!("there is no {what} `{word}`; there are {}", known.join(", ")));
            }
            // `is not none`
            before = if before == "is" && word == "not" { "is" } else { word };
            rest = rest.get(end..).unwrap_or_default();
            continue;
        } else if !first.is_whitespace() {
            before = "";
        }
        rest = rest.get(width..).unwrap_or_default();
    }
    None
}

/// Every text of a template, with its place.
fn walk(template: &Value, path: &str, with: &mut dyn FnMut(&str, &str)) {
    match template {
        Value::String(text) => with(path, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{index}]"), with);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                walk(value, &member(path, name), with);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A compile error in words: its detail quotes the configuration only.
fn told(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

struct Filler {
    language: Environment<'static>,
    context: Given,
}

impl Filler {
    fn value(&self, template: &Value, path: &str) -> Result<Value, Unfilled> {
        Ok(match template {
            Value::String(text) => self.text(text, path)?,
            Value::Array(items) => {
                let filled = items.iter().enumerate();
                let filled = filled.map(|(index, item)| self.value(item, &format!("{path}[{index}]")));
                Value::Array(filled.collect::<Result<_, _>>()?)
            }
            Value::Object(map) => {
                let mut filled = Map::new();
                for (name, value) in map {
                    let given = self.value(value, &member(path, name))?;
                    if !(given.is_null() && value.is_string()) {
                        filled.insert(name.clone(), given);
                    }
                }
                Value::Object(filled)
            }
            other => other.clone(),
        })
    }

    fn text(&self, text: &str, path: &str) -> Result<Value, Unfilled> {
        let unfilled = |reason: String| {
            let shown: String = text.chars().take(SHOWN).collect();
            Unfilled { path: path.to_owned(), reason: format!("{reason} (`{shown}`)") }
        };
        // The detail of an error at work may quote what it was given.
        let failed = |error: minijinja::Error| unfilled(error.kind().to_string());
        match kind(text) {
            Kind::Plain => Ok(Value::from(text)),
            Kind::Expression(inner) => {
                let expression = self.language.compile_expression_owned(inner).map_err(failed)?;
                let given = expression.eval(&self.context).map_err(failed)?;
                if given.is_undefined() {
                    return Err(unfilled(ErrorKind::UndefinedError.to_string()));
                }
                serde_json::to_value(&given).map_err(|_| unfilled("the value is no JSON".to_owned()))
            }
            Kind::Mixed => {
                let language = language();
                let template = language.template_from_str(text).map_err(failed)?;
                let mut out = Bounded(Vec::new());
                template.render_captured_to(&self.context, &mut out).map_err(failed)?;
                match String::from_utf8(out.0) {
                    Ok(text) => Ok(Value::from(text)),
                    Err(_) => Err(unfilled("the text is not UTF-8".to_owned())),
                }
            }
        }
    }
}

/// A text that may not become too large.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod language_tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_expression_gives_its_value_and_other_texts_are_text() {
        let context = json!({
            "body": { "rows": [[1, 2.5], ["x", null]], "name": "n" },
            "messages": [{ "role": "user", "content": "a \"b\" <c>" }],
            "temperature": null,
        });
        let template = json!({
            "plain": "as { it } is", "number": 3, "list": ["{{ body.rows }}", true],
            "text": "{{ body.name }}-{{ body.rows | length }}",
            "told": "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
            "last": "{{ messages[-1].content }}", "quoted": "{{ messages[0].content | tojson }}",
            "temperature": "{{ temperature }}", "null": null, "or": "{{ temperature | default(0.5) }}",
            "joined": "{{ messages | map(attribute='role') | join(',') }}",
            "chosen": "{{ 1 if temperature is none else 2 }}",
        });
        assert_eq!(
            fill(&template, &context),
            Ok(json!({
                "plain": "as { it } is", "number": 3, "list": [[[1, 2.5], ["x", null]], true],
                "text": "n-2", "told": "user: a \"b\" <c>\n", "last": "a \"b\" <c>",
                "quoted": "\"a \\\"b\\\" <c>\"", "null": null, "or": null, "joined": "user", "chosen": 1,
            }))
            .map(|mut expected: Value| {
                // `default` fills in for what is undefined, as in Jinja, not for none.
                expected.as_object_mut().unwrap().remove("or");
                expected
            })
        );
        let used: Vec<String> = names(&template).into_iter().collect();
        assert_eq!(used, ["body", "messages", "temperature"]);
    }

    #[test]
    fn one_of_several_forms_is_read() {
        let template = json!(
            "{{ body.predictions[0] if body.predictions[0] is defined else (body.predictions.choices | default(body.predictions.candidates))[0] }}"
        );
        for predictions in [json!(["x", "y"]), json!({ "choices": ["x"] }), json!({ "candidates": ["x"] })] {
            let context = json!({ "body": { "predictions": predictions } });
            assert_eq!(fill(&template, &context), Ok(json!("x")), "{context}");
        }
        assert!(fill(&template, &json!({ "body": { "predictions": {} } })).is_err());
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_shown() {
        let context = json!({ "body": { "secret": "s3cret" } });
        for (template, path) in [
            (json!({ "a": [{ "b": "{{ body.other }}" }] }), "a[0].b"),
            (json!({ "a": "x {{ body.other.more }}" }), "a"),
            (json!("{{ body.secret + 1 }}"), ""),
            (json!("{{ body.secret.x.y }}"), ""),
            (json!("{{ body | int }}"), ""),
        ] {
            let error = fill(&template, &context).unwrap_err();
            assert_eq!(error.path, path, "{template}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        let error = fill(&json!({ "a": "{{ body.other }}" }), &context).unwrap_err();
        assert_eq!(error.to_string(), "a: undefined value (`{{ body.other }}`)");
    }

    #[test]
    fn bad_templates_are_found_before_they_are_used() {
        let check = |template: Value| -> Vec<String> {
            check(&template, &["body", "model"]).iter().map(ToString::to_string).collect()
        };
        assert_eq!(check(json!({ "a": ["{{ body.x }}", "{{ model }}/{{ body }}", "plain", 5] })), [""; 0]);
        let told = check(
            json!({ "a": "{{ bdy.x }}", "b": "{{ body. }}", "c": "{% for x in %}", "d": "{{ body | nope }}",
                "e": "{{ 'a | b is c' if model is not nothing }}",
            }),
        );
        assert_eq!(told.len(), 5, "{told:?}");
        assert!(
            told[0].starts_with("a: there is nothing called `bdy` here (did you mean `body`?)"),
            "{told:?}"
        );
        assert!(told[1].starts_with("b: syntax error"), "{told:?}");
        assert!(told[2].starts_with("c: syntax error"), "{told:?}");
        assert!(told[3].starts_with("d: there is no filter `nope`; there are default, "), "{told:?}");
        assert_eq!(told[4], "e: there is no test `nothing`; there are defined, none");
    }

    #[test]
    fn work_and_size_are_bounded() {
        let many: Vec<u32> = (0..2000).collect();
        let context = json!({ "many": many, "text": "x".repeat(100_000) });
        let endless = json!("{% for a in many %}{% for b in many %}{{ a }}{% endfor %}{% endfor %}");
        assert!(fill(&endless, &context).unwrap_err().reason.contains("fuel"));
        let large = json!("{% for a in many %}{{ text }}{% endfor %}");
        assert!(fill(&large, &context).is_err());
    }
}
