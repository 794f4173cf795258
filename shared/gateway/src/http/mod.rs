//! The HTTP surface: routes, error bodies, and the small operations that are not calls to models.

pub(crate) mod error;
pub(crate) mod health;
pub(crate) mod models;
pub(crate) mod openapi;
mod routes;

pub(crate) use routes::{AdminOperation, Route, Router};
