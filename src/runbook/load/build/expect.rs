//! What must be observed: matchers out of the keys of `expect`, refusing what nothing could meet.

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{Build, duration, pattern, size, template, templates};
use crate::runbook::codes::Code;
use crate::runbook::file::dns::DnsExpectFile;
use crate::runbook::file::matchers::{
    AtFile, BoundFile, CountFile, FileExpectFile, HttpExpectFile, MaxDurationFile, OfStepFile,
    ProcessExpectFile, ReportFile, RuleFile, RuleTable, RunExpectFile, Sha256File, SignalExpectFile,
    TcpExpectFile, TextFile,
};
use crate::runbook::file::values::OneOrMany;
use crate::runbook::load::tree::Node;
use crate::runbook::model::{
    Bound, CountExpect, DnsExpect, FileExpect, HttpExpect, LogExpect, MaxDuration, MaxRestarts,
    ProcessExpect, ReportExpect, Rule, RunExpect, Sha256Expect, SignalExpect, TcpExpect, Template,
    TextExpect,
};

/// The keys of one kind; what they are was judged before, by the schema of that kind.
pub fn keys<T: DeserializeOwned + Default>(expect: Option<Json>) -> T {
    expect.and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default()
}

impl Build<'_> {
    pub fn text_expect(&mut self, file: TextFile, node: &Node) -> TextExpect {
        let secrets_absent = file.secrets_absent.unwrap_or(false);
        if secrets_absent && self.root.get("secret").is_none() {
            let message = "the runbook has no secret, so that none could be found anywhere";
            let help = "name it in a `[secret.NAME]`, also where nothing of the runbook uses it";
            self.error(Code::Impossible, node.at("secrets_absent").span.clone(), message, help);
        }
        TextExpect {
            secrets_absent,
            matches: file.matches.into_iter().map(pattern).collect(),
            not_matches: file.not_matches.into_iter().map(pattern).collect(),
            count: file.count.map(|count| self.count(count, node.at("count"))),
            json: self.rules(file.json, node.at("json")),
        }
    }

    fn count(&mut self, file: CountFile, node: &Node) -> CountExpect {
        match (file.min, file.max) {
            (None, None) => {
                let message = "any count would do: there is neither `min` nor `max`";
                self.error(Code::Empty, node.span.clone(), message, "say how many there must be");
            }
            (Some(min), Some(max)) if min > max => self.min_above_max(node),
            _ => {}
        }
        CountExpect { pattern: pattern(file.pattern), min: file.min, max: file.max }
    }

    pub fn min_above_max(&mut self, node: &Node) {
        let message = "`min` is above `max`, which nothing can meet";
        self.error(Code::Impossible, node.at("min").span.clone(), message, "exchange them");
    }

    fn rules(&mut self, rules: IndexMap<String, RuleFile>, node: &Node) -> IndexMap<String, Rule> {
        rules
            .into_iter()
            .map(|(pointer, rule)| {
                let rule = self.rule(rule, node.at(&pointer));
                (pointer, rule)
            })
            .collect()
    }

    fn rule(&mut self, file: RuleFile, node: &Node) -> Rule {
        let table = match file {
            RuleFile::Equals(value) => return Rule { equals: Some(value.0), ..Rule::default() },
            RuleFile::Limits(table) => *table,
        };
        let RuleTable { equals, matches, min, max, exists, len } = table;
        let rule = Rule {
            equals: equals.map(|value| value.0),
            matches: matches.map(pattern),
            min: min.map(bound),
            max: max.map(bound),
            exists,
            len: len.map(|len| Box::new(self.rule(len, node.at("len")))),
        };
        if node.entries().is_empty() {
            let help = "say `equals`, `matches`, `min`, `max`, `exists` or `len`";
            self.error(Code::Empty, node.span.clone(), "the rule says nothing, so anything would do", help);
        }
        if let (Some(Bound::Constant(min)), Some(Bound::Constant(max))) = (&rule.min, &rule.max)
            && min > max
        {
            self.min_above_max(node);
        }
        if rule.exists == Some(false) && rule != (Rule { exists: Some(false), ..Rule::default() }) {
            let message = "what must not be there cannot be anything else besides";
            self.error(
                Code::Impossible,
                node.at("exists").span.clone(),
                message,
                "keep `exists = false` alone",
            );
        }
        rule
    }

    pub fn run_expect(&mut self, file: RunExpectFile, node: &Node) -> RunExpect {
        let mut report = Vec::new();
        for (index, file) in file.report.map_or_else(Vec::new, OneOrMany::into_vec).into_iter().enumerate() {
            let ReportFile { path, dated, text } = file;
            let text = self.text_expect(text, node.at("report").item(index));
            report.push(ReportExpect { path: template(path), dated: dated.map(|pointer| pointer.0), text });
        }
        RunExpect {
            exit: file.exit.unwrap_or_else(|| vec![0]),
            text: self.text_expect(file.text, node),
            stdout: self.text_expect(file.stdout.unwrap_or_default(), node.at("stdout")),
            stderr: self.text_expect(file.stderr.unwrap_or_default(), node.at("stderr")),
            report,
            max_duration: file.max_duration.and_then(|most| self.max_duration(most, node.at("max_duration"))),
        }
    }

    fn max_duration(&mut self, file: MaxDurationFile, node: &Node) -> Option<MaxDuration> {
        match file {
            MaxDurationFile::Time(time) => Some(MaxDuration::Time(duration(&time))),
            MaxDurationFile::OfStep(OfStepFile { step, times, plus }) => Some(MaxDuration::OfStep {
                step: self.any_step(&step, node.at("step"))?,
                times: times.unwrap_or(1.0),
                plus: plus.as_ref().map(duration).unwrap_or_default(),
            }),
        }
    }

    pub fn http_expect(&mut self, file: HttpExpectFile, node: &Node) -> HttpExpect {
        HttpExpect {
            status: file.status.unwrap_or_default(),
            header: file.header.into_iter().map(|(name, value)| (name, pattern(value))).collect(),
            max_latency: file.max_latency.as_ref().map(duration),
            text: self.text_expect(file.text, node),
        }
    }

    pub fn tcp_expect(&mut self, file: TcpExpectFile, node: &Node) -> TcpExpect {
        let text = self.text_expect(file.text, node);
        let open = file.open.unwrap_or(true);
        if !open && (file.max_latency.is_some() || text != TextExpect::default()) {
            self.nothing_besides("open", node);
        }
        TcpExpect { open, max_latency: file.max_latency.as_ref().map(duration), text }
    }

    pub fn process_expect(&mut self, file: ProcessExpectFile, node: &Node) -> ProcessExpect {
        let running = file.running.unwrap_or(true);
        let limits = file.max_rss.is_some()
            || file.max_cpu.is_some()
            || file.max_restarts.is_some()
            || !file.env.is_empty();
        if !running && (limits || file.count.is_some_and(|count| count > 0)) {
            self.nothing_besides("running", node);
        }
        if running && file.count == Some(0) {
            let message = "no process is `running = false`";
            self.error(Code::Impossible, node.at("count").span.clone(), message, "write `running = false`");
        }
        ProcessExpect {
            running,
            count: file.count,
            max_rss: file.max_rss.as_ref().map(size),
            max_cpu: file.max_cpu,
            max_restarts: file
                .max_restarts
                .map(|most| MaxRestarts { count: most.count, within: duration(&most.within) }),
            env: self.rules(file.env, node.at("env")),
        }
    }

    pub fn file_expect(&mut self, file: FileExpectFile, node: &Node) -> FileExpect {
        let expect = FileExpect {
            exists: file.exists.unwrap_or(true),
            executable: file.executable,
            sha256: file.sha256.map(|sha256| match sha256 {
                Sha256File::Hex(hex) => Sha256Expect::Hex(Template(hex.0)),
                Sha256File::InJson(at) => {
                    Sha256Expect::InJson { file: template(at.file), pointer: at.json.0 }
                }
            }),
            sha256sums: file.sha256sums.map(template),
            max_age: file.max_age.as_ref().map(duration),
            text: self.text_expect(file.text, node),
        };
        let nothing = FileExpect {
            exists: false,
            executable: None,
            sha256: None,
            sha256sums: None,
            max_age: None,
            text: TextExpect::default(),
        };
        if !expect.exists && expect != nothing {
            self.nothing_besides("exists", node);
        }
        expect
    }

    fn nothing_besides(&mut self, key: &str, node: &Node) {
        let message =
            format!("with `{key} = false` there is nothing to look at, so the other keys cannot be met");
        self.error(
            Code::Impossible,
            node.at(key).span.clone(),
            message,
            format!("keep `{key} = false` alone"),
        );
    }
}

/// What a signal must lead to.
/// What a name server must answer.
pub fn dns_expect(file: DnsExpectFile) -> DnsExpect {
    DnsExpect {
        values: templates(file.values.unwrap_or_default()),
        includes: templates(file.includes.unwrap_or_default()),
        max_ttl: file.max_ttl.as_ref().map(duration),
    }
}

pub fn signal_expect(file: SignalExpectFile) -> SignalExpect {
    SignalExpect {
        log: file.log.map(|log| LogExpect {
            path: template(log.path),
            matches: log.matches.into_iter().map(pattern).collect(),
        }),
        gone_within: file.gone_within.as_ref().map(duration),
        exit: file.exit.unwrap_or_default(),
    }
}

fn bound(file: BoundFile) -> Bound {
    match file {
        BoundFile::Constant(value) => Bound::Constant(value),
        BoundFile::At(AtFile { at, times, plus }) => {
            Bound::At { pointer: at.0, times: times.unwrap_or(1.0), plus: plus.unwrap_or(0.0) }
        }
    }
}
