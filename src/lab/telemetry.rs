//! What a service says of itself: text with tabs, JSON, and what Prometheus reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::service::{Service, json_answer};
use crate::clock;

fn counters(service: &Service) -> [(&'static str, u64); 7] {
    [
        ("uptime", service.born.elapsed().as_secs()),
        ("total_requests", service.requests.load(Ordering::Relaxed)),
        ("successful_requests", service.successful.load(Ordering::Relaxed)),
        ("forward_failed", service.forward_failed.load(Ordering::Relaxed)),
        ("accepted", service.api.accepted()),
        ("queue_depth", service.api.queue()),
        ("pid", u64::from(std::process::id())),
    ]
}

/// Reads one `--stat`.
pub fn stat(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a stat is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Every line in its order; what was set by a fault stands in the place of what would be said.
fn lines(service: &Service) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = vec![
        ("name".to_owned(), service.args.name.clone()),
        ("version".to_owned(), service.args.version.clone()),
    ];
    lines.extend(counters(service).map(|(key, value)| (key.to_owned(), value.to_string())));
    lines.extend(service.args.stat.iter().map(|(key, value)| match value.as_str() {
        "now" => (key.clone(), clock::now().at.timestamp().to_string()),
        value => (key.clone(), value.to_owned()),
    }));
    for (key, value) in &service.faults().set {
        match lines.iter_mut().find(|(known, _)| known == key) {
            Some(line) => line.1.clone_from(value),
            None => lines.push((key.clone(), value.clone())),
        }
    }
    lines
}

/// `/stats`: a line for each key, with a tab.
pub async fn stats(State(service): State<Arc<Service>>) -> String {
    lines(&service).into_iter().map(|(key, value)| format!("{key}\t{value}\n")).collect()
}

/// `/stats.json`: the same, with how long requests took and how much memory is in use. What is not known is `null`.
pub async fn json(State(service): State<Arc<Service>>) -> Response {
    let mut object = Map::new();
    for (key, share) in [("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)] {
        object.insert(key.to_owned(), service.api.percentile(share).into());
    }
    object.insert("rssKiB".to_owned(), rss_kib().into());
    for (key, value) in lines(&service) {
        // A number, `true` or `null` is what it looks like; anything else is a string.
        object.insert(key, serde_json::from_str(&value).unwrap_or(Value::String(value)));
    }
    json_answer(StatusCode::OK, &Value::Object(object))
}

/// Of this process; known on Linux only.
fn rss_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// `/metrics`, as Prometheus reads it.
pub async fn metrics(State(service): State<Arc<Service>>) -> String {
    let mut text = String::new();
    for (key, value) in counters(&service) {
        text.push_str(&format!(
            "# TYPE lab_{key} gauge\nlab_{key}{{name=\"{}\"}} {value}\n",
            service.args.name
        ));
    }
    text
}
