//! Ids for tool calls that have none, for formats that require one: they follow from the call's place, and its result,
//! which goes by the tool's name, finds the same.

/// The calls of a conversation without an id whose results have not come.
#[derive(Debug, Default)]
pub(crate) struct UnnamedCalls {
    /// The tool, and the id that was made.
    waiting: Vec<(String, String)>,
}

impl UnnamedCalls {
    /// Notes a call and the id that was made for it.
    pub(crate) fn call(&mut self, tool: &str, id: &str) {
        self.waiting.push((tool.to_owned(), id.to_owned()));
    }

    /// The id of the call that a result answers: the first of the same tool, or the first of all.
    pub(crate) fn answered(&mut self, tool: Option<&str>) -> Option<String> {
        let same = self.waiting.iter().position(|(name, _)| Some(name.as_str()) == tool);
        let place = same.or((!self.waiting.is_empty()).then_some(0))?;
        Some(self.waiting.remove(place).1)
    }
}
