//! YAML 1.2 to a value, with the line of every part.
//!
//! Built on parser events instead of a ready-made tree, because a tree has forgotten by then what a configuration must
//! refuse (a key given twice) and has already expanded what must be bounded (aliases of aliases).

use std::collections::HashMap;

use postern_gateway::config::{Path, Problem};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::{Map, Number, Value};

use super::Lines;

/// No part of a configuration lies deeper; the reader calls itself for each level.
const DEEPEST: usize = 64;
/// How much memory the value may take, about, with its aliases expanded.
const LARGEST: usize = 64 << 20;
/// About what a value takes beside its text.
const NODE: usize = 64;

/// What a text says.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) value: Value,
    pub(super) lines: Lines,
    pub(super) problems: Vec<(usize, Problem)>,
}

/// Why nothing can be made of a text.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) message: String,
}

/// Reads one YAML document.
pub(super) fn parse(text: &str) -> Result<Parsed, Unreadable> {
    let braces = Braces::absent_from(text);
    let hidden = braces.hide(text);
    let mut reader = Reader {
        parser: Parser::new_from_str(&hidden),
        braces,
        anchors: HashMap::new(),
        size: 0,
        parsed: Parsed::default(),
    };
    reader.document()?;
    Ok(reader.parsed)
}

/// Stand-ins for the braces of `${NAME}`.
///
/// `{ api_key: ${NAME} }` is what people write, but to YAML the inner brace ends the text before it. So the braces of
/// references are hidden from the parser behind two characters that the text does not have, and put back after it.
#[derive(Clone, Copy)]
struct Braces {
    open: char,
    close: char,
}

impl Braces {
    fn absent_from(text: &str) -> Self {
        // Characters for private use; a text has at most a few of the 6,400.
        let mut free = ('\u{e000}'..='\u{f8ff}').filter(|candidate| !text.contains(*candidate));
        Self { open: free.next().unwrap_or('{'), close: free.next().unwrap_or('}') }
    }

