//! xdpgate's userspace half: policy in, kernel tables out, counters back.

pub mod config;
pub mod country;
pub mod feeds;
