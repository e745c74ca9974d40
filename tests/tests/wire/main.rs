//! Tests on a wire: the real daemon, its real command line, and real packets over a veth pair.

mod accounting;
mod adoption;
mod allow;
mod apply;
mod attach;
mod audit;
mod bans;
mod country;
mod events;
mod explain;
mod foreign;
mod generate;
mod limits;
mod lists;
mod lockout;
mod lost;
mod metrics;
mod modes;
mod notify;
mod pause;
mod refusals;
mod reload;
mod stage;
mod startup;
mod tables;
mod undo;
