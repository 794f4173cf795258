//! Lambda as a function sees it, on one machine: the Runtime API for each of its processes, a Function URL in front of
//! them, and a DynamoDB beside them.
//!
//! It keeps to what makes Lambda different from a server. A process has one invocation at a time and is frozen between
//! two; at the deadline it is killed; when it ends, its caller gets a 502 and the next one a new process. A caller that
//! leaves changes nothing for the function. Streams reach the caller while they are made.

mod api;
mod dynamodb;
mod function;
mod process;
mod protocol;
mod url;

pub use dynamodb::{Dynamodb, create_table};
pub use function::{Failure, Function, Invoked, Settings};
pub use url::{FunctionUrl, InvokeApi};
