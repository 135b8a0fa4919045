//! From numbers to verdicts: what is made of the numbers of a metric, and whether that is within its limits. Pure; all
//! times are boot-clock milliseconds. Only numbers that were read after the fence are judged, and too few are no
//! verdict.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::Duration;

use super::tracker::millis;
use crate::event::Measured;
use crate::runbook::model::{Aggregate, Check, Metric, MetricExpect, Probe, Reading, Vs};
use crate::runbook::number::{Unit, span};
use crate::session::Baselines;
use crate::session::telemetry::{SamplePoint, Verdict};

/// The numbers of one metric.
#[derive(Debug, Clone)]
pub struct Meter {
    reading: Reading,
    expect: MetricExpect,
    unit: Unit,
    /// How far back numbers are kept.
    kept_ms: u64,
    /// The newest reading behind the fence: what the next rise counts from.
    last: Option<(u64, f64)>,
    /// Of a `delta`: the newest reading in this stage, and how far it had risen by then. No fence takes it away.
    risen: Option<(f64, f64)>,
    /// Oldest first.
    numbers: VecDeque<Number>,
}

/// One number as it is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Number {
    at: u64,
    value: f64,
    /// What it weighs in a mean: of a rate the time that it stands for.
    weight: f64,
}

/// What numbers amount to.
struct Judged {
    verdict: Verdict,
    /// What they make, also where that is too few to be a verdict.
    number: Option<f64>,
    value: Option<String>,
    reason: String,
}

/// The old system is known by so many numbers at least.
const FEWEST_MEASURED: usize = 3;

impl Meter {
    /// The meter of a check; `None` where it is no metric.
    #[must_use]
    pub fn of(check: &Check) -> Option<Self> {
        let Probe::Metric(metric) = &check.probe else { return None };
        let Metric { reading, expect, .. } = &**metric;
        Some(Self {
            reading: *reading,
            expect: expect.clone(),
            unit: Unit::of(check),
            kept_ms: expect.window.map_or(0, millis),
            last: None,
            risen: None,
            numbers: VecDeque::new(),
        })
    }

    /// Keeps numbers for at least so long, for whoever asks for a longer window than the check's own.
    pub fn keep(&mut self, window: Duration) {
        self.kept_ms = self.kept_ms.max(millis(window));
    }

    /// Forgets everything.
    pub fn start(&mut self) {
        self.fence();
        self.risen = None;
    }

    /// Forgets the numbers. How far a counter had risen in this stage is not forgotten.
    pub fn fence(&mut self) {
        self.last = None;
        self.numbers.clear();
    }

    /// A stage begins: what a counter rises is counted anew.
    pub fn enter_stage(&mut self) {
        self.risen = None;
    }

    /// Takes a reading in and judges it together with those before it. A point without a number stays as it is.
    pub fn judge(&mut self, point: &mut SamplePoint, baselines: &Baselines) {
        let Some(reading) = point.number else { return };
        let Judged { verdict, number, value, reason } = match self.read(point.up_ms, reading) {
            Err(reason) => Judged { verdict: Verdict::Error, number: None, value: None, reason },
            Ok(()) => self.verdict(baselines),
        };
        (point.verdict, point.judged, point.value, point.reason) = (verdict, number, value, reason);
    }

    /// What the numbers make that were read from `since` on: their mean, where no other aggregate is asked for.
    ///
    /// # Errors
    /// Why they are not enough.
    pub fn measured(&self, since: u64) -> Result<Measured, String> {
        let first = self.numbers.partition_point(|number| number.at < since);
        let numbers: Vec<Number> = self.numbers.range(first..).copied().collect();
        let (have, least) = (numbers.len(), self.least().max(FEWEST_MEASURED));
        if have < least {
            return Err(format!("{have} of {least} numbers were read"));
        }
        let value = aggregated(self.expect.aggregate.unwrap_or(Aggregate::Mean), numbers)
            .filter(|value| value.is_finite())
            .ok_or("what was read makes no number")?;
        Ok(Measured { value, shown: self.unit.show(value), samples: u32::try_from(have).unwrap_or(u32::MAX) })
    }

