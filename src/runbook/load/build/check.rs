//! `[check.NAME]` into the model.

use std::time::Duration;

use super::expect::{dns_expect, keys};
use super::metric::{Beside, own_period};
use super::names::Counts;
use super::{Build, duration_or, pattern, template, templates, text};
use crate::runbook::codes::Code;
use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::file::check::{CheckFile, ProcessFile};
use crate::runbook::file::values::{CommandFile, OneOrMany, Template as TemplateText, TextOrNumber};
use crate::runbook::id::CheckId;
use crate::runbook::load::circles::circles;
use crate::runbook::load::tree::Node;
use crate::runbook::model::{Check, Command, DnsQuery, MaxDuration, Probe, ProcessSelect, Runbook, Template};

impl Build<'_> {
    /// One check; `None` where nothing says what it looks at, which was reported.
    pub fn check(&mut self, name: &str, mut file: CheckFile, node: &Node) -> Option<Check> {
        let applies = self.applies(file.when.take(), node);
        let period = self.period_of(name).unwrap_or_else(|| period(&file));
        let timeout = duration_or(file.timeout.as_ref(), 3);
        self.some_time(period, node, "period");
        self.some_time(timeout, node, "timeout");
        if file.timeout.is_some() && timeout > period {
            let message = "one sample may take longer than the time between two, so samples will be missed";
            self.findings.about(
                Diagnostic::new(Code::Hasty, node.at("timeout").span.clone(), message)
                    .help("make `period` longer, or `timeout` shorter"),
            );
        }
        let unit = text(file.unit.take());
        let beside = Beside { name, unit: unit.as_deref(), period };
        let title = text(file.title.take()).unwrap_or_else(|| name.to_owned());
        let (initial_delay, advisory) = (duration_or(file.initial_delay.as_ref(), 0), file.advisory);
        let (bad, good) = (file.failure_threshold.unwrap_or(3), file.success_threshold.unwrap_or(1));
        let probe = self.probe(file, node, &beside)?;
        Some(Check {
            id: CheckId::from(name),
            title,
            applies,
            probe,
            period,
            timeout,
            initial_delay,
            failure_threshold: bad,
            success_threshold: good,
            unit,
            advisory,
        })
    }

    /// A duration that must not be zero.
    pub fn some_time(&mut self, duration: Duration, node: &Node, key: &str) {
        if duration.is_zero() && node.get(key).is_some() {
            let message = format!("`{key}` is no time at all");
            self.error(Code::Impossible, node.at(key).span.clone(), message, "write a longer duration");
        }
    }

    fn probe(&mut self, file: CheckFile, node: &Node, beside: &Beside) -> Option<Probe> {
        let at = node.at("expect");
        let expect = file.expect.map(|expect| expect.0);
        Some(if let Some(http) = file.http {
            Probe::Http {
                target: self.http_target(http, node.at("http")),
                expect: self.http_expect(keys(expect), at),
            }
        } else if let Some(address) = file.tcp {
            Probe::Tcp { address: Template(address.0), expect: self.tcp_expect(keys(expect), at) }
        } else if let Some(dns) = file.dns {
            self.not_blank(&dns.name.0, node.at("dns").at("name"));
            let query = DnsQuery {
                name: template(dns.name),
                record: dns.record.unwrap_or_default(),
                server: dns.server.map(|server| Template(server.0)),
            };
            Probe::Dns { query, expect: dns_expect(keys(expect)) }
        } else if let Some(select) = file.process {
            Probe::Process {
                select: self.select(select, node.at("process")),
                expect: self.process_expect(keys(expect), at),
            }
        } else if let Some(paths) = file.file {
            Probe::File {
                paths: self.paths(paths, node.at("file")),
                expect: self.file_expect(keys(expect), at),
            }
        } else if let Some(command) = file.command {
            let expect = self.run_expect(keys(expect), at);
            if matches!(expect.max_duration, Some(MaxDuration::OfStep { .. })) {
                let message = "a check is held against no step: it may look before that has run";
                self.error(Code::WrongKind, at.at("max_duration").span.clone(), message, "give a time");
            }
            Probe::Command { command: command_line(command), expect }
        } else if let Some(metric) = file.metric {
            self.metric(metric, keys(expect), node, beside)?
        } else {
            Probe::Any(self.checks(file.any?, node.at("any"), Counts::Must))
        })
    }

    fn not_blank(&mut self, name: &str, node: &Node) {
        if name.trim().is_empty() {
            self.error(Code::EmptyText, node.span.clone(), "the name is empty", "say which one is meant");
        }
    }

    fn paths(&mut self, paths: OneOrMany<TemplateText>, node: &Node) -> Vec<Template> {
        let paths = templates(paths.into_vec());
        if paths.is_empty() {
            self.error(Code::Empty, node.span.clone(), "no file is named", "name at least one");
        }
        for (index, _) in paths.iter().enumerate().filter(|(_, path)| path.0.is_empty()) {
            self.error(
                Code::EmptyText,
                node.item(index).span.clone(),
                "the path is empty",
                "say which file is meant",
            );
        }
        paths
    }

    fn select(&mut self, file: ProcessFile, node: &Node) -> ProcessSelect {
        let step = file.step.and_then(|step| self.step_of_kind(&step, node.at("step"), None, "start"));
        let select = ProcessSelect {
            name: file.name.map(template),
            cmdline: file.cmdline.map(pattern),
            exe: file.exe.map(template),
            pidfile: file.pidfile.map(template),
            port: file.port.map(|port| match port {
                TextOrNumber::Text(text) => template(text),
                TextOrNumber::Number(number) => Template(number.to_string()),
            }),
            unit: file.unit.map(template),
            user: file.user.map(template),
            step,
        };
        if node.entries().is_empty() {
            let help =
                "give at least one of `name`, `cmdline`, `exe`, `pidfile`, `port`, `unit`, `user`, `step`";
            self.error(Code::Empty, node.span.clone(), "every process would be meant", help);
        }
        if let Some(port) = &select.port
            && !port.0.contains("${{")
            && !port.0.parse::<u16>().is_ok_and(|port| port > 0)
        {
            let message = format!("`{}` is not a port", port.0);
            self.error(Code::BadAddress, node.at("port").span.clone(), message, "ports are 1 to 65535");
        }
        select
    }

    /// Checks made of checks must not be made of themselves.
    pub fn any_circles(&mut self, runbook: &Runbook) {
        let members = |check: &Check| {
            check.probe.lives_on().iter().filter_map(|id| runbook.checks.get_index_of(id)).collect()
        };
        let edges: Vec<Vec<usize>> = runbook.checks.values().map(members).collect();
        for (start, back) in circles(&edges) {
            let (start, back) = (&runbook.checks[start].id, &runbook.checks[back].id);
            let node = self.root.at("check").at(start.as_str()).at("any");
            let message = format!("`{start}` is green while `{back}` is, and the other way round");
            self.error(Code::Cycle, node.span.clone(), message, "take one of them out of `any`");
        }
    }
}

/// A command line of either form.
pub fn command_line(file: CommandFile) -> Command {
    match file {
        CommandFile::Argv(argv) => Command::Argv(templates(argv)),
        CommandFile::Shell(line) => Command::Shell(Template(line.0)),
    }
}

/// How often a check is polled that does not follow another.
pub fn period(file: &CheckFile) -> Duration {
    match (&file.period, &file.metric) {
        (None, Some(_)) => own_period(file),
        (period, _) => duration_or(period.as_ref(), if file.process.is_some() { 2 } else { 10 }),
    }
}
