//! `metric` checks and `baseline` steps into the model, refusing what could never be told or met.

mod limits;

use std::time::Duration;

use super::check::command_line;
use super::names::Counts;
use super::{Build, duration, pattern, template};
use crate::runbook::codes::Code;
use crate::runbook::file::check::CheckFile;
use crate::runbook::file::metric::{
    AggregateFile, BaselineFile, HostFile, MetricExpectFile, MetricFile, ProcessFieldFile, ReadingFile,
};
use crate::runbook::file::values::{Divisor, Pattern as PatternText};
use crate::runbook::id::CheckId;
use crate::runbook::load::near::nearest;
use crate::runbook::load::tree::Node;
use crate::runbook::model::{
    Action, Aggregate, HostField, Metric, MetricExpect, MetricSource, Pattern, Pick, Probe, ProcessField,
    Reader, Reading, Runbook, Template,
};
use crate::runbook::series::Series;
use limits::Limits;

/// The keys that say how a number is found in a text.
const READERS: [&str; 4] = ["regex", "json", "series", "count"];

/// How many numbers a window asks for where the runbook does not say.
const IN_A_WINDOW: u32 = 3;

/// More numbers than this in one window are more than a check can go through each time.
const MOST_IN_A_WINDOW: u128 = 20_000;

/// The shortest period that a metric takes by itself.
const SHORTEST: Duration = Duration::from_millis(100);

/// What a metric's check says beside the metric itself.
pub struct Beside<'a> {
    pub name: &'a str,
    pub unit: Option<&'a str>,
    pub period: Duration,
}

