//! The limits of a metric in its own unit, and those that a baseline sets.

use crate::runbook::codes::Code;
use crate::runbook::file::metric::{LimitFile, VsFile};
use crate::runbook::id::CheckId;
use crate::runbook::load::build::Build;
use crate::runbook::load::format::{WrittenLimit, parse_limit};
use crate::runbook::load::near::suggest;
use crate::runbook::load::tree::Node;
use crate::runbook::model::{Measure, Vs};

impl Build<'_> {
    /// A limit in the unit that the metric is judged in; `None` where it is in another, which was reported.
    pub(super) fn limit(&mut self, file: &LimitFile, node: &Node, limits: &Limits) -> Option<f64> {
        let text = match file {
            LimitFile::Number(number) => return Some(*number),
            LimitFile::Text(text) => &text.0,
        };
        let written = parse_limit(text).ok()?;
        let number = limits.in_unit(written);
        if number.is_none() {
            let message = format!("`{text}` is of another unit than the metric is read in");
            self.error(Code::NotAllowed, node.span.clone(), message, limits.help());
        }
        number
    }

    pub(super) fn vs(&mut self, file: VsFile, node: &Node, limits: &Limits, check: &str) -> Option<Vs> {
        let plus = file.plus.and_then(|plus| self.limit(&plus, node.at("plus"), limits));
        let minus = file.minus.and_then(|minus| self.limit(&minus, node.at("minus"), limits));
        let side = |times: Option<f64>, plus: Option<f64>| {
            (times.is_some() || plus.is_some()).then(|| (times.unwrap_or(1.0), plus.unwrap_or(0.0)))
        };
        let (upper, lower) = (side(file.max_times, plus), side(file.min_times, minus));
        if upper.is_none() && lower.is_none() {
            let help = "say `max_times` and `plus`, or `min_times` and `minus`";
            self.error(
                Code::Empty,
                node.span.clone(),
                "nothing says how far it may be from the old number",
                help,
            );
        }
        if let (Some((most, _)), Some((least, _))) = (upper, lower)
            && least > most
        {
            let message = "`min_times` is above `max_times`, so the least is above the most as soon as the old number is large";
            self.error(Code::Impossible, node.at("min_times").span.clone(), message, "exchange them");
        }
        let (baseline, of) = match file.baseline.0.split_once('.') {
            Some((baseline, of)) => (baseline.to_owned(), Some(of.to_owned())),
            None => (file.baseline.0, None),
        };
        let span = node.at("baseline").span.clone();
        let Some(measured) = self.names.baselines.iter().find(|known| known.name == baseline) else {
            let known = self.names.baselines.iter().map(|known| known.name.as_str());
            let help =
                suggest(&baseline, "baseline: add a step with `baseline = { name, checks, window }`", known);
            self.error(Code::UnknownStep, span, format!("no step takes the baseline `{baseline}`"), help);
            return None;
        };
        let of = match (of, measured.checks.as_slice()) {
            (Some(of), checks) => checks.contains(&of).then_some(of),
            (None, checks) if checks.iter().any(|name| name == check) => Some(check.to_owned()),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        };
        let Some(of) = of else {
            let message = format!("which of the checks of the baseline `{baseline}` is meant is not said");
            let names: Vec<String> =
                measured.checks.iter().map(|name| format!("`{baseline}.{name}`")).collect();
            self.error(Code::UnknownCheck, span, message, format!("write one of {}", names.join(", ")));
            return None;
        };
        Some(Vs { baseline, check: CheckId::from(of.as_str()), upper, lower })
    }
}

/// What a limit may be written in.
pub(super) struct Limits<'a> {
    pub(super) measure: Measure,
    /// As the runbook calls it.
    pub(super) unit: Option<&'a str>,
}

impl Limits<'_> {
    fn in_unit(&self, written: WrittenLimit) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a limit is no count")]
        match written {
            WrittenLimit::Number(number) => Some(number),
            WrittenLimit::Bytes(bytes) => match (self.measure, self.unit) {
                (Measure::Bytes | Measure::Number, None | Some("B" | "bytes")) => Some(bytes as f64),
                _ => None,
            },
            WrittenLimit::Time(time) => match (self.measure, self.unit) {
                (Measure::Milliseconds, None) | (Measure::Milliseconds | Measure::Number, Some("ms")) => {
                    Some(time.as_secs_f64() * 1000.0)
                }
                (Measure::Number, Some("s")) => Some(time.as_secs_f64()),
                _ => None,
            },
        }
    }

    fn help(&self) -> &'static str {
        match self.measure {
            Measure::Bytes => "write a number of bytes, or a size such as `512MiB`",
            Measure::Milliseconds => "write a number of milliseconds, or a duration such as `250ms`",
            Measure::Percent => "write a number: per cent of one core",
            Measure::Number => "write a number; a duration goes with `unit = \"ms\"` or `unit = \"s\"`",
        }
    }
}
