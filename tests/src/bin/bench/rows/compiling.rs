//! What a list of a million prefixes costs on its way to the tables, step by step. No goals: they explain the rows of
//! loading.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use xdpgate::feeds::{Reading, parse_list};
use xdpgate::policy::PrefixTables;

use crate::effort::Effort;
use crate::prefixes::{self, lines4};
use crate::rounds::{Summary, interleave};
use crate::row::Measured;
use crate::subjects::{Policy, Role, compiled};

const PREFIXES: usize = 1_000_000;

pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let policy = Policy { prefixes4: prefixes::random4(PREFIXES), role: Role::List, ..Policy::default() };
    let text = lines4(&policy.prefixes4);
    let image = compiled(&policy, 1)?;
    let samples = interleave(effort.rounds, 3, |step, _| {
        let start = Instant::now();
        match step {
            0 => drop(black_box(parse_list(text.as_bytes(), &Reading::default())?)),
            1 => drop(black_box(compiled(&policy, 1)?)),
            _ => drop(black_box(PrefixTables::compile(&image.ipv4, &image.ipv6)?)),
        }
        Ok(start.elapsed().as_secs_f64() * 1e3)
    })?;
    let row = |name, step| {
        let Summary { median, middle, count } = samples.of(step);
        Measured::new(name, median, "ms").spread(middle, count)
    };
    let tables = PrefixTables::compile(&image.ipv4, &image.ipv6)?.size();
    Ok(vec![
        row("parse-1m", 0).with("file_mib", text.len() >> 20),
        row("flatten-1m", 1).with("segments", image.ipv4.len()),
        row("tables-1m", 2).with("bytes", tables.ipv4.bytes()),
    ])
}
