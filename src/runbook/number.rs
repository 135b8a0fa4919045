//! Numbers as they are shown: short, with their unit, and never as something that they are not.

use std::time::Duration;

use super::model::{Aggregate, Check, Measure, Metric, Probe, Reading};

/// How a metric's numbers are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    measure: Measure,
    /// As the runbook calls it; it stands for itself.
    name: Option<String>,
    per: Option<String>,
}

impl Unit {
    /// The unit of a check's numbers as they are judged.
    #[must_use]
    pub fn of(check: &Check) -> Self {
        let Probe::Metric(metric) = &check.probe else {
            return Self { measure: Measure::Number, name: check.unit.clone(), per: None };
        };
        Self { measure: metric.source.measure(), name: check.unit.clone(), per: per(metric) }
    }

    /// A number in it: `0.42 1/s`, `96 MiB`, `41 ms`.
    #[must_use]
    pub fn show(&self, number: f64) -> String {
        let per = self.per.as_ref().map_or_else(String::new, |per| format!("/{per}"));
        match (&self.name, self.measure) {
            (Some(name), _) => format!("{} {name}", short(number)),
            (None, Measure::Number) => short(number) + &per,
            (None, Measure::Milliseconds) => format!("{} ms{per}", short(number)),
            (None, Measure::Percent) => format!("{} %{per}", short(number)),
            (None, Measure::Bytes) => bytes(number) + &per,
        }
    }
}

fn per(metric: &Metric) -> Option<String> {
    let slope = match metric.expect.aggregate() {
        Aggregate::Slope(per) => Some(span(per)),
        _ => None,
    };
    let rate = (metric.reading == Reading::Rate).then(|| "s".to_owned());
    match (rate, slope) {
        (Some(rate), Some(slope)) => Some(format!("{rate}/{slope}")),
        (rate, slope) => rate.or(slope),
    }
}

/// `1h`, `30s`: a duration with nothing between its parts.
#[must_use]
pub fn span(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace(' ', "")
}

/// A number with four digits that count, or all of those of a whole one.
#[must_use]
pub fn short(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let size = number.abs();
    if !(1e-4..1e15).contains(&size) {
        return format!("{number:.3e}");
    }
    if number.fract() == 0.0 {
        return format!("{number:.0}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "between -4 and 15")]
    let whole_digits = size.log10().floor() as i32 + 1;
    let decimals = usize::try_from(4 - whole_digits).unwrap_or(0).min(7);
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn bytes(number: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (number, 0);
    while size.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{} {}", short(size), UNITS[unit])
}

/// The finite number that a text is; `None` for everything else: a comma, a `NaN`, nothing.
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
    text.parse().ok().filter(|number: &f64| text.chars().all(plain) && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_what_counts() {
        let shown =
            [0.0, -0.0, 3.0, 1_234_567.0, 0.5, 1.0 / 3.0, 123.456, 12_345.6, 0.000_123_456, 1e-9, 1e20]
                .map(short);
        let wanted = [
            "0",
            "0",
            "3",
            "1234567",
            "0.5",
            "0.3333",
            "123.5",
            "12346",
            "0.0001235",
            "1.000e-9",
            "1.000e20",
        ];
        assert_eq!(shown, wanted);
        assert_eq!([512.0, 1536.0, 100_663_296.0].map(bytes), ["512 B", "1.5 KiB", "96 MiB"]);
    }

    #[test]
    fn what_is_no_finite_number_is_none() {
        for text in [
            "",
            " ",
            "NaN",
            "inf",
            "+Inf",
            "-infinity",
            "1e400",
            "-1e999",
            "1,5",
            "1_000",
            "0x10",
            "12 %",
            "1.2.3",
            "--1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(
            [" 5 ", "-2.5e3", "+.5", "0"].map(parse),
            [Some(5.0), Some(-2500.0), Some(0.5), Some(0.0)]
        );
    }
}
