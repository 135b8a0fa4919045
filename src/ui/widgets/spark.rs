//! Bars of one row: a trend of samples, and how far something has come.

use crate::session::telemetry::{Series, Verdict};
use crate::ui::theme::Glyphs;

/// The last samples of a check, newest on the right, one a column: the higher, the larger the number (its latency
/// where it has none). A time without samples stays empty, a bad sample shows as such.
#[must_use]
pub fn spark(series: &Series, period_ms: u64, now_up_ms: u64, cols: usize, glyphs: &Glyphs) -> String {
    let period = period_ms.max(1);
    let mut slots: Vec<Option<(f64, Verdict)>> = vec![None; cols];
    for sample in series.samples.iter().rev() {
        let back = usize::try_from(now_up_ms.saturating_sub(sample.up_ms) / period).unwrap_or(usize::MAX);
        let Some(slot) = cols.checked_sub(back + 1) else { break };
        let height = sample.number.filter(|n| n.is_finite()).unwrap_or(f64::from(sample.took_ms));
        slots[slot].get_or_insert((height, sample.verdict));
    }
    let heights = || slots.iter().flatten().map(|(height, _)| *height);
    let low = heights().fold(f64::INFINITY, f64::min);
    let high = heights().fold(f64::NEG_INFINITY, f64::max);
    slots
        .iter()
        .map(|slot| match slot {
            None => " ",
            Some((_, Verdict::Failed | Verdict::Error)) => glyphs.spark_bad,
            Some((height, Verdict::Pass | Verdict::Pending)) => {
                glyphs.spark[level(*height, low, high, glyphs.spark.len())]
            }
        })
        .collect()
}

fn level(height: f64, low: f64, high: f64, levels: usize) -> usize {
    // Small jitter is no trend: what differs by less than half of the largest is drawn flat.
    if high - low < high.abs() / 2.0 {
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

    #[test]
    fn a_missed_sample_is_a_gap_and_a_bad_one_shows() {
        let mut series = Series::default();
        for (at, number, verdict) in [
            (1_000, 1.0, Verdict::Pass),
            (2_000, 10.0, Verdict::Pass),
            (5_000, 4.0, Verdict::Failed),
            (6_000, f64::NAN, Verdict::Pass),
        ] {
            series.push(sample(at, number, verdict));
        }
        assert_eq!(spark(&series, 1_000, 6_500, 8, &UNICODE), "  ▁▇  ✗▄");
    }

    #[test]
    fn a_bar_is_as_wide_as_asked() {
        assert_eq!(bar(1, 1, 4, 8, &UNICODE), "▓▓▒▒░░░░");
        assert_eq!(bar(9, 0, 4, 4, &UNICODE), "▓▓▓▓");
        assert_eq!(bar(0, 0, 0, 3, &UNICODE), "░░░");
    }
}
