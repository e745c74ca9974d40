//! The harness of the tests that need a kernel, and of the lab: network namespaces, a veth pair, the real daemon, real
//! sockets, and a packet generator that knows to the packet what it sent.

pub mod account;
mod cleanup;
pub mod counters;
pub mod daemon;
pub mod exact;
pub mod flood;
pub mod frame;
pub mod geo;
pub mod http;
pub mod namespace;
pub mod nginx;
pub mod packets;
pub mod prerequisites;
mod process;
pub mod program;
pub mod raw;
pub mod recording;
pub mod refusal;
pub mod senders;
pub mod servers;
pub mod stats;
pub mod veth;

pub use cleanup::Leftover;
pub use prerequisites::kernel_or_skip;