    /// So many numbers make a verdict.
    fn least(&self) -> usize {
        let least = usize::try_from(self.expect.min_samples).unwrap_or(usize::MAX);
        if matches!(self.expect.aggregate, Some(Aggregate::Slope(_))) { least.max(2) } else { least.max(1) }
    }

    fn read(&mut self, at: u64, reading: f64) -> Result<(), String> {
        if !reading.is_finite() {
            return Err(format!("{reading} is no number"));
        }
        if self.reading != Reading::Value && reading < 0.0 {
            return Err(format!("{reading} cannot be a counter's: no counter is below 0"));
        }
        let before = self.last.filter(|(then, _)| *then < at);
        self.last = Some((at, reading));
        let number = match self.reading {
            Reading::Value => Some(Number { at, value: reading, weight: 1.0 }),
            Reading::Rate => before.map(|(then, last)| {
                #[expect(clippy::cast_precision_loss, reason = "milliseconds between two looks")]
                let seconds = (at - then) as f64 / 1000.0;
                Number { at, value: rise(last, reading) / seconds, weight: seconds }
            }),
            Reading::Delta => {
                let risen = self.risen.map_or(0.0, |(last, risen)| risen + rise(last, reading));
                self.risen = Some((reading, risen));
                Some(Number { at, value: risen, weight: 1.0 })
            }
        };
        if number.is_some_and(|number| !number.value.is_finite()) {
            return Err("it is beyond all numbers".to_owned());
        }
        self.numbers.extend(number);
        let is_old = |number: &Number| number.at + self.kept_ms <= at;
        while self.numbers.len() > 1 && self.numbers.front().is_some_and(is_old) {
            self.numbers.pop_front();
        }
        Ok(())
    }

    fn verdict(&self, baselines: &Baselines) -> Judged {
        let newest = self.numbers.back().map_or(0, |number| number.at);
        let since = self.expect.window.map_or(newest, |window| (newest + 1).saturating_sub(millis(window)));
        let first = self.numbers.partition_point(|number| number.at < since);
        let numbers: Vec<Number> = self.numbers.range(first..).copied().collect();
        let (have, least) = (numbers.len(), self.least());
        let made = aggregated(self.expect.aggregate(), numbers).filter(|number| number.is_finite());
        let value = made.map(|number| self.unit.show(number));
        let judged = |verdict, value, reason| Judged { verdict, number: made, value, reason };
        if have < least {
            return judged(Verdict::Pending, value, self.too_few(have, least));
        }
        let Some(number) = made else {
            return judged(Verdict::Pending, None, "what was read makes no number".to_owned());
        };
        let room = self.headroom(number, baselines);
        let value = value.map(|value| room.map_or(value.clone(), |room| format!("{value}, {room}")));
        match self.limits(number, baselines) {
            Ok(None) => judged(Verdict::Pass, value, String::new()),
            Ok(Some(why)) => judged(Verdict::Failed, value, why),
            Err(why) => judged(Verdict::Pending, value, why),
        }
    }

    fn too_few(&self, have: usize, least: usize) -> String {
        match self.expect.window {
            None => "a rate takes a second look".to_owned(),
            Some(window) => format!("{have} of {least} numbers in {}", span(window)),
        }
    }

    /// Why a number is not within its limits; `None` where it is.
    ///
    /// # Errors
    /// Why that cannot be told.
    fn limits(&self, number: f64, baselines: &Baselines) -> Result<Option<String>, String> {
        let seen = self.unit.show(number);
        let over = match (self.expect.aggregate(), self.expect.window) {
            (Aggregate::Last, _) | (_, None) => String::new(),
            (aggregate, Some(window)) => format!(" ({} over {})", aggregate.word(), span(window)),
        };
        let what = |word: &str, limit: f64| {
            let limit = self.unit.show(limit);
            format!("{seen}{over}, and the {word} is {limit}")
        };
        if let Some(max) = self.expect.max.filter(|max| is_beyond(number, *max, Ordering::is_gt)) {
            return Ok(Some(what("most", max)));
        }
        if let Some(min) = self.expect.min.filter(|min| is_beyond(number, *min, Ordering::is_lt)) {
            return Ok(Some(what("least", min)));
        }
        let Some(vs) = &self.expect.vs else { return Ok(None) };
        let old = old(vs, baselines)?;
        let (least, most) = vs.bounds(old);
        let beside = format!(": the old system had {}", self.unit.show(old));
        if let Some(most) = most.filter(|most| is_beyond(number, *most, Ordering::is_gt)) {
            return Ok(Some(what("most", most) + &beside));
        }
        Ok(least
            .filter(|least| is_beyond(number, *least, Ordering::is_lt))
            .map(|least| what("least", least) + &beside))
    }