    fn hide(self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len() + text.len() / 16);
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            hidden.push_str(before);
            let end = after.find(|c: char| c == '}' || c.is_whitespace() || "{\"',".contains(c));
            match end.and_then(|end| after.split_at_checked(end)) {
                Some((name, tail)) if tail.starts_with('}') => {
                    hidden.extend(['$', self.open]);
                    hidden.push_str(name);
                    hidden.push(self.close);
                    rest = tail.get(1..).unwrap_or_default();
                }
                _ => {
                    hidden.push_str("${");
                    rest = after;
                }
            }
        }
        hidden.push_str(rest);
        hidden
    }

    fn show(self, text: &str) -> String {
        text.replace(self.open, "{").replace(self.close, "}")
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    braces: Braces,
    /// Finished values that have an anchor, with their size.
    anchors: HashMap<usize, (Value, usize)>,
    size: usize,
    parsed: Parsed,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<(), Unreadable> {
        let mut seen = false;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd if seen => return Ok(()),
                Event::StreamEnd => {
                    let message = "the file is empty: a configuration has at least `providers`".to_owned();
                    return Err(Unreadable { line: 1, message });
                }
                Event::DocumentStart(_) if seen => {
                    let message = "a second document starts here: a configuration is one document".to_owned();
                    return Err(Unreadable { line: span.start.line(), message });
                }
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                event => {
                    seen = true;
                    let path = Path::default();
                    self.parsed.lines.insert(&path, span.start.line());
                    self.parsed.value = self.value(event, span, &path, 0)?;
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Unreadable> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.unreadable(&error)),
            None => Err(Unreadable { line: 1, message: "not valid YAML: it ends too early".to_owned() }),
        }
    }

    fn unreadable(&self, error: &ScanError) -> Unreadable {
        let (place, reason) = (error.marker(), self.braces.show(error.info()));
        let message = format!("not valid YAML at column {}: {reason}", place.col() + 1);
        Unreadable { line: place.line().max(1), message }
    }

    fn value(
        &mut self,
        event: Event<'a>,
        span: Span,
        path: &Path,
        depth: usize,
    ) -> Result<Value, Unreadable> {
        let line = span.start.line();
        let before = self.size;
        if depth > DEEPEST {
            return Err(Unreadable { line, message: format!("more than {DEEPEST} levels deep") });
        }
        self.grow(NODE, line)?;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.braces.show(&text);
                self.grow(text.len(), line)?;
                (anchor, self.scalar(text, style, tag.as_deref(), line, path))
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), line, path);
                (anchor, self.list(path, depth)?)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), line, path);
                (anchor, self.map(path, depth)?)
            }
            Event::Alias(anchor) => {
                let Some((value, size)) = self.anchors.get(&anchor) else {
                    let message = "an alias stands inside the value that it names".to_owned();
                    return Err(Unreadable { line, message });
                };
                let (value, size) = (value.clone(), *size);
                self.grow(size, line)?;
                (0, value)
            }
            _ => return Err(Unreadable { line, message: "not valid YAML".to_owned() }),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), self.size - before));
        }
        Ok(value)
    }

    /// Counts before memory is taken.
    fn grow(&mut self, size: usize, line: usize) -> Result<(), Unreadable> {
        self.size = self.size.saturating_add(size);
        if self.size > LARGEST {
            let message = "with its aliases expanded, the document is too large".to_owned();
            return Err(Unreadable { line, message });
        }
        Ok(())
    }

    fn list(&mut self, path: &Path, depth: usize) -> Result<Value, Unreadable> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(items));
            }
            let path = path.index(items.len());
            self.parsed.lines.insert(&path, span.start.line());
            items.push(self.value(event, span, &path, depth + 1)?);
        }
    }

    fn map(&mut self, path: &Path, depth: usize) -> Result<Value, Unreadable> {
        let mut entries = Map::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line();
            if event == Event::MappingEnd {
                return Ok(Value::Object(entries));
            }
            let plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, _, None));
            let key = self.key(event, span, path, depth)?;
            let inner = path.key(&key);
            self.parsed.lines.insert(&inner, line);
            let (event, span) = self.next()?;
            let value = self.value(event, span, &inner, depth + 1)?;
            if let Some(first) = lines.get(&key) {
                self.problem(&inner, line, format!("is given twice; the first is on line {first}"));
            } else if plain && key == "<<" {
                // Merging was part of YAML 1.1 only.
                let message = "merging with `<<` is not part of YAML 1.2; repeat the keys, or give a whole value an \
                               alias";
                self.problem(&inner, line, message.to_owned());
            } else {
                lines.insert(key.clone(), line);
                entries.insert(key, value);
            }
        }
    }

    fn key(&mut self, event: Event<'a>, span: Span, path: &Path, depth: usize) -> Result<String, Unreadable> {
        let line = span.start.line();
        let key = match event {
            // A key that looks like a number is still a name.
            Event::Scalar(text, ScalarStyle::Plain, 0, None) => {
                Some(self.braces.show(&text)).filter(|text| !matches!(core(text), Some(Value::Null)))
            }
            event => match self.value(event, span, path, depth + 1)? {
                Value::String(text) => Some(text),
                _ => None,
            },
        };
        let Some(key) = key else {
            return Err(Unreadable { line, message: "a key must be text".to_owned() });
        };
        self.grow(key.len(), line)?;
        Ok(key)
    }

    fn scalar(
        &mut self,
        text: String,
        style: ScalarStyle,
        tag: Option<&Tag>,
        line: usize,
        path: &Path,
    ) -> Value {
        let typed = match tag {
            None => style == ScalarStyle::Plain,
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => false,
            Some(tag) if tag.is_yaml_core_schema() => true,
            // A lone `!` means text.
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => false,
            Some(_) => {
                self.refuse_tag(tag, line, path);
                false
            }
        };
        if !typed {
            return Value::String(text);
        }
        match core(&text) {
            Some(value) => value,
            None => {
                if is_not_finite(&text) {
                    self.problem(path, line, "is not a number that can be used here".to_owned());
                }
                Value::String(text)
            }
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, line: usize, path: &Path) {
        if tag.is_some_and(|tag| !tag.is_yaml_core_schema()) {
            self.problem(path, line, "has a tag (`!...`), which means nothing here: leave it out".to_owned());
        }
    }

    fn problem(&mut self, path: &Path, line: usize, message: String) {
        self.parsed.problems.push((line, Problem { path: path.to_string(), message, suggestion: None }));
    }
}

/// The value of plain text by the core schema of YAML 1.2, if it is not text: `yes`, `on` and `1_000` are.
fn core(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        _ => {}
    }
    let radix = |prefix: &str, radix: u32| {
        let digits = text.strip_prefix(prefix).filter(|digits| digits.chars().all(|c| c.is_digit(radix)))?;
        u64::from_str_radix(digits, radix).ok().map(Value::from)
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(number);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        if let Ok(number) = text.parse::<u64>() {
            return Some(Value::from(number));
        }
        if let Ok(number) = text.parse::<i64>() {
            return Some(Value::from(number));
        }
    }
    // What is left of Rust's floats beyond the core schema (`inf`, `nan`) starts with a letter.
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}

fn is_not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
}
