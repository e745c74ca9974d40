//! The token bucket of the data path over the capture, for every limit in question.

use xdpgate_ebpf::abi::Limit;
use xdpgate_ebpf::limit::ticks;

use super::candidates::{self, Candidate};
use super::observe::Observation;
use super::pass::Seen;
use super::peaks::Peaks;
use crate::api::Failure;
use crate::config::{Config, Rate, SourceLimitConfig};
use crate::policy::{OperatorChanges, Sources, compile};

/// Buckets of every source for every limit of its service.
pub(super) struct Trial {
    /// By service.
    services: Vec<Vec<Tried>>,
    /// By place: where the buckets of a source begin.
    starts: Vec<u32>,
    buckets: Vec<Bucket>,
}

struct Tried {
    rate: u64,
    burst: u64,
    limit: Limit,
    charge: u64,
    touched: u64,
    rejected: u64,
}

/// The word of a bucket, which stays below 2^63, and above it whether a packet was rejected: of a million sources there
/// are ten million buckets.
#[derive(Clone, Copy, Default)]
struct Bucket(u64);

impl Bucket {
    const TOUCHED: u64 = 1 << 63;

    const fn word(self) -> u64 {
        self.0 & !Self::TOUCHED
    }

    const fn is_touched(self) -> bool {
        self.0 & Self::TOUCHED != 0
    }
}

impl Trial {
    pub(super) fn new(observation: &Observation<'_>) -> Result<Self, Failure> {
        let count = observation.matcher.services().len();
        let services = (0..count).map(|service| limits(&Peaks::of(observation, service)));
        let services = services.collect::<Result<Vec<_>, _>>()?;
        let (mut starts, mut end) = (Vec::with_capacity(observation.sources.len()), 0);
        for source in &observation.sources {
            starts.push(end);
            let limits = services.get(usize::from(source.service)).map_or(0, Vec::len);
            end += u32::try_from(limits).unwrap_or_default();
        }
        Ok(Self { services, starts, buckets: vec![Bucket::default(); end as usize] })
    }

    pub(super) fn add(&mut self, (service, place): (usize, usize), seen: &Seen<'_>) {
        let now = ticks(seen.now_ns);
        let start = self.starts.get(place).map_or(usize::MAX, |start| *start as usize);
        let (Some(limits), Some(buckets)) = (self.services.get_mut(service), self.buckets.get_mut(start..))
        else {
            return;
        };
        for (tried, bucket) in limits.iter_mut().zip(buckets) {
            if let Some(next) = tried.limit.admit(bucket.word(), now, tried.charge) {
                bucket.0 = next | bucket.0 & Bucket::TOUCHED;
                continue;
            }
            tried.rejected += 1;
            tried.touched += u64::from(!bucket.is_touched());
            bucket.0 |= Bucket::TOUCHED;
        }
    }

    /// The limits of a service, from the lowest on. Suggested is the first that touches no more sources than wanted and
    /// is not below what 99 % of them do in a second, which its burst may hide; the highest never touches any.
    pub(super) fn candidates(
        &self,
        service: usize,
        (sources, packets): (u64, u64),
        peaks: &Peaks,
        touch_percent: f64,
    ) -> Vec<Candidate> {
        let tried = self.services.get(service).map(Vec::as_slice).unwrap_or_default();
        let mut candidates: Vec<_> = tried.iter().map(|tried| tried.candidate(sources, packets)).collect();
        let usual = peaks.packets_per_second.p99;
        let within = |candidate: &&mut Candidate| {
            candidate.sources_percent <= touch_percent && candidate.packets_per_second >= usual
        };
        if let Some(suggested) = candidates.iter_mut().find(within) {
            suggested.suggested = true;
        }
        candidates
    }
}

impl Tried {
    fn candidate(&self, sources: u64, packets: u64) -> Candidate {
        Candidate {
            packets_per_second: self.rate,
            burst: self.burst,
            sources_touched: self.touched,
            sources_percent: percent(self.touched, sources),
            packets_rejected: self.rejected,
            packets_percent: percent(self.rejected, packets),
            suggested: false,
        }
    }
}

fn limits(peaks: &Peaks) -> Result<Vec<Tried>, Failure> {
    let rates = candidates::rates(&peaks.packets_per_second).into_iter();
    let tried = rates.map(|rate| {
        let burst = candidates::burst(rate);
        let limit = in_kernel_units(rate, burst)?;
        Ok(Tried { rate, burst, limit, charge: limit.charge(1), touched: 0, rejected: 0 })
    });
    tried.collect()
}

/// As the policy compiler gives it to the kernel.
fn in_kernel_units(units: u64, burst: u64) -> Result<Limit, Failure> {
    let rate = Rate { units, per: std::time::Duration::from_secs(1), burst };
    let source_limits = SourceLimitConfig { packets: Some(rate), ..SourceLimitConfig::default() };
    let config = Config { source_limits, ..Config::default() };
    let changes = OperatorChanges { allow: Vec::new(), country: None };
    let image = compile(&Sources::of(&config, &changes), 1)?;
    Ok(image.settings.source.packets)
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
