//! A small HTTP/1.1 server and client: enough to say whether a well-behaved client still gets its pages, byte for byte.

mod client;
mod server;

pub use client::{Client, ClientReport};
pub use server::Server;

/// The longest request head and the longest line that either side reads.
const HEAD_LIMIT: usize = 8 * 1024;

/// The page at `/<number>`: different for each number, some packets long.
fn page(number: u64) -> Vec<u8> {
    const BYTES: usize = 12 * 1024;
    let line = format!("page {number} of the well-behaved client\n");
    line.bytes().cycle().take(BYTES).collect()
}
