//! The gateway as an AWS Lambda function, with everything it keeps in one DynamoDB table.
//!
//! Only types are converted here; what decides lives in `postern-gateway`. A library beside the program, so that the
//! suites can run the contracts of its parts.

mod answer;
mod command;
mod deployment;
pub mod dynamo;
mod event;
mod host;
pub mod logging;
mod metrics;
mod runtime;
pub mod secrets;
mod serve;
pub mod settings;

pub use host::{LambdaHost, MeteredJournal};
pub use serve::run;
