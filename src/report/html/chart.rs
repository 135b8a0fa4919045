//! Charts of a check: its health as a strip, its values as a line. Pure drawing: a gap is a gap, whatever lies beside
//! it, and a picture of a day is no bigger than one of an hour.

use super::markup::{Markup, html, put};
use super::scale::Scale;
use crate::report::model::Point;

/// How many columns a line has at most; each shows the least and the greatest of what fell into it.
const COLUMNS: usize = 300;
/// The height of a line's picture, in pixels.
const HEIGHT: f64 = 64.0;

/// What fell into one column of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Column {
    /// Per cent of the width.
    x: f64,
    min: f64,
    max: f64,
    /// Nothing joins it with the column before.
    apart: bool,
}

/// A line over time.
pub struct Line<'a> {
    pub scale: &'a Scale,
    /// In order of time; no line is drawn across a moment without a value.
    pub points: &'a [Point],
    /// Values that must not be left, each drawn as a line of its own.
    pub limits: &'a [f64],
    /// What is measured, in a word.
    pub name: &'a str,
    /// What the picture shows, in a sentence: for whoever hears it instead.
    pub title: &'a str,
    /// A value as it is written at the axis.
    pub shown: fn(f64) -> String,
}

impl Line<'_> {
    /// The picture; `None` where there is no value at all.
    #[must_use]
    pub fn draw(&self) -> Option<Markup> {
        let columns = columns(self.scale, self.points);
        let values =
            columns.iter().flat_map(|column| [column.min, column.max]).chain(self.limits.iter().copied());
        let (low, high) = values.fold(None, |range, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((f64::min(low, value), f64::max(high, value)))
        })?;
        if columns.is_empty() {
            return None;
        }
        // Zero belongs to the picture of what is never negative: half as long is half as high.
        let low = if low >= 0.0 { 0.0 } else { low };
        let high = if high > low { high } else { low + 1.0 };
        let y = |value: f64| tenth(HEIGHT - HEIGHT * (value - low) / (high - low));
        let mut inner = html!("<path class='series' d='{}'/>", path(&columns, y));
        for limit in self.limits {
            let y = y(*limit);
            put!(inner, "<line class='limit' x1='0' x2='1000' y1='{}' y2='{}'/>", y, y);
        }
        Some(html!(
            "<svg class='chart' role='img' height='{}'><title>{}</title>{}\
             <svg y='4' height='{}' viewBox='0 0 1000 {}' preserveAspectRatio='none'>\
             <line class='base' x1='0' x2='1000' y1='{}' y2='{}'/>{}</svg>\
             <text x='3' y='13'>{} {}</text><text x='3' y='{}'>{}</text></svg>",
            HEIGHT + 8.0,
            self.title,
            grid(self.scale, HEIGHT + 8.0),
            HEIGHT,
            HEIGHT,
            HEIGHT,
            HEIGHT,
            inner,
            self.name,
            (self.shown)(high),
            HEIGHT + 2.0,
            (self.shown)(low),
        ))
    }
}

/// The lines at the ticks of an axis.
pub fn grid(scale: &Scale, height: f64) -> Markup {
    let mut lines = Markup::default();
    for tick in scale.ticks(TICKS) {
        put!(lines, "<line class='grid' x1='{}%' x2='{}%' y1='0' y2='{}'/>", tick.x, tick.x, height);
    }
    lines
}

/// The names of the ticks, for below a picture. Those at the edges are drawn inside.
pub fn axis(scale: &Scale) -> Markup {
    let mut labels = Markup::default();
    for tick in scale.ticks(TICKS) {
        let anchor = match tick.x {
            ..5.0 => "start",
            95.0.. => "end",
            _ => "middle",
        };
        put!(labels, "<text x='{}%' y='12' text-anchor='{}'>{}</text>", tick.x, anchor, tick.label);
    }
    html!("<svg height='16' aria-hidden='true'>{}</svg>", labels)
}

/// How many ticks fit into 400 pixels.
const TICKS: i64 = 6;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a column's number lies between 0 and COLUMNS"
)]
fn columns(scale: &Scale, points: &[Point]) -> Vec<Column> {
    let mut columns: Vec<(usize, Column)> = Vec::new();
    let mut apart = true;
    for (t_ms, value) in points {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            apart = true;
            continue;
        };
        let x = scale.x(*t_ms);
        let number = (x / 100.0 * COLUMNS as f64) as usize;
        match columns.last_mut() {
            Some((last, column)) if *last == number && !apart => {
                column.min = column.min.min(value);
                column.max = column.max.max(value);
            }
            _ => columns.push((number, Column { x, min: value, max: value, apart })),
        }
        apart = false;
    }
    columns.into_iter().map(|(_, column)| column).collect()
}

/// A tenth of a unit is less than anybody sees.
fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn path(columns: &[Column], y: impl Fn(f64) -> f64) -> String {
    use std::fmt::Write as _;
    let mut path = String::new();
    let mut at_top = false;
    for (number, column) in columns.iter().enumerate() {
        let x = tenth(column.x * 10.0);
        let (min, max) = (y(column.min), y(column.max));
        // From where the column before ended, the nearer end comes first.
        let (first, second) = if at_top { (max, min) } else { (min, max) };
        let alone = columns.get(number + 1).is_none_or(|next| next.apart);
        let _ = write!(path, "{}{x} {first}", if column.apart { 'M' } else { 'L' });
        #[expect(clippy::float_cmp, reason = "the same number, or another")]
        let flat = min == max;
        if !flat {
            let _ = write!(path, "V{second}");
            at_top = !at_top;
        } else if column.apart && alone {
            // A single sample is a dot: a line without length, with round ends.
            path.push_str("h0");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(points: &[Point], to_ms: u64) -> String {
        let scale = Scale::new(to_ms, chrono::DateTime::UNIX_EPOCH);
        path(&columns(&scale, points), |value| value)
    }

    #[test]
    fn a_gap_is_never_bridged() {
        let points = [
            (0, Some(1.0)),
            (1_000, Some(2.0)),
            (2_000, None),
            (3_000, Some(4.0)),
            (8_000, None),
            (9_000, Some(5.0)),
        ];
        assert_eq!(drawn(&points, 10_000), "M0 1L100 2M300 4h0M900 5h0");
        assert_eq!(drawn(&[(0, Some(f64::NAN))], 10_000), "");
    }

    #[test]
    fn a_peak_of_a_second_is_seen_in_a_day() {
        let points: Vec<_> = (0..86_400)
            .map(|second| (second * 1000, Some(if second == 40_000 { 99.0 } else { 1.0 })))
            .collect();
        let path = drawn(&points, 86_400_000);
        assert!(path.contains("V99"), "{path}");
        assert!(path.len() < 8_000, "{}", path.len());
    }
}
