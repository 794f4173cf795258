//! The catalog's data, searched in place.
//!
//! One line a model, sorted by kind and name, so that a binary search over the bytes finds a line without an index.

/// The committed data. Lines that begin with `#` come first and say where it is from.
pub(super) const DATA: &str = include_str!("models.tsv");

/// The lines of all models.
pub(super) fn lines() -> impl Iterator<Item = &'static str> {
    rows(DATA).lines()
}

/// The lines of one kind.
pub(super) fn lines_of(kind: &str) -> impl Iterator<Item = &'static str> {
    let rows = rows(DATA);
    let from = first_of(rows, kind).unwrap_or(rows.len());
    let is_its = move |line: &&str| split_tab(line.as_bytes()).0 == kind.as_bytes();
    rows.get(from..).unwrap_or_default().lines().take_while(is_its)
}

/// Where the lines of a kind begin, or would.
fn first_of(rows: &str, kind: &str) -> Option<usize> {
    let bytes = rows.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = memchr::memrchr(b'\n', bytes.get(low..middle)?).map_or(low, |at| low + at + 1);
        let end = memchr::memchr(b'\n', bytes.get(middle..high)?).map_or(high, |at| middle + at);
        if split_tab(bytes.get(start..end)?).0 < kind.as_bytes() {
            low = (end + 1).min(high);
        } else {
            high = start;
        }
    }
    Some(low)
}

/// The line of a model by its exact kind and name.
pub(super) fn find(kind: &str, name: &str) -> Option<&'static str> {
    search(rows(DATA), kind, name)
}

/// What follows the comments.
fn rows(data: &str) -> &str {
    let mut rest = data;
    while rest.starts_with('#') {
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    rest
}

fn search<'a>(rows: &'a str, kind: &str, name: &str) -> Option<&'a str> {
    let bytes = rows.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        // `low` and `high` are always at the beginning of a line, or at the end of the data.
        let start = memchr::memrchr(b'\n', bytes.get(low..middle)?).map_or(low, |at| low + at + 1);
        let end = memchr::memchr(b'\n', bytes.get(middle..high)?).map_or(high, |at| middle + at);
        let line = rows.get(start..end)?;
        match order(line.as_bytes(), kind, name) {
            std::cmp::Ordering::Equal => return Some(line),
            std::cmp::Ordering::Less => low = (end + 1).min(high),
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

/// How a line's kind and name compare with these.
fn order(line: &[u8], kind: &str, name: &str) -> std::cmp::Ordering {
    let (its_kind, rest) = split_tab(line);
    its_kind.cmp(kind.as_bytes()).then_with(|| split_tab(rest).0.cmp(name.as_bytes()))
}

fn split_tab(text: &[u8]) -> (&[u8], &[u8]) {
    let at = memchr::memchr(b'\t', text).unwrap_or(text.len());
    (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default())
}

/// Kind and name of a line.
#[cfg(test)]
pub(super) fn key(line: &str) -> (&str, &str) {
    let mut fields = line.split('\t');
    (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_line_of_a_small_table_and_nothing_else() {
        for count in 0..=5 {
            let rows: String = (0..count).map(|n| format!("k\tname{}\tx\n", n * 2)).collect();
            for n in 0..10 {
                let exists = n % 2 == 0 && n / 2 < count;
                assert_eq!(search(&rows, "k", &format!("name{n}")).is_some(), exists, "name{n} of {count}");
            }
            assert_eq!(search(&rows, "j", "name0"), None);
            assert_eq!(search(&rows, "l", "name0"), None);
        }
    }

    #[test]
    fn the_lines_of_a_kind_are_all_of_them() {
        for kind in ["openai", "anthropic", "gemini", "a", "zzz", "groq", ""] {
            let all: Vec<_> = lines().filter(|line| key(line).0 == kind).collect();
            assert_eq!(lines_of(kind).collect::<Vec<_>>(), all, "{kind}");
        }
    }

    #[test]
    fn finds_every_line_of_the_catalog() {
        for line in lines() {
            let (kind, name) = key(line);
            assert_eq!(find(kind, name), Some(line));
        }
    }

    #[test]
    fn works_without_a_newline_at_the_end() {
        assert_eq!(search("a\tb\t1\nc\td\t2", "c", "d"), Some("c\td\t2"));
        assert_eq!(search("", "c", "d"), None);
    }

    #[test]
    fn skips_comments() {
        assert_eq!(rows("# one\n# two\na\tb\n"), "a\tb\n");
        assert_eq!(rows("# only"), "");
    }
}
