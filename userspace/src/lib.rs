//! xdpgate's userspace half: policy in, kernel tables out, counters back.

pub mod api;
pub mod bans;
pub mod bouncer;
pub mod captures;
pub mod cli;
pub mod config;
pub mod country;
pub mod daemon;
pub mod feeds;
pub mod http;
pub mod kernel;
pub mod metrics;
pub mod policy;
pub mod replay;
pub mod server;
pub mod service;
pub mod store;
pub mod suggest;
mod thousands;
