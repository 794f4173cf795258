//! The members of a document's outermost object, found in one pass.

use std::borrow::Cow;
use std::ops::Range;

use super::cursor::Cursor;
use super::{JsonError, Kind};

/// A document whose outermost value is an object.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    members: Vec<Member<'a>>,
}

/// One member of the outermost object. Ranges count bytes of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name, escapes resolved.
    pub name: Cow<'a, str>,
    /// Where the name is, quotes included.
    pub name_span: Range<usize>,
    /// Where the value is.
    pub value_span: Range<usize>,
    /// What the value is.
    pub kind: Kind,
}

impl<'a> Object<'a> {
    /// The members in their order.
    #[must_use]
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    /// The member of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Member<'a>> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// Checks a whole document and finds the members of its outermost object.
///
/// Of two members with one name, readers differ in which they take, so that a gateway and its upstream may see two
/// different requests: that is an error too. Names that occur twice further inside are left alone.
pub fn scan(body: &[u8], max_depth: usize) -> Result<Object<'_>, JsonError> {
    let explain = |flaw: super::Flaw| flaw.explain(body);
    let mut cursor = Cursor::new(body, max_depth).map_err(explain)?;
    let kind = cursor.kind().map_err(explain)?;
    if kind != Kind::Object {
        let reason = format!("expected an object, got {}", kind.described());
        return Err(JsonError::at(body, cursor.offset(), reason));
    }
    let mut members = Vec::new();
    let mut object = cursor.enter().map_err(explain)?;
    while let Some(name) = cursor.member(&mut object).map_err(explain)? {
        let name_span = name.span();
        let kind = cursor.kind().map_err(explain)?;
        let start = cursor.offset();
        cursor.skip().map_err(explain)?;
        // A name with half a surrogate pair has no other spelling: as it is written is as good as any.
        let name = name.decoded().unwrap_or(Cow::Borrowed(name.raw()));
        members.push(Member { name, name_span, value_span: start..cursor.offset(), kind });
    }
    cursor.end().map_err(explain)?;
    match twice(&members) {
        Some(member) => {
            let name: String = member.name.chars().take(64).collect();
            let reason = format!("the member `{name}` is given twice: keep one of them");
            Err(JsonError::at(body, member.name_span.start, reason))
        }
        None => Ok(Object { members }),
    }
}

/// The first member whose name was there before. Sorted, so that a body of many names cannot make it slow.
fn twice<'m, 'a>(members: &'m [Member<'a>]) -> Option<&'m Member<'a>> {
    let mut sorted: Vec<&Member<'a>> = members.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    pairs.filter(|(a, b)| a.name == b.name).map(|(_, b)| *b).min_by_key(|member| member.name_span.start)
}
