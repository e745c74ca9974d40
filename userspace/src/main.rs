//! The `xdpgate` binary.
fn main() {}
