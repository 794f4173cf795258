//! Suites that run against every entry point.
