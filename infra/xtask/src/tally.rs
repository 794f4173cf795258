//! Counts what test runners say they did, from their closing lines. It never guesses: a runner that failed without
//! counting a failure counts as one failure.

/// Counts of one or many suites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed, or runners that broke.
    pub(crate) failed: u64,
    /// Tests that said they could not run here.
    pub(crate) skipped: u64,
}

impl Tally {
    /// One check that is a test of its own.
    pub(crate) const fn one(passed: bool) -> Self {
        Self { passed: passed as u64, failed: !passed as u64, skipped: 0 }
    }

    /// Adds other counts.
    pub(crate) const fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// A runner that failed has failed, even if it could not say what.
    pub(crate) const fn with_exit(mut self, success: bool) -> Self {
        if !success && self.failed == 0 {
            self.failed = 1;
        }
        self
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Sums the lines `test result: ok. 5 passed; 0 failed; 1 ignored; ...` of `cargo test`.
pub(crate) fn cargo_test(text: &str) -> Tally {
    let mut tally = Tally::default();
    for line in text.lines() {
        let Some((_, counts)) = line.split_once("test result: ") else { continue };
        let counts = counts.split_once(". ").map_or(counts, |(_, counts)| counts);
        tally.add(count_words(counts, ';', &[("passed", 'p'), ("failed", 'f'), ("ignored", 's')]));
    }
    tally
}

/// The last line `=== 12 passed, 1 failed in 3.21s ===` of pytest.
pub(crate) fn pytest(text: &str) -> Tally {
    let words = [
        ("passed", 'p'),
        ("failed", 'f'),
        ("error", 'f'),
        ("errors", 'f'),
        ("skipped", 's'),
        ("xfailed", 's'),
    ];
    text.lines()
        .rev()
        .find(|line| {
            line.contains(" in ")
                && (line.contains(" passed") || line.contains(" failed") || line.contains(" error"))
        })
        .map(|line| {
            let counts = line.trim_matches(['=', ' ']);
            count_words(counts.split(" in ").next().unwrap_or(counts), ',', &words)
        })
        .unwrap_or_default()
}

/// The lines `# pass 12`, `# fail 0`, `# skipped 1` of node's test runner (`ℹ pass 12` in its other reporter).
pub(crate) fn node_test(text: &str) -> Tally {
    let mut tally = Tally::default();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) else { continue };
        let Some((word, Ok(count))) =
            rest.split_once(' ').map(|(word, count)| (word, count.trim().parse::<u64>()))
        else {
            continue;
        };
        match word {
            "pass" => tally.passed += count,
            "fail" | "cancelled" => tally.failed += count,
            "skipped" => tally.skipped += count,
            _ => {}
        }
    }
    tally
}

fn count_words(text: &str, separator: char, words: &[(&str, char)]) -> Tally {
    let mut tally = Tally::default();
    for part in text.split(separator) {
        let mut parts = part.split_whitespace();
        let (Some(Ok(count)), Some(word)) = (parts.next().map(str::parse::<u64>), parts.next()) else {
            continue;
        };
        match words.iter().find(|(name, _)| *name == word) {
            Some((_, 'p')) => tally.passed += count,
            Some((_, 'f')) => tally.failed += count,
            Some(_) => tally.skipped += count,
            None => {}
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_every_binary_of_cargo_test() {
        let text = "running 3 tests\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s\n\
            test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s\n";
        assert_eq!(cargo_test(text), Tally { passed: 7, failed: 2, skipped: 1 });
    }

    #[test]
    fn reads_the_closing_line_of_pytest() {
        let text =
            "collected 9 items\n....\n======= 1 failed, 7 passed, 1 skipped, 2 warnings in 3.21s =======\n";
        assert_eq!(pytest(text), Tally { passed: 7, failed: 1, skipped: 1 });
        assert_eq!(pytest("==== 2 errors in 0.10s ====\n"), Tally { failed: 2, ..Tally::default() });
        assert_eq!(pytest("5 passed in 0.10s\n"), Tally { passed: 5, ..Tally::default() });
    }

    #[test]
    fn reads_both_reporters_of_node() {
        let text = "# tests 4\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 1\n# duration_ms 12.5\n";
        assert_eq!(node_test(text), Tally { passed: 2, failed: 1, skipped: 1 });
        assert_eq!(node_test("ℹ pass 3\nℹ fail 0\n"), Tally { passed: 3, ..Tally::default() });
    }

    #[test]
    fn a_runner_that_broke_counts_as_a_failure() {
        assert_eq!(cargo_test("error: could not compile").with_exit(false), Tally::one(false));
        assert_eq!(Tally { passed: 3, failed: 2, skipped: 0 }.with_exit(false).failed, 2);
    }

    #[test]
    fn the_closing_line_names_skipped_only_when_there_are_any() {
        assert_eq!(Tally { passed: 3, failed: 0, skipped: 0 }.to_string(), "3 passed, 0 failed");
        assert_eq!(Tally { passed: 3, failed: 1, skipped: 2 }.to_string(), "3 passed, 1 failed, 2 skipped");
    }
}
