//! stub
pub mod chat;
pub mod family;
mod image;
pub use chat::{Count, count_answer, count_request, count_text};
pub use family::{Basis, Family, family};
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    O200kBase,
    Cl100kBase,
}
impl Encoding {
    pub fn count(self, text: &str) -> u64 {
        text.len() as u64 / 4
    }
}
pub fn for_model(_: &str) -> (Encoding, bool) {
    (Encoding::O200kBase, true)
}
pub struct Counter(u64);
impl Counter {
    pub fn new(_: Encoding) -> Self {
        Self(0)
    }
    pub fn push(&mut self, t: &str) {
        self.0 += t.len() as u64 / 4
    }
    pub fn finish(self) -> u64 {
        self.0
    }
}
