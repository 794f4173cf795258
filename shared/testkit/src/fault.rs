//! Failures on demand: which calls of a store or journal fail, and whether they had their effect before.

use postern_gateway::StoreError;

/// Which of the calls that a fault is about it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The call of this number, counted from 1 from when the fault was set.
    Nth(u64),
    /// The first calls, this many.
    First(u64),
    /// Every call.
    Every,
}

/// A failure to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<C> {
    /// The kind of call it is about; any if `None`.
    pub call: Option<C>,
    /// Only names, or ids of records, that start with this.
    pub prefix: String,
    /// Which of them fail.
    pub times: Times,
    /// Whether the call has its effect although it fails, as when the answer of a database is lost.
    pub persists: bool,
}

impl<C> Fault<C> {
    /// A fault of one kind of call, whatever the name, which has no effect.
    #[must_use]
    pub const fn of(call: C, times: Times) -> Self {
        Self { call: Some(call), prefix: String::new(), times, persists: false }
    }

    /// A fault of every call.
    #[must_use]
    pub const fn any(times: Times) -> Self {
        Self { call: None, prefix: String::new(), times, persists: false }
    }

    /// Only of names that start with `prefix`.
    #[must_use]
    pub fn at(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// The call has its effect although it fails.
    #[must_use]
    pub const fn but_persists(mut self) -> Self {
        self.persists = true;
        self
    }
}

/// The faults set, with how often each was met.
#[derive(Debug)]
pub(crate) struct Faults<C>(Vec<(Fault<C>, u64)>);

impl<C> Default for Faults<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C: Copy + PartialEq + std::fmt::Debug> Faults<C> {
    pub(crate) fn set(&mut self, fault: Fault<C>) {
        self.0.push((fault, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What becomes of a call: `effect` is run unless a fault prevents it.
    pub(crate) fn strike<T>(
        &mut self,
        call: C,
        name: &str,
        effect: impl FnOnce() -> T,
    ) -> Result<T, StoreError> {
        let mut struck: Option<bool> = None;
        for (fault, met) in &mut self.0 {
            if fault.call.is_some_and(|c| c != call) || !name.starts_with(&fault.prefix) {
                continue;
            }
            *met += 1;
            let hit = match fault.times {
                Times::Nth(n) => *met == n,
                Times::First(n) => *met <= n,
                Times::Every => true,
            };
            if hit {
                struck = Some(struck.unwrap_or(true) && fault.persists);
            }
        }
        match struck {
            None => Ok(effect()),
            Some(persists) => {
                if persists {
                    effect();
                }
                Err(StoreError(format!("{call:?} of `{name}` fails on demand")))
            }
        }
    }
}
