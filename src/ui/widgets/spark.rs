//! Bars of one row: a trend of samples, and how far something has come.

use crate::session::telemetry::{SERIES, Series, Verdict};
use crate::ui::theme::Glyphs;

/// The time that a sparkline shows, up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub ms: u64,
    pub now_up_ms: u64,
}

/// What was seen in the time of one column.
#[derive(Debug, Clone, Copy)]
struct Slot {
    high: f64,
    good: bool,
    bad: bool,
}

/// Latencies that differ by less are no trend, whatever their share of each other, in milliseconds.
const JITTER_MS: f64 = 5.0;

/// The trend of a check over a span, newest on the right: the higher, the larger the number (its latency where it has
/// none). A bad sample shows as such, among good ones too. A time in which nothing was observed for two periods stays empty; what came
/// before the oldest sample that is kept shows as such.
#[must_use]
pub fn spark(series: &Series, period_ms: u64, span: Span, cols: usize, glyphs: &Glyphs) -> String {
    let mut slots: Vec<Option<Slot>> = vec![None; cols];
    let per_slot = (span.ms / cols.max(1) as u64).max(1);
    // Slots lie on the clock, not behind the moment: they move on together, once a slot, and not one by one all the time,
    // which over a slow link is most of what is written.
    let end = (span.now_up_ms / per_slot).saturating_mul(per_slot).saturating_add(per_slot - 1);
    let slot = |up_ms: u64| {
        let back = usize::try_from(end.saturating_sub(up_ms) / per_slot).unwrap_or(usize::MAX);
        cols.checked_sub(back.saturating_add(1))
    };
    let mut next: Option<u64> = None;
    let mut jitter = JITTER_MS;
    for sample in series.samples.iter().rev() {
        // A sample speaks for two periods, or until the next one.
        let until = sample.up_ms.saturating_add(period_ms.saturating_mul(2));
        let until = next.map_or(until, |next| until.min(next.saturating_sub(1))).min(span.now_up_ms);
        // Two may have come in one millisecond, or a clock have gone back.
        let until = until.max(sample.up_ms);
        next = Some(sample.up_ms);
        let Some(last) = slot(until) else { break };
        let number = sample.number.filter(|n| n.is_finite());
        if number.is_some() {
            jitter = 0.0;
        }
        let height = number.unwrap_or(f64::from(sample.took_ms));
        let bad = matches!(sample.verdict, Verdict::Failed | Verdict::Error);
        let own = slot(sample.up_ms);
        if let Some(own) = own {
            let seen = slots[own].get_or_insert(Slot { high: height, good: !bad, bad });
            *seen = Slot { high: seen.high.max(height), good: seen.good || !bad, bad: seen.bad || bad };
        }
        for after in &mut slots[own.map_or(0, |own| own + 1)..=last] {
            after.get_or_insert(Slot { high: height, good: !bad, bad });
        }
    }
    let oldest = series.samples.front().filter(|_| series.samples.len() == SERIES);
    let dropped = oldest.and_then(|oldest| slot(oldest.up_ms)).unwrap_or(0);
    let heights = || slots.iter().flatten().map(|slot| slot.high);
    let low = heights().fold(f64::INFINITY, f64::min);
    let high = heights().fold(f64::NEG_INFINITY, f64::max);
    let drawn = slots.iter().enumerate().map(|(at, slot)| match slot {
        None if at < dropped => glyphs.spark_dropped,
        None => " ",
        Some(Slot { good: false, .. }) => glyphs.spark_bad,
        Some(Slot { bad: true, .. }) => glyphs.spark_mixed,
        Some(Slot { high: height, .. }) => {
            glyphs.spark[level(*height, low, high, jitter, glyphs.spark.len())]
        }
    });
    drawn.collect()
}

fn level(height: f64, low: f64, high: f64, jitter: f64, levels: usize) -> usize {
    // Small jitter is no trend: what differs by less than half of the largest is drawn flat.
    if high - low < (high.abs() / 2.0).max(jitter) {
        return 0;
    }
    let share = ((height - low) / (high - low)).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a handful of levels"
    )]
    let level = (share * (levels - 1) as f64).round() as usize;
    level.min(levels - 1)
}