impl Build<'_> {
    /// The metric of a check whose table is `node`; `None` where its source or reader is not there, which was reported.
    pub fn metric(
        &mut self,
        mut file: MetricFile,
        expect: MetricExpectFile,
        node: &Node,
        beside: &Beside,
    ) -> Option<Probe> {
        let at = node.at("metric");
        let reading = match file.reading {
            None | Some(ReadingFile::Value) => Reading::Value,
            Some(ReadingFile::Rate) => Reading::Rate,
            Some(ReadingFile::Delta) => Reading::Delta,
        };
        let source = self.source(&mut file, at)?;
        let divided = match &source {
            MetricSource::Http { reader, .. }
            | MetricSource::Command { reader, .. }
            | MetricSource::File { reader, .. } => reader.of.is_some(),
            _ => false,
        };
        if divided && reading != Reading::Value {
            let message = format!(
                "how far a quotient rises says nothing, so `of` and `as = \"{}\"` cannot stand together",
                reading.word()
            );
            let help = "divide two checks' numbers in a command, or in a Prometheus query";
            self.error(Code::Impossible, at.at("as").span.clone(), message, help);
        }
        if matches!(source, MetricSource::Latency(_)) && node.get("period").is_some() {
            let message =
                "it has no looks of its own: its numbers come as often as those of the check that it follows";
            self.error(Code::WrongKind, node.key_span("period"), message, "take `period` away");
        }
        let measure = source.measure();
        let limits = Limits { measure, unit: beside.unit };
        let expect = self.metric_expect(expect, node.at("expect"), reading, &limits, beside);
        Some(Probe::Metric(Box::new(Metric { source, reading, expect })))
    }

    fn source(&mut self, file: &mut MetricFile, node: &Node) -> Option<MetricSource> {
        if let Some(http) = file.http.take() {
            let target = Box::new(self.http_target(http, node.at("http")));
            return Some(MetricSource::Http { target, reader: self.reader(file, node, "http")? });
        }
        if let Some(command) = file.command.take() {
            self.not_empty(node.at("command"));
            let command = command_line(command);
            return Some(MetricSource::Command { command, reader: self.reader(file, node, "command")? });
        }
        if let Some(path) = file.file.take() {
            self.not_empty(node.at("file"));
            return Some(MetricSource::File {
                path: template(path),
                reader: self.reader(file, node, "file")?,
            });
        }
        let source = if let Some(prometheus) = file.prometheus.take() {
            self.not_empty(node.at("prometheus").at("query"));
            MetricSource::Prometheus { url: Template(prometheus.url.0), query: template(prometheus.query) }
        } else if let Some(check) = file.latency.take() {
            let id = self.check_ref(&check, node.at("latency"), Counts::May)?;
            if self.has_no_looks(&id) {
                let message = format!("`{id}` has no looks of its own, so none of them takes any time");
                let help = "name a check that looks at something";
                self.error(Code::WrongKind, node.at("latency").span.clone(), message, help);
                return None;
            }
            MetricSource::Latency(id)
        } else if let Some(process) = file.process.take() {
            let check = self.process_ref(&process.check, node.at("process").at("check"))?;
            let field = match process.field {
                ProcessFieldFile::Rss => ProcessField::Rss,
                ProcessFieldFile::Cpu => ProcessField::Cpu,
                ProcessFieldFile::Threads => ProcessField::Threads,
                ProcessFieldFile::OpenFiles => ProcessField::OpenFiles,
            };
            MetricSource::Process { check, field }
        } else {
            MetricSource::Host(match file.host? {
                HostFile::Load => HostField::Load,
                HostFile::MemoryAvailable => HostField::MemoryAvailable,
                HostFile::DiskFree => HostField::DiskFree,
            })
        };
        let source_word = source.word();
        for key in READERS.into_iter().chain(["of"]) {
            // What `of` goes with was said already where its source is a check's kind too.
            if node.get(key).is_some() && (key != "of" || source_word != "process") {
                let message =
                    format!("`{key}` does not go with `{source_word}`, which gives a number as it is");
                self.error(Code::WrongKind, node.key_span(key), message, "take it away");
            }
        }
        Some(source)
    }

    fn reader(&mut self, file: &mut MetricFile, node: &Node, source: &str) -> Option<Reader> {
        let given: Vec<&str> = READERS.into_iter().filter(|key| node.get(key).is_some()).collect();
        let help =
            "`regex` (group 1), `json` (a pointer), `series` (Prometheus text) or `count` (of matches)";
        match given.as_slice() {
            // A reader that is misspelt was reported as such.
            [] if node.entries().iter().any(|entry| nearest(&entry.key, READERS).is_some()) => return None,
            [] => {
                let message = format!("nothing says which number of what `{source}` gives is meant");
                self.error(Code::MissingKey, node.span.clone(), message, format!("add {help}"));
                return None;
            }
            [_] => {}
            [first, second, ..] => {
                let message =
                    format!("`{first}` and `{second}` cannot stand together: a metric is one number");
                self.error(Code::SeveralKinds, node.key_span(second), message, format!("keep one of {help}"));
                return None;
            }
        }
        let of = file.of.take();
        let key = given.first().copied().unwrap_or_default();
        let pick = if let Some(regex) = file.regex.take() {
            self.one_group(&regex, node.at(key));
            Pick::Regex(pattern(regex))
        } else if let Some(pointer) = file.json.take() {
            self.one_place(&pointer.0, node.at(key));
            Pick::Json(pointer.0)
        } else if let Some(series) = file.series.take() {
            Pick::Series(Series::parse(&series.0).unwrap_or_default())
        } else {
            Pick::Count(pattern(file.count.take()?))
        };
        let of = of.map(|of| self.divisor(of, &pick, node.at("of")));
        Some(Reader { pick, of })
    }

    fn divisor(&mut self, Divisor(text): Divisor, like: &Pick, node: &Node) -> Pick {
        match like {
            Pick::Regex(_) => {
                let text = PatternText(text);
                self.one_group(&text, node);
                Pick::Regex(pattern(text))
            }
            Pick::Json(_) => {
                self.one_place(&text, node);
                Pick::Json(text)
            }
            Pick::Series(_) => Pick::Series(Series::parse(&text).unwrap_or_default()),
            Pick::Count(_) => Pick::Count(Pattern(Template(text))),
        }
    }

    fn one_group(&mut self, regex: &PatternText, node: &Node) {
        if !super::step::has_group(&regex.0) {
            let message = "the pattern has no group, so it finds no number";
            let help = r"put the number in parentheses: `^forward_failed\t(\d+)`";
            self.error(Code::BadPattern, node.span.clone(), message, help);
        }
    }

    fn one_place(&mut self, pointer: &str, node: &Node) {
        if pointer.split('/').any(|part| part == "*") {
            let message = "`*` stands for every element, and a metric is one number";
            self.error(Code::BadPointer, node.span.clone(), message, "name one element");
        }
    }

    fn metric_expect(
        &mut self,
        file: MetricExpectFile,
        node: &Node,
        reading: Reading,
        limits: &Limits,
        beside: &Beside,
    ) -> MetricExpect {
        let window = file.window.as_ref().map(duration);
        self.some_time(window.unwrap_or(Duration::MAX), node, "window");
        let aggregate = self.aggregate(&file, node);
        let least = if window.is_some() { IN_A_WINDOW } else { 1 };
        let min_samples = file.min_samples.unwrap_or(least);
        if window.is_none() && min_samples > 1 {
            let message = "without a `window` only the newest number counts, so there are never several";
            self.error(Code::Impossible, node.at("min_samples").span.clone(), message, "add a `window`");
        }
        if let Some(window) = window.filter(|window| !window.is_zero()) {
            self.fits(window, min_samples, node, reading, beside);
        }
        let max = file.max.and_then(|max| self.limit(&max, node.at("max"), limits));
        let min = file.min.and_then(|min| self.limit(&min, node.at("min"), limits));
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            self.min_above_max(node);
        }
        let vs = file.vs.and_then(|vs| self.vs(vs, node.at("vs"), limits, beside.name));
        MetricExpect { max, min, window, aggregate, min_samples, vs }
    }

    fn aggregate(&mut self, file: &MetricExpectFile, node: &Node) -> Option<Aggregate> {
        let span = node.at("aggregate").span.clone();
        if file.per.is_some() && file.aggregate != Some(AggregateFile::Slope) {
            let message = "`per` goes with `aggregate = \"slope\"` only";
            self.error(Code::WrongKind, node.key_span("per"), message, "take `per` away");
        }
        let per = file.per.as_ref().map(duration);
        self.some_time(per.unwrap_or(Duration::MAX), node, "per");
        let aggregate = match file.aggregate? {
            AggregateFile::Last => return Some(Aggregate::Last),
            AggregateFile::Mean => Aggregate::Mean,
            AggregateFile::Min => Aggregate::Min,
            AggregateFile::Max => Aggregate::Max,
            AggregateFile::P50 => Aggregate::P50,
            AggregateFile::P95 => Aggregate::P95,
            AggregateFile::P99 => Aggregate::P99,
            AggregateFile::Slope => {
                if per.is_none() {
                    let message = "`slope` says how far a number may rise, and nothing says in which time";
                    self.error(Code::MissingKey, span.clone(), message, "add `per`: `per = \"1h\"`");
                }
                Aggregate::Slope(per.unwrap_or(Duration::from_secs(3600)))
            }
        };
        if file.window.is_none() {
            let message = format!(
                "`{}` is made of many numbers, and without a `window` there is one",
                aggregate.word()
            );
            self.error(Code::Impossible, span, message, "add a `window`: `window = \"5m\"`");
            return None;
        }
        if matches!(aggregate, Aggregate::Slope(_)) && file.min_samples.is_some_and(|least| least < 2) {
            let message = "one number has no slope";
            self.error(Code::Impossible, node.at("min_samples").span.clone(), message, "ask for 2 or more");
        }
        Some(aggregate)
    }

    /// So many numbers must fit into the window, and no more than can be gone through each time.
    fn fits(&mut self, window: Duration, least: u32, node: &Node, reading: Reading, beside: &Beside) {
        let samples = window.as_millis() / beside.period.as_millis().max(1);
        // A rate is made of two looks.
        let numbers = samples.saturating_sub(u128::from(reading == Reading::Rate));
        let span = node.at("window").span.clone();
        if u128::from(least) > numbers {
            let message = format!(
                "in that time there are {numbers} numbers at most, one every {}, so there can never be {least}",
                humantime::format_duration(beside.period)
            );
            let help = "make `window` longer, `min_samples` smaller, or the check's `period` shorter";
            self.error(Code::Impossible, span, message, help);
        } else if samples > MOST_IN_A_WINDOW {
            let message =
                format!("that makes {samples} numbers, and a window holds {MOST_IN_A_WINDOW} at most");
            let help = "make the check's `period` longer, or `window` shorter";
            self.error(Code::Impossible, span, message, help);
        }
    }

    /// A step that measures the old system.
    pub fn baseline(&mut self, file: BaselineFile, node: &Node) -> Action {
        let checks = self.checks(file.checks, node.at("checks"), Counts::Must);
        for (index, id) in checks.iter().enumerate() {
            if !self.is_metric(id) {
                let message = format!("`{id}` is no `metric` check, so there is no number to keep of it");
                let help = "name checks with the key `metric`";
                self.error(Code::WrongKind, node.at("checks").item(index).span.clone(), message, help);
            }
        }
        let window = duration(&file.window);
        self.some_time(window, node, "window");
        if !window.is_zero() {
            checks.iter().for_each(|id| self.is_measured_in(id, window, node));
        }
        let name = &file.name.0;
        if self.names.baselines.iter().filter(|known| known.name == *name).count() > 1 {
            let message =
                format!("several steps take the baseline `{name}`, so that it is not said which is meant");
            self.error(
                Code::NameTaken,
                node.at("name").span.clone(),
                message,
                "call one of them something else",
            );
        }
        Action::Baseline { name: file.name.0, checks, window }
    }

    /// A baseline's time must be long enough for its checks.
    fn is_measured_in(&mut self, id: &CheckId, window: Duration, node: &Node) {
        let Some((period, least)) = self.rhythm_of(id) else { return };
        let most = window.as_millis() / period.as_millis().max(1);
        if u128::from(least) > most {
            let message = format!(
                "in that time `{id}` is read {most} times at most, one every {}, and {least} are the least",
                humantime::format_duration(period)
            );
            let help = "make `window` longer, or the check's `period` shorter";
            self.error(Code::Impossible, node.at("window").span.clone(), message, help);
        }
    }

    /// What takes several looks to tell cannot be told by the one of an `assert`.
    pub fn told_by_one_look(&mut self, checks: &[CheckId], node: &Node) {
        for (index, id) in checks.iter().enumerate() {
            if self.takes_many_looks(id) {
                let message = format!("one look at `{id}` tells nothing: it takes several");
                let help = "use `await`, which waits until it is green";
                self.error(Code::Impossible, node.item(index).span.clone(), message, help);
            }
        }
    }
}

