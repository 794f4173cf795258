//! The head of a part: which field it is.

use super::MultipartError;

/// The name of the field that a part is. `head` is what stands between the boundary's line and the empty line.
pub(super) fn field_name(head: &[u8]) -> Result<String, MultipartError> {
    let text = std::str::from_utf8(head).map_err(|_| MultipartError::Head("it is not UTF-8"))?;
    let mut disposition = None;
    for line in text.split("\r\n") {
        if line.starts_with([' ', '\t']) {
            return Err(MultipartError::Head("a header is folded over several lines"));
        }
        if line.contains(['\r', '\n', '\0']) {
            return Err(MultipartError::Head("a line does not end in CR LF"));
        }
        let (name, value) = line.split_once(':').ok_or(MultipartError::Head("a line has no colon"))?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(MultipartError::Head("a header has no proper name"));
        }
        if name.eq_ignore_ascii_case("content-disposition") {
            if disposition.replace(value.trim()).is_some() {
                return Err(MultipartError::Head("there are two of Content-Disposition"));
            }
        } else if name.eq_ignore_ascii_case("content-transfer-encoding")
            && !["binary", "7bit", "8bit"].iter().any(|plain| value.trim().eq_ignore_ascii_case(plain))
        {
            return Err(MultipartError::Head("its content is encoded: send it as it is"));
        }
    }
    let disposition = disposition.ok_or(MultipartError::Head("it has no Content-Disposition"))?;
    let (kind, rest) = disposition.split_once(';').unwrap_or((disposition, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(MultipartError::Head("its Content-Disposition is not form-data"));
    }
    let mut name = None;
    for (parameter, value) in parameters(rest).map_err(MultipartError::Head)? {
        if parameter.eq_ignore_ascii_case("name*") {
            return Err(MultipartError::Head("the field's name is encoded: send `name` alone"));
        }
        if parameter.eq_ignore_ascii_case("name") && name.replace(value).is_some() {
            return Err(MultipartError::Head("the field has two names"));
        }
    }
    let name = name.ok_or(MultipartError::Head("the field has no name"))?;
    // Some readers take `%22` and the like as what they stand for.
    if name.contains('%') { Err(MultipartError::Head("the field's name is encoded")) } else { Ok(name) }
}

/// `; name=value` pairs. A quoted value ends at the next quotation mark: whether a backslash before one is an escape,
/// readers do not agree, so it is refused.
pub(super) fn parameters(text: &str) -> Result<Vec<(&str, String)>, &'static str> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=').ok_or("a parameter has no value")?;
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err("a parameter has no proper name");
        }
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => {
                let (value, behind) = quoted.split_once('"').ok_or("a quotation mark is missing")?;
                if value.ends_with('\\') {
                    return Err("a quotation mark is escaped by a backslash: write %22");
                }
                (value, behind.trim_start())
            }
            None => {
                let end = behind.find(';').unwrap_or(behind.len());
                let (value, behind) = behind.split_at(end);
                let value = value.trim();
                if value.is_empty() || value.bytes().any(|byte| b" \t\"\\".contains(&byte)) {
                    return Err("a parameter's value needs quotation marks");
                }
                (value, behind)
            }
        };
        found.push((name, value.to_owned()));
        rest = match behind.strip_prefix(';') {
            Some(next) => next.trim(),
            None if behind.is_empty() => "",
            None => return Err("something follows a parameter's value"),
        };
    }
    Ok(found)
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}
