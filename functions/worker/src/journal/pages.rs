//! Pages of several tenants become one. Keeps no more records than one page has.

use postern_gateway::record::{Record, RecordPage};
use serde_json::value::RawValue;

use super::message::TenantPage;

/// A page in the making.
pub(super) struct Merge {
    limit: usize,
    ascending: bool,
    /// In the order asked for.
    data: Vec<(String, Box<RawValue>)>,
    /// The place up to which everything is known, if there is more behind it.
    edge: Option<String>,
}

impl Merge {
    pub(super) const fn new(limit: usize, ascending: bool) -> Self {
        Self { limit, ascending, data: Vec::new(), edge: None }
    }

    /// Whether `a` comes before `b`.
    fn is_before(&self, a: &str, b: &str) -> bool {
        if self.ascending { a < b } else { a > b }
    }

    fn cut_at(&mut self, id: String) {
        if self.edge.as_deref().is_none_or(|edge| self.is_before(&id, edge)) {
            self.edge = Some(id);
        }
    }

    /// Adds a tenant's page.
    pub(super) fn add(&mut self, page: TenantPage) {
        if let Some(next) = page.next {
            self.cut_at(next);
        }
        self.data.extend(page.data);
        if self.ascending {
            self.data.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        } else {
            self.data.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        }
        if self.data.len() > self.limit {
            self.data.truncate(self.limit);
            if let Some((last, _)) = self.data.last() {
                let last = last.clone();
                self.cut_at(last);
            }
        }
        if let Some(edge) = self.edge.clone() {
            let ascending = self.ascending;
            self.data.retain(|(id, _)| if ascending { *id <= edge } else { *id >= edge });
        }
    }

    /// The page. A record that cannot be read is left out: it must not hide all others.
    pub(super) fn finish(self) -> RecordPage {
        let read = |(id, text): (String, Box<RawValue>)| match serde_json::from_str::<Record>(text.get()) {
            Ok(record) => Some(record),
            Err(error) => {
                tracing::error!(record = id, %error, "a record cannot be read");
                None
            }
        };
        RecordPage { data: self.data.into_iter().filter_map(read).collect(), next: self.edge }
    }
}
