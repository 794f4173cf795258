//! The native gateway.

fn main() {}
