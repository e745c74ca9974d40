//! Charging a packet to several limits, or to none.
//!
//! First every limit is asked, from the narrowest on. Only when none rejects the packet are their buckets charged, each with
//! the word that was seen when it was asked: where another CPU was faster, the bucket is asked once more and then charged
//! whatever it holds by then, so a bucket admits at most one packet a CPU beyond its burst, and nothing is lost from its
//! account. A limit without a bucket claims a slot when its turn comes; where that slot was the idle one of another limit of
//! the same packet, that one claims another slot in its turn.

use core::hint::black_box;

use super::verdict::reason_of;
use super::{LimitCount, RuleCase, RuleVerdict, key};
use crate::abi::{LIMITS_PER_RULE, LimitRow, Rule, limit_flag};
use crate::buckets::{BucketMemory, Home, Place, Sets};
use crate::limit::ticks;
use crate::tables::{Clock, Tables};

/// What was learned when a limit was asked. In the kernel it lies in a map: the verifier then knows nothing of it, and
/// proves what follows once.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Step {
    home: Home,
    place: Place,
    /// The bucket's word.
    seen: u64,
    /// Its next one.
    next: u64,
    charge: u64,
    /// The number of the row; zero: the limit has no part in this packet.
    limit: u16,
    spare: [u16; 3],
}

/// One for each limit of a rule.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Steps([Step; LIMITS_PER_RULE]);

impl Steps {
    /// Nothing learned yet.
    pub const NONE: Self = Self([Step::NONE; LIMITS_PER_RULE]);
}

impl Step {
    const NONE: Self =
        Self { home: Home::NONE, place: Place::NONE, seen: 0, next: 0, charge: 0, limit: 0, spare: [0; 3] };
}

/// Numbers of steps are masked: a check would need a way out.
const MASK: usize = LIMITS_PER_RULE - 1;
const _: () = assert!(LIMITS_PER_RULE.is_power_of_two(), "masked");

/// How often a new bucket looks for a free slot where other CPUs take it.
const MAX_CLAIMS: u32 = 2;

/// What limits in monitor mode would have dropped.
#[derive(Clone, Copy)]
struct Monitored {
    /// Bits of [`crate::reason::Reason::bit`].
    reasons: u32,
    /// The first such limit; zero: none.
    first: u16,
}

#[inline(always)]
pub(super) fn charge<T: Tables, C: Clock>(
    tables: &T,
    clock: &C,
    case: &RuleCase<'_>,
    rule: &Rule,
    steps: &mut Steps,
) -> RuleVerdict {
    let now = ticks(clock.now_ns());
    let mut monitored = Monitored { reasons: 0, first: 0 };
    let mut verdict = ask_all(tables, case, rule, steps, now, &mut monitored);
    if verdict == RuleVerdict::UNLIMITED {
        verdict = charge_all(tables, case, rule, steps, now, &mut monitored);
    }
    verdict.with_monitored(monitored.reasons, monitored.first)
}

/// Asks every limit. [`RuleVerdict::UNLIMITED`]: none rejects the packet.
#[inline(always)]
fn ask_all<T: Tables>(
    tables: &T,
    case: &RuleCase<'_>,
    rule: &Rule,
    steps: &mut Steps,
    now: u64,
    monitored: &mut Monitored,
) -> RuleVerdict {
    let mut number = 0;
    while number < LIMITS_PER_RULE {
        let limit = rule.limits[number & MASK];
        let Some(row) = (if limit == 0 { None } else { tables.limit(case.settings.generation, limit) })
        else {
            break;
        };
        let step = &mut steps.0[number & MASK];
        step.limit = 0;
        if let Some(units) = key::units(row, case) {
            step.limit = limit;
            if !ask(tables, row, units, case, step, now)
                && let Some(over) = reject(tables, case, row, step, monitored)
            {
                return over;
            }
        }
        number = black_box(number + 1);
    }
    RuleVerdict::UNLIMITED
}

/// Whether the limit admits the packet. What it learns on the way is in `step`.
#[inline(always)]
fn ask<T: Tables>(
    tables: &T,
    row: &LimitRow,
    units: u32,
    case: &RuleCase<'_>,
    step: &mut Step,
    now: u64,
) -> bool {
    let memory = tables.buckets();
    let salt = tables.service_row(case.settings.generation, case.service).salt;
    step.charge = row.meter.limit.charge(units);
    step.home = Home::of(&key::of(row, salt, case), memory.shape());
    let sets = Sets::new(memory, step.home);
    let class = u64::from(row.class);
    let mut place = sets.find(class, now, row.meter.longest(now, step.charge));
    let mut seen = 0;
    if let Some(slot) = sets.slot(place) {
        match slot.state(class) {
            Some(state) => seen = state,
            // It has gone to another key, so it was full.
            None => place = Place::NONE,
        }
    }
    step.place = sets.settle(place);
    step.seen = seen;
    match row.meter.admit(seen, now, step.charge) {
        Some(next) => {
            step.next = next;
            true
        }
        None => false,
    }
}

