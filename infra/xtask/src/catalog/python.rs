//! Reads Python expressions made of literals and constructor calls, which is how genai-prices keeps its data.
//!
//! Nothing is ever run: a name followed by parentheses is kept as a call with its arguments, whatever it would do.

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// A number, a name such as `None`, or a dotted name, as it is written.
    Word(String),
    /// A list, tuple or the keys and values of a dictionary in turn.
    List(Vec<Self>),
    /// A call: its name, then the arguments; positional ones have an empty name.
    Call(String, Vec<(String, Self)>),
}

impl Value {
    /// A named argument of a call.
    pub(super) fn argument(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Call(_, arguments) => arguments.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The positional arguments of a call to `function`.
    pub(super) fn positional(&self, function: &str) -> Option<Vec<&Self>> {
        match self {
            Self::Call(name, arguments) if name == function => {
                Some(arguments.iter().filter(|(key, _)| key.is_empty()).map(|(_, value)| value).collect())
            }
            _ => None,
        }
    }

    /// The name of a call.
    pub(super) fn function(&self) -> &str {
        match self {
            Self::Call(name, _) => name,
            _ => "",
        }
    }

    /// The text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number or name as it is written.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

/// The value assigned to `variable` at the beginning of a line.
pub(super) fn assigned(source: &str, variable: &str) -> Result<Value, String> {
    let at = source
        .match_indices(variable)
        .map(|(at, _)| at)
        .find(|at| *at == 0 || source.as_bytes().get(at - 1) == Some(&b'\n'))
        .ok_or_else(|| format!("there is no {variable}"))?;
    let line = source.get(at..).unwrap_or_default();
    let value = line.find(" = ").ok_or_else(|| format!("{variable} has no value"))?;
    let mut reader = Reader { source, at: at + value + 3 };
    reader.value()
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn fail<T>(&self, expected: &str) -> Result<T, String> {
        let line = self.source.get(..self.at).unwrap_or_default().matches('\n').count() + 1;
        Err(format!("line {line}: expected {expected}"))
    }

    /// Skips blanks and comments, then gives the next character.
    fn peek(&mut self) -> Option<char> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let skipped = rest.len() - trimmed.len();
            let comment =
                if trimmed.starts_with('#') { trimmed.find('\n').unwrap_or(trimmed.len()) } else { 0 };
            self.at += skipped + comment;
            if comment == 0 {
                return self.rest().chars().next();
            }
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some('[') => self.sequence(']').map(Value::List),
            Some('{') => self.sequence('}').map(Value::List),
            Some('(') => {
                // Parentheses around one value only group it.
                let mut items = self.sequence(')')?;
                Ok(if items.len() == 1 { items.remove(0) } else { Value::List(items) })
            }
            Some('\'' | '"') => self.strings().map(Value::Text),
            _ => self.word_or_call(),
        }
    }

    /// Items up to `end`; what is left and right of a colon are two items.
    fn sequence(&mut self, end: char) -> Result<Vec<Value>, String> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            if self.take(end) {
                return Ok(items);
            }
            items.push(self.value()?);
            if !self.take(',') && !self.take(':') && self.peek() != Some(end) {
                return self.fail("`,`, `:` or the end of a list");
            }
        }
    }

    /// One string or several in a row, which Python joins.
    fn strings(&mut self) -> Result<String, String> {
        let mut text = String::new();
        while let Some(quote @ ('\'' | '"')) = self.peek() {
            self.at += 1;
            loop {
                let Some(next) = self.rest().chars().next() else { return self.fail("the end of a string") };
                self.at += next.len_utf8();
                match next {
                    '\\' => {
                        let Some(escaped) = self.rest().chars().next() else { return self.fail("an escape") };
                        self.at += escaped.len_utf8();
                        // Names and figures have no escapes but these; what comments have does not matter.
                        text.push(if escaped == 'n' { '\n' } else { escaped });
                    }
                    _ if next == quote => break,
                    _ => text.push(next),
                }
            }
        }
        Ok(text)
    }

    fn word_or_call(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "_.+-".contains(c))).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default().to_owned();
        if word.is_empty() {
            return self.fail("a value");
        }
        self.at += end;
        if !self.take('(') {
            return Ok(Value::Word(word));
        }
        let mut arguments = Vec::new();
        loop {
            if self.take(')') {
                return Ok(Value::Call(word, arguments));
            }
            let value = self.value()?;
            let argument = match value {
                Value::Word(name) if self.take('=') => (name, self.value()?),
                value => (String::new(), value),
            };
            arguments.push(argument);
            if !self.take(',') && self.peek() != Some(')') {
                return self.fail("`,` or `)`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_calls_lists_and_strings() {
        let source = "import x\n\nmodels: list[M] = [  # all\n    M(\n        id='a', name=(\"b\" 'c\\'d'), n=-1.5,\n        when={'k': 1},\n        d=datetime.date(2026, 3, 13),\n        none=None,\n    ),\n]\n";
        let value = assigned(source, "models").unwrap();
        let model = &value.items()[0];
        assert_eq!(model.function(), "M");
        assert_eq!(model.argument("id").and_then(Value::text), Some("a"));
        assert_eq!(model.argument("name").and_then(Value::text), Some("bc'd"));
        assert_eq!(model.argument("n").and_then(Value::word), Some("-1.5"));
        assert_eq!(model.argument("when").unwrap().items().len(), 2);
        let date = model.argument("d").unwrap().positional("datetime.date").unwrap();
        assert_eq!(date.iter().filter_map(|part| part.word()).collect::<Vec<_>>(), ["2026", "3", "13"]);
        assert_eq!(model.argument("none").and_then(Value::word), Some("None"));
    }

    #[test]
    fn says_where_it_stops() {
        assert_eq!(assigned("x = [1 2]", "x").unwrap_err(), "line 1: expected `,`, `:` or the end of a list");
        assert_eq!(assigned("x = [\n'a", "x").unwrap_err(), "line 2: expected the end of a string");
        assert_eq!(assigned("y = 1", "x").unwrap_err(), "there is no x");
        assert!(assigned("x = [;]", "x").is_err());
    }
}
