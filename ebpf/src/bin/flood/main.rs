//! Placeholder until the generator lands.
fn main() {}