/// Says so of a packet over a limit. One in monitor mode has no further part in it.
#[inline(always)]
fn reject<T: Tables>(
    tables: &T,
    case: &RuleCase<'_>,
    row: &LimitRow,
    step: &mut Step,
    monitored: &mut Monitored,
) -> Option<RuleVerdict> {
    let limit = step.limit;
    if row.flags & limit_flag::MONITOR == 0 {
        tables.count_limit(limit, LimitCount::Dropped, case.packet.bytes);
        return Some(RuleVerdict::over(row.unit, limit, row.flags & limit_flag::BAN != 0));
    }
    tables.count_limit(limit, LimitCount::Monitored, case.packet.bytes);
    step.limit = 0;
    monitored.reasons |= reason_of(row.unit).bit();
    monitored.first = if monitored.first == 0 { limit } else { monitored.first };
    None
}

/// What became of one bucket.
enum Charged {
    Yes,
    NoRoom,
    /// Another CPU has used it up meanwhile.
    Over,
}

/// Charges the packet to every limit that has a part in it, and counts it there.
#[inline(always)]
fn charge_all<T: Tables>(
    tables: &T,
    case: &RuleCase<'_>,
    rule: &Rule,
    steps: &mut Steps,
    now: u64,
    monitored: &mut Monitored,
) -> RuleVerdict {
    let mut verdict = RuleVerdict::UNLIMITED;
    let mut number = 0;
    while number < LIMITS_PER_RULE && rule.limits[number & MASK] != 0 {
        let step = &mut steps.0[number & MASK];
        if step.limit != 0
            && let Some(row) = tables.limit(case.settings.generation, step.limit)
        {
            match charge_one(tables, row, step, now) {
                Charged::Yes => {
                    tables.count_limit(step.limit, LimitCount::Charged, case.packet.bytes);
                    verdict = if verdict == RuleVerdict::NO_ROOM { verdict } else { RuleVerdict::WITHIN };
                }
                Charged::NoRoom => {
                    step.limit = 0;
                    verdict = RuleVerdict::NO_ROOM;
                }
                Charged::Over => {
                    if let Some(over) = reject(tables, case, row, step, monitored) {
                        give_back(tables, case, number, steps);
                        return over;
                    }
                }
            }
        }
        number = black_box(number + 1);
    }
    verdict
}

#[inline(always)]
fn charge_one<T: Tables>(tables: &T, row: &LimitRow, step: &mut Step, now: u64) -> Charged {
    let sets = Sets::new(tables.buckets(), step.home);
    let class = u64::from(row.class);
    if let Some(slot) = sets.slot(step.place) {
        if slot.swap(step.seen, step.next) {
            return Charged::Yes;
        }
        if let Some(state) = slot.state(class) {
            if row.meter.admit(state, now, step.charge).is_none() {
                return Charged::Over;
            }
            slot.add(step.charge);
            return Charged::Yes;
        }
    }
    claim(&sets, row, step, now)
}

/// Claims a slot for a new bucket.
#[inline(always)]
fn claim<M: BucketMemory>(sets: &Sets<'_, M>, row: &LimitRow, step: &mut Step, now: u64) -> Charged {
    let Some(next) = row.meter.admit(0, now, step.charge) else { return Charged::Over };
    let mut claims_left = MAX_CLAIMS;
    while claims_left != 0 {
        claims_left -= 1;
        let place = sets.find_free(now, row.meter.longest(now, step.charge));
        let Some(slot) = sets.slot(place) else { return Charged::NoRoom };
        if let Some(state) = slot.free_state(now)
            && slot.claim(u64::from(row.class), state, next)
        {
            step.place = place;
            return Charged::Yes;
        }
    }
    Charged::NoRoom
}

/// Takes back what was charged and counted for the limits before this one.
#[inline(always)]
fn give_back<T: Tables>(tables: &T, case: &RuleCase<'_>, end: usize, steps: &Steps) {
    let mut number = 0;
    while number < LIMITS_PER_RULE && number < end {
        let step = &steps.0[number & MASK];
        if step.limit != 0
            && let Some(slot) = Sets::new(tables.buckets(), step.home).slot(step.place)
        {
            slot.add(step.charge.wrapping_neg());
            tables.count_limit(step.limit, LimitCount::TakenBack, case.packet.bytes);
        }
        number = black_box(number + 1);
    }
}
