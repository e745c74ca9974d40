//! The packet table: frames of every kind that matters, and what becomes of each under a stated policy.
//!
//! The same rows run through the decision on the host and through the program in the kernel. A [`Scene`] is one policy
//! in force with its bans; its rows are sent in order, because buckets remember.

mod frame;
mod mutation;
mod row;
mod rows;
mod scene;
mod world;

pub use frame::{Extension, Frame, Ipv4, Ipv6, Network, Payload};
pub use mutation::Mutations;
pub use row::{Reads, Row};
pub use scene::{Scene, State};
pub use world::{Origin, World, origins};

/// All scenes with all their rows.
#[must_use]
pub fn scenes() -> Vec<Scene> {
    rows::scenes()
}

#[cfg(test)]
mod tests;