    /// How far the newest number is from the limits that a baseline gives: `headroom 51 ms`.
    fn headroom(&self, number: f64, baselines: &Baselines) -> Option<String> {
        let vs = self.expect.vs.as_ref()?;
        let room = vs.headroom(old(vs, baselines).ok()?, number)?.room;
        Some(format!("headroom {}", self.unit.show(room)))
    }
}

/// Whether a number is on the wrong side of a limit. A limit that is no number is never met.
fn is_beyond(number: f64, limit: f64, wrong: impl FnOnce(Ordering) -> bool) -> bool {
    number.partial_cmp(&limit).is_none_or(wrong)
}

fn old(vs: &Vs, baselines: &Baselines) -> Result<f64, String> {
    let measured = baselines.get(&vs.baseline).and_then(|checks| checks.get(&vs.check));
    let old = measured.map(|measured| measured.value).filter(|old| old.is_finite());
    old.ok_or_else(|| format!("the baseline {} of {} was not taken", vs.baseline, vs.check))
}

/// How far a counter rose from one reading to the next. One that fell was reset, and began at 0 (Prometheus's rule for
/// `increase`).
fn rise(before: f64, now: f64) -> f64 {
    if now < before { now } else { now - before }
}

fn aggregated(aggregate: Aggregate, numbers: Vec<Number>) -> Option<f64> {
    let newest = numbers.last()?.value;
    Some(match aggregate {
        Aggregate::Last => newest,
        Aggregate::Mean => mean(&numbers),
        Aggregate::Min => numbers.iter().map(|number| number.value).fold(f64::INFINITY, f64::min),
        Aggregate::Max => numbers.iter().map(|number| number.value).fold(f64::NEG_INFINITY, f64::max),
        Aggregate::P50 => percentile(numbers, 50),
        Aggregate::P95 => percentile(numbers, 95),
        Aggregate::P99 => percentile(numbers, 99),
        Aggregate::Slope(per) => slope(&numbers)? * per.as_secs_f64() * 1000.0,
    })
}

fn mean(numbers: &[Number]) -> f64 {
    let weight: f64 = numbers.iter().map(|number| number.weight).sum();
    numbers.iter().map(|number| number.value * (number.weight / weight)).sum()
}

/// The number that so many per cent of them do not exceed: the nearest rank.
fn percentile(numbers: Vec<Number>, percent: usize) -> f64 {
    let mut values: Vec<f64> = numbers.into_iter().map(|number| number.value).collect();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1) - 1;
    values.get(rank).copied().unwrap_or(f64::NAN)
}

/// The rise in a millisecond of the straight line with the least squares; `None` where all are of one moment.
fn slope(numbers: &[Number]) -> Option<f64> {
    let first = numbers.first()?.at;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds within one window")]
    let time = |number: &Number| (number.at - first) as f64;
    #[expect(clippy::cast_precision_loss, reason = "as many as fit into a window")]
    let count = numbers.len() as f64;
    let mid_time = numbers.iter().map(time).sum::<f64>() / count;
    let mid_value = numbers.iter().map(|number| number.value / count).sum::<f64>();
    let (mut both, mut square) = (0.0, 0.0);
    for number in numbers {
        let away = time(number) - mid_time;
        both += away * (number.value - mid_value);
        square += away * away;
    }
    (square > 0.0).then(|| both / square)
}

#[cfg(test)]
mod tests;
