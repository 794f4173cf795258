//! The program as it is: started as a process, spoken to over HTTP and through its own commands.

mod config;
mod connections;
mod dynamodb;
mod import;
mod keys;
mod media;
mod providers;
mod records;
mod start;
mod stop;
mod support;
mod upstream;
