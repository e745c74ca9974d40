//! xdpgate's userspace half: policy in, kernel tables out, counters back.

pub mod config;
pub mod country;
pub mod feeds;
pub mod kernel;
pub mod policy;
