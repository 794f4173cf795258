//! The golden matrix: every request, answer and stream below, told in every format, as the gateway does it.
//!
//! A fixture is a body as its vendor documents it, in `requests/FORMAT/`, `responses/FORMAT/` or `streams/FORMAT/`, named
//! by the behaviour it shows. Beside it lies its golden file: what becomes of it in each other format, with what is left
//! out (`hint` or `meaning`, and why) and what is said in a weaker form. In its own format a fixture comes back equal.
//!
//! `POSTERN_BLESS=1 cargo test -p postern-wire --test matrix` writes the golden files anew. Read what has changed: each
//! line must be right by the documentation of the format it is in.

mod exceptions;
mod facts;
mod fixtures;
mod format;
mod invoices;
mod kept;
mod render;
mod requests;
mod responses;
mod streams;
