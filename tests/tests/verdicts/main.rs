//! The program in the kernel, run over frames with `BPF_PROG_TEST_RUN`: its verdicts and counters against the model's.
//!
//! Every test makes tables of its own under `/sys/fs/bpf` and removes them. The kernel takes frames of 14 bytes and
//! more; shorter ones are judged on the host only.

#[cfg(test)]
mod adoption;
#[cfg(test)]
mod algorithms;
#[cfg(test)]
mod bans;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod events;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod generations;
#[cfg(test)]
mod geo;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod table;
