//! Rows of text, aligned for people or divided for programs.

use std::io::{self, Write};

/// On which side a column's values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under a heading.
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) const fn new(columns: Vec<(&'static str, Align)>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row: a value a column.
    pub(crate) fn row(&mut self, values: Vec<String>) {
        // What others named must not move the cursor of who looks at it.
        let shown =
            |value: String| value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        self.rows.push(values.into_iter().map(shown).collect());
    }

    /// Writes it, columns two spaces apart.
    pub(crate) fn write(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let heading: Vec<String> = self.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let lines = || std::iter::once(&heading).chain(&self.rows);
        let width =
            |column: usize| lines().filter_map(|row| row.get(column)).map(|v| v.chars().count()).max();
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| width(column).unwrap_or(0)).collect();
        for row in lines() {
            let mut line = String::new();
            for ((value, (_, align)), width) in row.iter().zip(&self.columns).zip(&widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                line.push_str(&match align {
                    Align::Left => format!("{value:<width$}"),
                    Align::Right => format!("{value:>width$}"),
                });
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Writes a row as CSV (RFC 4180).
pub(crate) fn csv_row(
    out: &mut (impl Write + ?Sized),
    values: impl IntoIterator<Item = String>,
) -> io::Result<()> {
    let quoted = |value: String| {
        if value.contains([',', '"', '\r', '\n']) {
            format!("\"{}\"", value.replace('"', "\"\""))
        } else {
            value
        }
    };
    let values: Vec<String> = values.into_iter().map(quoted).collect();
    write!(out, "{}\r\n", values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(vec![("NAME", Align::Left), ("N", Align::Right), ("LAST", Align::Left)]);
        table.row(vec!["é".into(), "100".into(), "x".into()]);
        table.row(vec!["longer\u{1b}[2J".into(), "7".into(), String::new()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let expected = "NAME          N  LAST\né           100  x\nlonger\u{fffd}[2J    7\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let mut out = Vec::new();
        csv_row(&mut out, ["plain", "a,b", "say \"x\"", "two\nlines"].map(str::to_owned)).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\r\n");
    }
}
