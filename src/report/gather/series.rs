//! Many values in little room: a line to draw, and a summary.

use std::collections::BTreeMap;

use crate::report::model::{Point, Stats};

/// Values along the time, of which each span keeps the least and the greatest.
#[derive(Debug)]
pub(super) struct Series {
    span_ms: u64,
    /// Values that are further from each other have a gap between them.
    gap_ms: u64,
    points: Vec<Point>,
    /// The span in hand.
    open: Option<Span>,
    last_ms: u64,
}

#[derive(Debug)]
struct Span {
    number: u64,
    least: (u64, f64),
    greatest: (u64, f64),
}

impl Series {
    pub fn new(span_ms: u64, gap_ms: u64) -> Self {
        Self { span_ms: span_ms.max(1), gap_ms, points: Vec::new(), open: None, last_ms: 0 }
    }

    /// Takes the next value.
    pub fn push(&mut self, t_ms: u64, value: f64) {
        let t_ms = t_ms.max(self.last_ms);
        let number = t_ms / self.span_ms;
        let gap = self.open.is_some() && t_ms - self.last_ms > self.gap_ms;
        match &mut self.open {
            Some(span) if span.number == number && !gap => {
                if value < span.least.1 {
                    span.least = (t_ms, value);
                }
                if value > span.greatest.1 {
                    span.greatest = (t_ms, value);
                }
            }
            _ => {
                self.flush();
                if gap {
                    self.points.push((self.last_ms + 1, None));
                }
                self.open = Some(Span { number, least: (t_ms, value), greatest: (t_ms, value) });
            }
        }
        self.last_ms = t_ms;
    }

    fn flush(&mut self) {
        let Some(Span { least, greatest, .. }) = self.open.take() else { return };
        let (first, second) = if least.0 <= greatest.0 { (least, greatest) } else { (greatest, least) };
        self.points.push((first.0, Some(first.1)));
        if second.0 != first.0 {
            self.points.push((second.0, Some(second.1)));
        }
    }

    /// The points, up to the end of the record.
    pub fn finish(mut self, end_ms: u64) -> Vec<Point> {
        let gap = self.open.is_some() && end_ms.saturating_sub(self.last_ms) > self.gap_ms;
        self.flush();
        if gap {
            self.points.push((self.last_ms + 1, None));
        }
        self.points
    }
}

/// Bits of a number's fraction that a digest forgets: ten are left, so that what it says is within 0.1 %, and whole
/// numbers below 2048 are exact.
const FORGOTTEN: u32 = 52 - 10;

/// How often which values came, in classes that are narrow wherever they lie.
#[derive(Debug, Default)]
pub(super) struct Digest {
    classes: BTreeMap<i64, u64>,
    count: u64,
    min: f64,
    max: f64,
}

impl Digest {
    /// Takes a value; what is no number is passed over.
    pub fn push(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        if self.count == 0 {
            (self.min, self.max) = (value, value);
        }
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
        self.count += 1;
        *self.classes.entry(ordered(value) >> FORGOTTEN).or_default() += 1;
    }

    /// The summary; `None` without any value.
    pub fn stats(&self) -> Option<Stats> {
        let (min, max) = (self.min, self.max);
        (self.count > 0).then(|| Stats { min, median: self.rank(50), p95: self.rank(95), max })
    }

    /// The value that so many per cent did not exceed.
    fn rank(&self, percent: u64) -> f64 {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (class, count) in &self.classes {
            seen += count;
            if seen >= rank {
                return value(class << FORGOTTEN).clamp(self.min, self.max);
            }
        }
        self.max
    }
}

/// A number's bits, so that they compare as the number does.
fn ordered(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// The number of such bits.
fn value(ordered: i64) -> f64 {
    let bits = ordered ^ ((ordered >> 63).cast_unsigned() >> 1).cast_signed();
    f64::from_bits(bits.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_day_of_samples_a_few_hundred_points_are_left_with_every_extreme() {
        let mut series = Series::new(86_400_000 / 200, 6_000);
        for t_ms in (0..86_400_000).step_by(2_000) {
            // One spike, and an hour of which nothing is known.
            let value = if t_ms == 40_000_000 { 9_000.0 } else { f64::from((t_ms % 7_000) as u32) };
            if !(50_000_000..53_600_000).contains(&t_ms) {
                series.push(t_ms, value);
            }
        }
        let points = series.finish(86_400_000);
        assert!((300..=410).contains(&points.len()), "{}", points.len());
        assert!(points.contains(&(40_000_000, Some(9_000.0))));
        assert!(points.is_sorted_by_key(|point| point.0));
        let gaps: Vec<u64> = points.iter().filter(|point| point.1.is_none()).map(|point| point.0).collect();
        assert_eq!(gaps, [49_998_001]);
    }

    #[test]
    fn few_samples_are_kept_as_they_are_and_a_gap_at_the_end_is_one() {
        let mut series = Series::new(1, 3_000);
        for (t_ms, value) in [(0, 1.0), (1_000, 2.0), (9_000, 3.0)] {
            series.push(t_ms, value);
        }
        let points = [(0, Some(1.0)), (1_000, Some(2.0)), (1_001, None), (9_000, Some(3.0)), (9_001, None)];
        assert_eq!(series.finish(20_000), points);
        assert_eq!(Series::new(1, 1).finish(9), []);
    }

    #[test]
    fn a_digest_knows_small_whole_numbers_and_extremes_exactly_and_the_rest_nearly() {
        let mut small = Digest::default();
        (1..=1000).for_each(|n| small.push(f64::from(n)));
        small.push(f64::NAN);
        assert_eq!(small.stats(), Some(Stats { min: 1.0, median: 500.0, p95: 950.0, max: 1000.0 }));
        let mut large = Digest::default();
        (-50_000..=50_000).for_each(|n| large.push(f64::from(n) * 1234.567));
        let Stats { min, median, p95, max } = large.stats().expect("values");
        assert_eq!((min, max), (-50_000.0 * 1234.567, 50_000.0 * 1234.567));
        assert!(median.abs() < 1.0, "{median}");
        assert!((p95 / (45_000.0 * 1234.567) - 1.0).abs() < 0.001, "{p95}");
        assert!(large.classes.len() < 40_000);
        assert_eq!(Digest::default().stats(), None);
    }
}
