//! Tests on a wire: the real daemon, its real command line, and real packets over a veth pair.

mod accounting;
mod stage;