/// `cols` columns of which `done` out of `of` are full and the `begun` after them are half.
#[must_use]
pub fn bar(done: usize, begun: usize, of: usize, cols: usize, glyphs: &Glyphs) -> String {
    let share = |n: usize| (n.min(of) * cols).checked_div(of).unwrap_or(0);
    let (full, half) = (share(done), share(done + begun));
    let mut bar = glyphs.bar_full.repeat(full);
    bar.push_str(&glyphs.bar_part.repeat(half - full));
    bar.push_str(&glyphs.bar_empty.repeat(cols - half));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::telemetry::SamplePoint;
    use crate::ui::theme::UNICODE;

    fn sample(up_ms: u64, number: f64, verdict: Verdict) -> SamplePoint {
        SamplePoint {
            up_ms,
            took_ms: 5,
            verdict,
            value: None,
            number: Some(number),
            judged: None,
            reason: String::new(),
        }
    }

    fn drawn(series: &Series, period_ms: u64, span_ms: u64, now_up_ms: u64, cols: usize) -> String {
        spark(series, period_ms, Span { ms: span_ms, now_up_ms }, cols, &UNICODE)
    }

    #[test]
    fn where_nothing_was_observed_is_a_gap_and_a_bad_sample_shows() {
        let mut series = Series::default();
        for (at, number, verdict) in [
            (10_000, 1.0, Verdict::Pass),
            (11_000, 10.0, Verdict::Pass),
            (15_000, 4.0, Verdict::Failed),
            (16_000, f64::NAN, Verdict::Pass),
        ] {
            series.push(sample(at, number, verdict));
        }
        assert_eq!(drawn(&series, 500, 8_000, 16_500, 8), " ▁▇▇  ✗▄", "each column a second");
        assert_eq!(drawn(&series, 500, 16_000, 16_500, 4), " ▇✗▂", "a column begins with the clock");
        assert_eq!(drawn(&series, 500, 16_000, 16_500, 2), "!▁", "good and bad ones in one column");
    }

    #[test]
    fn a_latency_that_jitters_by_a_few_milliseconds_is_flat() {
        let trend = |took: [u32; 4]| {
            let mut series = Series::default();
            for (at, took_ms) in (0..4).zip(took) {
                series.push(SamplePoint { took_ms, number: None, ..sample(at * 1_000, 0.0, Verdict::Pass) });
            }
            drawn(&series, 1_000, 4_000, 3_999, 4)
        };
        assert_eq!(trend([0, 2, 4, 1]), "▁▁▁▁");
        assert_eq!(trend([1, 1, 9, 1]), "▁▁▇▁");
    }

    #[test]
    fn a_slow_check_has_no_gap_between_its_samples() {
        let mut series = Series::default();
        for at in [0, 30_000, 60_000] {
            series.push(sample(at, 1.0, Verdict::Pass));
        }
        assert_eq!(drawn(&series, 30_000, 60_000, 60_000, 6), "▁▁▁▁▁▁");
        assert_eq!(drawn(&series, 30_000, 120_000, 150_000, 4), "▁▁▁ ", "it stands still");
    }

    #[test]
    fn samples_of_one_millisecond_or_out_of_order_are_drawn_like_any_other() {
        let mut series = Series::default();
        for at in [4_000, 4_000, 3_000, 9_000] {
            series.push(sample(at, 1.0, Verdict::Pass));
        }
        for now in [0, 3_999, 4_000, 8_000, 20_000] {
            assert_eq!(drawn(&series, 500, 8_000, now, 8).chars().count(), 8);
        }
    }

    #[test]
    fn what_is_no_longer_kept_is_no_gap() {
        let mut series = Series::default();
        for at in 0..400 {
            series.push(sample(at * 1_000, 1.0, Verdict::Pass));
        }
        assert_eq!(drawn(&series, 1_000, 600_000, 399_999, 6), "<<<▁▁▁");
    }

    #[test]
    fn a_bar_is_as_wide_as_asked() {
        assert_eq!(bar(1, 1, 4, 8, &UNICODE), "▓▓▒▒░░░░");
        assert_eq!(bar(9, 0, 4, 4, &UNICODE), "▓▓▓▓");
        assert_eq!(bar(0, 0, 0, 3, &UNICODE), "░░░");
    }
}