/// Gives each `latency` the rhythm of the check that it follows.
pub fn follow(runbook: &mut Runbook) {
    let rhythms: Vec<_> =
        runbook.checks.values().map(|check| (check.id.clone(), check.period, check.timeout)).collect();
    for check in runbook.checks.values_mut() {
        let Probe::Metric(metric) = &check.probe else { continue };
        let MetricSource::Latency(of) = &metric.source else { continue };
        if let Some((_, period, timeout)) = rhythms.iter().find(|(id, ..)| id == of) {
            (check.period, check.timeout) = (*period, *timeout);
        }
    }
}

/// How often a metric is polled where the runbook does not say: so that twice as many numbers as it needs fit into its
/// window, and that a few that are missing do no harm.
pub fn own_period(file: &CheckFile) -> Duration {
    const USUAL: Duration = Duration::from_secs(10);
    let expect = file
        .expect
        .as_ref()
        .and_then(|expect| serde_json::from_value::<MetricExpectFile>(expect.0.clone()).ok());
    let Some((window, least)) = expect.and_then(|expect| {
        Some((duration(&expect.window?), expect.min_samples.unwrap_or(IN_A_WINDOW).max(1)))
    }) else {
        return USUAL;
    };
    (window / (2 * least)).clamp(SHORTEST, USUAL)
}

/// So many looks a baseline of a metric takes at least.
pub fn looks_to_measure(file: &CheckFile) -> u32 {
    let Some(metric) = &file.metric else { return 0 };
    let least = file.expect.as_ref().and_then(|expect| expect.0.get("min_samples")?.as_u64());
    let least = least.and_then(|least| u32::try_from(least).ok()).unwrap_or(0).max(IN_A_WINDOW);
    least + u32::from(matches!(metric.reading, Some(ReadingFile::Rate)))
}

/// Whether one look is enough to judge a metric.
pub fn is_told_by_one_look(file: &MetricFile, expect: Option<&serde_json::Value>) -> bool {
    let has = |key| expect.and_then(|expect| expect.get(key)).is_some();
    let plain = matches!(file.reading, None | Some(ReadingFile::Value)) && file.latency.is_none();
    plain && !has("window")
}
