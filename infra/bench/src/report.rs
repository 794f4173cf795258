//! What was measured, one row a figure: printed for a person, and kept as a JSON object a line for `cargo xtask bench`.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

/// A figure with its budget.
pub(crate) struct Row {
    /// Which budget, `P1`.
    pub(crate) id: &'static str,
    /// What was measured, and how.
    pub(crate) what: String,
    /// The budget; none for a figure that is there to be compared with.
    pub(crate) budget: Option<String>,
    /// The figure.
    pub(crate) measured: String,
    /// Whether the budget is met.
    pub(crate) met: Option<bool>,
}

/// Where rows go.
pub(crate) struct Report(Option<File>);

impl Report {
    /// Rows also go to `file`, if there is one.
    pub(crate) fn new(file: Option<&Path>) -> Result<Self, String> {
        let open = |path: &Path| File::create(path).map_err(|error| format!("{}: {error}", path.display()));
        file.map(open).transpose().map(Self)
    }

    /// Reports a figure.
    pub(crate) fn row(&mut self, row: &Row) -> Result<(), String> {
        let verdict = match row.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let budget = row.budget.as_deref().unwrap_or_default();
        println!("{:<4} {}: {}  {budget}  {verdict}", row.id, row.what, row.measured);
        let Some(file) = &mut self.0 else { return Ok(()) };
        let line = json!({
            "id": row.id, "what": row.what, "budget": row.budget, "measured": row.measured, "met": row.met,
        });
        writeln!(file, "{line}").map_err(|error| format!("the report cannot be written: {error}"))
    }

    /// A figure that has to be at most `limit`, both of one unit.
    pub(crate) fn at_most(
        &mut self,
        id: &'static str,
        what: &str,
        limit: f64,
        measured: f64,
        unit: &str,
        remark: &str,
    ) -> Result<(), String> {
        self.row(&Row {
            id,
            what: what.to_owned(),
            budget: Some(format!("<= {limit} {unit}")),
            measured: format!("{measured:.1} {unit}{remark}"),
            met: Some(measured <= limit),
        })
    }

    /// A figure to compare with.
    pub(crate) fn figure(&mut self, id: &'static str, what: &str, measured: String) -> Result<(), String> {
        self.row(&Row { id, what: what.to_owned(), budget: None, measured, met: None })
    }
}

/// A time in microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Bytes in millions of bytes, the unit of the budgets.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
