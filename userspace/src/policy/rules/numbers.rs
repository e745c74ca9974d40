//! Which number a limit has. It keeps it from one generation to the next, and over a restart: counters and buckets are found
//! by it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xdpgate_ebpf::abi::{MAX_LIMITS, bucket_class, bucket_tag, limit_number};

use crate::config::{Amount, LimitConfig, Name};
use crate::policy::error::CompileError;

/// Where a limit is in use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LimitUse {
    /// The service.
    pub service: Name,
    /// The plan; none: sources of no plan that the service knows.
    pub plan: Option<Name>,
    /// The limit.
    pub limit: Name,
}

/// The numbers that limits have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitNumbers {
    /// Of rows, and so of counters.
    rows: Numbering,
    /// Of classes of buckets. Plans of one service share the buckets of a limit.
    classes: Numbering,
}

/// Numbers by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Numbering {
    numbers: BTreeMap<String, u16>,
    /// The last number that was given away. The next one is looked for behind it, so that a number rests before somebody
    /// else gets it.
    last: u16,
}

impl LimitNumbers {
    /// Nothing has a number yet.
    pub const NONE: Self = Self { rows: Numbering::NONE, classes: Numbering::NONE };

    /// The row of a limit, if it has one.
    #[must_use]
    pub fn row(&self, of: &LimitUse) -> Option<u16> {
        self.rows.numbers.get(&row_name(of)).copied()
    }

    /// The rows that stand for something else, or for nothing, in `after`.
    pub fn moved<'a>(&'a self, after: &'a Self) -> impl Iterator<Item = u16> + 'a {
        let added =
            after.rows.numbers.iter().filter(|(name, row)| self.rows.numbers.get(*name) != Some(*row));
        added.map(|(_, row)| *row)
    }

    /// The numbers of these uses: what had one keeps it, what is no longer in use loses it.
    pub(super) fn renew<'a>(
        &self,
        uses: impl Iterator<Item = (LimitUse, &'a LimitConfig)> + Clone,
    ) -> Result<Self, CompileError> {
        let rows = uses.clone().map(|(of, _)| row_name(&of));
        let classes = uses.map(|(of, limit)| class_name(&of, limit));
        #[expect(clippy::cast_possible_truncation, reason = "4,096")]
        let (most_rows, most_classes) = (MAX_LIMITS as u16, bucket_tag::CLASSES as u16);
        #[expect(clippy::cast_possible_truncation, reason = "a handful")]
        let first_class = bucket_class::SERVICES as u16;
        Ok(Self {
            rows: self.rows.renew(rows, limit_number::SERVICES, most_rows)?,
            classes: self.classes.renew(classes, first_class, most_classes)?,
        })
    }

    pub(super) fn class(&self, of: &LimitUse, limit: &LimitConfig) -> Option<u16> {
        self.classes.numbers.get(&class_name(of, limit)).copied()
    }
}

impl Numbering {
    const NONE: Self = Self { numbers: BTreeMap::new(), last: 0 };

    fn renew(&self, names: impl Iterator<Item = String>, first: u16, end: u16) -> Result<Self, CompileError> {
        let mut numbers = BTreeMap::new();
        let mut new = Vec::new();
        for name in names {
            match self.numbers.get(&name) {
                Some(number) => drop(numbers.insert(name, *number)),
                None if !new.contains(&name) => new.push(name),
                None => {}
            }
        }
        let count = usize::from(end - first);
        let mut taken: std::collections::BTreeSet<u16> = numbers.values().copied().collect();
        let mut last = self.last;
        for name in new {
            if taken.len() >= count {
                return Err(CompileError::TooManyLimits { most: count });
            }
            let mut number = last;
            loop {
                number = if number + 1 >= end || number + 1 < first { first } else { number + 1 };
                if taken.insert(number) {
                    break;
                }
            }
            last = number;
            numbers.insert(name, number);
        }
        Ok(Self { numbers, last })
    }
}

/// No name has a slash.
fn row_name(of: &LimitUse) -> String {
    let plan = of.plan.as_ref().map_or("", Name::as_str);
    format!("{}/{plan}/{}", of.service, of.limit)
}

/// With all that gives a word its meaning: under another algorithm it would say something else.
fn class_name(of: &LimitUse, limit: &LimitConfig) -> String {
    let window = match limit.amount {
        Amount::Rate(_) => String::new(),
        Amount::Window { count, window } => format!("{count}/{}", window.as_nanos()),
    };
    let LimitConfig { algorithm, unit, key, .. } = limit;
    format!("{}/{}/{algorithm}/{unit}/{key:?}/{window}", of.service, of.limit)
}
