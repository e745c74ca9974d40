//! What was sent and what was refused, from counters that xdpgate has no part in.
//!
//! Found by experiment on 6.18 with drivers/net/veth.c beside it:
//!
//! * A packet of the outside's stack is counted by the queueing discipline when it is handed to the device, once, also
//!   when the device says "busy" and it is handed over again. The device's own `tx_packets` is no use: with NAPI on the
//!   other end it is what that end has taken from the ring, so it repeats `seen`.
//! * A frame of the generator never meets the queueing discipline: `ndo_xdp_xmit` puts it into the ring of the other
//!   end. The generator counts it.
//! * What a full ring refuses is in `tx_dropped` of the sending end: frames as `peer_tq_xdp_xmit_err`, packets of the
//!   stack as the device's own `dropped`. The other end's `rx_dropped` repeats the frames and leaves the packets out,
//!   and has more in it (packets lost after XDP passed them), so it is not used.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::veth::{OUTSIDE, Wire};

/// Counters of the outside's end of a wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounters {
    /// Packets that the outside's network stack handed to the device.
    pub handed_over: u64,
    /// Packets that still wait for the device.
    pub waiting: u64,
    /// Packets and frames that the ring of the other end refused, before XDP saw them.
    pub refused: u64,
}

impl WireCounters {
    /// Reads them now.
    ///
    /// # Errors
    ///
    /// When `ip` or `tc` fails or prints something else than expected.
    pub fn read(wire: &Wire) -> Result<Self> {
        let queues = json(wire, "tc", &["-s", "-j", "qdisc", "show", "dev", OUTSIDE])?;
        let links = json(wire, "ip", &["-s", "-j", "link", "show", "dev", OUTSIDE])?;
        if queues.pointer("/0/kind").and_then(Value::as_str) != Some("pfifo") {
            bail!("{OUTSIDE} has no pfifo queueing discipline, so its packets are not counted");
        }
        Ok(Self {
            handed_over: number(&queues, "/0/packets")?,
            waiting: number(&queues, "/0/qlen")?,
            refused: number(&links, "/0/stats64/tx/dropped")?,
        })
    }

    /// What happened since `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            handed_over: self.handed_over - earlier.handed_over,
            waiting: self.waiting,
            refused: self.refused - earlier.refused,
        }
    }
}

fn json(wire: &Wire, program: &str, arguments: &[&str]) -> Result<Value> {
    let text = wire.outside.run(program, arguments)?;
    serde_json::from_str(&text).with_context(|| format!("{program} printed no JSON: {text:?}"))
}

fn number(value: &Value, pointer: &str) -> Result<u64> {
    value.pointer(pointer).and_then(Value::as_u64).with_context(|| format!("no {pointer} in {value}"))
}
