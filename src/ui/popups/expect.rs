//! What a step or a check must show before it is green, in the words of an operator, a phrase each.

use std::time::Duration;

use crate::runbook::model::{
    Action, Bound, FileExpect, HttpExpect, Probe, ProcessExpect, Rule, RunExpect, Sha256Expect, TextExpect,
};
use crate::ui::format::{about, bytes, ms};

/// What an action is proven by; empty where the action itself says it all.
pub fn action(action: &Action) -> Vec<String> {
    match action {
        Action::Run { expect, .. } => run(expect),
        Action::Request { expect, .. } => http(expect),
        Action::Start { ready, min_uptime, .. } => {
            let mut phrases = vec![format!("it is up for {}", span(*min_uptime))];
            phrases.extend(ready.iter().map(|check| format!("{check} is green")));
            phrases
        }
        Action::Signal { expect, .. } => {
            let mut phrases = Vec::new();
            if let Some(log) = &expect.log {
                let patterns = log.matches.iter().map(|p| format!("/{}/", p.0.as_str()));
                let patterns = patterns.collect::<Vec<_>>().join(", ");
                phrases.push(format!("{} then says {patterns}", log.path.as_str()));
            }
            phrases.extend(expect.gone_within.map(|within| format!("it is gone within {}", span(within))));
            if !expect.exit.is_empty() {
                phrases.push(format!("its exit is {}", any_of(&expect.exit)));
            }
            phrases
        }
        Action::Confirm { role: Some(role), .. } => vec![format!("answered for {role}")],
        _ => Vec::new(),
    }
}

/// What a check must see.
pub fn probe(probe: &Probe) -> Vec<String> {
    match probe {
        Probe::Http { expect, .. } => http(expect),
        Probe::Tcp { expect, .. } => {
            let mut phrases =
                vec![if expect.open { "the port is open" } else { "the port is closed" }.to_owned()];
            phrases.extend(expect.max_latency.map(|max| format!("within {}", span(max))));
            text("banner", &expect.text, &mut phrases);
            phrases
        }
        Probe::Process { expect, .. } => process(expect),
        Probe::File { expect, .. } => file(expect),
        Probe::Command { expect, .. } => run(expect),
        Probe::Any(checks) => {
            vec![format!(
                "one of {} is green",
                checks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            )]
        }
    }
}

fn run(expect: &RunExpect) -> Vec<String> {
    let exit = if expect.exit.is_empty() { "0".to_owned() } else { any_of(&expect.exit) };
    let mut phrases = vec![format!("exit {exit}")];
    text("output", &expect.text, &mut phrases);
    text("stdout", &expect.stdout, &mut phrases);
    text("stderr", &expect.stderr, &mut phrases);
    for report in &expect.report {
        phrases.push(format!("{} is written by this attempt", report.path.as_str()));
        text(report.path.as_str(), &report.text, &mut phrases);
    }
    phrases
}

fn http(expect: &HttpExpect) -> Vec<String> {
    let status = if expect.status.is_empty() { "200 to 299".to_owned() } else { any_of(&expect.status) };
    let mut phrases = vec![format!("status {status}")];
    phrases.extend(expect.header.iter().map(|(name, p)| format!("header {name} matches /{}/", p.0.as_str())));
    phrases.extend(expect.max_latency.map(|max| format!("within {}", span(max))));
    text("body", &expect.text, &mut phrases);
    phrases
}

fn process(expect: &ProcessExpect) -> Vec<String> {
    let mut phrases = vec![if expect.running { "it runs" } else { "it is gone" }.to_owned()];
    phrases.extend(expect.count.map(|n| format!("{n} of them")));
    phrases.extend(expect.max_rss.map(|max| format!("rss at most {}", bytes(max))));
    phrases.extend(expect.max_cpu.map(|max| format!("cpu at most {max}%")));
    phrases
}

fn file(expect: &FileExpect) -> Vec<String> {
    let mut phrases = vec![if expect.exists { "it exists" } else { "it does not exist" }.to_owned()];
    phrases.extend(expect.executable.map(|yes| if yes { "executable" } else { "not executable" }.to_owned()));
    phrases.extend(expect.sha256.as_ref().map(|sha256| match sha256 {
        Sha256Expect::Hex(hex) => format!("sha256 {}", hex.as_str()),
        Sha256Expect::InJson { file, pointer } => format!("sha256 as at {pointer} of {}", file.as_str()),
    }));
    phrases.extend(expect.sha256sums.as_ref().map(|sums| format!("sha256 as in {}", sums.as_str())));
    phrases.extend(expect.max_age.map(|max| format!("at most {} old", span(max))));
    text("text", &expect.text, &mut phrases);
    phrases
}

fn text(name: &str, expect: &TextExpect, phrases: &mut Vec<String>) {
    phrases.extend(expect.matches.iter().map(|p| format!("{name} matches /{}/", p.0.as_str())));
    phrases.extend(expect.not_matches.iter().map(|p| format!("{name} has no match of /{}/", p.0.as_str())));
    if let Some(count) = &expect.count {
        let bounds = match (count.min, count.max) {
            (Some(min), Some(max)) => format!("{min} to {max} times"),
            (Some(min), None) => format!("at least {min} times"),
            (None, Some(max)) => format!("at most {max} times"),
            (None, None) => "any number of times".to_owned(),
        };
        phrases.push(format!("{name} matches /{}/ {bounds}", count.pattern.0.as_str()));
    }
    phrases.extend(
        expect.json.iter().map(|(pointer, rule)| format!("{pointer} of {name} {}", self::rule(rule))),
    );
}

fn rule(rule: &Rule) -> String {
    let mut words = Vec::new();
    words.extend(rule.equals.as_ref().map(|value| format!("is {value}")));
    words.extend(rule.matches.as_ref().map(|p| format!("matches /{}/", p.0.as_str())));
    words.extend(rule.min.as_ref().map(|min| format!("is at least {}", bound(min))));
    words.extend(rule.max.as_ref().map(|max| format!("is at most {}", bound(max))));
    words.extend(rule.exists.map(|yes| if yes { "is there" } else { "is not there" }.to_owned()));
    words.extend(rule.len.as_ref().map(|len| format!("has a length that {}", self::rule(len))));
    words.join(" and ")
}

fn bound(bound: &Bound) -> String {
    match bound {
        Bound::Constant(n) => n.to_string(),
        Bound::At { pointer, times, plus } => {
            let times =
                if (times - 1.0).abs() < f64::EPSILON { String::new() } else { format!("{times} × ") };
            let plus = if plus.abs() < f64::EPSILON { String::new() } else { format!(" + {plus}") };
            format!("{times}{pointer}{plus}")
        }
    }
}

fn any_of<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

fn span(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{}ms", duration.as_millis())
    } else {
        about(ms(duration))
    }
}
